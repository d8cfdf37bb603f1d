//! All that a placement decision may look at. What is not here cannot influence where an object goes.
//! In: JSON of one hub object, policies, clusters, the previous decision. Out: [`Inputs`]. Absent: clocks (the time is an
//! argument), reports, observed pods: the previous assignment is what was *planned*, never what was counted.

use std::collections::{BTreeMap, BTreeSet};

use api::placement::{AilingCluster, ReplicaBounds};
use api::well_known::REBALANCE_ANNOTATION;
use api::{Cluster, ObjectRef, PlacementSpec, PropagationPolicy};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::federated_kinds::{Division, division_of, replicas_of};
use crate::needs::{self, Need};
use crate::room::PodDemand;
use crate::selectors::Asked;
use crate::ties::{self, Autoscaler};

/// What placement knows of the federated object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FederatedObject {
    /// Which object, with its uid.
    pub resource: ObjectRef,
    /// `metadata.generation`, 0 where the kind has none.
    pub generation: i64,
    /// Labels, which policies select by.
    pub labels: BTreeMap<String, String>,
    /// Annotations, which Federation v1 spoke through.
    pub annotations: BTreeMap<String, String>,
    /// What is divided: `spec.replicas`, a Job's completions; none for kinds without replicas.
    pub replicas: Option<i64>,
    /// How far that may be divided.
    pub division: Division,
    /// What an autoscaler scales; none for other kinds.
    pub target: Option<ObjectRef>,
    /// How far an autoscaler may go; none for other kinds.
    pub bounds: Option<ReplicaBounds>,
    /// The request to divide it anew, as its annotation says it; empty for none.
    pub rebalance: String,
    /// What each of its pods asks of nodes; none for kinds without replicas.
    pub demand: Option<PodDemand>,
    /// The claims that its pods mount: names, and `STEM-*` for those that a StatefulSet numbers.
    pub mounts: BTreeSet<String>,
    /// What its pods need beside it, in its namespace.
    pub needs: BTreeSet<Need>,
    /// Which edit of the object it is, where somebody asked for that.
    pub edit: String,
    /// The expressions of selectors that it satisfies.
    pub satisfied: BTreeSet<String>,
}

/// Whether an object satisfies an expression of a selector.
pub type Holds<'a> = &'a dyn Fn(&str, &Value) -> bool;

impl FederatedObject {
    /// Reads what placement needs from the JSON of an object; none where it has no apiVersion, kind or name.
    #[must_use]
    pub fn from_value(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?;
        let annotations = text_map(object.pointer("/metadata/annotations"));
        let replicas = replicas_of(kind, object);
        Some(Self {
            resource: ObjectRef {
                api_version: text("/apiVersion")?.to_owned(),
                kind: kind.to_owned(),
                namespace: text("/metadata/namespace").unwrap_or_default().to_owned(),
                name: text("/metadata/name")?.to_owned(),
                uid: text("/metadata/uid").unwrap_or_default().to_owned(),
            },
            generation: object
                .pointer("/metadata/generation")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            labels: text_map(object.pointer("/metadata/labels")),
            replicas,
            division: division_of(kind, object),
            target: ties::target_of(object),
            bounds: ties::bounds_of(object),
            rebalance: annotations.get(REBALANCE_ANNOTATION).cloned().unwrap_or_default(),
            annotations,
            demand: replicas.and_then(|_| PodDemand::of(object)),
            mounts: ties::mounts_of(object),
            needs: needs::of(object),
            edit: String::new(),
            satisfied: BTreeSet::new(),
        })
    }

    /// The same, knowing which edit of the object it is.
    #[must_use]
    pub fn edited(mut self, object: &Value) -> Self {
        self.edit = edit_of(object);
        self
    }

    /// The same, knowing which of these expressions it satisfies.
    #[must_use]
    pub fn satisfying<'e>(
        mut self,
        expressions: impl IntoIterator<Item = Asked<'e>>,
        object: &Value,
        holds: Holds<'_>,
    ) -> Self {
        let resource = &self.resource;
        let asked = expressions.into_iter().filter(|asked| {
            asked.api_version == resource.api_version && asked.kind == resource.kind && holds(asked.expression, object)
        });
        self.satisfied = asked.map(|asked| asked.expression.to_owned()).collect();
        self
    }
}

/// What tells one edit of an object from another: what its user wrote, not what became of it.
fn edit_of(object: &Value) -> String {
    let at = |pointer: &str| object.pointer(pointer).filter(|value| !value.is_null());
    let generation = at("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
    let mut hash = Sha256::new();
    let mut put = |value: &Value| hash.update(value.to_string().as_bytes());
    for pointer in ["/metadata/labels", "/metadata/annotations"] {
        at(pointer).into_iter().for_each(&mut put);
    }
    if generation == 0 {
        let fields = object.as_object().into_iter().flatten();
        let own = fields.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status"));
        own.for_each(|(_, value)| put(value));
    }
    let digest = hash.finalize();
    let text: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{generation}-{text}")
}

/// A JSON object of strings; entries of other types are left out.
#[must_use]
pub fn text_map(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// All that a decision may look at.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The object to place.
    pub object: &'a FederatedObject,
    /// Every policy of the object's namespace and every cluster-scoped one, in any order.
    pub policies: &'a [PropagationPolicy],
    /// Every cluster of the federation, in any order. One with a deletion timestamp is leaving.
    pub clusters: &'a [Cluster],
    /// The decision that stands.
    pub previous: Option<&'a PlacementSpec>,
    /// The time, against which tolerations of taints run out.
    pub now: Timestamp,
    /// The decisions that stand of what it follows: an autoscaler's target, the workloads that mount a claim.
    pub leaders: &'a [&'a PlacementSpec],
    /// Clusters that it was unwell in, and stays out of for a while.
    pub ailing: &'a [AilingCluster],
    /// The autoscaler on the hub whose target it is.
    pub autoscaler: Option<&'a Autoscaler>,
}
