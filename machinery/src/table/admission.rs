//! Rows of what decides on admission: webhook configurations, policies and their bindings.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, list, name, or, text};

const UNSET: &str = "<unset>";

fn count(object: &Value, pointer: &str) -> Value {
    Value::from(list(object, pointer).len())
}

pub(super) static WEBHOOKS: Printer = Printer {
    columns: &[NAME, Column::integer("Webhooks", "Number of webhooks."), AGE],
    cells: |object, now| vec![name(object), count(object, "/webhooks"), age(object, now)],
};

/// What parameterizes a policy, as version and kind.
fn param_kind(object: &Value) -> Value {
    let text = |field: &str| text(object, &format!("/spec/paramKind/{field}"));
    match (text("apiVersion"), text("kind")) {
        ("", "") => Value::from(UNSET),
        (version, kind) => Value::from(format!("{version}/{kind}")),
    }
}

pub(super) static VALIDATING_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Validations", "Number of validations."),
        Column::text("ParamKind", "Kind of the objects that parameterize it."),
        AGE,
    ],
    cells: |object, now| {
        let validations = count(object, "/spec/validations");
        vec![name(object), validations, param_kind(object), age(object, now)]
    },
};

pub(super) static MUTATING_POLICY: Printer = Printer {
    columns: &[
        NAME,
        Column::integer("Mutations", "Number of mutations."),
        Column::text("ParamKind", "Kind of the objects that parameterize it."),
        AGE,
    ],
    cells: |object, now| {
        let mutations = count(object, "/spec/mutations");
        vec![name(object), mutations, param_kind(object), age(object, now)]
    },
};

pub(super) static BINDING: Printer = Printer {
    columns: &[
        NAME,
        Column::text("PolicyName", "The policy that is bound."),
        Column::text("ParamRef", "The object that parameterizes it."),
        AGE,
    ],
    cells: |object, now| {
        let policy = Value::from(text(object, "/spec/policyName"));
        vec![name(object), policy, Value::from(param_ref(object)), age(object, now)]
    },
};

fn param_ref(object: &Value) -> String {
    let text = |field: &str| text(object, &format!("/spec/paramRef/{field}"));
    if let Some(selector) = object.pointer("/spec/paramRef/selector") {
        return go_selector(selector);
    }
    match text("name") {
        "" => UNSET.to_owned(),
        name => format!("{}/{name}", or(text("namespace"), "*")),
    }
}

/// A selector as Go prints the value; clients of kubectl see it so.
fn go_selector(selector: &Value) -> String {
    let labels = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let labels: String = labels
        .map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default()))
        .collect();
    let terms: String = list(selector, "/matchExpressions")
        .iter()
        .map(|term| {
            let values: Vec<&str> = list(term, "/values").iter().filter_map(Value::as_str).collect();
            let (key, operator) = (text(term, "/key"), text(term, "/operator"));
            format!(
                "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},",
                values.join(" ")
            )
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{terms}}},}}"
    )
}
