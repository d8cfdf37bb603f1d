//! What exactly one cluster should hold of an object: the hub's object, less what belongs to the hub, with the cluster's
//! share of the replicas and its overrides, marked as Meridian's.
//! In: the object as stored, its decision, the cluster, every override policy of the hub. Out: the manifest and its hash,
//! or the reason it cannot be made; then the member keeps what it has. Absent: what is already in the member; that is the
//! syncer's to see.

mod embedded;
mod image;
mod overrides;
mod pointer;
mod share;
mod strip;

use api::well_known::{
    HUB_GENERATION_ANNOTATION, MANAGED_LABEL, MANAGED_VALUE, MANIFEST_HASH_ANNOTATION, PLACEMENT_ANNOTATION,
    TEMPLATE_ANNOTATION,
};
use api::{Cluster, OverridePolicy, PlacementSpec};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use embedded::EmbeddedError;
pub use image::ImageError;
pub use overrides::OverrideError;
pub use pointer::PointerError;

use crate::inputs::{FederatedObject, Holds};
use crate::selectors;

/// What one cluster should hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The manifest, with our label and annotations.
    pub object: Value,
    /// Hash of the manifest without them: equal hashes need no write.
    pub hash: String,
    /// JSON pointers of what is set when the copy is made and left to the member from then on; the hash leaves them out.
    pub initial_fields: Vec<String>,
}

/// Where replicas stand.
const REPLICAS: &str = "/spec/replicas";

/// Why an object could not be rendered for a cluster. Nothing is applied and nothing removed there until it can be.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The bytes are not an object of Kubernetes.
    #[error("the object has no apiVersion, kind or name")]
    NotAnObject,
    /// The decision does not name the cluster.
    #[error("{object} is not placed in cluster {cluster}")]
    NotPlaced {
        /// Which object.
        object: String,
        /// Which cluster.
        cluster: String,
    },
    /// An override cannot be applied.
    #[error("override policy {policy} cannot be applied to {object} for cluster {cluster}; correct the policy")]
    Override {
        /// Which policy, `NAMESPACE/NAME` or `NAME`.
        policy: String,
        /// Which object.
        object: String,
        /// Which cluster.
        cluster: String,
        /// What is wrong.
        #[source]
        source: OverrideError,
    },
}

/// An object as its user would have written it: without what a server put into it. None where it is no object.
#[must_use]
pub fn as_written(object: &Value) -> Option<Value> {
    strip::strip(object).map(Value::Object)
}

/// Renders `object` for `cluster`. `overrides` may be every override policy of the hub: those that are not for this
/// object or this cluster are left out here. `holds` judges the expressions of their selectors.
///
/// # Errors
/// [`RenderError`] where the cluster is not in the decision or an override does not fit the object.
pub fn render(
    object: &Value,
    spec: &PlacementSpec,
    cluster: &Cluster,
    overrides: &[OverridePolicy],
    holds: Holds<'_>,
) -> Result<Rendered, RenderError> {
    let facts = FederatedObject::from_value(object).ok_or(RenderError::NotAnObject)?;
    let selectors = overrides.iter().map(|policy| policy.spec.resource_selectors.as_slice());
    let facts = facts.satisfying(selectors.flat_map(selectors::expressions), object, holds);
    let name = cluster.metadata.name();
    let not_placed = || RenderError::NotPlaced {
        object: facts.resource.to_string(),
        cluster: name.to_owned(),
    };
    let target = spec
        .clusters
        .iter()
        .find(|target| target.name == name)
        .ok_or_else(not_placed)?;

    let rollout = spec.rollout.as_ref();
    let older = rollout.filter(|rollout| !rollout.is_new_in(name)).map(|rollout| {
        let mut object = object.clone();
        if let Some(fields) = object.get_mut("spec").and_then(Value::as_object_mut) {
            fields.insert("template".to_owned(), rollout.stable_template.clone());
        }
        object
    });
    let mut manifest = strip::strip(older.as_ref().unwrap_or(object)).ok_or(RenderError::NotAnObject)?;
    if let Some(rollout) = rollout {
        // Part of the hash, so that members say which version they have even where overrides make two of them alike.
        let version = rollout.version_of(name).to_owned();
        put(&mut manifest, "annotations", TEMPLATE_ANNOTATION, version);
    }
    if let Some(share) = target.replicas {
        share::put(&mut manifest, spec, share);
    }
    if let Some(bounds) = target.bounds {
        share::put_bounds(&mut manifest, bounds);
    }
    overrides::apply(&mut manifest, &facts, cluster, overrides)?;

    // A copy that is to have none is the hub's word: nobody scales up from none.
    let left = spec.left_to_members.is_some() && target.replicas.is_some_and(|share| share > 0);
    let initial_fields = if left { vec![REPLICAS.to_owned()] } else { vec![] };
    let hash = hash(&manifest, left);
    mark(&mut manifest, &facts, &hash);
    Ok(Rendered {
        object: Value::Object(manifest),
        hash,
        initial_fields,
    })
}

/// The first 128 bits of SHA-256 over the canonical JSON: `serde_json` maps are sorted, so equal objects hash equally.
fn hash(manifest: &Map<String, Value>, without_replicas: bool) -> String {
    let mut whole = manifest.clone();
    let spec = whole.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(spec) = spec.filter(|_| without_replicas) {
        spec.remove("replicas");
    }
    let mut hasher = Sha256::new();
    hasher.update(Value::Object(whole).to_string().as_bytes());
    hasher
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Puts an entry into a map of the metadata.
fn put(manifest: &mut Map<String, Value>, map: &str, key: &str, value: String) {
    let metadata = manifest.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        let entry = metadata.entry(map).or_insert_with(|| json!({}));
        if !entry.is_object() {
            *entry = json!({});
        }
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(key.to_owned(), Value::String(value));
        }
    }
}

/// Adds the label and annotations by which the syncer knows its own.
fn mark(manifest: &mut Map<String, Value>, facts: &FederatedObject, hash: &str) {
    let mut put = |map: &str, key: &str, value: String| put(manifest, map, key, value);
    put("labels", MANAGED_LABEL, MANAGED_VALUE.to_owned());
    put(
        "annotations",
        PLACEMENT_ANNOTATION,
        facts.resource.placement_key().to_string(),
    );
    put("annotations", MANIFEST_HASH_ANNOTATION, hash.to_owned());
    put("annotations", HUB_GENERATION_ANNOTATION, facts.generation.to_string());
}

#[cfg(test)]
mod tests;
