//! What parameterizes a policy for a request: the objects that a binding names or selects.

use std::sync::Arc;

use machinery::select::LabelSelector;
use machinery::status::Status;
use serde_json::Value;

use super::super::review::NULL;
use crate::write::{Engine, Intent};

/// The parameters of one binding; each is asked about by itself.
pub(in crate::write::admission) enum Params {
    /// The policy has none, or the binding gives none: it is asked once, without.
    Without,
    /// These.
    Objects(Vec<Arc<Value>>),
}

/// Why a binding cannot be used.
#[derive(Debug)]
pub(in crate::write::admission) struct Fault {
    /// The policy is at fault, whatever its bindings say.
    pub(in crate::write::admission) of_policy: bool,
    /// The sentence for people.
    pub(in crate::write::admission) why: String,
}

impl Params {
    /// The parameters of a policy of that kind by a binding.
    pub(in crate::write::admission) fn of(
        engine: &Engine,
        intent: &Intent,
        kind: Option<&(String, String)>,
        binding: &Value,
    ) -> Result<Self, Fault> {
        let reference = binding
            .pointer("/spec/paramRef")
            .filter(|reference| !reference.is_null());
        let (Some((api_version, kind)), reference) = (kind, reference) else {
            return Ok(Self::Without);
        };
        let Some(found) = engine.catalog.registry().object_kind(api_version, kind).cloned() else {
            return Err(Fault {
                of_policy: true,
                why: format!(
                    "failed to configure policy: failed to find resource referenced by paramKind: '{api_version}, Kind={kind}'"
                ),
            });
        };
        let Some(reference) = reference else {
            return Ok(Self::Without);
        };
        let misconfigured = |why: &str| Fault {
            of_policy: false,
            why: format!("failed to configure binding: {why}"),
        };
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        let named = text("namespace");
        let namespace = match (found.namespaced, named.is_empty()) {
            (false, true) => "",
            (false, false) => {
                return Err(misconfigured(
                    "paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
                ));
            }
            (true, false) => named,
            (true, true) if intent.namespace.is_empty() => {
                return Err(misconfigured(
                    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
                ));
            }
            (true, true) => &intent.namespace,
        };
        let cache = engine.cache_of(&found);
        let objects: Result<Vec<Arc<Value>>, Status> =
            match reference.get("selector").filter(|selector| !selector.is_null()) {
                Some(selector) => {
                    let selector =
                        LabelSelector::from_value(selector).map_err(|error| misconfigured(&error.to_string()))?;
                    let all = cache.snapshot();
                    let chosen = all
                        .in_namespace(namespace)
                        .filter(|object| selector.matches(&object.labels));
                    chosen.map(|object| found.shown(object)).collect()
                }
                None => cache
                    .get(namespace, text("name"))
                    .iter()
                    .map(|object| found.shown(object))
                    .collect(),
            };
        let objects = objects.map_err(|status: Status| misconfigured(&status.message))?;
        if objects.is_empty() && text("parameterNotFoundAction") != "Allow" {
            return Err(misconfigured(
                "no params found for policy binding with `Deny` parameterNotFoundAction",
            ));
        }
        Ok(Self::Objects(objects))
    }

    /// Each, or nothing once.
    pub(in crate::write::admission) fn each(&self) -> impl Iterator<Item = &Value> {
        let (once, all) = match self {
            Self::Without => (Some(&NULL), [].iter()),
            Self::Objects(objects) => (None, objects.iter()),
        };
        once.into_iter().chain(all.map(|object| &**object))
    }
}
