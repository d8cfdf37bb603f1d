//! What a change of clusters makes dirty. In: news of clusters. Out: dirty keys. Absent: decisions.

use ::placement::decide::concerns;
use api::{Cluster, PlacementKey};
use jiff::Timestamp;

use super::{Index, Key, read};
use crate::runtime::shelf::Moved;

impl Index {
    /// Only what a decision may look at counts; pulses and versions do not. A change of one cluster concerns the objects that are
    /// there or might be; one that comes or goes is told in every decision.
    pub(super) fn take_clusters(&mut self, moved: Vec<Moved>) -> Vec<Key> {
        let mut changed: Vec<(Cluster, Cluster)> = Vec::new();
        let (mut others, mut room_moved) = (false, false);
        for Moved { id, new, .. } in moved {
            let at = self
                .clusters
                .binary_search_by(|cluster| cluster.metadata.name().cmp(id.name.as_str()));
            match (at, new) {
                (Ok(at), Some(watched)) => {
                    let (Some(new), Some(place)) = (read::<Cluster>(&watched), self.clusters.get_mut(at)) else {
                        continue;
                    };
                    let old = std::mem::replace(place, new.clone());
                    room_moved |= new.status.capacity != old.status.capacity;
                    others |= new.metadata.uid != old.metadata.uid || is_leaving(&new) != is_leaving(&old);
                    if !weighs_the_same(&new, &old) {
                        changed.push((old, new));
                    }
                }
                (Err(at), Some(watched)) => {
                    if let Some(new) = read::<Cluster>(&watched) {
                        self.clusters.insert(at, new);
                        others = true;
                    }
                }
                (Ok(at), None) => {
                    self.clusters.remove(at);
                    others = true;
                }
                (Err(_), None) => {}
            }
        }
        let leaving = self.clusters.iter().filter(|cluster| is_leaving(cluster));
        let mut dirty: Vec<Key> = leaving.map(|c| Key::Leaving(c.metadata.name().to_owned())).collect();
        if others {
            dirty.extend(self.subjects.keys().cloned().map(Key::Placement));
            dirty.extend(self.placements.keys().cloned().map(Key::Placement));
            return dirty;
        }
        dirty.extend(self.concerned(&changed).map(Key::Placement));
        if room_moved {
            // Room moves nothing by itself; what found none is looked at again.
            let short = self
                .placements
                .iter()
                .filter(|(_, standing)| standing.placement.spec.unplaced_replicas > 0);
            dirty.extend(short.map(|(key, _)| Key::Placement(key.clone())));
        }
        dirty
    }

    /// The objects whose decisions may be others because clusters changed.
    fn concerned(&self, changed: &[(Cluster, Cluster)]) -> impl Iterator<Item = PlacementKey> {
        // Namespaces are where their objects are.
        let federated = self
            .subjects
            .iter()
            .filter(|(_, subject)| subject.federated && subject.kind.kind != "Namespace");
        federated
            .filter(|(key, subject)| {
                let leaders = self.leaders(&subject.facts);
                let inputs = self.inputs(key, subject, &leaders, Timestamp::UNIX_EPOCH);
                changed.iter().any(|(before, after)| concerns(&inputs, before, after))
            })
            .map(|(key, _)| key.clone())
    }
}

pub(super) fn is_leaving(cluster: &Cluster) -> bool {
    cluster.metadata.deletion_timestamp.is_some()
}

fn weighs_the_same(new: &Cluster, old: &Cluster) -> bool {
    new.metadata.uid == old.metadata.uid
        && new.metadata.labels == old.metadata.labels
        && is_leaving(new) == is_leaving(old)
        && new.spec == old.spec
        && new.manageable() == old.manageable()
        && new.failed() == old.failed()
        && new.status.api_enablements == old.status.api_enablements
}
