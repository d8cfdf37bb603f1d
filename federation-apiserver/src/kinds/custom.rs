//! Kinds that CustomResourceDefinitions add: their rows.
//!
//! In: a definition as `machinery` reads it. Out: one [`Kind`] a served version. Absent: how stored objects look through a
//! version (`shown`).

use std::borrow::Cow;
use std::sync::Arc;

use api::Revision;
use machinery::custom::{Definition, Version};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::conversion::Hook;
use super::{ALL_VERBS, GenerationRule, Kind, PLAIN, ScalePaths, Strategy};
use crate::cache::{CachedObject, ViewId};
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
    /// Schema of the version in which objects are stored.
    pub(crate) stored_version: Arc<Version>,
    /// Who converts objects; none where versions differ in `apiVersion` alone.
    pub(crate) hook: Option<Arc<Hook>>,
    /// Names what this version makes of objects, for as long as the definition stays as it is.
    pub(crate) view: ViewId,
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
    let hook = definition.hooked.as_ref().map(|hooked| Arc::new(Hook::of(hooked)));
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
            stored_version: stored.clone(),
            hook: hook.clone(),
            view: ViewId::next(),
            since,
            withdrawn: withdrawn.clone(),
        }),
        second: None,
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
