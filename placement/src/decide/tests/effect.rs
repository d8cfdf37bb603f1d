//! When a policy takes effect: at once, with the object's next edit, or not on what is another's; and on what it takes along.

use super::*;

fn config(name: &str) -> FederatedObject {
    FederatedObject::from_value(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": "c"}}))
    .unwrap()
}

fn for_deployments(name: &str, spec: Value) -> PropagationPolicy {
    let mut value = json!({"metadata": {"name": name, "namespace": "shop"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}]}});
    value["spec"]
        .as_object_mut()
        .unwrap()
        .extend(spec.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn only(cluster: &str) -> Value {
    json!({"clusterAffinity": {"clusterNames": [cluster]}})
}

fn decided(
    object: &FederatedObject,
    policies: &[PropagationPolicy],
    previous: Option<&PlacementSpec>,
    leaders: &[&PlacementSpec],
) -> PlacementSpec {
    decide(&Inputs {
        object,
        policies,
        clusters: &clusters("ap eu us"),
        previous,
        now: Timestamp::UNIX_EPOCH,
        leaders,
        ailing: &[],
        autoscaler: None,
    })
    .into_spec()
}

fn at(spec: &PlacementSpec) -> String {
    let names: Vec<&str> = spec.clusters.iter().map(|target| target.name.as_str()).collect();
    names.join(" ")
}

fn edited(edit: &str) -> FederatedObject {
    FederatedObject {
        edit: edit.to_owned(),
        ..object("Deployment", Some(3))
    }
}

#[test]
fn a_lazy_policy_waits_for_an_edit_of_the_object() {
    let lazy = |name: &str, cluster| {
        for_deployments(
            name,
            json!({"activationPreference": "Lazy", "placement": only(cluster)}),
        )
    };
    let first = decided(&edited("1"), &[lazy("p", "eu")], None, &[]);
    assert_eq!(at(&first), "eu", "a new object is an edit");

    // The policy is edited: where it goes, and then even what it selects.
    let waits = decided(&edited("1"), &[lazy("p", "us")], Some(&first), &[]);
    assert_eq!(at(&waits), "eu");
    assert!(
        waits
            .steps
            .iter()
            .any(|step| step.contains("counts once the object is edited")),
        "{:?}",
        waits.steps
    );
    let mut elsewhere = lazy("p", "us");
    elsewhere.spec.resource_selectors[0].name = "other".to_owned();
    assert_eq!(at(&decided(&edited("1"), &[elsewhere], Some(&waits), &[])), "eu");
    // What happens to clusters is no edit of a policy.
    let lost = decide(&Inputs {
        object: &edited("1"),
        policies: &[lazy("p", "us")],
        clusters: &clusters("ap eu- us"),
        previous: Some(&waits),
        now: Timestamp::UNIX_EPOCH,
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    });
    assert_eq!(at(&lost.into_spec()), "");

    let moved = decided(&edited("2"), &[lazy("p", "us")], Some(&waits), &[]);
    assert_eq!(at(&moved), "us");
    let settled = decided(&edited("2"), &[lazy("p", "us")], Some(&moved), &[]);
    assert_eq!(settled.steps, moved.steps, "it settles");
    assert_eq!(
        at(&decided(&edited("2"), &[], Some(&moved), &[])),
        "ap eu us",
        "a policy that is gone says nothing"
    );
}

#[test]
fn a_lazy_policy_takes_nothing_over_before_an_edit() {
    let lazy = for_deployments(
        "a",
        json!({"activationPreference": "Lazy", "priority": 5, "placement": only("us")}),
    );
    let plain = for_deployments("b", json!({"placement": only("eu")}));
    let by_default = decided(&edited("1"), &[], None, &[]);
    let waits = decided(&edited("1"), std::slice::from_ref(&lazy), Some(&by_default), &[]);
    assert_eq!(at(&waits), "ap eu us");
    assert_eq!(
        at(&decided(&edited("2"), std::slice::from_ref(&lazy), Some(&waits), &[])),
        "us"
    );

    let by_plain = decided(&edited("1"), std::slice::from_ref(&plain), None, &[]);
    let both = [lazy, plain];
    let waits = decided(&edited("1"), &both, Some(&by_plain), &[]);
    assert_eq!(
        (at(&waits).as_str(), waits.policy.as_str()),
        ("eu", "PropagationPolicy shop/b")
    );
    assert_eq!(at(&decided(&edited("2"), &both, Some(&waits), &[])), "us");
}

#[test]
fn an_edit_is_what_a_user_wrote() {
    let of = |object: Value| FederatedObject::from_value(&object).unwrap().edited(&object).edit;
    let deployment = |generation: i64, label: &str, ready: i64| {
        of(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1}, "status": {"readyReplicas": ready},
            "metadata": {"name": "web", "generation": generation, "resourceVersion": ready.to_string(), "labels": {"a": label}}}),
        )
    };
    assert_eq!(deployment(1, "x", 0), deployment(1, "x", 1));
    assert_ne!(deployment(1, "x", 0), deployment(2, "x", 0));
    assert_ne!(deployment(1, "x", 0), deployment(1, "y", 0));
    let config = |value: &str| {
        of(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": value}}))
    };
    assert_ne!(config("a"), config("b"));
}

#[test]
fn what_pods_need_goes_along() {
    let web = |policy: Value| {
        decided(
            &object("Deployment", Some(2)),
            &[for_deployments("p", policy)],
            None,
            &[],
        )
    };
    let along = web(json!({"propagateDeps": true, "placement": only("eu"), "conflictResolution": "Overwrite"}));
    let alone = web(json!({"placement": only("us")}));
    assert_eq!(at(&decided(&config("a"), &[], None, &[&alone])), "ap eu us");

    let followed = decided(&config("a"), &[], None, &[&along]);
    assert_eq!(at(&followed), "eu");
    assert_eq!(
        followed.conflict_resolution,
        Some(api::policy::ConflictResolution::Overwrite)
    );
    assert!(
        followed
            .excluded
            .iter()
            .all(|out| out.reason == Reason::NothingToFollow)
    );
    // Another that needs it is there, too, whatever its policy says of others.
    assert_eq!(
        at(&decided(&config("a"), &[], Some(&followed), &[&along, &alone])),
        "eu us"
    );
    // The last one goes: what it needed stays where it was, and is not spread over everything.
    assert_eq!(at(&decided(&config("a"), &[], Some(&followed), &[])), "eu");
    // A policy that selects it decides alone.
    let own: PropagationPolicy =
        serde_json::from_value(json!({"metadata": {"name": "c", "namespace": "shop"}, "spec": {
        "resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}], "placement": only("ap")}}))
        .unwrap();
    assert_eq!(at(&decided(&config("a"), &[own], Some(&followed), &[&along])), "ap");
    // Placed nowhere yet: it waits.
    let nowhere = web(json!({"propagateDeps": true, "placement": only("mars")}));
    assert_eq!(at(&decided(&config("a"), &[], None, &[&nowhere])), "");
}

#[test]
fn a_policy_suspends_some_or_all() {
    let spec = |suspension: Value| {
        decided(
            &object("Deployment", Some(2)),
            &[for_deployments("p", json!({"suspension": suspension}))],
            None,
            &[],
        )
    };
    let some = spec(json!({"dispatchingOnClusters": {"clusterNames": ["eu"]}}));
    assert!(some.suspends("eu") && !some.suspends("us"));
    let all = spec(json!({"dispatching": true}));
    assert!(all.suspends("eu") && all.suspends("us"));
    assert!(!spec(json!({"dispatching": false})).suspends("eu"));
    assert!(!crate::decision::deleted(&all).suspends("eu"), "a deletion is told");
}
