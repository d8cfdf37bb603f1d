//! Lets a cluster go that is being removed, once nothing of the federation is in it any more.
//! In: the index, one cluster. Out: its finalizer removed, once the hub itself lists no Placement that names it. Absent: making
//! its copies go; decisions do that, because a leaving cluster is out of every one of them.

use std::sync::Arc;
use std::time::Duration;

use api::Placement;
use api::well_known::UNJOIN_FINALIZER;
use serde_json::json;

use super::index::{Index, clusters_of};
use crate::runtime::drive::Outcome;
use crate::runtime::hub::{Hub, HubError};
use crate::runtime::kind::{CLUSTER, PLACEMENT};
use crate::runtime::recorder::{Mood, Recorder, reference};
use crate::runtime::watched::Watched;

/// The cluster, if it is leaving and no Placement names it.
pub(super) fn may_go(index: &Index, cluster: &str) -> Option<Arc<Watched>> {
    let object = index.cluster_object(cluster)?;
    let held = object.is_deleting() && object.finalizers().any(|f| f == UNJOIN_FINALIZER);
    (held && !index.is_named(cluster)).then(|| object.clone())
}

pub(super) async fn let_go(hub: Hub, recorder: Recorder, cluster: Arc<Watched>) -> Outcome {
    // What was not seen may be there: a cluster that goes too early leaves its copies behind for good.
    match still_named(&hub, &cluster.id().name).await {
        Ok(false) => {}
        Ok(true) => {
            return Outcome::again(Duration::from_secs(1));
        }
        Err(error) => {
            return Outcome::failed(error);
        }
    }
    let rest: Vec<&str> = cluster.finalizers().filter(|name| *name != UNJOIN_FINALIZER).collect();
    let patch = json!({"metadata": {"finalizers": rest, "resourceVersion": cluster.resource_version()}});
    let written = hub.merge(&CLUSTER, &cluster.id(), None, &patch).await;
    if written.is_ok() {
        let message = "Nothing of the federation is left in the cluster; it leaves.".to_owned();
        recorder.note(reference(&cluster), Mood::Normal, "Left", message);
    }
    // The object may be gone with its last finalizer: nothing to learn from the answer.
    match written {
        Ok(_) => Outcome::rest(Duration::ZERO),
        Err(error) if error.is_not_found() => Outcome::rest(Duration::ZERO),
        Err(error) => Outcome::failed(error),
    }
}

/// Whether the hub has a Placement that names the cluster, or one that cannot be read and so may.
async fn still_named(hub: &Hub, cluster: &str) -> Result<bool, HubError> {
    let placements = hub.list(&PLACEMENT, "").await?;
    Ok(placements.iter().any(|object| match object.read::<Placement>() {
        Ok(placement) => clusters_of(&placement).contains(cluster),
        Err(_) => true,
    }))
}
