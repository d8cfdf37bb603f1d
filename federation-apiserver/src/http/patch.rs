//! PATCH: which patch a body is, by its content type.

use axum::body::Body;
use axum::response::Response;
use machinery::field::{self, Path};
use machinery::status::{Details, Status};
use serde_json::Value;

use super::{Ask, body, mutate};
use crate::write::{Change, Part, Patch};

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// Answers a PATCH.
pub(crate) async fn patch(ask: &Ask, part: Part, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let mut options = ask.write_options("PatchOptions")?;
    let bytes = body::read(body).await?;
    let media = body::media_type(&ask.parts.headers);
    if ask.query.has("force") && matches!(media, JSON_PATCH | MERGE_PATCH | STRATEGIC_PATCH) {
        let cause = field::forbidden(&Path::root("force"), "may not be specified for non-apply patch");
        return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
    }
    let change = match media {
        JSON_PATCH => Change::Patch(Patch::Json(body::patch(&bytes)?)),
        MERGE_PATCH => Change::Patch(Patch::Merge(object(body::patch(&bytes)?)?)),
        STRATEGIC_PATCH if ask.kind.built_in => Change::Patch(Patch::Strategic(object(body::patch(&bytes)?)?)),
        APPLY_PATCH if part != Part::Scale => {
            let mut decoded = body::yaml(&bytes)?;
            says_what_it_is(&decoded.value)?;
            let (api_version, kind) = mutate::expected(ask, part);
            body::expect_kind(&mut decoded.value, &api_version, &kind)?;
            name_it(ask, &mut decoded.value);
            // Who applies must say so: the name is what the next apply is compared with.
            ask.query
                .get("fieldManager")
                .unwrap_or_default()
                .clone_into(&mut options.field_manager);
            Change::Apply(decoded.value, decoded.duplicates)
        }
        _ => {
            let mut types = vec![JSON_PATCH, MERGE_PATCH];
            if ask.kind.built_in {
                types.push(STRATEGIC_PATCH);
            }
            if part != Part::Scale {
                types.push(APPLY_PATCH);
            }
            let mut status = Status::unsupported_media_type(&types);
            if ask.kind.built_in {
                status.details = Some(Details::default());
            }
            return Err(status);
        }
    };
    let outcome = ask.server.engine.update(&ask.intent(part, options), &change).await?;
    mutate::finish(ask, form, outcome)
}

fn object(value: Value) -> Result<Value, Status> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(Status::bad_request("error decoding patch: it is not an object"))
    }
}

/// An applied configuration must name its kind and version: a client that does not know them did not mean this object.
fn says_what_it_is(value: &Value) -> Result<(), Status> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if !api_version.is_empty() && !kind.is_empty() {
        return Ok(());
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Err(Status::bad_request(format!(
        "invalid object type: {group}/{version}, Kind={kind}"
    )))
}

/// An applied configuration may leave its name to the path.
fn name_it(ask: &Ask, value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| serde_json::json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.entry("name").or_insert_with(|| ask.path.name.as_str().into());
    }
}
