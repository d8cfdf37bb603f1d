//! PATCH: which patch a body is, by its content type.

use axum::body::Body;
use axum::response::Response;
use machinery::status::Status;

use super::{Ask, body, mutate};
use crate::write::{Change, Part, Patch};

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// Answers a PATCH.
pub(crate) async fn patch(ask: &Ask, part: Part, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let options = ask.write_options("PatchOptions")?;
    let bytes = body::read(body).await?;
    let change = match body::media_type(&ask.parts.headers) {
        JSON_PATCH => Change::Patch(Patch::Json(body::json(&bytes)?)),
        MERGE_PATCH => Change::Patch(Patch::Merge(object(body::json(&bytes)?)?)),
        STRATEGIC_PATCH if ask.kind.built_in => Change::Patch(Patch::Strategic(object(body::json(&bytes)?)?)),
        APPLY_PATCH if part != Part::Scale => {
            let mut decoded = body::yaml(&bytes)?;
            let (api_version, kind) = mutate::expected(ask, part);
            body::expect_kind(&mut decoded.value, &api_version, &kind)?;
            name_it(ask, &mut decoded.value);
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
            return Err(Status::unsupported_media_type(&types));
        }
    };
    let outcome = ask.server.engine.update(&ask.intent(part, options), &change).await?;
    mutate::finish(ask, form, outcome)
}

fn object(value: serde_json::Value) -> Result<serde_json::Value, Status> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(Status::bad_request("the patch is not an object"))
    }
}

/// An applied configuration may leave its name to the path.
fn name_it(ask: &Ask, value: &mut serde_json::Value) {
    let Some(object) = value.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| serde_json::json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.entry("name").or_insert_with(|| ask.path.name.as_str().into());
        if ask.kind.namespaced {
            metadata
                .entry("namespace")
                .or_insert_with(|| ask.path.namespace.as_str().into());
        }
    }
}
