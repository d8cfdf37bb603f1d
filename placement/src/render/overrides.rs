//! What differs from cluster to cluster.
//! In: a manifest, the cluster, every override policy. Out: the manifest changed by those that are for this object and
//! this cluster, in their order, or the first that does not fit. Order: cluster-scoped policies first, then namespaced;
//! within a scope the less precise first, then by name; so the more precise has the last word. Absent: changes of
//! identity; a policy that tries one is refused.

use api::overrides::{CommandArgsOverrider, ImageOverrider, MapOverrider, OverriderOperator, Overriders};
use api::{Cluster, OverridePolicy};
use serde_json::{Map, Value, json};

use super::RenderError;
use super::embedded::{self, EmbeddedError};
use super::image::{self, ImageError};
use super::pointer::{self, PointerError};
use crate::affinity;
use crate::inputs::FederatedObject;
use crate::selectors::{self, Specificity};

/// Why an override does not fit an object.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// A JSON pointer leads nowhere.
    #[error("its JSON pointer does not fit the object")]
    Pointer(#[source] PointerError),
    /// A field inside a text cannot be changed.
    #[error("it changes a field inside a text")]
    Embedded(#[source] Box<EmbeddedError>),
    /// An image reference cannot be changed so.
    #[error("it makes an impossible image reference of {image:?}")]
    Image {
        /// The image as it was.
        image: String,
        /// What is wrong.
        #[source]
        source: ImageError,
    },
    /// No string at the predicate's path.
    #[error("there is no image string at {path}")]
    NoImage {
        /// The predicate's path.
        path: String,
    },
    /// No container of that name.
    #[error("the pod template has no container {container:?}")]
    NoContainer {
        /// The name.
        container: String,
    },
    /// Name, namespace, kind and apiVersion cannot differ.
    #[error("it changes the identity of the object ({field})")]
    Identity {
        /// Which part.
        field: &'static str,
    },
}

/// Applies every override that is for this object and cluster.
pub(super) fn apply(
    manifest: &mut Map<String, Value>,
    facts: &FederatedObject,
    cluster: &Cluster,
    policies: &[OverridePolicy],
) -> Result<(), RenderError> {
    let mut matching: Vec<_> = policies
        .iter()
        .filter_map(|policy| {
            let scope = policy.metadata.namespace();
            let selectors = &policy.spec.resource_selectors;
            let specificity = if selectors.is_empty() {
                (scope.is_empty() || scope == facts.resource.namespace).then_some(Specificity::Kind)
            } else {
                selectors::best_match(selectors, scope, facts)
            };
            // `true` sorts last: cluster-scoped policies come first.
            specificity.map(|specificity| ((!scope.is_empty(), specificity, policy.metadata.name()), policy))
        })
        .collect();
    matching.sort_by_key(|(order, _)| *order);

    for (_, policy) in matching {
        for rule in &policy.spec.override_rules {
            if rule
                .target_cluster
                .as_ref()
                .is_some_and(|target| affinity::mismatch(target, cluster).is_some())
            {
                continue;
            }
            apply_rule(manifest, &rule.overriders).map_err(|source| RenderError::Override {
                policy: label(policy),
                object: facts.resource.to_string(),
                cluster: cluster.metadata.name().to_owned(),
                source,
            })?;
        }
    }
    Ok(())
}

fn label(policy: &OverridePolicy) -> String {
    match policy.metadata.namespace() {
        "" => policy.metadata.name().to_owned(),
        namespace => format!("{namespace}/{}", policy.metadata.name()),
    }
}

fn apply_rule(manifest: &mut Map<String, Value>, overriders: &Overriders) -> Result<(), OverrideError> {
    let Overriders {
        image_overrider,
        command_overrider,
        args_overrider,
        labels_overrider,
        annotations_overrider,
        field_overrider,
        plaintext,
    } = overriders;
    let mut document = Value::Object(std::mem::take(manifest));
    let before = identity(&document);
    for overrider in image_overrider {
        override_image(&mut document, overrider)?;
    }
    for overrider in command_overrider {
        override_words(&mut document, "command", overrider)?;
    }
    for overrider in args_overrider {
        override_words(&mut document, "args", overrider)?;
    }
    for overrider in labels_overrider {
        override_map(&mut document, "labels", overrider);
    }
    for overrider in annotations_overrider {
        override_map(&mut document, "annotations", overrider);
    }
    for overrider in field_overrider {
        let changed = embedded::change(&mut document, overrider);
        changed.map_err(|error| OverrideError::Embedded(Box::new(error)))?;
    }
    for operation in plaintext {
        let value = operation.value.clone();
        match operation.operator {
            OverriderOperator::Add => pointer::add(&mut document, &operation.path, value),
            OverriderOperator::Replace => pointer::replace(&mut document, &operation.path, value),
            OverriderOperator::Remove => pointer::remove(&mut document, &operation.path),
        }
        .map_err(OverrideError::Pointer)?;
    }
    let after = identity(&document);
    if let Some(((field, _), _)) = before.iter().zip(&after).find(|(old, new)| old != new) {
        return Err(OverrideError::Identity { field });
    }
    if let Value::Object(map) = document {
        *manifest = map;
    }
    Ok(())
}

fn identity(document: &Value) -> Vec<(&'static str, Option<Value>)> {
    ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"]
        .into_iter()
        .map(|path| (path, document.pointer(path).cloned()))
        .collect()
}

/// Pod specs of the workload kinds: a Pod's own, a template's, a CronJob's.
fn pod_spec(document: &mut Value) -> Option<&mut Map<String, Value>> {
    let path = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"]
        .into_iter()
        .find(|path| document.pointer(path).is_some())
        .unwrap_or("/spec");
    document.pointer_mut(path)?.as_object_mut()
}

fn containers(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let lists = pod_spec(document).into_iter().flat_map(Map::iter_mut);
    let lists = lists.filter(|(key, _)| matches!(key.as_str(), "containers" | "initContainers"));
    lists
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
        .filter_map(Value::as_object_mut)
}

fn override_image(document: &mut Value, overrider: &ImageOverrider) -> Result<(), OverrideError> {
    let change = |place: &mut Value| match place.as_str() {
        Some(image) => {
            let failed = |source| OverrideError::Image {
                image: image.to_owned(),
                source,
            };
            let changed = image::change(image, overrider.component, overrider.operator, &overrider.value);
            *place = Value::String(changed.map_err(failed)?);
            Ok(true)
        }
        None => Ok(false),
    };
    if let Some(predicate) = &overrider.predicate {
        let path = &predicate.path;
        let done = document.pointer_mut(path).map(change).transpose()?;
        return if done == Some(true) {
            Ok(())
        } else {
            Err(OverrideError::NoImage { path: path.clone() })
        };
    }
    for container in containers(document) {
        if let Some(place) = container.get_mut("image") {
            change(place)?;
        }
    }
    Ok(())
}

fn override_words(document: &mut Value, field: &str, overrider: &CommandArgsOverrider) -> Result<(), OverrideError> {
    let wanted = Some(overrider.container_name.as_str());
    let missing = || OverrideError::NoContainer {
        container: overrider.container_name.clone(),
    };
    let container = containers(document)
        .find(|container| container.get("name").and_then(Value::as_str) == wanted)
        .ok_or_else(missing)?;
    let words = container.entry(field).or_insert_with(|| json!([]));
    let Some(words) = words.as_array_mut() else {
        return Ok(());
    };
    match overrider.operator {
        OverriderOperator::Add => words.extend(overrider.value.iter().cloned().map(Value::String)),
        OverriderOperator::Remove => {
            words.retain(|word| {
                word.as_str()
                    .is_none_or(|word| !overrider.value.iter().any(|gone| gone == word))
            });
        }
        OverriderOperator::Replace => *words = overrider.value.iter().cloned().map(Value::String).collect(),
    }
    if words.is_empty() {
        container.remove(field);
    }
    Ok(())
}

fn override_map(document: &mut Value, field: &str, overrider: &MapOverrider) {
    let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let map = metadata.entry(field).or_insert_with(|| json!({}));
    let Some(map) = map.as_object_mut() else { return };
    for (key, value) in &overrider.value {
        match overrider.operator {
            OverriderOperator::Add => {
                map.insert(key.clone(), json!(value));
            }
            OverriderOperator::Replace => {
                if let Some(place) = map.get_mut(key) {
                    *place = json!(value);
                }
            }
            OverriderOperator::Remove => {
                map.remove(key);
            }
        }
    }
}
