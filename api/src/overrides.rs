//! `OverridePolicy` and `ClusterOverridePolicy`: what differs from cluster to cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metadata::ObjectMeta;
use crate::policy::{ClusterAffinity, ResourceSelector};

/// An override of either scope; `metadata.namespace` is absent for the cluster-scoped one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverridePolicy {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What it says.
    #[serde(default)]
    pub spec: OverrideSpec,
}

/// What an override says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OverrideSpec {
    /// Objects it is for; all where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_selectors: Vec<ResourceSelector>,
    /// Applied in order to each cluster they are for.
    pub override_rules: Vec<OverrideRule>,
}

/// Overriders for some clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OverrideRule {
    /// Which clusters; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cluster: Option<ClusterAffinity>,
    /// What changes.
    pub overriders: Overriders,
}

/// What changes, in the order in which it is applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Overriders {
    /// Parts of container images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_overrider: Vec<ImageOverrider>,
    /// Container commands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command_overrider: Vec<CommandArgsOverrider>,
    /// Container arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args_overrider: Vec<CommandArgsOverrider>,
    /// Labels of the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_overrider: Vec<MapOverrider>,
    /// Annotations of the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations_overrider: Vec<MapOverrider>,
    /// Fields inside YAML or JSON that a field holds as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub field_overrider: Vec<FieldOverrider>,
    /// JSON patch operations (RFC 6902) `add`, `remove`, `replace`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plaintext: Vec<PlaintextOverrider>,
}

/// One change to image references.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageOverrider {
    /// Which images; every container of the pod template where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<ImagePredicate>,
    /// Which part of the reference.
    pub component: ImageComponent,
    /// What is done to it.
    pub operator: OverriderOperator,
    /// The new part, for `add` (appended) and `replace`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// Where an image stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePredicate {
    /// JSON pointer to an image string.
    pub path: String,
}

/// Part of an image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImageComponent {
    /// Host and port.
    Registry,
    /// Path.
    Repository,
    /// Tag or digest.
    Tag,
}

/// What an overrider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverriderOperator {
    /// Add.
    Add,
    /// Remove.
    Remove,
    /// Replace.
    Replace,
}

/// Words to add to or remove from a container's command or arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandArgsOverrider {
    /// The container.
    pub container_name: String,
    /// `add` or `remove`.
    pub operator: OverriderOperator,
    /// The words.
    #[serde(default)]
    pub value: Vec<String>,
}

/// Labels or annotations to add, replace or remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapOverrider {
    /// What is done.
    pub operator: OverriderOperator,
    /// Keys and values.
    #[serde(default)]
    pub value: BTreeMap<String, String>,
}

/// Changes inside YAML or JSON that a field holds as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldOverrider {
    /// JSON pointer to the text.
    pub field_path: String,
    /// What changes in a text that is JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<SubPathOverrider>,
    /// What changes in a text that is YAML; excludes `json`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub yaml: Vec<SubPathOverrider>,
}

/// One change inside a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubPathOverrider {
    /// JSON pointer into the text.
    pub sub_path: String,
    /// Operation.
    pub operator: OverriderOperator,
    /// Value for `add` and `replace`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// One JSON patch operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaintextOverrider {
    /// JSON pointer.
    pub path: String,
    /// Operation.
    pub operator: OverriderOperator,
    /// Value for `add` and `replace`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}
