//! Writes to members after a restart of the hub: versions of what it manages there, before and after.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Failure, Federation};
use kube::Api;
use kube::api::{DynamicObject, ListParams};

use crate::members::Members;
use crate::objects;

/// How long after the restart writes are looked for.
const LOOK_FOR: Duration = Duration::from_secs(20);

/// How many of the writes are shown.
const SHOWN: usize = 5;

/// Prints the figure.
pub(crate) async fn run(federation: &mut Federation, members: &Members) -> Result<(), Failure> {
    let before = versions(members).await?;
    federation.stop()?;
    let began = Instant::now();
    federation.restart()?;
    let up = began.elapsed();
    federation.kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])?;
    let until = Instant::now() + LOOK_FOR;
    let mut writes = Vec::new();
    while Instant::now() < until {
        let after = versions(members).await?;
        writes = after
            .iter()
            .filter(|(name, version)| before.get(*name) != Some(version))
            .map(|(name, version)| format!("{name}: {:?} -> {version}", before.get(name)))
            .collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    println!("### Restart of the hub with {} objects in the members\n", before.len());
    println!(
        "Ready after {:.1} s; objects in members that were written to afterwards: {}\n",
        up.as_secs_f64(),
        writes.len()
    );
    for write in writes.iter().take(SHOWN) {
        println!("- {write}");
    }
    Ok(())
}

/// What only a write by a user or by Meridian changes: the generation, the uid and our own annotations. The member's own
/// controllers write status and `deployment.kubernetes.io/revision` whenever they get to it.
async fn versions(members: &Members) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for (index, client) in members.clients().await?.into_iter().enumerate() {
        for kind in [objects::deployments(), objects::services()] {
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
            let managed = ListParams::default().labels("federation.meridian.dev/managed=true");
            let list = api
                .list_metadata(&managed)
                .await
                .map_err(|error| Failure::of("list", error))?;
            for object in list {
                let metadata = object.metadata;
                let name = format!("{index} {} {:?}/{:?}", kind.plural, metadata.namespace, metadata.name);
                let mut annotations = metadata.annotations.unwrap_or_default();
                annotations.retain(|key, _| key.starts_with("federation.meridian.dev/"));
                all.insert(
                    name,
                    format!("{:?} {:?} {annotations:?}", metadata.generation, metadata.uid),
                );
            }
        }
    }
    Ok(all)
}
