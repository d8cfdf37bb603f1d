//! What is in a namespace, and asking it to go.
//! In: a namespace. Out: what is left of what. Absent: forcing anything: what has finalizers waits for them.

use std::collections::BTreeMap;

use api::well_known::GROUP;
use kube::api::PropagationPolicy;

use crate::runtime::discovery::{self, DiscoveryError, Served};
use crate::runtime::hub::{Deletion, Hub};
use crate::runtime::kind::PLACEMENT;

/// Kinds of memory, not of intent: they go with what they speak of.
const FORGOTTEN: [&str; 2] = ["Report", "Resolution"];

/// What is left after everything was asked to go.
#[derive(Debug, Default)]
pub(super) struct Emptied {
    /// Something was asked to go that had not been before.
    pub(super) asked: bool,
    /// `deployments.apps has 2 resource instances`.
    pub(super) remaining: Vec<String>,
    /// `example.com/finalizer in 2 resource instances`.
    pub(super) held: Vec<String>,
    /// What could not be asked to go, or not be listed.
    pub(super) failed: Vec<String>,
}

impl Emptied {
    pub(super) fn is_empty(&self) -> bool {
        self.remaining.is_empty() && self.failed.is_empty()
    }
}

fn concerns(served: &Served) -> bool {
    let ours = served.kind.api_version.starts_with(GROUP);
    let memory = ours && FORGOTTEN.contains(&served.kind.kind.as_ref());
    served.namespaced && served.can("list") && served.can("delete") && !memory
}

/// Asks everything in the namespace to go; Placements are only counted.
pub(super) async fn empty(hub: &Hub, namespace: &str) -> Result<Emptied, DiscoveryError> {
    let mut emptied = Emptied::default();
    let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
    for served in discovery::served(hub.client()).await?.into_iter().filter(concerns) {
        let kind = &served.kind;
        let objects = match hub.list(kind, namespace).await {
            Ok(objects) => objects,
            Err(error) if error.is_not_found() => continue,
            Err(error) => {
                emptied.failed.push(error.chain());
                continue;
            }
        };
        let mut left = 0_usize;
        for object in &objects {
            let going = object.is_deleting();
            if going || *kind == PLACEMENT {
                left += 1;
                object
                    .finalizers()
                    .for_each(|name| *finalizers.entry(name.to_owned()).or_default() += 1);
            }
            if going || *kind == PLACEMENT {
                continue;
            }
            emptied.asked = true;
            let what = Deletion {
                uid: object.uid(),
                resource_version: None,
                propagation: PropagationPolicy::Background,
            };
            if let Err(error) = hub.delete(kind, &object.id(), what).await {
                emptied.failed.push(error.chain());
            } else if object.finalizers().next().is_some() {
                left += 1;
                object
                    .finalizers()
                    .for_each(|name| *finalizers.entry(name.to_owned()).or_default() += 1);
            }
        }
        if left > 0 {
            let group = kind
                .api_version
                .split_once('/')
                .map(|(group, _)| format!(".{group}"))
                .unwrap_or_default();
            emptied
                .remaining
                .push(format!("{}{group} has {left} resource instances", kind.plural));
        }
    }
    emptied.held = finalizers
        .into_iter()
        .map(|(name, count)| format!("{name} in {count} resource instances"))
        .collect();
    Ok(emptied)
}
