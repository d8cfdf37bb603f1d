//! What a draft looks like to those who are asked about it.
//!
//! In: a draft, the kind in whose version somebody wants to see it. Out: an AdmissionRequest and its objects; a changed object put
//! back into the draft.

use std::sync::Arc;

use machinery::admission::expression::{Authority, Facts};
use machinery::admission::matching::{Asked, GROUP, Labelled};
use machinery::decode;
use machinery::rbac;
use machinery::status::Status;
use serde_json::{Value, json};

use crate::auth::{Authorizer, UserInfo};
use crate::kinds::Kind;
use crate::write::apply::subresource;
use crate::write::identity::meta;
use crate::write::parts::{scale_of, with_scale};
use crate::write::{Draft, Engine, Intent, Part, body};

pub(super) static NULL: Value = Value::Null;

/// The operation, as rules name it.
pub(super) fn operation(draft: &Draft) -> &'static str {
    match (&draft.value, &draft.old) {
        (Value::Null, _) => "DELETE",
        (_, Some(_)) => "UPDATE",
        (_, None) => "CREATE",
    }
}

/// The subresource, as rules name it.
fn part_of(intent: &Intent) -> &'static str {
    match intent.part {
        Part::Finalize => "finalize",
        part => subresource(part),
    }
}

/// Whether nobody may be asked: who decides is not decided on.
pub(super) fn is_exempt(intent: &Intent) -> bool {
    intent.kind.group == GROUP
}

/// What is asked, in a version of the kind.
pub(super) fn asked<'a>(intent: &'a Intent, draft: &Draft, kind: &'a Kind) -> Asked<'a> {
    Asked {
        operation: operation(draft),
        group: &kind.group,
        version: &kind.version,
        resource: &kind.plural,
        subresource: part_of(intent),
        namespaced: kind.namespaced,
        name: &intent.name,
    }
}

/// The version in which rules are about a request: its own, or where any will do another one of the same kind.
pub(super) fn version(
    engine: &Engine,
    intent: &Intent,
    draft: &Draft,
    exact: bool,
    holds: impl Fn(&Asked<'_>) -> bool,
) -> Option<Arc<Kind>> {
    if holds(&asked(intent, draft, &intent.spoken)) {
        return Some(intent.spoken.clone());
    }
    if exact {
        return None;
    }
    let registry = engine.catalog.registry();
    let others = registry.kinds().iter().filter(|kind| kind.key == intent.kind.key);
    others
        .filter(|kind| !Arc::ptr_eq(kind, &intent.spoken))
        .find(|kind| holds(&asked(intent, draft, kind)))
        .cloned()
}

/// A draft as it is shown.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) object: Value,
    pub(super) old: Value,
    pub(super) namespace: Arc<Value>,
    /// The AdmissionRequest, without uid and objects.
    pub(super) request: Value,
    rights: Rights,
}

/// The rights of whoever asks.
#[derive(Debug)]
struct Rights {
    authorizer: Authorizer,
    user: UserInfo,
}

impl Authority for Rights {
    fn decide(&self, account: Option<(&str, &str)>, asked: rbac::Asked<'_>) -> (bool, String) {
        let decision = match account {
            Some((namespace, name)) => {
                let groups = [
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                ];
                let user = UserInfo::new(format!("system:serviceaccount:{namespace}:{name}"), groups);
                self.authorizer.judge(&user, asked)
            }
            None => self.authorizer.judge(&self.user, asked),
        };
        (decision.is_allowed(), decision.reason())
    }
}

impl Review {
    /// A draft in a version of its kind.
    ///
    /// # Errors
    /// Whoever converts it fails.
    pub(super) async fn of(engine: &Engine, intent: &Intent, draft: &Draft, kind: &Kind) -> Result<Self, Status> {
        let mut object = draft.value.clone();
        if let (Some(old), Some(metadata)) = (&draft.old, object.get_mut("metadata").and_then(Value::as_object_mut)) {
            let version = meta(old, "resourceVersion");
            if !version.is_empty() {
                metadata.insert("resourceVersion".to_owned(), Value::from(version));
            }
        }
        let old = draft.old.as_deref().cloned().unwrap_or_default();
        Ok(Self {
            object: shown(intent, kind, object).await?,
            old: shown(intent, kind, old).await?,
            namespace: namespace(engine, intent, draft),
            request: request(intent, draft, kind),
            rights: Rights {
                authorizer: engine.authorizer.clone(),
                user: intent.user.clone(),
            },
        })
    }

    /// What selectors look at.
    pub(super) fn labelled(&self) -> Labelled<'_> {
        Labelled {
            object: &self.object,
            old: &self.old,
            namespace: &self.namespace,
        }
    }

    /// What expressions look at.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            object: &self.object,
            old: &self.old,
            request: &self.request,
            namespace: &self.namespace,
            params: &NULL,
            authority: &self.rights,
        }
    }

    /// The AdmissionReview of it, with a new uid.
    pub(super) fn asking(&self) -> (String, Value) {
        let uid = uuid::Uuid::new_v4().to_string();
        let mut request = self.request.clone();
        if let Some(request) = request.as_object_mut() {
            request.insert("uid".to_owned(), Value::from(uid.as_str()));
            request.insert("object".to_owned(), self.object.clone());
            request.insert("oldObject".to_owned(), self.old.clone());
        }
        (uid, machinery::admission::review::asking(&request))
    }
}

/// An object in a version, or its part of it.
async fn shown(intent: &Intent, kind: &Kind, object: Value) -> Result<Value, Status> {
    if object.is_null() {
        return Ok(object);
    }
    match (intent.part, &intent.kind.strategy.scale) {
        (Part::Scale, Some(paths)) => Ok(scale_of(&intent.kind, paths, &object)),
        _ => kind.in_this_version(object).await,
    }
}

/// The namespace of a draft, or the one that it is itself; null where there is none.
fn namespace(engine: &Engine, intent: &Intent, draft: &Draft) -> Arc<Value> {
    let name = match (intent.kind.is_namespace(), &draft.value) {
        (true, Value::Null) => &intent.name,
        // It is not stored yet as it will be.
        (true, own) => return Arc::new(own.clone()),
        (false, _) if intent.kind.namespaced => &intent.namespace,
        (false, _) => return Arc::default(),
    };
    let found = engine.admission.namespaces.get("", name);
    found.map(|found| found.value()).unwrap_or_default()
}

fn request(intent: &Intent, draft: &Draft, kind: &Kind) -> Value {
    let part = part_of(intent);
    let names = |of: &Kind| match intent.part {
        Part::Scale => json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
        Part::Object | Part::Status | Part::Finalize | Part::Approval => {
            json!({"group": of.group, "version": of.version, "kind": of.kind})
        }
    };
    let resource = |of: &Kind| json!({"group": of.group, "version": of.version, "resource": of.plural});
    let operation = operation(draft);
    let options = match operation {
        "CREATE" => "CreateOptions",
        "DELETE" => "DeleteOptions",
        _ => "UpdateOptions",
    };
    let user = &intent.user;
    let mut request = json!({
        "kind": names(kind), "resource": resource(kind),
        "requestKind": names(&intent.spoken), "requestResource": resource(&intent.spoken),
        "name": intent.name, "operation": operation,
        "userInfo": user.to_value(),
        "dryRun": intent.options.dry_run,
        "options": {"kind": options, "apiVersion": "meta.k8s.io/v1"},
    });
    if let Some(request) = request.as_object_mut() {
        if !part.is_empty() {
            request.insert("subResource".to_owned(), Value::from(part));
            request.insert("requestSubResource".to_owned(), Value::from(part));
        }
        // A namespace is in itself.
        let namespace = if intent.kind.is_namespace() {
            &intent.name
        } else {
            &intent.namespace
        };
        if !namespace.is_empty() {
            request.insert("namespace".to_owned(), Value::from(namespace.as_str()));
        }
    }
    request
}

/// Puts an object that somebody changed into the draft: in the version of the request, without what its schema does not
/// know, with defaults, and as the same object.
pub(super) async fn put_back(engine: &Engine, intent: &Intent, draft: &mut Draft, object: Value) -> Result<(), Status> {
    let mut value = match (intent.part, &intent.kind.strategy.scale) {
        (Part::Scale, Some(paths)) => with_scale(paths, &draft.value, &object)?,
        _ => intent.kind.in_this_version(object).await?,
    };
    let broken = |error: decode::DecodeError| Status::internal(format!("a changed object cannot be read: {error}"));
    match (&intent.kind.custom, intent.kind.schema()) {
        (Some(custom), _) => {
            custom.version.check_types(&value).map_err(broken)?;
            custom.version.prune(&mut value);
        }
        (None, Some(schema)) => {
            decode::check_types(schema, &value).map_err(broken)?;
            decode::prune_unknown(schema, &mut value);
        }
        (None, None) => {}
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        let kept = [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "generation",
            "managedFields",
        ];
        for key in kept {
            match draft.value.get("metadata").and_then(|before| before.get(key)) {
                Some(before) => metadata.insert(key.to_owned(), before.clone()),
                None => metadata.remove(key),
            };
        }
    }
    draft.value = value;
    body::fill_defaults(engine, intent, draft)
}
