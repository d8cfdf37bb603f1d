//! What should become of one Placement. In: the index. Out: one [`Desired`], or nothing to do. Sync and total; it reads no
//! clock, the time is an argument, and it asks nobody. Two rules of order live here, because a crash between two writes must not lose a copy in a member:
//! a cluster leaves the decision only after its row stands in the status, and a Placement goes only after the last row went.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::placement::decide::namespace;
use ::placement::decide::{governs, next_expiry};
use ::placement::federated_kinds::is_custom_group;
use ::placement::{Inputs, ailing, decide, decision, moves, rollout};
use api::{PlacementKey, PlacementSpec, PlacementStatus, RolloutState};
use jiff::Timestamp;

use super::index::{Index, Seen, Standing, Subject};
use crate::runtime::kind::{CLUSTER, CLUSTER_POLICY, Kind, POLICY};
use crate::runtime::watched::{Id, Watched};

/// Least time until a key is looked at again for the sake of time alone.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// What is to be done.
pub(super) enum Desired {
    /// A first decision.
    Create {
        key: PlacementKey,
        about: Arc<Watched>,
        spec: Box<PlacementSpec>,
        /// The policies that could have been for it, as they were seen: make sure that these are all, and as they are.
        policies: BTreeSet<Seen>,
    },
    /// Another decision.
    Update {
        standing: Arc<Watched>,
        about: Arc<Watched>,
        before: Box<PlacementSpec>,
        spec: Box<PlacementSpec>,
        /// What seems to be gone, so that the decision differs: make sure first.
        vanished: Vec<(Kind, Id)>,
    },
    /// The object seems to be gone from the hub: make sure, then tell the members.
    Retire {
        standing: Arc<Watched>,
        gone: Gone,
        uid: String,
        spec: Box<PlacementSpec>,
    },
    /// Nothing, until a toleration runs out.
    Wait(Duration),
    /// Every member confirmed: the Placement may go.
    Remove {
        standing: Arc<Watched>,
        /// Clusters that cannot confirm any more because they seem to be gone: make sure first.
        vanished: Vec<(Kind, Id)>,
    },
}

/// How it is known that an object is no longer to be in members.
pub(super) enum Gone {
    /// It is there, and no longer federated.
    Seen,
    /// It was not seen: the hub is asked for it.
    Unseen(Kind, Id),
    /// Nothing of its kind was ever seen: the hub is asked for the kind, whose definition may be gone.
    KindUnseen(api::ObjectRef),
}

/// What should become of the Placement; none where nothing is to be done now.
pub(super) fn desired(index: &Index, key: &PlacementKey, now: Timestamp) -> Option<Desired> {
    let standing = index.placements.get(key);
    let subject = index.subjects.get(key).filter(|subject| subject.federated);
    match (subject, standing) {
        (Some(subject), standing) => place(index, key, subject, standing, now),
        (None, Some(standing)) => retire(index, key, standing),
        (None, None) => None,
    }
}

fn place(
    index: &Index,
    key: &PlacementKey,
    subject: &Subject,
    standing: Option<&Standing>,
    now: Timestamp,
) -> Option<Desired> {
    let mut expiry = None;
    if standing.is_some_and(|standing| standing.watched.is_deleting()) {
        return None;
    }
    let spec = if subject.kind.kind == "Namespace" {
        let inside = index.inside(&subject.facts.resource.name);
        namespace::decide(&subject.facts, inside, &index.clusters).into_spec()
    } else {
        let leaders = index.leaders(&subject.facts);
        let inputs = index.inputs(key, subject, &leaders, now);
        let found = unwell(&inputs, standing);
        let inputs = Inputs {
            ailing: &found.ailing,
            ..inputs
        };
        expiry = next_expiry(&inputs).into_iter().chain(found.look).min();
        let mut spec = decide(&inputs).into_spec();
        if let Some(standing) = standing {
            let placement = &standing.placement;
            let lost = |cluster: &str| index.cluster(cluster).is_none_or(|cluster| cluster.failed().is_some());
            moves::pace(&mut spec, &placement.spec, &placement.status, lost);
            moves::forget_departed(&mut spec);
        }
        if let Some((state, look)) = rolled_out(index, subject, &inputs, &spec, standing) {
            expiry = expiry.into_iter().chain(look).min();
            spec.rollout = Some(state);
        }
        spec
    };
    let wait = || {
        let expiry = expiry?;
        let rest = Duration::try_from(expiry.duration_since(now)).unwrap_or_default();
        Some(Desired::Wait(rest.max(WAIT_MIN)))
    };
    let spec = Box::new(spec);
    let about = subject.watched.clone();
    let Some(standing) = standing else {
        // A namespace in which nothing is placed needs no Placement yet.
        let empty_namespace = spec.clusters.is_empty() && subject.kind.kind == "Namespace";
        return (!empty_namespace).then(|| Desired::Create {
            key: key.clone(),
            about,
            spec,
            policies: index.seen_policies(&subject.facts.resource.namespace),
        });
    };
    if standing.placement.spec == *spec || !rows_stand(index, standing, &spec) {
        return wait();
    }
    let before = Box::new(standing.placement.spec.clone());
    let stays: BTreeSet<&str> = spec.clusters.iter().map(|target| target.name.as_str()).collect();
    let dropped = before.clusters.iter().map(|target| &target.name);
    let dropped = dropped.filter(|name| !stays.contains(name.as_str()));
    let clusters = dropped.filter(|name| index.cluster(name).is_none());
    let mut vanished: Vec<(Kind, Id)> = clusters.map(|name| (CLUSTER, Id::new("", name))).collect();
    if !index.knows_policy(&before.policy) {
        vanished.extend(policy_of(&before.policy));
    }
    Some(Desired::Update {
        standing: standing.watched.clone(),
        about,
        before,
        spec,
        vanished,
    })
}

/// The clusters that a workload was unwell in, where its policy says that it leaves such.
fn unwell(inputs: &Inputs<'_>, standing: Option<&Standing>) -> ailing::Found {
    let same = |standing: &&Standing| standing.placement.spec.resource.uid == inputs.object.resource.uid;
    let (Some(standing), Some(policy)) = (standing.filter(same), governs(inputs)) else {
        return ailing::Found::default();
    };
    let rule = policy
        .failover
        .as_ref()
        .and_then(|failover| failover.application.as_ref());
    let placement = &standing.placement;
    let find = |rule| {
        ailing::find(
            rule,
            &placement.spec,
            &placement.status,
            &inputs.object.edit,
            inputs.now,
        )
    };
    rule.map(find).unwrap_or_default()
}

/// Where the rollout of the object's version stands, and when to look again; none where no policy says how it goes.
fn rolled_out(
    index: &Index,
    subject: &Subject,
    inputs: &Inputs<'_>,
    spec: &PlacementSpec,
    standing: Option<&Standing>,
) -> Option<(RolloutState, Option<Timestamp>)> {
    let resource = &subject.facts.resource;
    if !rollout::rolls(&resource.api_version, &resource.kind) {
        return None;
    }
    let rule = governs(inputs)?.rollout.as_ref()?;
    let unheard = PlacementStatus::default();
    let seen = rollout::Seen {
        rule,
        object: &subject.watched.value(),
        spec,
        status: standing.map_or(&unheard, |standing| &standing.placement.status),
        clusters: &index.clusters,
        now: inputs.now,
    };
    let same = |previous: &&PlacementSpec| previous.resource.uid == resource.uid;
    let before = inputs
        .previous
        .filter(same)
        .and_then(|previous| previous.rollout.as_ref());
    let state = rollout::advance(before, &seen);
    let look = rollout::next_look(&state, &seen);
    Some((state, look))
}

fn retire(index: &Index, key: &PlacementKey, standing: &Standing) -> Option<Desired> {
    let placement = &standing.placement;
    if standing.watched.is_deleting() {
        return None;
    }
    if placement.spec.deleted {
        let rows = placement
            .status
            .clusters
            .iter()
            .any(|row| index.cluster(&row.name).is_some());
        let rows_of = placement.status.clusters.iter();
        let vanished = rows_of.map(|row| (CLUSTER, Id::new("", &row.name))).collect();
        return (!rows).then(|| Desired::Remove {
            standing: standing.watched.clone(),
            vanished,
        });
    }
    let spec = Box::new(decision::deleted(&placement.spec));
    if !rows_stand(index, standing, &spec) {
        return None;
    }
    // An object that is there but no longer federated was taken back by a label: that is proof enough.
    let seen = index.subjects.get(key);
    let resource = &placement.spec.resource;
    let id = Id::new(&resource.namespace, &resource.name);
    let gone = match (seen, index.plural(resource)) {
        (Some(_), _) => Gone::Seen,
        (None, Some(plural)) => {
            let kind = Kind {
                api_version: resource.api_version.clone().into(),
                kind: resource.kind.clone().into(),
                plural: plural.to_owned().into(),
            };
            Gone::Unseen(kind, id)
        }
        (None, None) if is_custom_group(resource.group()) => Gone::KindUnseen(resource.clone()),
        (None, None) => return None,
    };
    Some(Desired::Retire {
        standing: standing.watched.clone(),
        gone,
        uid: placement.spec.resource.uid.clone(),
        spec,
    })
}

/// The policy that a decision names; none where it names none.
fn policy_of(label: &str) -> Option<(Kind, Id)> {
    let (kind, name) = label.split_once(' ')?;
    match name.split_once('/') {
        Some((namespace, name)) if kind == POLICY.kind => Some((POLICY, Id::new(namespace, name))),
        None if kind == CLUSTER_POLICY.kind => Some((CLUSTER_POLICY, Id::new("", name))),
        Some(_) | None => None,
    }
}

/// Whether every cluster that is to leave the decision has its row in the status, which is what makes its copy go. Clusters
/// that no longer exist get no rows.
fn rows_stand(index: &Index, standing: &Standing, spec: &PlacementSpec) -> bool {
    let planned = spec.clusters.iter().map(|target| target.name.as_str());
    let rows = standing.placement.status.clusters.iter().map(|row| row.name.as_str());
    let known: BTreeSet<&str> = planned.chain(rows).collect();
    let mut names = standing.placement.spec.clusters.iter().map(|target| &target.name);
    names.all(|name| known.contains(name.as_str()) || index.cluster(name).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::index::Key;
    use super::*;
    use crate::runtime::feed::News;
    use crate::runtime::kind::PLACEMENT;
    use crate::runtime::shelf::Change;

    fn reset(index: &mut Index, kind: &Kind, objects: &[Value]) -> Vec<Key> {
        let all = objects
            .iter()
            .map(|object| Arc::new(Watched::new(object.clone())))
            .collect();
        index.take(News::of(kind.clone(), Change::Reset(all)))
    }

    fn cluster(name: &str) -> Value {
        json!({"metadata": {"name": name, "uid": name, "resourceVersion": "1"},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Reachable", "message": ""}]}})
    }

    #[test]
    fn a_policy_that_a_list_does_not_show_is_asked_for_before_its_placements_change() {
        let mut index = Index::default();
        let config_map = Kind {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            plural: "configmaps".into(),
        };
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "2"}});
        let policy = json!({"metadata": {"name": "only-us", "namespace": "shop", "resourceVersion": "3"}, "spec": {
            "resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}],
            "placement": {"clusterAffinity": {"clusterNames": ["us-1"]}}}});
        reset(&mut index, &CLUSTER, &[cluster("eu-1"), cluster("us-1")]);
        reset(&mut index, &config_map, &[object]);
        reset(&mut index, &POLICY, &[policy]);
        let key = PlacementKey {
            namespace: "shop".into(),
            name: "configmap-a".into(),
        };
        let Some(Desired::Create { spec, .. }) = desired(&index, &key, Timestamp::UNIX_EPOCH) else {
            panic!("a first decision");
        };
        assert_eq!(spec.policy, "PropagationPolicy shop/only-us");
        let standing = json!({"metadata": {"name": "configmap-a", "namespace": "shop", "uid": "p", "resourceVersion": "4"},
            "spec": *spec, "status": {"clusters": [{"name": "us-1"}]}});
        reset(&mut index, &PLACEMENT, &[standing]);
        assert!(desired(&index, &key, Timestamp::UNIX_EPOCH).is_none());

        reset(&mut index, &POLICY, &[]);
        let Some(Desired::Update { vanished, .. }) = desired(&index, &key, Timestamp::UNIX_EPOCH) else {
            panic!("another decision");
        };
        assert_eq!(vanished, [(POLICY, Id::new("shop", "only-us"))]);
    }
}
