//! Rules about admission policies: what they are about, and that their expressions can be evaluated.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{failure_policy, resources, word};
use crate::admission::expression::{self, Given, Gives};
use crate::field;
use crate::status::Cause;
use crate::validate::at::At;
use crate::validate::format;
use crate::validate::metadata::push;

const CONDITIONS_MAX: usize = 64;
const ANNOTATIONS_MAX: usize = 20;
/// Operations that a mutating policy may be about: nothing is left to change of what is deleted.
const MUTATED: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];

/// A ValidatingAdmissionPolicy.
pub(in crate::validate) fn validating(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    failure_policy(&spec.get("failurePolicy"), faults);
    let given = given(&spec, true, faults);
    let (validations, annotations) = (spec.get("validations"), spec.get("auditAnnotations"));
    if validations.len() + annotations.len() == 0 {
        for list in [&validations, &annotations] {
            let detail = "validations or auditAnnotations must contain at least one item";
            faults.push(field::required(&list.path, detail));
        }
    }
    for validation in validations.items() {
        judgement(&validation, &given, faults);
    }
    let policy = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    audit(&annotations, policy, &given, faults);
}

/// A MutatingAdmissionPolicy.
pub(in crate::validate) fn mutating(object: &Value, faults: &mut Vec<Cause>) {
    let spec = At::root(object, "spec");
    failure_policy(&spec.get("failurePolicy"), faults);
    let given = given(&spec, false, faults);
    let again = spec.get("reinvocationPolicy");
    if again.is_set() {
        word(&again, &["IfNeeded", "Never"], faults);
    } else {
        faults.push(field::required(&again.path, ""));
    }
    let mutations = spec.get("mutations");
    if mutations.len() == 0 {
        faults.push(field::required(
            &mutations.path,
            "mutations must contain at least one item",
        ));
    }
    for mutation in mutations.items() {
        change(&mutation, &given, faults);
    }
}

/// What the expressions of a policy may speak of; told are the faults of what defines it.
fn given(spec: &At<'_>, validating: bool, faults: &mut Vec<Cause>) -> Given {
    let kind = spec.get("paramKind");
    if kind.is_set() {
        param_kind(&kind, faults);
    }
    let constraints = spec.get("matchConstraints");
    if constraints.is_set() {
        resources(&constraints, faults);
        let rules = constraints.get("resourceRules");
        if rules.len() == 0 {
            faults.push(field::required(&rules.path, ""));
        }
        if !validating {
            let operations = rules
                .items()
                .flat_map(|rule| rule.get("operations").items().collect::<Vec<_>>());
            for operation in operations.filter(|operation| operation.text() == "DELETE") {
                let path = rules.path.child("operations");
                faults.push(field::not_supported(&path, operation.value, &MUTATED));
            }
        }
    } else {
        faults.push(field::required(&constraints.path, ""));
    }
    let mut given = Given {
        params: kind.is_set(),
        variables: None,
    };
    conditions_given(&spec.get("matchConditions"), &given, faults);
    let variables = spec.get("variables");
    given.variables = (variables.len() > 0).then(Vec::new);
    for variable in variables.items() {
        let (name, text) = (variable.get("name"), variable.get("expression"));
        let proper = expression::is_identifier(name.text());
        if name.text().is_empty() {
            faults.push(field::required(&name.path, "name is not specified"));
        } else if !proper {
            faults.push(field::invalid(&name.path, name.value, "must be a valid CEL identifier"));
        }
        if text.text().trim().is_empty() {
            faults.push(field::required(&text.path, "expression is not specified"));
            continue;
        }
        match expression::compile(text.text(), Gives::Anything, &given) {
            Ok(program) if proper => {
                let known = given.variables.get_or_insert_default();
                known.push((name.text().to_owned(), program.gives()));
            }
            Ok(_) => {}
            Err(detail) => faults.push(field::invalid(&text.path, text.value, &detail)),
        }
    }
    given
}

fn param_kind(kind: &At<'_>, faults: &mut Vec<Cause>) {
    let (version, name) = (kind.get("apiVersion"), kind.get("kind"));
    match version.text() {
        "" => faults.push(field::required(&version.path, "")),
        text if text.matches('/').count() > 1 => {
            let detail = format!("unexpected GroupVersion string: {text}");
            faults.push(field::invalid(&version.path, version.value, &detail));
        }
        text => {
            let (_, number) = text.split_once('/').unwrap_or(("", text));
            push(&version, format::dns_1035_label(number), faults);
        }
    }
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
    }
    for wrong in format::dns_1035_label(&name.text().to_lowercase()) {
        if !name.text().is_empty() {
            let detail = format!("may have mixed case, but should otherwise match: {wrong}");
            faults.push(field::invalid(&name.path, name.value, &detail));
        }
    }
}

/// An expression that must be there.
fn expression(at: &At<'_>, missing: &str, gives: Gives, given: &Given, faults: &mut Vec<Cause>) {
    if at.text().trim().is_empty() {
        faults.push(field::required(&at.path, missing));
    } else if let Err(detail) = expression::compile(at.text(), gives, given) {
        faults.push(field::invalid(&at.path, at.value, &detail));
    }
}

/// Conditions of a webhook.
pub(super) fn conditions(list: &At<'_>, faults: &mut Vec<Cause>) {
    conditions_given(list, &Given::default(), faults);
}

fn conditions_given(list: &At<'_>, given: &Given, faults: &mut Vec<Cause>) {
    if list.len() > CONDITIONS_MAX {
        faults.push(field::too_many(&list.path, list.len(), CONDITIONS_MAX));
    }
    let mut seen = BTreeSet::new();
    for condition in list.items() {
        expression(&condition.get("expression"), "", Gives::Bool, given, faults);
        let name = condition.get("name");
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
            continue;
        }
        push(&name, format::qualified_name(name.text()), faults);
        if !seen.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
    }
}

fn judgement(validation: &At<'_>, given: &Given, faults: &mut Vec<Cause>) {
    let (text, message, words) = (
        validation.get("expression"),
        validation.get("message"),
        validation.get("messageExpression"),
    );
    expression(&text, "expression is not specified", Gives::Bool, given, faults);
    if !words.text().is_empty() {
        expression(&words, "", Gives::Text, given, faults);
    }
    if message.text().is_empty() {
        // Then the expression is what the client is told.
    } else if message.text().trim().is_empty() {
        faults.push(field::invalid(
            &message.path,
            message.value,
            "must be non-empty if specified",
        ));
    } else if message.text().contains(['\n', '\r']) {
        faults.push(field::invalid(
            &message.path,
            message.value,
            "must not contain line breaks",
        ));
    }
    word(
        &validation.get("reason"),
        &["Forbidden", "Invalid", "RequestEntityTooLarge"],
        faults,
    );
}

fn audit(annotations: &At<'_>, policy: &str, given: &Given, faults: &mut Vec<Cause>) {
    if annotations.len() > ANNOTATIONS_MAX {
        faults.push(field::too_many(&annotations.path, annotations.len(), ANNOTATIONS_MAX));
    }
    let mut seen = BTreeSet::new();
    for annotation in annotations.items() {
        let (key, text) = (annotation.get("key"), annotation.get("valueExpression"));
        let whole = Value::from(format!("{policy}/{}", key.text()));
        for wrong in format::qualified_name(whole.as_str().unwrap_or_default()) {
            faults.push(field::invalid(&key.path, &whole, &wrong));
        }
        expression(
            &text,
            "valueExpression is not specified",
            Gives::TextOrNothing,
            given,
            faults,
        );
        if !seen.insert(key.text()) {
            faults.push(field::duplicate(&key.path, key.value));
        }
    }
}

fn change(mutation: &At<'_>, given: &Given, faults: &mut Vec<Cause>) {
    let kind = mutation.get("patchType");
    let (wanted, other, gives) = match kind.text() {
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Gives::Configuration),
        "JSONPatch" => ("jsonPatch", "applyConfiguration", Gives::Patch),
        "" => {
            faults.push(field::required(&kind.path, ""));
            return;
        }
        _ => {
            let known = ["ApplyConfiguration", "JSONPatch"];
            faults.push(field::not_supported(&kind.path, kind.value, &known));
            return;
        }
    };
    let when = format!("specified when patchType is {}", kind.text());
    let (wanted, unwanted) = (mutation.get(wanted), mutation.get(other));
    if wanted.is_set() {
        let text = wanted.get("expression");
        expression(&text, "expression is not specified", gives, given, faults);
    } else {
        faults.push(field::required(&wanted.path, &format!("must be {when}")));
    }
    if unwanted.is_set() {
        let bad = Value::from(format!("{{{other}}}"));
        faults.push(field::invalid(&unwanted.path, &bad, &format!("must not be {when}")));
    }
}
