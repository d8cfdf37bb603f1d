//! Kinds that CustomResourceDefinitions add: their rows, and how stored objects look through one of their versions.
//!
//! In: a definition as `machinery` reads it. Out: one [`Kind`] a served version; objects of any version in the form of that
//! one. An object that was written in the version and since the definition last changed is copied as it is; others are
//! converted, pruned and given defaults as they are read.

use std::borrow::Cow;
use std::sync::Arc;

use api::Revision;
use bytes::Bytes;
use machinery::custom::{Definition, Version};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{ALL_VERBS, GenerationRule, Kind, PLAIN, ScalePaths, Strategy};
use crate::cache::{CachedObject, canonical, splice_revision};
use crate::store::KindKey;

/// What a definition says of one version of its kind.
#[derive(Clone, Debug)]
pub struct CustomKind {
    /// The definition's name.
    pub definition: Arc<str>,
    /// What tells whether the definition is still the same.
    pub incarnation: Arc<Incarnation>,
    /// Schema, defaults, rules, columns.
    pub version: Arc<Version>,
    /// `apiVersion` in which objects are stored.
    pub stored_api_version: Arc<str>,
    /// Objects that were written after this revision conform to the definition.
    pub since: Revision,
    /// Cancelled when the version is no longer served; watches end then.
    pub withdrawn: CancellationToken,
}

/// What of a stored definition decides how its kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnation {
    uid: Arc<str>,
    generation: i64,
    names: Value,
    /// The definition is being deleted: new objects are refused.
    pub(crate) closing: bool,
}

impl Incarnation {
    /// That of a stored definition with the status that it has or is to have.
    pub(crate) fn of(crd: &CachedObject, value: &Value, status: &Value) -> Self {
        let generation = value.pointer("/metadata/generation").and_then(Value::as_i64);
        Self {
            uid: crd.uid.clone(),
            generation: generation.unwrap_or_default(),
            names: status.get("acceptedNames").cloned().unwrap_or_default(),
            closing: value.pointer("/metadata/deletionTimestamp").is_some(),
        }
    }
}

/// The rows of a definition of that name, one a version, whether or not it is served. Objects written after `since` conform
/// to it.
fn every_row(definition: &Definition, name: &Arc<str>, incarnation: Incarnation, since: Revision) -> Vec<Kind> {
    let incarnation = Arc::new(incarnation);
    let stored = definition.versions.iter().find(|version| version.storage);
    let Some(stored) = stored else {
        tracing::error!(
            definition = &**name,
            "a CustomResourceDefinition names no storage version; it is not served"
        );
        return Vec::new();
    };
    let stored_api_version: Arc<str> = format!("{}/{}", definition.group, stored.name).into();
    let withdrawn = CancellationToken::new();
    let row = |version: &Arc<Version>| Kind {
        group: definition.group.clone(),
        version: version.name.clone(),
        kind: definition.names.kind.clone(),
        list_kind: definition.names.list_kind.clone(),
        plural: definition.names.plural.clone(),
        singular: definition.names.singular.clone(),
        short_names: definition.names.short_names.clone(),
        categories: definition.names.categories.clone(),
        namespaced: definition.namespaced,
        verbs: ALL_VERBS,
        fields: version.selectable.clone(),
        built_in: false,
        strategy: strategy(version),
        key: KindKey::new(&definition.group, &definition.names.plural),
        custom: Some(CustomKind {
            definition: name.clone(),
            incarnation: incarnation.clone(),
            version: version.clone(),
            stored_api_version: stored_api_version.clone(),
            since,
            withdrawn: withdrawn.clone(),
        }),
    };
    definition.versions.iter().map(row).collect()
}

/// The rows of the versions that are served.
pub(crate) fn rows(definition: &Definition, name: &Arc<str>, incarnation: Incarnation, since: Revision) -> Vec<Kind> {
    let mut rows = every_row(definition, name, incarnation, since);
    rows.retain(|row| row.custom.as_ref().is_some_and(|custom| custom.version.served));
    rows
}

/// The row of the version in which objects are stored: they are there even where no version is served.
pub(crate) fn stored_row(
    definition: &Definition,
    name: &Arc<str>,
    incarnation: Incarnation,
    since: Revision,
) -> Option<Kind> {
    let rows = every_row(definition, name, incarnation, since);
    rows.into_iter()
        .find(|row| row.custom.as_ref().is_some_and(|custom| custom.version.storage))
}

fn strategy(version: &Version) -> Strategy {
    Strategy {
        status: version.status,
        generation: if version.status {
            GenerationRule::Content
        } else {
            GenerationRule::AllButMetadata
        },
        scale: version.scale.as_ref().map(|scale| ScalePaths {
            replicas: Cow::Owned(scale.replicas.clone()),
            status_replicas: Cow::Owned(scale.status_replicas.clone()),
            selector: scale.selector.clone().map(Cow::Owned),
        }),
        unconditional_update: false,
        ..PLAIN
    }
}

impl Kind {
    /// An object as this version of its kind shows it.
    pub(crate) fn shown(&self, object: &CachedObject) -> Arc<Value> {
        match &self.custom {
            Some(custom) if !self.is_as_stored(custom, object) => {
                let mut value = (*object.value()).clone();
                self.convert(custom, &mut value);
                Arc::new(value)
            }
            Some(_) | None => object.value(),
        }
    }

    /// The bytes of an object as this version of its kind shows it.
    pub(crate) fn shown_bytes(&self, object: &CachedObject) -> Bytes {
        match &self.custom {
            Some(custom) if !self.is_as_stored(custom, object) => {
                let bytes = canonical(&self.shown(object));
                splice_revision(&bytes, object.revision).unwrap_or(bytes)
            }
            Some(_) | None => object.bytes.clone(),
        }
    }

    /// Whether what is stored would be written otherwise today.
    pub(crate) fn is_stored_otherwise(&self, object: &CachedObject) -> bool {
        self.custom
            .as_ref()
            .is_some_and(|custom| !begins_with(&object.bytes, &[&self.kind], &[&custom.stored_api_version]))
    }

    /// The bytes that are stored of an object.
    pub(crate) fn to_store(&self, value: &Value) -> Bytes {
        match &self.custom {
            Some(custom) if self.api_version() != *custom.stored_api_version => {
                let mut value = value.clone();
                set_api_version(&mut value, &custom.stored_api_version);
                canonical(&value)
            }
            Some(_) | None => canonical(value),
        }
    }

    /// An object of any version of this kind, in this one.
    pub(crate) fn in_this_version(&self, mut object: Value) -> Value {
        if let Some(custom) = &self.custom
            && object.get("apiVersion").and_then(Value::as_str) != Some(&self.api_version())
        {
            self.convert(custom, &mut object);
        }
        object
    }

    fn is_as_stored(&self, custom: &CustomKind, object: &CachedObject) -> bool {
        object.revision > custom.since && begins_with(&object.bytes, &[&self.kind], &[&self.group, "/", &self.version])
    }

    fn convert(&self, custom: &CustomKind, value: &mut Value) {
        set_api_version(value, &self.api_version());
        custom.version.prune(value);
        custom.version.fill_defaults(value);
    }
}

fn set_api_version(value: &mut Value, api_version: &str) {
    if let Some(object) = value.as_object_mut() {
        object.insert("apiVersion".to_owned(), Value::from(api_version));
    }
}

/// Whether canonical bytes are of a kind and version, given in pieces; none holds a letter that JSON escapes.
fn begins_with(bytes: &[u8], kind: &[&str], api_version: &[&str]) -> bool {
    let parts = [
        &["{\"kind\":\""],
        kind,
        &["\",\"apiVersion\":\""],
        api_version,
        &["\","],
    ];
    parts
        .into_iter()
        .flatten()
        .try_fold(bytes, |rest, part| rest.strip_prefix(part.as_bytes()))
        .is_some()
}
