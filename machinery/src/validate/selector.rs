//! Rules about labels and label selectors.

use crate::field;
use crate::status::Cause;

use super::at::At;
use super::format;
use super::metadata::push;

/// A map of labels.
pub(super) fn labels(labels: &At<'_>, faults: &mut Vec<Cause>) {
    for (key, value) in labels.entries() {
        for fault in format::qualified_name(key) {
            faults.push(field::invalid(&labels.path, &serde_json::Value::from(key), &fault));
        }
        for fault in format::label_value(value.text()) {
            faults.push(field::invalid(&labels.path, value.value, &fault));
        }
    }
}

/// A `metav1.LabelSelector`.
pub(super) fn label_selector(selector: &At<'_>, faults: &mut Vec<Cause>) {
    labels(&selector.get("matchLabels"), faults);
    for expression in selector.get("matchExpressions").items() {
        let (operator, values, key) = (
            expression.get("operator"),
            expression.get("values"),
            expression.get("key"),
        );
        match operator.text() {
            "In" | "NotIn" => {
                if values.len() == 0 {
                    faults.push(field::required(
                        &values.path,
                        "must be specified when `operator` is 'In' or 'NotIn'",
                    ));
                }
            }
            "Exists" | "DoesNotExist" => {
                if values.len() > 0 {
                    let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    faults.push(field::forbidden(&values.path, detail));
                }
            }
            _ => faults.push(field::invalid(
                &operator.path,
                operator.value,
                "not a valid selector operator",
            )),
        }
        push(&key, format::qualified_name(key.text()), faults);
        for value in values.items() {
            push(&value, format::label_value(value.text()), faults);
        }
    }
}

/// Whether a `metav1.LabelSelector` names no requirement.
pub(super) fn is_empty(selector: &At<'_>) -> bool {
    selector.get("matchLabels").len() + selector.get("matchExpressions").len() == 0
}

/// Whether labels satisfy a `metav1.LabelSelector`.
pub(super) fn matches(selector: &At<'_>, labels: &At<'_>) -> bool {
    let label = |key: &str| labels.value.get(key).and_then(serde_json::Value::as_str);
    let exact = selector
        .get("matchLabels")
        .entries()
        .all(|(key, value)| label(key) == Some(value.text()));
    exact
        && selector.get("matchExpressions").items().all(|expression| {
            let found = label(expression.get("key").text());
            let listed = found.is_some_and(|found| expression.get("values").items().any(|value| value.text() == found));
            match expression.get("operator").text() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                // Told as a fault of its own.
                _ => true,
            }
        })
}
