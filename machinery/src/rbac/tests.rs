//! What roles allow, and what they never do.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn asked<'a>(verb: &'a str, group: &'a str, path: &'a str, namespace: &'a str, name: &'a str) -> Asked<'a> {
    let (resource, subresource) = path.split_once('/').unwrap_or((path, ""));
    Asked::Resource {
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
    }
}

#[test]
fn rules_about_resources() {
    let rule = |resources: &[&str]| Rule::on(&["apps"], resources, &["get"]);
    let plain = rule(&["deployments"]);
    let sub = rule(&["deployments/scale"]);
    let any_sub = rule(&["*/scale"]);
    let all = Rule::on(&["*"], &["*"], &["*"]);
    let named = rule(&["deployments"]).named(&["web"]);
    let rows = [
        (&plain, asked("get", "apps", "deployments", "a", "x"), true),
        (&plain, asked("list", "apps", "deployments", "a", "x"), false),
        (&plain, asked("get", "", "deployments", "a", "x"), false),
        (&plain, asked("get", "apps", "deployments/scale", "a", "x"), false),
        (&plain, asked("get", "apps", "replicasets", "a", "x"), false),
        (&sub, asked("get", "apps", "deployments/scale", "a", "x"), true),
        (&sub, asked("get", "apps", "deployments", "a", "x"), false),
        (&sub, asked("get", "apps", "deployments/status", "a", "x"), false),
        (&any_sub, asked("get", "apps", "deployments/scale", "a", "x"), true),
        (&any_sub, asked("get", "apps", "scale", "a", "x"), false),
        (&all, asked("escalate", "x", "y/z", "", ""), true),
        (&named, asked("get", "apps", "deployments", "a", "web"), true),
        (&named, asked("get", "apps", "deployments", "a", "db"), false),
        (&named, asked("get", "apps", "deployments", "a", ""), false),
        (
            &all,
            Asked::Path {
                verb: "get",
                path: "/metrics",
            },
            false,
        ),
    ];
    for (rule, asked, allowed) in rows {
        assert_eq!(rule.allows(asked), allowed, "{rule:?} {asked:?}");
    }
}

#[test]
fn rules_about_paths() {
    let rule = Rule::paths(&["/api", "/apis/*", "/health*"], &["get"]);
    for (path, allowed) in [
        ("/api", true),
        ("/api/v1", false),
        ("/apis", false),
        ("/apis/", true),
        ("/apis/apps/v1", true),
        ("/healthz", true),
        ("/metrics", false),
    ] {
        assert_eq!(rule.allows(Asked::Path { verb: "get", path }), allowed, "{path}");
        assert!(!rule.allows(Asked::Path { verb: "post", path }));
    }
    assert!(!rule.allows(asked("get", "", "api", "", "")));
}

fn role(rules: Vec<Rule>) -> Option<Role> {
    Some(Role { rules })
}

fn binding(kind: &str, name: &str, subjects: serde_json::Value) -> Option<Binding> {
    Some(serde_json::from_value(json!({"roleRef": {"kind": kind, "name": name}, "subjects": subjects})).unwrap())
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    let read = |resource| role(vec![Rule::on(&[""], &[resource], &["get", "list"])]);
    policy.cluster_role("reader", read("configmaps"));
    policy.role("shop", "reader", read("secrets"));
    policy.binding(
        "",
        "ops",
        binding("ClusterRole", "reader", json!([{"kind": "Group", "name": "ops"}])),
    );
    policy.binding(
        "shop",
        "local",
        binding("ClusterRole", "reader", json!([{"kind": "User", "name": "alice"}])),
    );
    policy.binding(
        "shop",
        "builder",
        binding(
            "Role",
            "reader",
            json!([{"kind": "ServiceAccount", "name": "builder"}, {"kind": "ServiceAccount", "name": "ci", "namespace": "bank"}]),
        ),
    );
    policy.binding(
        "shop",
        "gone",
        binding("Role", "nope", json!([{"kind": "User", "name": "bob"}])),
    );
    policy
}

/// User, groups, resource, namespace, and the reason if it is allowed.
type Row<'a> = (&'a str, &'a [String], &'a str, &'a str, Option<&'a str>);

#[test]
fn bindings() {
    let policy = policy();
    let ops = ["ops".to_owned()];
    let rows: [Row<'_>; 11] = [
        (
            "x",
            &ops,
            "configmaps",
            "",
            Some("ClusterRoleBinding \"ops\" of ClusterRole \"reader\" to Group \"ops\""),
        ),
        (
            "x",
            &ops,
            "configmaps",
            "bank",
            Some("ClusterRoleBinding \"ops\" of ClusterRole \"reader\" to Group \"ops\""),
        ),
        ("x", &ops, "secrets", "shop", None),
        ("ops", &[], "configmaps", "", None),
        (
            "alice",
            &[],
            "configmaps",
            "shop",
            Some("RoleBinding \"local/shop\" of ClusterRole \"reader\" to User \"alice\""),
        ),
        ("alice", &[], "configmaps", "bank", None),
        ("alice", &[], "configmaps", "", None),
        (
            "system:serviceaccount:shop:builder",
            &[],
            "secrets",
            "shop",
            Some("RoleBinding \"builder/shop\" of Role \"reader\" to ServiceAccount \"builder/\""),
        ),
        (
            "system:serviceaccount:bank:ci",
            &[],
            "secrets",
            "shop",
            Some("RoleBinding \"builder/shop\" of Role \"reader\" to ServiceAccount \"ci/bank\""),
        ),
        ("system:serviceaccount:shop:ci", &[], "secrets", "shop", None),
        ("builder", &[], "secrets", "shop", None),
    ];
    for (name, groups, resource, namespace, reason) in rows {
        let verdict = policy.judge(Who { name, groups }, asked("get", "", resource, namespace, "a"));
        match (verdict, reason) {
            (Verdict::Allowed(grant), Some(reason)) => assert_eq!(grant.to_string(), reason),
            (Verdict::Silent(missing), None) => assert!(missing.is_empty()),
            (other, _) => panic!("{name} {resource} {namespace}: {other:?}"),
        }
    }
    let bob = Who {
        name: "bob",
        groups: &[],
    };
    assert_eq!(
        policy.judge(bob, asked("get", "", "secrets", "shop", "")),
        Verdict::Silent(vec!["role.rbac.authorization.k8s.io \"nope\" not found".to_owned()])
    );
}

#[test]
fn what_goes_no_longer_counts() {
    let mut policy = policy();
    let alice = Who {
        name: "alice",
        groups: &[],
    };
    let may = |policy: &Policy| {
        matches!(
            policy.judge(alice, asked("get", "", "configmaps", "shop", "a")),
            Verdict::Allowed(_)
        )
    };
    assert!(may(&policy));
    policy.binding(
        "shop",
        "local",
        binding("ClusterRole", "reader", json!([{"kind": "User", "name": "eve"}])),
    );
    assert!(!may(&policy));
    policy.binding(
        "shop",
        "local",
        binding("ClusterRole", "reader", json!([{"kind": "User", "name": "alice"}])),
    );
    assert!(may(&policy));
    policy.cluster_role("reader", None);
    assert!(!may(&policy));
    policy.binding("shop", "local", None);
    assert_eq!(policy.held(alice, "shop"), (vec![], vec![]));
}

#[test]
fn escalation() {
    let get = |resources: &[&str]| Rule::on(&[""], resources, &["get"]);
    let all = [Rule::on(&["*"], &["*"], &["*"]), Rule::paths(&["*"], &["*"])];
    let none: &[Rule] = &[];
    let rows: Vec<(&[Rule], Vec<Rule>, &str)> = vec![
        (none, vec![], ""),
        (
            &all,
            vec![
                Rule::on(&["a", "*"], &["b/c", "*"], &["*", "x"]),
                Rule::paths(&["/x*"], &["get"]),
            ],
            "",
        ),
        (
            none,
            vec![Rule::on(&["", "apps"], &["a"], &["get", "list"])],
            "{APIGroups:[\"\"], Resources:[\"a\"], Verbs:[\"get\" \"list\"]}\n{APIGroups:[\"apps\"], Resources:[\"a\"], Verbs:[\"get\" \"list\"]}",
        ),
        (
            none,
            vec![Rule::paths(&["/x"], &["get", "post"])],
            "{NonResourceURLs:[\"/x\"], Verbs:[\"get\"]}\n{NonResourceURLs:[\"/x\"], Verbs:[\"post\"]}",
        ),
    ];
    for (held, wanted, text) in rows {
        assert_eq!(described(&uncovered(held, &wanted)), text);
    }
    let covered =
        |held: &Rule, wanted: &Rule| uncovered(std::slice::from_ref(held), std::slice::from_ref(wanted)).is_empty();
    assert!(covered(&get(&["*/scale"]), &get(&["a/scale"])));
    assert!(!covered(&get(&["*/scale"]), &get(&["a"])));
    assert!(covered(&get(&["a"]), &get(&["a"]).named(&["x"])));
    assert!(!covered(&get(&["a"]).named(&["x"]), &get(&["a"])));
    assert!(covered(&get(&["a"]).named(&["x", "y"]), &get(&["a"]).named(&["y"])));
    assert!(covered(
        &Rule::paths(&["/x/*"], &["*"]),
        &Rule::paths(&["/x/y"], &["get"])
    ));
    assert!(!covered(
        &Rule::paths(&["/x/*"], &["*"]),
        &Rule::paths(&["*"], &["get"])
    ));
    assert!(!covered(&get(&["a"]), &Rule::on(&[""], &["*"], &["get"])));
}

#[test]
fn a_small_rule_of_very_many_combinations() {
    let many: Vec<String> = (0..2000).map(|number| format!("x{number}")).collect();
    let rule = Rule {
        verbs: many.clone(),
        api_groups: many.clone(),
        resources: many.clone(),
        resource_names: many,
        ..Rule::default()
    };
    let wanted = vec![rule; 20];
    assert!(!uncovered(&[], &wanted).is_empty());
    assert!(uncovered(&[Rule::on(&["*"], &["*"], &["*"])], &wanted).is_empty());
}

const NAMES: [&str; 4] = ["a", "b", "a/s", "*"];

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let pick = || proptest::collection::vec(proptest::sample::select(&NAMES[..]), 0..3);
    let rule = (pick(), pick(), pick(), pick())
        .prop_map(|(groups, resources, verbs, names)| Rule::on(&groups, &resources, &verbs).named(&names));
    let path = (pick(), pick()).prop_map(|(paths, verbs)| Rule::paths(&paths, &verbs));
    proptest::collection::vec(prop_oneof![3 => rule, 1 => path], 0..4)
}

fn named(rules: Vec<Rule>, policy: &mut Policy, namespace: &str, name: &str, user: &str) {
    let subject = json!([{"kind": "User", "name": user}]);
    if namespace.is_empty() {
        policy.cluster_role(name, Some(Role { rules }));
        policy.binding("", name, binding("ClusterRole", name, subject));
    } else {
        policy.role(namespace, name, Some(Role { rules }));
        policy.binding(namespace, name, binding("Role", name, subject));
    }
}

fn questions() -> Vec<Asked<'static>> {
    let mut all = vec![];
    for verb in ["a", "b", "c"] {
        for path in ["a", "b", "a/s", "c/s"] {
            for namespace in ["", "one", "two"] {
                all.extend(["", "a"].map(|name| asked(verb, "a", path, namespace, name)));
            }
        }
        all.push(Asked::Path { verb, path: "a/s" });
    }
    all
}

fn allowed(policy: &Policy, user: &str, asked: Asked<'_>) -> bool {
    matches!(
        policy.judge(
            Who {
                name: user,
                groups: &[]
            },
            asked
        ),
        Verdict::Allowed(_)
    )
}

proptest! {
    #[test]
    fn a_role_more_takes_nothing_away(first in rules(), second in rules(), place in 0..2_usize) {
        let mut before = Policy::default();
        named(first, &mut before, "one", "first", "u");
        let mut after = before.clone();
        named(second, &mut after, ["", "two"][place], "second", "u");
        for asked in questions() {
            prop_assert!(!allowed(&before, "u", asked) || allowed(&after, "u", asked), "{:?}", asked);
        }
    }

    #[test]
    fn a_role_elsewhere_or_of_another_grants_nothing(given in rules()) {
        let mut policy = Policy::default();
        named(given.clone(), &mut policy, "two", "x", "u");
        named(given, &mut policy, "", "y", "other");
        for asked in questions() {
            let here = matches!(asked, Asked::Resource { namespace: "two", .. });
            prop_assert!(here || !allowed(&policy, "u", asked), "{:?}", asked);
        }
    }

    #[test]
    fn who_may_hand_rules_out_may_do_what_they_allow(held in rules(), wanted in rules()) {
        prop_assume!(uncovered(&held, &wanted).is_empty());
        for asked in questions() {
            let by = |rules: &[Rule]| rules.iter().any(|rule| rule.allows(asked));
            prop_assert!(!by(&wanted) || by(&held), "{:?}", asked);
        }
    }

    #[test]
    fn everybody_holds_what_they_hold(held in rules()) {
        prop_assert_eq!(uncovered(&held, &held), vec![]);
    }

    #[test]
    fn removal_leaves_no_trace(given in rules(), users in proptest::collection::vec("[ab]", 0..4)) {
        let mut policy = Policy::default();
        let subjects: Vec<_> = users.iter().map(|name| json!({"kind": "User", "name": name})).collect();
        policy.role("one", "x", Some(Role { rules: given }));
        policy.binding("one", "x", binding("Role", "x", json!(subjects)));
        policy.binding("one", "x", None);
        for asked in questions() {
            prop_assert!(!allowed(&policy, "a", asked));
        }
    }
}
