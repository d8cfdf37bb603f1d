//! Which objects a policy or an override is for, and how precisely it means them.
//! In: resource selectors and what is known of one object. Out: the best [`Specificity`], or none for no match.
//! Absent: precedence between policies (`decide/matching.rs`) and between overrides (`render/overrides.rs`).

use api::policy::ResourceSelector;

use crate::inputs::FederatedObject;

/// How precisely a selector means an object; more precise is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// Every object of the kind.
    Kind,
    /// Objects by label, or by an expression.
    Labels,
    /// This object by name.
    Name,
}

/// The most precise of the selectors that match. `scope` is the namespace of the policy, empty for a cluster-scoped one;
/// a namespaced policy reaches only objects of its own namespace.
#[must_use]
pub fn best_match(selectors: &[ResourceSelector], scope: &str, object: &FederatedObject) -> Option<Specificity> {
    if !scope.is_empty() && object.resource.namespace != scope {
        return None;
    }
    selectors
        .iter()
        .filter_map(|selector| one_match(selector, object))
        .max()
}

/// An expression of a selector, and the apiVersion and kind of the objects that it is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked<'a> {
    /// Group and version.
    pub api_version: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// The expression.
    pub expression: &'a str,
}

/// The expressions of selectors.
pub fn expressions(selectors: &[ResourceSelector]) -> impl Iterator<Item = Asked<'_>> {
    let with = selectors
        .iter()
        .filter(|selector| !selector.match_expression.is_empty());
    with.map(|selector| Asked {
        api_version: &selector.api_version,
        kind: &selector.kind,
        expression: &selector.match_expression,
    })
}

fn one_match(selector: &ResourceSelector, facts: &FederatedObject) -> Option<Specificity> {
    let object = &facts.resource;
    if selector.api_version != object.api_version || selector.kind != object.kind {
        return None;
    }
    if !selector.namespace.is_empty() && selector.namespace != object.namespace {
        return None;
    }
    let expression = &selector.match_expression;
    if !expression.is_empty() && !facts.satisfied.contains(expression) {
        return None;
    }
    if !selector.name.is_empty() {
        return (selector.name == object.name).then_some(Specificity::Name);
    }
    match &selector.label_selector {
        Some(wanted) => wanted.matches(&facts.labels).then_some(Specificity::Labels),
        None if !expression.is_empty() => Some(Specificity::Labels),
        None => Some(Specificity::Kind),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::ObjectRef;
    use api::selector::LabelSelector;

    use super::*;

    fn object() -> FederatedObject {
        FederatedObject {
            resource: ObjectRef {
                api_version: "apps/v1".into(),
                kind: "Deployment".into(),
                namespace: "shop".into(),
                name: "web".into(),
                uid: String::new(),
            },
            labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
            satisfied: ["object.spec.replicas > 3".to_owned()].into(),
            ..FederatedObject::default()
        }
    }

    fn selector(namespace: &str, name: &str, label: Option<&str>) -> ResourceSelector {
        ResourceSelector {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: namespace.into(),
            match_expression: String::new(),
            name: name.into(),
            label_selector: label.map(|value| LabelSelector {
                match_labels: BTreeMap::from([("app".to_owned(), value.to_owned())]),
                match_expressions: vec![],
            }),
        }
    }

    #[test]
    fn the_name_decides_before_the_labels() {
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
            assert_eq!(best_match(&[selector], scope, &object()), expected, "{what}");
        }
        let both = [selector("", "", None), selector("", "web", None)];
        let expression = |name: &str, text: &str| ResourceSelector {
            match_expression: text.to_owned(),
            ..selector("", name, None)
        };
        let (held, not) = ("object.spec.replicas > 3", "object.spec.paused");
        for (name, text, expected) in [
            ("", held, Some(Specificity::Labels)),
            ("web", held, Some(Specificity::Name)),
            ("web", not, None),
            ("", not, None),
        ] {
            assert_eq!(
                best_match(&[expression(name, text)], "shop", &object()),
                expected,
                "{name} {text}"
            );
        }
        assert_eq!(best_match(&both, "shop", &object()), Some(Specificity::Name));
    }
}
