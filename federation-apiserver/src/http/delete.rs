//! DELETE of one object and of a collection.

use axum::body::Body;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use jiff::Timestamp;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::Value;

use super::query::Query;
use super::select::Selection;
use super::{Ask, body, mutate, respond};
use crate::cache::CachedObject;
use crate::write::{DeleteOptions, FieldValidation, Options, Part, Propagation};

/// Reads the options of a deletion from body and query; the body wins.
fn options(ask: &Ask, bytes: &Bytes) -> Result<DeleteOptions, Status> {
    let value = if bytes.is_empty() {
        Value::Null
    } else {
        body::object(&ask.parts.headers, bytes, true, "DeleteOptions")?.value
    };
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "" | "DeleteOptions") {
        let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        return Err(Status::bad_request(format!(
            "a deletion takes DeleteOptions; no kind {kind:?} of version {version:?} can stand for them"
        )));
    }
    ask.query.number("gracePeriodSeconds")?;
    parse(&value, &ask.query)
}

fn parse(value: &Value, query: &Query) -> Result<DeleteOptions, Status> {
    let mut causes = Vec::new();
    let text = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    let dry = value.get("dryRun").and_then(Value::as_array);
    let from_body = dry.into_iter().flatten().filter_map(Value::as_str);
    let dry_run = mutate::dry_run(from_body.chain(query.all("dryRun")), &mut causes);
    let policy = text("/propagationPolicy").or_else(|| query.get("propagationPolicy").map(str::to_owned));
    let orphan = value
        .get("orphanDependents")
        .and_then(Value::as_bool)
        .or_else(|| query.flag("orphanDependents"));
    if policy.is_some() && orphan.is_some() {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        let bad = Value::from(policy.clone().unwrap_or_default());
        causes.push(field::invalid(&Path::root("propagationPolicy"), &bad, detail));
    }
    let propagation = match (policy.as_deref(), orphan) {
        (Some("Background"), _) => Some(Propagation::Background),
        (Some("Foreground"), _) => Some(Propagation::Foreground),
        (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
        (None, Some(false)) => Some(Propagation::Background),
        (None, None) => None,
        (Some(other), _) => {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            causes.push(field::not_supported(
                &Path::root("propagationPolicy"),
                &Value::from(other),
                &allowed,
            ));
            None
        }
    };
    if !causes.is_empty() {
        return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", causes));
    }
    Ok(DeleteOptions {
        uid: text("/preconditions/uid"),
        version: text("/preconditions/resourceVersion"),
        propagation,
        dry_run,
    })
}

fn write_options(dry_run: bool) -> Options {
    Options {
        dry_run,
        field_manager: String::new(),
        validation: FieldValidation::Ignore,
        force: false,
    }
}

/// Refuses what would take too much from a member along with it.
fn check_along(ask: &Ask, object: &CachedObject) -> Result<(), Status> {
    match ask.server.streams.refuses_deletion(&ask.kind, object, Timestamp::now()) {
        Some(why) => Err(Status::forbidden(
            &ask.kind.group,
            &ask.kind.plural,
            &object.key.name,
            &why,
        )),
        None => Ok(()),
    }
}

/// Answers the deletion of one object.
pub(crate) async fn one(ask: &Ask, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let options = options(ask, &body::read(body).await?)?;
    if let Some(object) = ask
        .server
        .engine
        .cache_of(&ask.kind)
        .get(&ask.path.namespace, &ask.path.name)
    {
        check_along(ask, &object)?;
    }
    let intent = ask.intent(Part::Object, write_options(options.dry_run));
    let outcome = ask.server.engine.delete(&intent, &options).await?;
    let mut response = respond::json_bytes(
        StatusCode::OK,
        super::Form {
            transform: super::negotiate::Transform::Objects,
            ..form
        },
        outcome.body,
    )?;
    respond::warn(&mut response, &outcome.warnings);
    Ok(response)
}

/// Answers the deletion of a collection: what was selected is deleted one by one, and told as a list.
pub(crate) async fn collection(ask: &Ask, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let options = options(ask, &body::read(body).await?)?;
    let selection = Selection::of(&ask.query, &ask.path.namespace, Some(&ask.kind))?;
    let objects = ask.server.engine.cache_of(&ask.kind).snapshot();
    let mut out = BytesMut::new();
    out.put_slice(
        format!(
            "{{\"kind\":{:?},\"apiVersion\":{:?},\"metadata\":{{\"resourceVersion\":\"{}\"}},\"items\":[",
            ask.kind.list_kind,
            ask.kind.api_version(),
            objects.revision
        )
        .as_bytes(),
    );
    let mut first = true;
    for object in objects.iter().filter(|object| selection.has(object)) {
        check_along(ask, object)?;
        let mut intent = ask.intent(Part::Object, write_options(options.dry_run));
        intent.namespace = object.key.namespace.to_string();
        intent.name = object.key.name.to_string();
        match ask.server.engine.delete(&intent, &options).await {
            Ok(_) => {}
            // Somebody else deleted it first: that is what was wanted.
            Err(status) if status.code == 404 => continue,
            Err(status) => return Err(status),
        }
        if !std::mem::take(&mut first) {
            out.put_u8(b',');
        }
        ask.kind.prepare([object]).await?;
        out.put_slice(&ask.kind.shown_bytes(object)?);
    }
    out.put_slice(b"]}");
    respond::json_bytes(
        StatusCode::OK,
        super::Form {
            transform: super::negotiate::Transform::Objects,
            ..form
        },
        out.freeze(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn option_rules() {
        let check = |body: Value, query: &str| parse(&body, &Query::parse(Some(query)).unwrap());
        let foreground = check(json!({"propagationPolicy": "Foreground"}), "").unwrap();
        assert_eq!(foreground.propagation, Some(Propagation::Foreground));
        assert_eq!(
            check(json!(null), "propagationPolicy=Orphan").unwrap().propagation,
            Some(Propagation::Orphan)
        );
        assert_eq!(
            check(json!({"orphanDependents": true}), "").unwrap().propagation,
            Some(Propagation::Orphan)
        );
        assert_eq!(
            check(json!({"propagationPolicy": "Sideways"}), "").unwrap_err().code,
            422
        );
        assert_eq!(
            check(json!({"propagationPolicy": "Orphan", "orphanDependents": true}), "")
                .unwrap_err()
                .code,
            422
        );
        assert!(check(json!({"dryRun": ["All"]}), "").unwrap().dry_run);
        let with_uid = check(json!({"preconditions": {"uid": "u", "resourceVersion": "7"}}), "").unwrap();
        assert_eq!(
            (with_uid.uid.as_deref(), with_uid.version.as_deref()),
            (Some("u"), Some("7"))
        );
    }
}
