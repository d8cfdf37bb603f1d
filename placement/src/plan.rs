//! What the federation would do: the same decisions and renderings, over what is thought instead of what is.
//! In: two [`World`]s, as it is and as it is thought. Out: for each object what would change in each cluster. Absent: whatever
//! a decision does not look at; a copy that a member refuses, or has not yet let go, is none of a plan's business.

use std::collections::BTreeMap;

use api::{Cluster, ObjectRef, OverridePolicy, PlacementKey, PlacementSpec, PropagationPolicy};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::decide::{decide, decide_in_full, governs, namespace};
use crate::decision::{self, Decision};
use crate::federated_kinds::{Spread, default_spread, is_federated};
use crate::inputs::{FederatedObject, Inputs};
use crate::render::render;
use crate::rollout;
use crate::selectors;
use crate::ties::Ties;

/// All that decisions and renderings look at.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Objects of the hub, with `apiVersion` and `kind`.
    pub objects: BTreeMap<PlacementKey, Value>,
    /// Policies of either scope.
    pub policies: Vec<PropagationPolicy>,
    /// Override policies of either scope.
    pub overrides: Vec<OverridePolicy>,
    /// Members.
    pub clusters: Vec<Cluster>,
    /// The decisions that stand.
    pub placements: BTreeMap<PlacementKey, PlacementSpec>,
    /// The time.
    pub now: Timestamp,
    /// Judges the expressions of selectors; where there is none, none holds.
    pub holds: Option<fn(&str, &Value) -> bool>,
}

impl World {
    fn facts(&self, object: &Value) -> Option<FederatedObject> {
        let selectors = self
            .policies
            .iter()
            .map(|policy| policy.spec.resource_selectors.as_slice());
        let facts = FederatedObject::from_value(object)?.edited(object);
        Some(facts.satisfying(selectors.flat_map(selectors::expressions), object, &self.judge()))
    }

    fn judge(&self) -> impl Fn(&str, &Value) -> bool {
        let holds = self.holds;
        move |expression, object| holds.is_some_and(|holds| holds(expression, object))
    }
}

/// What would become of an object in one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// A copy is made.
    Create,
    /// The copy changes.
    Change,
    /// The copy goes.
    Delete,
    /// The copy stays as it is.
    Keep,
    /// The copy cannot be rendered; what is there stays.
    Hold,
}

/// What would become of an object in one cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    /// The cluster.
    pub cluster: String,
    /// What is done.
    pub deed: Deed,
    /// Its share now: replicas, or bounds `MIN-MAX`; absent where it holds none or they are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its share then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Override policies change the manifest.
    pub overridden: bool,
    /// Why it cannot be rendered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The final manifest.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub manifest: Value,
}

/// What would become of an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPlan {
    /// The object.
    pub resource: ObjectRef,
    /// Each cluster that holds it now or then.
    pub clusters: Vec<ClusterPlan>,
    /// The decision, as its Placement would say it.
    pub placement: PlacementSpec,
}

impl ObjectPlan {
    /// Whether anything would be done, or shares would move.
    #[must_use]
    pub fn changes(&self) -> bool {
        let moved = |at: &ClusterPlan| !matches!(at.deed, Deed::Keep) || at.before != at.after;
        self.clusters.iter().any(moved)
    }
}

/// Decides about every object of a world, as the hub would once all has settled. Those that follow others are decided after
/// them, namespaces last.
#[must_use]
pub fn settle(world: &World) -> BTreeMap<PlacementKey, PlacementSpec> {
    let mut subjects: Vec<(u8, &PlacementKey, FederatedObject)> = world
        .objects
        .iter()
        .filter(|(_, object)| is_federated(object))
        .filter_map(|(key, object)| {
            let facts = world.facts(object)?;
            let order = match default_spread(&facts.resource.api_version, &facts.resource.kind) {
                Spread::Duplicated | Spread::Divided | Spread::One => 0,
                Spread::WithTarget | Spread::WithMounts => 1,
                Spread::Follows => 2,
            };
            Some((order, key, facts))
        })
        .collect();
    subjects.sort_by_key(|(order, key, _)| (*order, *key));
    let mut ties = Ties::default();
    for (_, key, facts) in &subjects {
        ties.tie(key, facts);
    }
    let mut settled: BTreeMap<PlacementKey, PlacementSpec> = BTreeMap::new();
    for (key, previous) in &world.placements {
        // What is not a subject any more goes from its members.
        if world.objects.get(key).is_none_or(|object| !is_federated(object)) {
            settled.insert(key.clone(), decision::deleted(previous));
        }
    }
    for (order, key, facts) in &subjects {
        let spec = if *order == 2 {
            let inside = settled.iter().filter(|(at, spec)| {
                at.namespace == facts.resource.name && spec.resource.namespace == facts.resource.name
            });
            let inside: Vec<api::Placement> = inside
                .map(|(_, spec)| api::Placement {
                    spec: spec.clone(),
                    ..api::Placement::default()
                })
                .collect();
            namespace::decide(facts, &inside, &world.clusters).into_spec()
        } else {
            decide_one(world, &ties, &settled, key, facts, decide)
        };
        settled.insert((*key).clone(), spec);
    }
    settled
}

/// The decision for one object of a world as it is, with the reason of every cluster however many there are. None where the
/// object is not one to be placed, or is a namespace: that is where its objects are.
#[must_use]
pub fn in_full(world: &World, key: &PlacementKey) -> Option<PlacementSpec> {
    let mut ties = Ties::default();
    let federated = world.objects.iter().filter(|(_, object)| is_federated(object));
    for (key, object) in federated {
        if let Some(facts) = FederatedObject::from_value(object) {
            ties.tie(key, &facts);
        }
    }
    let object = world.objects.get(key).filter(|object| is_federated(object))?;
    let facts = world.facts(object).filter(|facts| facts.resource.kind != "Namespace")?;
    Some(decide_one(world, &ties, &world.placements, key, &facts, decide_in_full))
}

fn decide_one(
    world: &World,
    ties: &Ties,
    settled: &BTreeMap<PlacementKey, PlacementSpec>,
    key: &PlacementKey,
    facts: &FederatedObject,
    decide: fn(&Inputs<'_>) -> Decision,
) -> PlacementSpec {
    let scope = |policy: &&PropagationPolicy| {
        let namespace = policy.metadata.namespace();
        namespace.is_empty() || namespace == facts.resource.namespace
    };
    let policies: Vec<PropagationPolicy> = world.policies.iter().filter(scope).cloned().collect();
    let leaders = ties.leaders(facts);
    let leaders: Vec<&PlacementSpec> = leaders.iter().filter_map(|key| settled.get(key)).collect();
    let previous = world.placements.get(key).filter(|previous| !previous.deleted);
    let inputs = Inputs {
        object: facts,
        policies: &policies,
        clusters: &world.clusters,
        previous,
        now: world.now,
        leaders: &leaders,
        // What stays out of a cluster for a while does so in a plan, too.
        ailing: previous.map(|previous| previous.ailing.as_slice()).unwrap_or_default(),
        autoscaler: ties.autoscaler(key),
    };
    let mut spec = decide(&inputs).into_spec();
    // A plan tells how it ends.
    let rolls = rollout::rolls(&facts.resource.api_version, &facts.resource.kind);
    let policy = governs(&inputs).filter(|policy| rolls && policy.rollout.is_some());
    spec.rollout = policy.and(world.objects.get(key)).map(rollout::at_rest);
    spec
}

/// What would be done to get from one world to the other. The decisions of `now` are those that stand.
#[must_use]
pub fn compare(now: &World, then: &World) -> Vec<ObjectPlan> {
    let settled = settle(then);
    let plan = |(key, spec): (&PlacementKey, &PlacementSpec)| {
        let before = now.placements.get(key).filter(|before| !before.deleted);
        let held = before.map(|before| before.clusters.as_slice()).unwrap_or_default();
        let mut names: Vec<&str> = held.iter().chain(&spec.clusters).map(|at| at.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let clusters = names
            .into_iter()
            .map(|name| in_cluster((now, before), (then, spec), key, name))
            .collect();
        ObjectPlan {
            resource: spec.resource.clone(),
            clusters,
            placement: spec.clone(),
        }
    };
    settled.iter().map(plan).collect()
}

fn in_cluster(
    (now, before): (&World, Option<&PlacementSpec>),
    (then, after): (&World, &PlacementSpec),
    key: &PlacementKey,
    name: &str,
) -> ClusterPlan {
    let old = before.and_then(|before| manifest(now, before, key, name, &now.overrides));
    let new = manifest(then, after, key, name, &then.overrides);
    let plain = manifest(then, after, key, name, &[]);
    let holds = |spec: Option<&PlacementSpec>| spec.is_some_and(|spec| spec.clusters.iter().any(|at| at.name == name));
    let deed = match (holds(before), &new) {
        (_, Some(Err(_))) => Deed::Hold,
        (true, None) => Deed::Delete,
        (false, _) => Deed::Create,
        (true, Some(Ok((_, hash)))) => match old {
            Some(Ok((_, before))) if before == *hash => Deed::Keep,
            Some(_) | None => Deed::Change,
        },
    };
    let overridden = matches!((&new, &plain), (Some(Ok((_, with))), Some(Ok((_, without)))) if with != without);
    let (manifest, error) = match new {
        Some(Ok((manifest, _))) => (manifest, String::new()),
        Some(Err(error)) => (Value::Null, error),
        None => (Value::Null, String::new()),
    };
    ClusterPlan {
        cluster: name.to_owned(),
        deed,
        before: before.and_then(|before| share(before, name)),
        after: share(after, name),
        overridden,
        error,
        manifest,
    }
}

type Manifest = Result<(Value, String), String>;

/// The manifest and its hash; none where the cluster is to hold nothing.
fn manifest(
    world: &World,
    spec: &PlacementSpec,
    key: &PlacementKey,
    name: &str,
    overrides: &[OverridePolicy],
) -> Option<Manifest> {
    let (object, cluster) = (
        world.objects.get(key)?,
        world.clusters.iter().find(|cluster| cluster.metadata.name() == name)?,
    );
    spec.clusters.iter().find(|at| at.name == name)?;
    Some(match render(object, spec, cluster, overrides, &world.judge()) {
        Ok(rendered) => Ok((rendered.object, rendered.hash)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            Err(format!("{error}{}", cause.unwrap_or_default()))
        }
    })
}

fn share(spec: &PlacementSpec, name: &str) -> Option<String> {
    let at = spec.clusters.iter().find(|at| at.name == name)?;
    match (at.replicas, at.bounds) {
        (Some(replicas), _) => Some(replicas.to_string()),
        (None, Some(bounds)) => Some(format!("{}-{}", bounds.min_replicas, bounds.max_replicas)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
