//! Reads: one object, a list, a watch.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use machinery::status::Status;
use serde_json::Value;

use super::negotiate::{Encoding, Transform};
use super::select::Selection;
use super::source::Source;
use super::tables::{Include, Printer, metadata_only};
use super::{Ask, respond};
use crate::proxy;
use crate::write::{Part, scale_of};

/// Answers one object, or its scale.
pub(crate) async fn get(ask: &Ask, part: Part) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let objects = ask.server.engine.cache_of(&ask.kind);
    if let (Some(revision), _) = super::list::revision(&ask.query)? {
        Source::of(&ask.kind, objects.clone()).reach(revision).await?;
    }
    let object = objects
        .get(&ask.path.namespace, &ask.path.name)
        .ok_or_else(|| ask.not_found())?;
    ask.kind.prepare([&object]).await?;
    if form.transform == Transform::Objects && part != Part::Scale {
        return respond::json_bytes(StatusCode::OK, form, ask.kind.shown_bytes(&object)?);
    }
    let whole = ask.kind.shown(&object)?;
    match (part, &ask.kind.strategy.scale) {
        (Part::Scale, Some(paths)) => shape(ask, form, &scale_of(&ask.kind, paths, &whole)),
        (Part::Object | Part::Status | Part::Scale | Part::Finalize | Part::Approval, _) => shape(ask, form, &whole),
    }
}

/// An object in the form that was asked for.
pub(crate) fn shape(ask: &Ask, form: super::Form, object: &Value) -> Result<Response, Status> {
    answer_shape(ask, StatusCode::OK, form, object)
}

/// An object in the form that was asked for, with a code.
pub(crate) fn answer_shape(ask: &Ask, code: StatusCode, form: super::Form, object: &Value) -> Result<Response, Status> {
    match form.transform {
        Transform::Objects => respond::value(code, form, object),
        Transform::Metadata => respond::value(code, form, &metadata_only(form, object)),
        Transform::Table => {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let include = Include::of(&ask.query)?;
            let printer = Printer {
                api_version: text("apiVersion"),
                kind: text("kind"),
                custom: custom_version(ask),
                include,
                clusters: proxy::reads(ask),
                form,
            };
            let revision = object
                .pointer("/metadata/resourceVersion")
                .and_then(Value::as_str)
                .and_then(api::Revision::parse);
            respond::value(code, form, &printer.one(object, revision, Timestamp::now(), true))
        }
    }
}

/// The version of a definition that says how objects of the kind are printed. Not of their Scale, which is no custom kind.
fn custom_version(ask: &Ask) -> Option<Arc<machinery::custom::Version>> {
    let custom = ask.kind.custom.as_ref().filter(|_| ask.path.subresource != "scale");
    custom.map(|custom| custom.version.clone())
}

/// Answers a list.
pub(crate) async fn list(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let source = Source::of(&ask.kind, ask.server.engine.cache_of(&ask.kind));
    let selection = Selection::of(&ask.query, &ask.path.namespace, Some(&ask.kind))?;
    super::list::list(&source, &ask.query, &selection, form).await
}

/// Answers a watch.
pub(crate) async fn watch(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(false)?;
    debug_assert!(form.encoding != Encoding::Yaml);
    let source = Source::of(&ask.kind, ask.server.engine.cache_of(&ask.kind));
    let selection = Selection::of(&ask.query, &ask.path.namespace, Some(&ask.kind))?.named(&ask.path.name)?;
    super::watch::watch(source, &ask.query, selection, form, ask.drain()).await
}
