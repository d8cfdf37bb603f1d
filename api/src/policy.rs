//! `PropagationPolicy` and `ClusterPropagationPolicy`: which objects go where, how, and with what precedence. Field names
//! and meanings follow `policy.karmada.io/v1alpha1` wherever both have the concept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metadata::ObjectMeta;
use crate::rollout::Rollout;
use crate::selector::{LabelSelector, Requirement};

/// A policy of either scope; `metadata.namespace` is absent for the cluster-scoped one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PropagationPolicy {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What it says.
    #[serde(default)]
    pub spec: PolicySpec,
}

/// What a policy says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySpec {
    /// Objects it is for; any one selector suffices.
    pub resource_selectors: Vec<ResourceSelector>,
    /// Where they go.
    pub placement: PlacementRule,
    /// Precedence among policies of one scope; higher wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether it takes objects over from another policy that decided for them and still selects them. It does where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption: Option<Preemption>,
    /// When an edit of the policy takes effect on objects that are placed already: at once where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_preference: Option<ActivationPreference>,
    /// What the pods of the selected workloads need goes where they go, and nowhere else: ConfigMaps, Secrets, ServiceAccounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_deps: Option<bool>,
    /// What becomes of workloads that are unwell where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// How a new version goes over the clusters; all at once where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Members are told nothing for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// What to do with an object that is already in the member and not Meridian's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_resolution: Option<ConflictResolution>,
    /// Keep the members' copies when the hub object is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_resources_on_deletion: Option<bool>,
}

/// Whether a policy takes objects over from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preemption {
    /// Wherever it comes first by scope and priority.
    Always,
    /// Never, while the other one selects them.
    Never,
}

/// When an edit of a policy takes effect on objects that are placed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ActivationPreference {
    /// When the object itself is edited next.
    Lazy,
}

/// What becomes of workloads that are unwell where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Failover {
    /// Those that are unwell in one cluster while they are well in others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationFailover>,
}

/// A workload that stays unwell in a cluster leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationFailover {
    /// When.
    pub decision_conditions: DecisionConditions,
    /// Seconds for which it stays out of the cluster; 3600 where absent. An edit of the workload ends that, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_seconds: Option<i64>,
}

/// When a workload leaves a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DecisionConditions {
    /// Seconds for which it may be unwell there; 300 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// What members are not told for now: neither changes nor removals. What they hold stays, and is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Suspension {
    /// No member is told anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatching: Option<bool>,
    /// These are not; excludes `dispatching`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatching_on_clusters: Option<SuspendedClusters>,
}

/// Clusters that are told nothing for now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SuspendedClusters {
    /// Their names.
    pub cluster_names: Vec<String>,
}

impl Suspension {
    /// Whether a cluster is told nothing.
    #[must_use]
    pub fn holds(&self, cluster: &str) -> bool {
        let among = |clusters: &SuspendedClusters| clusters.cluster_names.iter().any(|name| name == cluster);
        self.dispatching == Some(true) || self.dispatching_on_clusters.as_ref().is_some_and(among)
    }
}

/// Which objects a policy or override is for. The name decides before the labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSelector {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; the policy's own for a namespaced policy, any where empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name; any where empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Labels; read only where there is no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// A CEL expression over `object` that must hold, too. Of a Secret it sees everything but its data. One that has no value for an
    /// object, because a field is missing, does not hold.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub match_expression: String,
}

/// What to do with an object that is already in the member and not Meridian's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConflictResolution {
    /// Report it, touch nothing.
    #[default]
    Abort,
    /// Take it over.
    Overwrite,
}

/// Where objects go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacementRule {
    /// Clusters that may hold the object; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_affinity: Option<ClusterAffinity>,
    /// The same as groups in order: the first that fits is used, the next ones when it does not. Excludes `clusterAffinity`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_affinities: Vec<ClusterAffinityTerm>,
    /// Seconds for which an earlier group must fit again before the object goes back to it; 300 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_affinity_return_seconds: Option<i64>,
    /// Taints of clusters that are tolerated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_tolerations: Vec<Toleration>,
    /// How far the chosen clusters are spread; every one must hold, each for another field or label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spread_constraints: Vec<SpreadConstraint>,
    /// How replicas are divided; the kind's default where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_scheduling: Option<ReplicaScheduling>,
}

/// Clusters by name, label and field. All parts must hold; exclusion is tested first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAffinity {
    /// Labels of the Cluster object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Fields `provider`, `region`, `zone`; `In` over zones is any overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_selector: Option<FieldSelector>,
    /// Names; all where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_names: Vec<String>,
    /// Names that are out whatever else holds.
    #[serde(rename = "exclude", skip_serializing_if = "Vec::is_empty")]
    pub exclude_clusters: Vec<String>,
}

/// A group of clusters with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAffinityTerm {
    /// Its name, unique in its list.
    pub affinity_name: String,
    /// Which clusters.
    #[serde(flatten)]
    pub affinity: ClusterAffinity,
}

/// Requirements over cluster fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldSelector {
    /// All must hold.
    pub match_expressions: Vec<Requirement>,
}

/// In how many groups of clusters the chosen ones are. A group is all clusters with one value of a field or of a label; those
/// without a value are in none, and not chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SpreadConstraint {
    /// The field that makes the groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_by_field: Option<SpreadField>,
    /// The label of the Cluster object that makes them; excludes `spreadByField`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub spread_by_label: String,
    /// The fewest groups; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_groups: Option<i64>,
    /// The most groups; any number where absent or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_groups: Option<i64>,
}

impl SpreadConstraint {
    /// What makes the groups, as people call it: `region`, `label tier`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.spread_by_field {
            Some(field) => field.as_str().to_owned(),
            None => format!("label {}", self.spread_by_label),
        }
    }
}

/// A field that makes groups of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpreadField {
    /// Each cluster is a group.
    Cluster,
    /// The region.
    Region,
    /// Zones: a cluster that spans several is in each of their groups.
    Zone,
    /// The provider.
    Provider,
}

impl SpreadField {
    /// The word as it stands in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Region => "region",
            Self::Zone => "zone",
            Self::Provider => "provider",
        }
    }
}

/// A taint that is tolerated, as in a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// Taint key; every key where empty and the operator is `Exists`.
    pub key: String,
    /// `Equal` (default) or `Exists`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// Value for `Equal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Effect; every effect where empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
    /// Seconds for which `NoExecute` is tolerated; for ever where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How replicas are divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaScheduling {
    /// All everywhere, or a share each. `Divided` where the struct is given without it, as Karmada has it.
    pub replica_scheduling_type: ReplicaSchedulingType,
    /// How shares are found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_division_preference: Option<ReplicaDivisionPreference>,
    /// Weights for `Weighted`; equal where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_preference: Option<WeightPreference>,
}

/// All replicas everywhere, or a share each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplicaSchedulingType {
    /// Every chosen cluster gets all replicas.
    Duplicated,
    /// The chosen clusters share the replicas.
    #[default]
    Divided,
}

/// How shares are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplicaDivisionPreference {
    /// As few clusters as have room for them.
    Aggregated,
    /// By weight.
    Weighted,
}

/// Weights of clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WeightPreference {
    /// The first entry that matches a cluster gives its weight; a cluster that none matches gets none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub static_weight_list: Vec<StaticClusterWeight>,
    /// Weights are found anew when replicas are divided; the static ones are not read then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_weight: Option<DynamicWeight>,
}

/// What gives clusters their weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DynamicWeight {
    /// How many more replicas fit into each member.
    AvailableReplicas,
}

/// The weight of some clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StaticClusterWeight {
    /// Which clusters.
    pub target_cluster: ClusterAffinity,
    /// Their weight, at least 1.
    pub weight: i64,
}
