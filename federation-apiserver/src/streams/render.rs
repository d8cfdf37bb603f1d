//! The manifest of one Placement for one cluster, from what the hub knows now. Assembles; `placement::render` decides.

use std::sync::Arc;

use api::manifest::{ManifestAction, ManifestSpec};
use api::metadata::ObjectMeta;
use api::well_known::{API_VERSION, GROUP, KEEP_ANNOTATION};
use api::{Cluster, Manifest, OverridePolicy, Placement, PlacementKey};
use jiff::Timestamp;
use machinery::expression::selecting::Selecting;
use placement::removals;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::parsed::Parsed;
use crate::cache::{Cache, CachedObject, KindCache};
use crate::kinds::Catalog;
use crate::store::KindKey;

/// What rendering looks at, and what it keeps between renderings.
pub(super) struct Renderer {
    cache: Arc<Cache>,
    catalog: Arc<Catalog>,
    name: String,
    placements: Arc<KindCache>,
    parsed: Arc<Parsed>,
    cluster: Option<Cluster>,
    overrides: Arc<[OverridePolicy]>,
    /// The expressions of overrides' selectors.
    selecting: Selecting,
}

/// What a rendering came to.
pub(super) enum Outcome {
    /// The cluster is told this.
    Manifest(Box<Manifest>),
    /// The object is to go from the cluster.
    Going {
        /// The word that removes it.
        manifest: Box<Manifest>,
        /// It was held back when the cluster last spoke of it.
        held_before: bool,
    },
    /// There is nothing to do about the object in the cluster.
    Nothing,
    /// Not enough is known; what was told stays.
    Unchanged,
}

/// An object as its type; one that cannot be read is logged.
pub(super) fn typed<T: DeserializeOwned>(object: &CachedObject) -> Option<T> {
    match serde_json::from_slice(&object.bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!(key = %object.key, %error, "an object does not read as its kind; it is passed over");
            None
        }
    }
}

pub(super) fn placements_key() -> KindKey {
    KindKey::new(GROUP, "placements")
}

pub(super) fn clusters_key() -> KindKey {
    KindKey::new(GROUP, "clusters")
}

fn overrides_keys() -> [KindKey; 2] {
    [
        KindKey::new(GROUP, "overridepolicies"),
        KindKey::new(GROUP, "clusteroverridepolicies"),
    ]
}

pub(super) fn is_override(kind: &KindKey) -> bool {
    overrides_keys().contains(kind)
}

/// All override policies, as they can be read.
pub(super) fn overrides(cache: &Cache) -> Arc<[OverridePolicy]> {
    let of_kind = |key: &KindKey| -> Vec<OverridePolicy> {
        let policies = cache.kind(key).snapshot();
        policies.iter().filter_map(|object| typed(object)).collect()
    };
    overrides_keys().iter().flat_map(of_kind).collect()
}

/// The Placement that an object of a served kind would have.
pub(super) fn placement_of(catalog: &Catalog, object: &CachedObject) -> Option<PlacementKey> {
    let kind = catalog.registry().stored_kind(&object.key.kind)?;
    let reference = api::ObjectRef {
        api_version: kind.api_version(),
        kind: kind.kind.clone(),
        namespace: object.key.namespace.to_string(),
        name: object.key.name.to_string(),
        uid: String::new(),
    };
    Some(reference.placement_key())
}

/// The key of a Placement, or of a manifest, which is called the same.
pub(super) fn key_of(object: &CachedObject) -> PlacementKey {
    PlacementKey {
        namespace: object.key.namespace.to_string(),
        name: object.key.name.to_string(),
    }
}

impl Renderer {
    pub(super) fn new(cache: Arc<Cache>, catalog: Arc<Catalog>, parsed: Arc<Parsed>, name: &str) -> Self {
        let placements = cache.kind(&placements_key());
        Self {
            cache,
            catalog,
            name: name.to_owned(),
            placements,
            parsed,
            cluster: None,
            overrides: Arc::default(),
            selecting: Selecting::default(),
        }
    }

    /// Reads the cluster again, and takes the overrides. A cluster that is gone is remembered as it was.
    pub(super) fn refresh(&mut self, overrides: Arc<[OverridePolicy]>) {
        if let Some(cluster) = self.cache.kind(&clusters_key()).get("", &self.name) {
            self.cluster = typed(&cluster).or(self.cluster.take());
        }
        self.overrides = overrides;
    }

    /// Whether things may go from the cluster however many they are.
    pub(super) fn is_confirmed(&self, now: Timestamp) -> bool {
        self.cluster
            .as_ref()
            .is_some_and(|cluster| removals::is_confirmed(cluster, now))
    }

    /// The manifest of a Placement.
    pub(super) fn render(&self, key: &PlacementKey) -> Outcome {
        let Some(stored) = self.placements.get(&key.namespace, &key.name) else {
            return Outcome::Nothing;
        };
        let (Some(placement), Some(cluster)) = (self.parsed.of(&stored), &self.cluster) else {
            return Outcome::Unchanged;
        };
        let wanted = placement.spec.clusters.iter().any(|target| target.name == self.name) && !placement.spec.deleted;
        let held = placement.status.clusters.iter().any(|row| row.name == self.name);
        if (wanted || held) && placement.spec.suspends(&self.name) {
            return Outcome::Manifest(Box::new(suspended(&placement)));
        }
        match (wanted, held) {
            (true, _) => self.present(&placement, cluster),
            (false, true) => {
                let manifest = Box::new(absent(&placement, leaves_and_keeps(cluster)));
                // What is released stays, and what moves asks nobody.
                if manifest.spec.action != ManifestAction::Absent || removals::is_move(&placement.spec, cluster) {
                    return Outcome::Manifest(manifest);
                }
                let mut rows = placement.status.clusters.iter();
                let held_before = rows.any(|row| row.name == self.name && row.held);
                Outcome::Going { manifest, held_before }
            }
            (false, false) => Outcome::Nothing,
        }
    }

    fn present(&self, placement: &Placement, cluster: &Cluster) -> Outcome {
        let Some(object) = self.object(placement) else {
            return Outcome::Unchanged;
        };
        if !placement::rollout::is_decided(&placement.spec, &object) {
            return Outcome::Unchanged;
        }
        let hub_generation = object
            .pointer("/metadata/generation")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        let mut manifest = frame(placement);
        manifest.spec.hub_generation = hub_generation;
        let holds = |expression: &str, object: &Value| self.selecting.holds(expression, object);
        match placement::render(&object, &placement.spec, cluster, &self.overrides, &holds) {
            Ok(rendered) => {
                manifest.spec.action = ManifestAction::Apply;
                manifest.spec.object = rendered.object;
                manifest.spec.hash = rendered.hash;
                manifest.spec.initial_fields = rendered.initial_fields;
            }
            Err(error) => {
                manifest.spec.action = ManifestAction::Hold;
                manifest.spec.error = chain(&error);
            }
        }
        Outcome::Manifest(Box::new(manifest))
    }

    /// The federated object; none where it is gone or is another incarnation than was decided about.
    fn object(&self, placement: &Placement) -> Option<Arc<Value>> {
        let resource = &placement.spec.resource;
        let registry = self.catalog.registry();
        let kind = registry.object_kind(&resource.api_version, &resource.kind)?;
        let object = self.cache.kind(&kind.key).get(&resource.namespace, &resource.name)?;
        (resource.uid.is_empty() || *resource.uid == *object.uid).then(|| kind.shown_unasked(&object))
    }
}

fn frame(placement: &Placement) -> Manifest {
    let metadata = ObjectMeta {
        name: placement.metadata.name.clone(),
        namespace: placement.metadata.namespace.clone(),
        uid: placement.metadata.uid.clone(),
        ..ObjectMeta::default()
    };
    let spec = ManifestSpec {
        resource: placement.spec.resource.clone(),
        conflict_resolution: placement.spec.conflict_resolution.unwrap_or_default(),
        ..ManifestSpec::default()
    };
    Manifest { metadata, spec }
}

/// Whether a cluster is on its way out and is to keep what it has.
fn leaves_and_keeps(cluster: &Cluster) -> bool {
    let keeps = cluster.metadata.annotations.get(KEEP_ANNOTATION);
    cluster.metadata.deletion_timestamp.is_some() && keeps.is_some_and(|word| word == "true")
}

/// What a cluster is told by a policy that suspends: to leave what is there.
fn suspended(placement: &Placement) -> Manifest {
    let mut manifest = frame(placement);
    manifest.spec.action = ManifestAction::Hold;
    manifest.spec.suspended = true;
    manifest.spec.error = format!("suspended by {}", placement.spec.policy);
    manifest
}

fn absent(placement: &Placement, keep: bool) -> Manifest {
    let mut manifest = frame(placement);
    let preserve = placement.spec.deleted && placement.spec.preserve_resources_on_deletion == Some(true);
    manifest.spec.action = if preserve || keep {
        ManifestAction::Release
    } else {
        ManifestAction::Absent
    };
    manifest
}

/// The same for an object that is held back.
pub(super) fn held_back(mut manifest: Manifest, cluster: &str) -> Manifest {
    manifest.spec.action = ManifestAction::Hold;
    manifest.spec.held_back = true;
    manifest.spec.error = format!(
        "held back, because it would go together with too much else of what the cluster holds; next: meridian \
         confirm-removals {cluster}, or undo what removes it"
    );
    manifest
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A manifest as an object.
pub(super) fn to_value(manifest: &Manifest) -> Option<Value> {
    let mut value = match serde_json::to_value(manifest) {
        Ok(value) => value,
        Err(error) => {
            tracing::error!(key = %manifest.key(), %error, "a manifest cannot be written; what was told stays");
            return None;
        }
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("kind".to_owned(), Value::from("Manifest"));
        object.insert("apiVersion".to_owned(), Value::from(API_VERSION));
    }
    Some(value)
}
