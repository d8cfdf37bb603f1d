//! Creates and updates, and the options that all writes share.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::USER_AGENT;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::Value;

use super::query::Query;
use super::{Ask, body, get, respond};
use crate::audit::Trail;
use crate::write::{Change, FieldValidation, Options, Outcome, Part};

/// Longest name of a field manager.
const MANAGER_MAX: usize = 128;

/// Reads the options of a write; `kind` is the options' kind, for errors.
pub(crate) fn options(query: &Query, kind: &str, user_agent: Option<&str>) -> Result<Options, Status> {
    let mut causes = Vec::new();
    let dry_run = dry_run(query.all("dryRun"), &mut causes);
    let validation = match query.get("fieldValidation") {
        None | Some("Warn") => FieldValidation::Warn,
        Some("Strict") => FieldValidation::Strict,
        Some("Ignore") => FieldValidation::Ignore,
        Some(other) => {
            let path = Path::root("fieldValidation");
            causes.push(field::not_supported(
                &path,
                &Value::from(other),
                &["", "Ignore", "Strict", "Warn"],
            ));
            FieldValidation::Warn
        }
    };
    let named = query.get("fieldManager").unwrap_or_default();
    if named.len() > MANAGER_MAX {
        causes.push(field::too_long(&Path::root("fieldManager"), MANAGER_MAX));
    }
    if let Some((at, bad)) = named.chars().enumerate().find(|(_, letter)| letter.is_control()) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(bad));
        causes.push(field::invalid(
            &Path::root("fieldManager"),
            &Value::from(named),
            &detail,
        ));
    }
    if !causes.is_empty() {
        return Err(Status::invalid("meta.k8s.io", kind, "", causes));
    }
    let field_manager = if named.is_empty() {
        let agent = user_agent.unwrap_or_default();
        agent
            .split('/')
            .next()
            .unwrap_or(agent)
            .chars()
            .take(MANAGER_MAX)
            .collect()
    } else {
        named.to_owned()
    };
    Ok(Options {
        dry_run,
        field_manager,
        validation,
        force: query.flag("force").unwrap_or(false),
    })
}

/// Reads `dryRun`: `All`, or nothing.
pub(crate) fn dry_run<'a>(values: impl Iterator<Item = &'a str>, causes: &mut Vec<machinery::status::Cause>) -> bool {
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    if values.iter().any(|value| *value != "All") {
        causes.push(field::not_supported(
            &Path::root("dryRun"),
            &Value::from(values.clone()),
            &["All"],
        ));
    }
    values.contains(&"All")
}

impl Ask {
    pub(crate) fn write_options(&self, kind: &str) -> Result<Options, Status> {
        let agent = self.parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        options(&self.query, kind, agent)
    }
}

/// Answers a POST to a collection.
pub(crate) async fn create(ask: &Ask, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let options = ask.write_options("CreateOptions")?;
    let bytes = body::read(body).await?;
    let mut decoded = body::object(&ask.parts.headers, &bytes, ask.kind.built_in, &ask.kind.kind)?;
    body::expect_kind(&mut decoded.value, &ask.kind.api_version(), &ask.kind.kind)?;
    let intent = ask.intent(Part::Object, options);
    let outcome = ask
        .server
        .engine
        .create(&intent, decoded.value, decoded.duplicates)
        .await?;
    if let Some(trail) = ask.parts.extensions.get::<Trail>() {
        trail.named(&name_of(&outcome));
    }
    finish(ask, form, outcome)
}

fn name_of(outcome: &Outcome) -> String {
    #[derive(serde::Deserialize)]
    struct Header {
        metadata: Name,
    }
    #[derive(serde::Deserialize)]
    struct Name {
        name: String,
    }
    serde_json::from_slice(&outcome.body).map_or_else(|_| String::new(), |header: Header| header.metadata.name)
}

/// Answers a PUT.
pub(crate) async fn update(ask: &Ask, part: Part, body: Body) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let options = ask.write_options("UpdateOptions")?;
    let bytes = body::read(body).await?;
    let (api_version, kind) = expected(ask, part);
    let mut decoded = body::object(&ask.parts.headers, &bytes, ask.kind.built_in, &kind)?;
    body::expect_kind(&mut decoded.value, &api_version, &kind)?;
    let change = Change::Replace(decoded.value, decoded.duplicates);
    let outcome = ask.server.engine.update(&ask.intent(part, options), &change).await?;
    finish(ask, form, outcome)
}

/// `apiVersion` and kind of a part's bodies.
pub(crate) fn expected(ask: &Ask, part: Part) -> (String, String) {
    match part {
        Part::Scale => ("autoscaling/v1".to_owned(), "Scale".to_owned()),
        Part::Object | Part::Status | Part::Finalize | Part::Approval => {
            (ask.kind.api_version(), ask.kind.kind.clone())
        }
    }
}

/// The answer to a write.
pub(crate) fn finish(ask: &Ask, form: super::Form, outcome: Outcome) -> Result<Response, Status> {
    let code = if outcome.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = if form.transform == super::negotiate::Transform::Objects {
        respond::json_bytes(code, form, outcome.body)?
    } else {
        let object: Value = serde_json::from_slice(&outcome.body).map_err(|error| {
            tracing::error!(%error, "a written object is not JSON");
            Status::internal("the answer could not be encoded")
        })?;
        get::answer_shape(ask, code, form, &object)?
    };
    respond::warn(&mut response, &outcome.warnings);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_rules() {
        let parse = |text: &str| options(&Query::parse(Some(text)).unwrap(), "CreateOptions", Some("curl/8.1"));
        assert!(parse("dryRun=All").unwrap().dry_run);
        assert_eq!(parse("dryRun=Some").unwrap_err().code, 422);
        assert_eq!(
            parse("fieldValidation=Strict").unwrap().validation,
            FieldValidation::Strict
        );
        assert_eq!(parse("fieldValidation=strict").unwrap_err().code, 422);
        assert_eq!(parse("").unwrap().field_manager, "curl");
        assert_eq!(parse("fieldManager=x").unwrap().field_manager, "x");
        assert_eq!(parse("fieldManager=%01").unwrap_err().code, 422);
        assert_eq!(
            parse(&format!("fieldManager={}", "x".repeat(129))).unwrap_err().code,
            422
        );
    }
}
