//! Which members are asked. In: Clusters, Secrets and Placements as the cache has them. Out: members, and words about those
//! that are left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::metadata::ConditionStatus;
use api::well_known::{CLUSTER_LABEL, GROUP, SYSTEM_NAMESPACE};
use api::{Cluster, Placement};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use machinery::select::LabelSelector;
use serde_json::Value;

use super::Member;
use crate::cache::CachedObject;
use crate::http::Ask;
use crate::server::Shared;
use crate::store::KindKey;

/// Members to ask, and what is to be said of the others.
#[derive(Debug, Default)]
pub(super) struct Circle {
    pub(super) members: Vec<Member>,
    pub(super) warnings: Vec<String>,
}

/// The object that the hub itself holds under the name of a request.
pub(super) fn held(ask: &Ask) -> Option<Arc<CachedObject>> {
    let objects = ask.server.engine.cache_of(&ask.kind);
    objects.get(&ask.path.namespace, &ask.path.name)
}

/// The members that a request is about: of a namespace those that something of it is placed in, else all. `labels` may choose
/// among them.
pub(super) fn of(ask: &Ask, labels: &LabelSelector) -> Circle {
    let mut circle = Circle::default();
    let namespace = ask.path.namespace.as_str();
    if !namespace.is_empty() && !is_read_through(&ask.server, namespace) {
        return circle;
    }
    let named = (!namespace.is_empty()).then(|| ask.server.streams.placed_in(namespace));
    for member in all(&ask.server) {
        let name = member.name().to_owned();
        let label = BTreeMap::from([(CLUSTER_LABEL.to_owned(), name.clone())]);
        if named.as_ref().is_some_and(|named| !named.contains(&*name)) || !labels.matches(&label) {
            continue;
        }
        if member.cluster.manageable() == ConditionStatus::True {
            circle.members.push(member);
        } else {
            let what = &ask.kind.plural;
            circle
                .warnings
                .push(format!("cluster {name} is not ready: its {what} are not shown"));
        }
    }
    circle
}

/// Whether members are asked about a namespace: those of the hub, but not the ones that each cluster has for itself.
pub(super) fn is_read_through(server: &Shared, namespace: &str) -> bool {
    let own = namespace == SYSTEM_NAMESPACE || namespace.starts_with("kube-");
    !own && kind(server, "", "namespaces").get("", namespace).is_some()
}

/// Whether the federation has a member.
pub(super) fn is_anybody_there(server: &Shared) -> bool {
    !kind(server, GROUP, "clusters").snapshot().is_empty()
}

/// All members that are there, by name.
fn all(server: &Shared) -> Vec<Member> {
    let clusters = kind(server, GROUP, "clusters").snapshot();
    clusters.iter().filter_map(|object| member(server, object)).collect()
}

/// The member of a name.
pub(super) fn named(server: &Shared, cluster: &str) -> Option<Member> {
    let found = kind(server, GROUP, "clusters").get("", cluster)?;
    member(server, &found)
}

fn member(server: &Shared, object: &CachedObject) -> Option<Member> {
    let cluster: Cluster = read(object)?;
    let data = cluster.spec.secret_ref.as_ref().and_then(|at| {
        let secret = kind(server, "", "secrets").get(&at.namespace, &at.name)?;
        secret.value().get("data").and_then(Value::as_object).cloned()
    });
    let secret = data
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key, STANDARD.decode(value.as_str()?).ok()?)))
        .collect();
    Some(Member { cluster, secret })
}

/// The clusters of the Placement of one object.
pub(super) fn clusters_of(server: &Shared, namespace: &str, placement: &str) -> Vec<String> {
    let found = kind(server, GROUP, "placements").get(namespace, placement);
    let placement = found.and_then(|object| read::<Placement>(&object));
    let clusters = placement.into_iter().flat_map(|placement| placement.spec.clusters);
    clusters.map(|target| target.name).collect()
}

fn kind(server: &Shared, group: &str, plural: &str) -> Arc<crate::cache::KindCache> {
    server.engine.durable.cache.kind(&KindKey::new(group, plural))
}

/// An object of ours that cannot be read is as good as none here; its controller says what is wrong with it.
fn read<T: serde::de::DeserializeOwned>(object: &CachedObject) -> Option<T> {
    match serde_json::from_slice(&object.bytes) {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!(%error, name = %object.key.name, "an object of ours cannot be read");
            None
        }
    }
}
