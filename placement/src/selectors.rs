//! Which objects a policy or an override is for, and how precisely it means them.
//! In: resource selectors and what is known of one object. Out: the best [`Specificity`], or none for no match.
//! Absent: precedence between policies (`decide/matching.rs`) and between overrides (`render/overrides.rs`).

use std::collections::BTreeMap;

use api::ObjectRef;
use api::policy::ResourceSelector;

/// How precisely a selector means an object; more precise is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// Every object of the kind.
    Kind,
    /// Objects by label.
    Labels,
    /// This object by name.
    Name,
}

/// The most precise of the selectors that match. `scope` is the namespace of the policy, empty for a cluster-scoped one;
/// a namespaced policy reaches only objects of its own namespace.
#[must_use]
pub fn best_match(
    selectors: &[ResourceSelector],
    scope: &str,
    object: &ObjectRef,
    labels: &BTreeMap<String, String>,
) -> Option<Specificity> {
    if !scope.is_empty() && object.namespace != scope {
        return None;
    }
    selectors
        .iter()
        .filter_map(|selector| one_match(selector, object, labels))
        .max()
}

fn one_match(
    selector: &ResourceSelector,
    object: &ObjectRef,
    labels: &BTreeMap<String, String>,
) -> Option<Specificity> {
    if selector.api_version != object.api_version || selector.kind != object.kind {
        return None;
    }
    if !selector.namespace.is_empty() && selector.namespace != object.namespace {
        return None;
    }
    if !selector.name.is_empty() {
        return (selector.name == object.name).then_some(Specificity::Name);
    }
    match &selector.label_selector {
        Some(wanted) => wanted.matches(labels).then_some(Specificity::Labels),
        None => Some(Specificity::Kind),
    }
}

#[cfg(test)]
mod tests {
    use api::selector::LabelSelector;

    use super::*;

    fn object() -> ObjectRef {
        ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: "web".into(),
            uid: String::new(),
        }
    }

    fn selector(namespace: &str, name: &str, label: Option<&str>) -> ResourceSelector {
        ResourceSelector {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: namespace.into(),
            name: name.into(),
            label_selector: label.map(|value| LabelSelector {
                match_labels: BTreeMap::from([("app".to_owned(), value.to_owned())]),
                match_expressions: vec![],
            }),
        }
    }

    #[test]
    fn the_name_decides_before_the_labels() {
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let rows: [(&str, ResourceSelector, &str, Option<Specificity>); 8] = [
            ("kind alone", selector("", "", None), "", Some(Specificity::Kind)),
            ("labels", selector("", "", Some("web")), "", Some(Specificity::Labels)),
            ("other labels", selector("", "", Some("api")), "", None),
            ("name", selector("", "web", None), "", Some(Specificity::Name)),
            (
                "name, labels unread",
                selector("", "web", Some("api")),
                "",
                Some(Specificity::Name),
            ),
            ("other name, labels unread", selector("", "api", Some("web")), "", None),
            ("other namespace", selector("bank", "web", None), "", None),
            ("policy of another namespace", selector("", "web", None), "bank", None),
        ];
        for (what, selector, scope, expected) in rows {
            assert_eq!(best_match(&[selector], scope, &object(), &labels), expected, "{what}");
        }
        let both = [selector("", "", None), selector("", "web", None)];
        assert_eq!(best_match(&both, "shop", &object(), &labels), Some(Specificity::Name));
    }
}
