//! Expressions of selectors: whether one holds for an object of the hub.
//!
//! In: an expression over `object`, an object. Out: a yes or no; one that has no value for the object does not hold. It sees what users write, not the
//! status; of a Secret everything but its data, because whoever writes a policy sees from placements what the expression came to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;

use super::{Expression, Gives};

/// The variable.
const OBJECT: &str = "object";

/// How many expressions are kept ready. Policies are written by people: more than these are at once is strange.
const KEPT: usize = 1_000;

/// What is wrong with an expression of a selector; none where nothing is.
#[must_use]
pub fn fault(source: &str) -> Option<String> {
    Expression::compile(source, OBJECT, Gives::Bool).err()
}

/// Whether an expression holds for an object.
#[must_use]
pub fn holds(source: &str, object: &Json) -> bool {
    Expression::compile(source, OBJECT, Gives::Bool).is_ok_and(|expression| judge(&expression, object))
}

/// Expressions that are asked again and again.
#[derive(Debug, Default)]
pub struct Selecting {
    ready: Mutex<BTreeMap<String, Option<Arc<Expression>>>>,
}

impl Selecting {
    /// Whether an expression holds for an object.
    #[must_use]
    pub fn holds(&self, source: &str, object: &Json) -> bool {
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ready().get(source).cloned();
        let expression = known.unwrap_or_else(|| {
            let compiled = Expression::compile(source, OBJECT, Gives::Bool).ok().map(Arc::new);
            let mut ready = ready();
            if ready.len() >= KEPT {
                ready.clear();
            }
            ready.insert(source.to_owned(), compiled.clone());
            compiled
        });
        expression.is_some_and(|expression| judge(&expression, object))
    }
}

fn judge(expression: &Expression, object: &Json) -> bool {
    expression.eval(&written(object)) == Ok(Json::Bool(true))
}

/// What a user wrote of an object. What became of it depends on where it is placed: a decision that looked at that would chase itself.
fn written(object: &Json) -> Json {
    let is_secret = object.get("kind").and_then(Json::as_str) == Some("Secret");
    let is_open = |field: &str| match field {
        "status" => false,
        "data" | "stringData" => !is_secret,
        _ => true,
    };
    let fields = object.as_object().into_iter().flatten();
    let open = fields.filter(|(field, _)| is_open(field));
    let mut open: serde_json::Map<String, Json> = open.map(|(field, value)| (field.clone(), value.clone())).collect();
    if let Some(Json::Object(metadata)) = open.get_mut("metadata") {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
        if is_secret {
            // The last applied manifest has the data once more.
            metadata.remove("annotations");
        }
    }
    Json::Object(open)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_holds() {
        let object = json!({"kind": "Deployment", "metadata": {"name": "web", "labels": {"tier": "gold"}}, "spec": {"replicas": 4}, "status": {"replicas": 4}});
        let secret =
            json!({"kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "b"}}, "data": {"key": "eA=="}});
        let selecting = Selecting::default();
        let rows = [
            ("object.spec.replicas > 3", &object, true),
            ("object.spec.replicas > 4", &object, false),
            (
                "object.metadata.labels['tier'] == 'gold' && object.metadata.name.startsWith('w')",
                &object,
                true,
            ),
            ("object.spec.paused", &object, false),
            (
                "object.spec.template.spec.containers.exists(c, c.image.contains(':latest'))",
                &object,
                false,
            ),
            ("object.metadata.name == 's'", &secret, true),
            ("has(object.data)", &secret, false),
            ("has(object.metadata.annotations)", &secret, false),
            ("has(object.status)", &object, false),
            ("1 +", &object, false),
        ];
        for (source, object, expected) in rows {
            assert_eq!(holds(source, object), expected, "{source}");
            assert_eq!(selecting.holds(source, object), expected, "{source}");
            assert_eq!(selecting.holds(source, object), expected, "{source}, asked again");
        }
        assert!(fault("object.spec.replicas > 3").is_none());
        assert!(fault("object.spec.replicas >").is_some());
        assert!(fault("'text'").is_some());
    }
}
