//! Keeps one Placement for each federated object: the decision, written where it differs from what stands.
//! In: federated objects, policies, clusters, Placements. Out: Placements; Events for what cannot be placed; clusters that
//! may leave because nothing names them any more. Absent: what became of decisions (`aggregation`).

mod apply;
mod desired;
mod index;
mod leaving;

use jiff::Timestamp;

use crate::runtime::drive::{Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::recorder::Recorder;
use index::{Index, Key};

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = kind::federated();
    kinds.extend([kind::PLACEMENT, kind::POLICY, kind::CLUSTER_POLICY, kind::CLUSTER]);
    kinds
}

/// The placement controller.
pub(crate) struct PlacementController {
    hub: Hub,
    recorder: Recorder,
    index: Index,
}

impl PlacementController {
    pub(crate) fn new(hub: Hub, recorder: Recorder) -> Self {
        Self {
            hub,
            recorder,
            index: Index::default(),
        }
    }
}

impl Reconcile for PlacementController {
    type Key = Key;
    const NAME: &'static str = "placement";

    fn observe(&mut self, news: News) -> Vec<Key> {
        self.index.take(news)
    }

    fn look(&mut self, key: &Key) -> Option<Work> {
        match key {
            Key::Placement(key) => {
                let desired = desired::desired(&self.index, key, Timestamp::now())?;
                Some(Box::pin(apply::apply(self.hub.clone(), self.recorder.clone(), desired)))
            }
            Key::Leaving(cluster) => {
                let cluster = leaving::may_go(&self.index, cluster)?;
                Some(Box::pin(leaving::let_go(
                    self.hub.clone(),
                    self.recorder.clone(),
                    cluster,
                )))
            }
        }
    }
}
