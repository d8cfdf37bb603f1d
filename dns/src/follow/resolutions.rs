//! What is answered, told to the hub for the console: one `Resolution` a Service, put when it changes. Best effort: one
//! writer, few requests at once, only the newest state; what fails is put again at the next look.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::ResolutionSpec;
use api::resolution::Candidate;
use api::well_known;
use futures::StreamExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::choose::{Choice, Verdict, verdict};
use crate::snapshot::{CompiledService, ProbeState, Snapshot};
use crate::state::DnsState;

/// Longest request.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// Requests at once.
const AT_ONCE: usize = 4;
/// Everything is compared with the hub this often: it keeps Resolutions in memory and may have lost them.
const COMPARE: Duration = Duration::from_secs(30);
/// Least time between two rounds of puts.
const ROUND: Duration = Duration::from_millis(200);
/// After a round in which something failed.
const RETRY: Duration = Duration::from_secs(2);

type Known = BTreeMap<Arc<str>, ResolutionSpec>;

/// Puts Resolutions until stopped.
pub(crate) async fn run(hub: kube::Client, state: DnsState, stop: CancellationToken) {
    let mut published = state.subscribe();
    let mut known = Known::new();
    let mut compare_at = Instant::now();
    loop {
        let snapshot = state.snapshot();
        let mut wait = COMPARE;
        if snapshot.ready {
            tokio::select! {
                () = stop.cancelled() => return,
                done = round(&hub, &snapshot, &mut known, &mut compare_at) => {
                    if let Err(error) = done {
                        tracing::debug!(%error, "Resolutions could not be put on the hub; they are tried again");
                        wait = RETRY;
                    }
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(Instant::now() + wait) => {}
            changed = published.changed() => if changed.is_err() { return },
        }
    }
}

fn resource() -> ApiResource {
    ApiResource {
        group: well_known::GROUP.into(),
        version: well_known::VERSION.into(),
        api_version: well_known::API_VERSION.into(),
        kind: "Resolution".into(),
        plural: "resolutions".into(),
    }
}

async fn limited<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    timeout(REQUEST_MAX, request)
        .await
        .unwrap_or_else(|elapsed| Err(kube::Error::Service(elapsed.into())))
}

/// Brings the hub to what a snapshot answers. What was put is remembered, so that a round costs what changed.
async fn round(
    hub: &kube::Client,
    snapshot: &Snapshot,
    known: &mut Known,
    compare_at: &mut Instant,
) -> Result<(), kube::Error> {
    if Instant::now() >= *compare_at {
        *known = listed(hub).await?;
        *compare_at = Instant::now() + COMPARE;
    }
    let wanted: Known = snapshot
        .services
        .iter()
        .map(|(key, service)| (key.clone(), spec(snapshot, service)))
        .collect();
    let puts = wanted
        .into_iter()
        .filter(|(key, spec)| known.get(key) != Some(spec))
        .collect::<Vec<_>>();
    let gone: BTreeSet<Arc<str>> = known
        .keys()
        .filter(|key| !snapshot.services.contains_key(*key))
        .cloned()
        .collect();
    let mut failed = None;
    let mut put = futures::stream::iter(puts.into_iter().map(|(key, spec)| async {
        let done = put(hub, &key, &spec).await;
        (key, spec, done)
    }))
    .buffer_unordered(AT_ONCE);
    while let Some((key, spec, done)) = put.next().await {
        match done {
            Ok(()) => drop(known.insert(key, spec)),
            Err(error) => failed = Some(error),
        }
    }
    for key in gone {
        match delete(hub, &key).await {
            Ok(()) => drop(known.remove(&key)),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn listed(hub: &kube::Client) -> Result<Known, kube::Error> {
    let api: Api<DynamicObject> = Api::all_with(hub.clone(), &resource());
    let list = limited(api.list(&ListParams::default())).await?;
    let spec = |object: &DynamicObject| {
        object
            .data
            .get("spec")
            .cloned()
            .and_then(|v| serde_json::from_value(v).ok())
    };
    let key = |object: &DynamicObject| {
        let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
        format!("{}/{}", namespace.unwrap_or_default(), name.unwrap_or_default())
    };
    Ok(list
        .iter()
        .map(|object| (Arc::from(key(object)), spec(object).unwrap_or_default()))
        .collect())
}

fn api_of<'a>(hub: &kube::Client, key: &'a str) -> Option<(Api<DynamicObject>, &'a str)> {
    let (namespace, name) = key.split_once('/')?;
    Some((Api::namespaced_with(hub.clone(), namespace, &resource()), name))
}

/// Replaces, or creates where there is none yet; the version is taken from the hub, so the newest word wins.
async fn put(hub: &kube::Client, key: &str, spec: &ResolutionSpec) -> Result<(), kube::Error> {
    let Some((api, name)) = api_of(hub, key) else {
        return Ok(());
    };
    let mut object = DynamicObject::new(name, &resource());
    object.metadata.namespace = key.split_once('/').map(|(namespace, _)| namespace.to_owned());
    object.data = serde_json::json!({ "spec": spec });
    match limited(api.get_opt(name)).await? {
        Some(current) => {
            object.metadata.resource_version = current.metadata.resource_version;
            limited(api.replace(name, &PostParams::default(), &object))
                .await
                .map(drop)
        }
        None => limited(api.create(&PostParams::default(), &object)).await.map(drop),
    }
}

async fn delete(hub: &kube::Client, key: &str) -> Result<(), kube::Error> {
    let Some((api, name)) = api_of(hub, key) else {
        return Ok(());
    };
    match limited(api.delete(name, &DeleteParams::default())).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

/// What is answered for a Service, as the hub keeps it.
fn spec(snapshot: &Snapshot, service: &CompiledService) -> ResolutionSpec {
    let addresses = |choice: &Choice| -> Vec<IpAddr> {
        let members = choice.groups.iter().flat_map(|group| &group.members);
        members
            .filter_map(|index| service.candidates.get(*index))
            .map(|candidate| candidate.address)
            .collect()
    };
    let answered = |place: usize| -> Vec<String> {
        let Some(choice) = service.choices.get(place) else {
            return Vec::new();
        };
        let mut all: Vec<IpAddr> = addresses(&choice.v4).into_iter().chain(addresses(&choice.v6)).collect();
        all.sort_unstable();
        all.dedup();
        all.iter().map(ToString::to_string).collect()
    };
    let used: BTreeSet<usize> = service
        .usable_v4
        .members
        .iter()
        .chain(&service.usable_v6.members)
        .copied()
        .collect();
    let candidates = service.candidates.iter().enumerate().map(|(index, candidate)| {
        let verdict = verdict(candidate);
        let serving = used.contains(&index);
        let said = candidate.said();
        let reason = if serving && !matches!(verdict, Verdict::Serving | Verdict::SaidUp) {
            format!("{said}; used all the same")
        } else {
            said
        };
        Candidate {
            address: candidate.address.to_string(),
            cluster: candidate.cluster.clone(),
            serving,
            reason,
            probes_fail: candidate.probe == ProbeState::Down,
        }
    });
    ResolutionSpec {
        name: service.name.to_string().trim_end_matches('.').to_owned(),
        regions: snapshot
            .regions
            .iter()
            .enumerate()
            .map(|(i, region)| (region.name.clone(), answered(i + 1)))
            .collect(),
        elsewhere: answered(0),
        candidates: candidates.collect(),
    }
}
