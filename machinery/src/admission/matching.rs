//! What webhooks, policies and bindings are about: rules and selectors.
//!
//! In: rules and selectors as JSON, a request. Out: whether they hold. Absent: other versions of the requested kind; who knows
//! them asks once for each.

use serde_json::Value;

use super::resources::items;
use crate::select::LabelSelector;

/// API group of what decides on admission, and is therefore never decided on by it.
pub const GROUP: &str = "admissionregistration.k8s.io";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `CREATE`, `UPDATE`, `DELETE`.
    pub operation: &'a str,
    /// API group.
    pub group: &'a str,
    /// Version.
    pub version: &'a str,
    /// Plural.
    pub resource: &'a str,
    /// Subresource, empty for the object itself.
    pub subresource: &'a str,
    /// Whether it is in a namespace.
    pub namespaced: bool,
    /// Its name.
    pub name: &'a str,
}

fn has(rule: &Value, key: &str, wanted: &str) -> bool {
    let list = rule.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).any(|said| said == "*" || said == wanted)
}

/// Whether a rule is about a request.
#[must_use]
pub fn rule(rule: &Value, asked: &Asked<'_>) -> bool {
    let scope = match rule.get("scope").and_then(Value::as_str) {
        Some("Namespaced") => asked.namespaced,
        Some("Cluster") => !asked.namespaced,
        _ => true,
    };
    let mut resources = items(rule, "/resources").filter_map(Value::as_str).map(|said| {
        let (resource, part) = said.split_once('/').unwrap_or((said, ""));
        (resource == "*" || resource == asked.resource) && (part == "*" || part == asked.subresource)
    });
    let mut names = items(rule, "/resourceNames").filter_map(Value::as_str).peekable();
    let named = names.peek().is_none() || names.any(|name| name == asked.name);
    scope
        && named
        && has(rule, "operations", asked.operation)
        && has(rule, "apiGroups", asked.group)
        && has(rule, "apiVersions", asked.version)
        && resources.any(|fits| fits)
}

/// Whether any rule of a list is about a request.
#[must_use]
pub fn any(place: &Value, list: &str, asked: &Asked<'_>) -> bool {
    items(place, &format!("/{list}")).any(|one| rule(one, asked))
}

/// The objects whose labels selectors look at.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// As it will be; null for a deletion.
    pub object: &'a Value,
    /// As it is; null for a creation.
    pub old: &'a Value,
    /// The namespace; null where there is none.
    pub namespace: &'a Value,
}

fn selects(place: &Value, key: &str, objects: &[&Value]) -> bool {
    let Some(selector) = place.get(key).filter(|selector| !selector.is_null()) else {
        return true;
    };
    match LabelSelector::from_value(selector) {
        Ok(selector) if selector.is_everything() => true,
        Ok(selector) => objects.iter().any(|object| selector.matches_object(object)),
        // Stored ones were judged when they came.
        Err(_) => false,
    }
}

/// Whether the selectors of a webhook, a policy or a binding choose a request.
#[must_use]
pub fn selected(place: &Value, labelled: &Labelled<'_>) -> bool {
    // What lives in no namespace is not chosen by one.
    let here = labelled.namespace.is_null() || selects(place, "namespaceSelector", &[labelled.namespace]);
    let there: Vec<&Value> = [labelled.object, labelled.old]
        .into_iter()
        .filter(|object| !object.is_null())
        .collect();
    here && selects(place, "objectSelector", &there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ASKED: Asked<'_> = Asked {
        operation: "UPDATE",
        group: "apps",
        version: "v1",
        resource: "deployments",
        subresource: "scale",
        namespaced: true,
        name: "web",
    };

    #[test]
    fn rules_are_read_as_upstream_does() {
        let with = |key: &str, said: Value| {
            let mut one = json!({"operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "*"});
            one[key] = said;
            rule(&one, &ASKED)
        };
        assert!(with("scope", json!("Namespaced")));
        assert!(!with("scope", json!("Cluster")));
        assert!(!with("operations", json!(["CREATE", "DELETE"])));
        assert!(!with("resources", json!(["deployments", "deployments/status", "*"])));
        assert!(with("resources", json!(["*/scale"])));
        assert!(with("resources", json!(["deployments/*"])));
        assert!(!with("apiGroups", json!([""])));
        assert!(!with("resourceNames", json!(["api"])));
        assert!(with("resourceNames", json!(["web"])));
    }

    #[test]
    fn either_object_may_have_the_label() {
        let hook =
            json!({"objectSelector": {"matchLabels": {"a": "b"}}, "namespaceSelector": {"matchLabels": {"team": "x"}}});
        let labelled = |labels: Value| json!({"metadata": {"labels": labels}});
        let (with, without, team) = (
            labelled(json!({"a": "b"})),
            labelled(json!({})),
            labelled(json!({"team": "x"})),
        );
        let chosen =
            |object: &Value, old: &Value, namespace: &Value| selected(&hook, &Labelled { object, old, namespace });
        assert!(chosen(&without, &with, &team));
        assert!(chosen(&Value::Null, &with, &Value::Null));
        assert!(!chosen(&without, &Value::Null, &team));
        assert!(!chosen(&with, &Value::Null, &without));
    }
}
