//! PriorityClasses: the number behind a pod's class, and that only one class is everybody's.
//!
//! In: a pod, all classes. Out: the pod with its number, or why it is refused.

use serde_json::{Map, Value};

const NEVER_SAID: &str = "PreemptLowerPriority";

/// The classes that every cluster has, with what kube-apiserver says of them.
pub const SYSTEM: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

fn name(class: &Value) -> &str {
    class
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn value(class: &Value) -> i64 {
    class.get("value").and_then(Value::as_i64).unwrap_or_default()
}

fn is_default(class: &Value) -> bool {
    class.get("globalDefault").and_then(Value::as_bool) == Some(true)
}

/// Why a class cannot be everybody's: another one is.
#[must_use]
pub fn second_default<'a>(class: &Value, classes: impl IntoIterator<Item = &'a Value>) -> Option<String> {
    if !is_default(class) {
        return None;
    }
    let other = classes
        .into_iter()
        .find(|other| is_default(other) && name(other) != name(class))?;
    let other = name(other);
    Some(format!(
        "PriorityClass {other} is already marked as default. Only one default can exist"
    ))
}

/// Gives a new pod the number of its class.
///
/// # Errors
/// The class is not there, or the pod says something else than its class does.
pub fn complete<'a>(pod: &mut Value, classes: impl IntoIterator<Item = &'a Value>) -> Result<(), String> {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let wanted = text(spec, "priorityClassName").to_owned();
    let mut classes = classes.into_iter();
    let class = if wanted.is_empty() {
        // Where several are marked, the least of them does the least harm.
        classes
            .filter(|class| is_default(class))
            .min_by_key(|class| value(class))
    } else {
        let found = classes.find(|class| name(class) == wanted);
        Some(found.ok_or_else(|| format!("no PriorityClass with name {wanted} was found"))?)
    };
    let number = class.map_or(0, value);
    let policy = class
        .and_then(|class| class.get("preemptionPolicy"))
        .and_then(Value::as_str)
        .unwrap_or(NEVER_SAID);
    let otherwise = |what: String, computed: &str| {
        format!(
            "{what} must not be provided in pod spec; priority admission controller computed {computed} from the given PriorityClass name"
        )
    };
    if let Some(said) = spec
        .get("priority")
        .and_then(Value::as_i64)
        .filter(|said| *said != number)
    {
        let what = format!("the integer value of priority ({said})");
        return Err(otherwise(what, &number.to_string()));
    }
    let said = text(spec, "preemptionPolicy");
    if !said.is_empty() && said != policy {
        return Err(otherwise(
            format!("the string value of PreemptionPolicy ({said})"),
            policy,
        ));
    }
    if let Some(class) = class {
        spec.insert("priorityClassName".to_owned(), Value::from(name(class)));
    }
    spec.insert("priority".to_owned(), Value::from(number));
    spec.insert("preemptionPolicy".to_owned(), Value::from(policy));
    Ok(())
}

/// A changed pod keeps its number where it does not say one.
pub fn keep(pod: &mut Value, old: &Value) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    for key in ["priority", "preemptionPolicy"] {
        if let (None, Some(before)) = (spec.get(key), old.get("spec").and_then(|spec| spec.get(key))) {
            spec.insert(key.to_owned(), before.clone());
        }
    }
}

fn text<'a>(spec: &'a Map<String, Value>, key: &str) -> &'a str {
    spec.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn classes() -> Vec<Value> {
        vec![
            json!({"metadata": {"name": "g1"}, "value": 100, "globalDefault": true, "preemptionPolicy": "Never"}),
            json!({"metadata": {"name": "low"}, "value": 5, "preemptionPolicy": "PreemptLowerPriority"}),
        ]
    }

    fn completed(spec: Value, classes: &[Value]) -> Result<Value, String> {
        let mut pod = json!({ "spec": spec });
        complete(&mut pod, classes).map(|()| pod["spec"].clone())
    }

    /// Texts as kube-apiserver 1.36.3 gave them.
    #[test]
    fn as_upstream() {
        assert_eq!(
            completed(json!({}), &[]).unwrap(),
            json!({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"})
        );
        assert_eq!(
            completed(json!({}), &classes()).unwrap(),
            json!({"priority": 100, "priorityClassName": "g1", "preemptionPolicy": "Never"})
        );
        assert_eq!(
            completed(json!({"priorityClassName": "zz"}), &classes()).unwrap_err(),
            "no PriorityClass with name zz was found"
        );
        assert_eq!(
            completed(json!({"priorityClassName": "g1", "priority": 5}), &classes()).unwrap_err(),
            "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 100 \
             from the given PriorityClass name"
        );
        assert_eq!(
            completed(
                json!({"priorityClassName": "g1", "preemptionPolicy": "PreemptLowerPriority"}),
                &classes()
            )
            .unwrap_err(),
            "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission \
             controller computed Never from the given PriorityClass name"
        );
        let second = json!({"metadata": {"name": "g2"}, "value": 50, "globalDefault": true});
        assert_eq!(
            second_default(&second, &classes()).unwrap(),
            "PriorityClass g1 is already marked as default. Only one default can exist"
        );
        assert_eq!(second_default(&classes()[0], &classes()), None);
    }
}
