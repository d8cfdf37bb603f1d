//! Rules about `x-kubernetes-validations`: their form, that they compile, and what they may cost.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{At, Leniency, field_path};
use crate::cel::shape::REQUEST_MAX;
use crate::cel::{ESTIMATE_LIMIT, ESTIMATE_TOTAL_LIMIT, Shape};
use crate::custom::read::text;
use crate::custom::rules::Rule;
use crate::custom::structural::Structural;
use crate::field::{self, Path};
use crate::status::{Cause, CauseReason};

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

/// The schema of a place, and how many such places an object may have; none where that is not bounded.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    schema: &'a Value,
    root: bool,
    count: Option<u64>,
}

impl<'a> Scope<'a> {
    pub(super) fn root(schema: &'a Value) -> Self {
        Self {
            schema,
            root: true,
            count: Some(1),
        }
    }

    /// A place below.
    pub(super) fn below(&self, schema: &'a Value) -> Self {
        let limit = |key: &str| {
            self.schema
                .get(key)
                .and_then(Value::as_i64)
                .map(|most| u64::try_from(most).unwrap_or(0))
        };
        let many = match text(self.schema, "type") {
            "object"
                if self
                    .schema
                    .get("additionalProperties")
                    .is_some_and(|more| !more.is_null()) =>
            {
                limit("maxProperties")
            }
            "array" => limit("maxItems"),
            _ => Some(1),
        };
        Self {
            schema,
            root: false,
            count: self.count.zip(many).map(|(count, many)| count.saturating_mul(many)),
        }
    }
}

/// What the rules of a definition cost together.
pub(super) struct Budget {
    /// A schema that was accepted once may cost what it does.
    unchanged: bool,
    total: u64,
    dearest: Vec<(Path, u64)>,
}

impl Budget {
    pub(super) fn new(root: &Value, lenient: Leniency<'_>) -> Self {
        Self {
            unchanged: lenient.had_schema(root),
            total: 0,
            dearest: Vec::new(),
        }
    }

    /// The faults of the rules of a place.
    pub(super) fn judge(&mut self, at: &At<'_>, scope: &Scope<'_>, uncorrelated: Option<&Path>) -> Vec<Cause> {
        let mut faults = Vec::new();
        let rules = at.get("x-kubernetes-validations");
        if rules.len() == 0 {
            return faults;
        }
        let schema = Structural::read(at.value);
        let Some(shape) = Shape::of(&schema, scope.root || schema.embedded) else {
            faults.push(unshaped(&rules.path));
            return faults;
        };
        let shape = Arc::new(shape);
        for written in rules.items() {
            let rule = Rule::compile(written.value, &schema, &shape);
            self.one(&written, &rule, scope, &shape, &mut faults);
            let path = written.path.child("rule");
            match (rule.uses_old(), uncorrelated) {
                (true, Some(above)) => {
                    let detail =
                        format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {above}");
                    faults.push(field::invalid(&path, written.get("rule").value, &detail));
                }
                (false, _) if written.get("optionalOldSelf").is_set() => {
                    let optional = written.get("optionalOldSelf");
                    let detail = "may not be set if oldSelf is not used in rule";
                    faults.push(field::invalid(&optional.path, optional.value, detail));
                }
                _ => {}
            }
        }
        faults
    }

    fn one(&mut self, written: &At<'_>, rule: &Rule, scope: &Scope<'_>, shape: &Arc<Shape>, faults: &mut Vec<Cause>) {
        let count = scope
            .count
            .unwrap_or_else(|| u64::try_from(REQUEST_MAX / (shape.least_bytes + 1)).unwrap_or(1));
        let path = written.path.child("rule");
        match &rule.program {
            Ok(program) => {
                let cost = program.worst_cost(shape).saturating_mul(count);
                self.spend(&path, "estimated rule cost", cost, faults);
            }
            Err(fault) => faults.push(field::invalid(&path, &spelled(written), fault)),
        }
        let path = written.path.child("messageExpression");
        match &rule.message_program {
            Some(Ok(program)) if rule.program.is_ok() => {
                // A message is made once, for the first fault.
                let cost = program.worst_cost(shape);
                self.spend(&path, "estimated messageExpression cost", cost, faults);
            }
            Some(Err(fault)) if rule.program.is_ok() => faults.push(field::invalid(&path, &spelled(written), fault)),
            Some(_) | None => {}
        }
    }

    fn spend(&mut self, path: &Path, what: &str, cost: u64, faults: &mut Vec<Cause>) {
        if cost > ESTIMATE_LIMIT && !self.unchanged {
            faults.push(field::forbidden(path, &exceeded(what, cost, ESTIMATE_LIMIT)));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= ESTIMATE_TOTAL_LIMIT / 100 {
            self.dearest.push((path.clone(), cost));
            self.dearest.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
            self.dearest.truncate(4);
        }
    }

    /// The faults of a whole that costs too much.
    pub(super) fn exceeded(&self, root: &Path) -> Vec<Cause> {
        if self.total <= ESTIMATE_TOTAL_LIMIT {
            return Vec::new();
        }
        let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
        let mut faults: Vec<Cause> = self
            .dearest
            .iter()
            .map(|(path, _)| field::forbidden(path, detail))
            .collect();
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        faults.push(field::forbidden(
            root,
            &exceeded(what, self.total, ESTIMATE_TOTAL_LIMIT),
        ));
        faults
    }
}

fn exceeded(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

/// A rule where expressions see nothing.
fn unshaped(path: &Path) -> Cause {
    let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
    Cause {
        reason: CauseReason::InternalError,
        message: format!("Internal error: {detail}"),
        field: path.to_string(),
    }
}

/// A rule as kube-apiserver spells it in messages.
fn spelled(rule: &At<'_>) -> Value {
    let text = |key: &str| Value::from(rule.get(key).text());
    json!({"Rule": text("rule"), "Message": text("message"), "MessageExpression": text("messageExpression"),
        "Reason": rule.get("reason").value, "FieldPath": text("fieldPath"), "OptionalOldSelf": rule.get("optionalOldSelf").value})
}
