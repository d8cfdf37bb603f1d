//! Which policy decides for an object.
//! In: every policy that could. Out: the one that does. Order: a policy of the object's namespace before a cluster-scoped
//! one; then the higher priority; then the more precise selector; then the older; then the name. Evaluated afresh each
//! time: no claim of an earlier policy stands in the way of a later, better one, unless that says that it never preempts.

use std::cmp::Reverse;

use api::PropagationPolicy;
use api::policy::Preemption;

use crate::inputs::FederatedObject;
use crate::selectors;

/// The policy that decides for the object, if any selects it. `standing` is the label of the one that decided before; a policy that
/// preempts never does not take over from it while it selects the object.
#[must_use]
pub fn best<'a>(
    policies: &'a [PropagationPolicy],
    object: &FederatedObject,
    standing: &str,
) -> Option<&'a PropagationPolicy> {
    let stands = |policy: &PropagationPolicy| !standing.is_empty() && label(policy) == standing;
    let selects = |policy: &PropagationPolicy| {
        let selectors = &policy.spec.resource_selectors;
        selectors::best_match(selectors, policy.metadata.namespace(), object).is_some()
    };
    let bound = policies.iter().any(|policy| stands(policy) && selects(policy));
    let may =
        |policy: &&PropagationPolicy| policy.spec.preemption != Some(Preemption::Never) || !bound || stands(policy);
    let candidates = policies.iter().filter(may).filter_map(|policy| {
        let scope = policy.metadata.namespace();
        let selectors = &policy.spec.resource_selectors;
        let specificity = selectors::best_match(selectors, scope, object)?;
        let rank = (
            !scope.is_empty(),
            policy.spec.priority.unwrap_or_default(),
            specificity,
            // RFC 3339 times in UTC order as text; one without a time is not stored yet, hence the newest.
            Reverse(policy.metadata.creation_timestamp.as_deref().unwrap_or("~")),
            Reverse(policy.metadata.name()),
        );
        Some((rank, policy))
    });
    candidates.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, policy)| policy)
}

/// How a policy is named in Placements: `PropagationPolicy shop/web`.
#[must_use]
pub fn label(policy: &PropagationPolicy) -> String {
    match policy.metadata.namespace() {
        "" => format!("ClusterPropagationPolicy {}", policy.metadata.name()),
        namespace => format!("PropagationPolicy {namespace}/{}", policy.metadata.name()),
    }
}

#[cfg(test)]
mod tests {
    use api::ObjectRef;
    use serde_json::json;

    use super::*;

    fn policy(name: &str, namespace: &str, priority: i32, selector: &str, created: &str) -> PropagationPolicy {
        let mut resource = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
        match selector {
            "name" => resource["name"] = json!("web"),
            "labels" => resource["labelSelector"] = json!({"matchLabels": {"app": "web"}}),
            "other" => resource["name"] = json!("api"),
            _ => {}
        }
        let mut policy: PropagationPolicy = serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"priority": priority, "resourceSelectors": [resource]}
        }))
        .unwrap();
        policy.metadata.namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        policy
    }

    #[test]
    fn precedence() {
        let object = FederatedObject {
            resource: ObjectRef {
                api_version: "apps/v1".into(),
                kind: "Deployment".into(),
                namespace: "shop".into(),
                name: "web".into(),
                uid: String::new(),
            },
            labels: [("app".to_owned(), "web".to_owned())].into(),
            ..FederatedObject::default()
        };
        let old = "2026-01-01T00:00:00Z";
        let new = "2026-02-01T00:00:00Z";
        let rows = [
            (
                "own namespace before cluster scope",
                policy("a", "shop", 0, "kind", new),
                policy("b", "", 9, "name", old),
            ),
            (
                "priority before precision",
                policy("a", "shop", 1, "kind", new),
                policy("b", "shop", 0, "name", old),
            ),
            (
                "name before labels",
                policy("b", "shop", 0, "name", new),
                policy("a", "shop", 0, "labels", old),
            ),
            (
                "labels before kind",
                policy("b", "", 0, "labels", new),
                policy("a", "", 0, "kind", old),
            ),
            (
                "older before newer",
                policy("b", "shop", 0, "kind", old),
                policy("a", "shop", 0, "kind", new),
            ),
            (
                "name breaks ties",
                policy("a", "shop", 0, "kind", old),
                policy("b", "shop", 0, "kind", old),
            ),
            (
                "another object's policy",
                policy("a", "", 0, "kind", new),
                policy("b", "shop", 9, "other", old),
            ),
            (
                "another namespace's policy",
                policy("a", "", 0, "kind", new),
                policy("b", "bank", 9, "name", old),
            ),
        ];
        for (what, winner, loser) in rows {
            for pair in [[winner.clone(), loser.clone()], [loser.clone(), winner.clone()]] {
                assert_eq!(best(&pair, &object, ""), Some(&winner), "{what}");
            }
        }
        assert_eq!(best(&[policy("a", "", 0, "other", old)], &object, ""), None);

        let standing = policy("b", "shop", 0, "kind", old);
        let mut modest = policy("a", "shop", 9, "name", new);
        modest.spec.preemption = Some(Preemption::Never);
        let pair = [standing.clone(), modest.clone()];
        assert_eq!(best(&pair, &object, "PropagationPolicy shop/b"), Some(&standing));
        assert_eq!(best(&pair, &object, "PropagationPolicy shop/a"), Some(&modest));
        assert_eq!(best(&pair, &object, "PropagationPolicy shop/gone"), Some(&modest));
        assert_eq!(best(&pair, &object, ""), Some(&modest), "a new object is nobody's yet");
    }
}
