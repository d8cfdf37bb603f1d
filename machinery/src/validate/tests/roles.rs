//! Roles and bindings.

use serde_json::{Value, json};

use super::super::{create, update};
use super::{Row, made, meta, told};
use crate::status::CauseReason as R;

const V1: &str = "rbac.authorization.k8s.io/v1";

fn role(rule: Value) -> Value {
    json!({"metadata": meta("r"), "rules": [rule]})
}

fn cluster_role(rule: Value) -> Value {
    json!({"metadata": {"name": "r"}, "rules": [rule]})
}

fn binding(reference: Value, subject: Value) -> Value {
    json!({"metadata": meta("b"), "roleRef": reference, "subjects": [subject]})
}

#[test]
fn what_is_refused() {
    let view = || json!({"kind": "ClusterRole", "name": "view"});
    let bob = || json!({"kind": "User", "name": "bob"});
    let get = |more: Value| {
        let mut rule = json!({"verbs": ["get"]});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let rows: Vec<Row> = vec![
        (
            V1,
            "Role",
            json!({"metadata": meta("system:any%"), "rules": []}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (V1, "Role", json!({"metadata": meta("system:any")}), vec![]),
        (
            V1,
            "Role",
            json!({"metadata": {"name": "r"}}),
            vec![("metadata.namespace", R::FieldValueRequired)],
        ),
        (
            V1,
            "Role",
            role(json!({"apiGroups": [""]})),
            vec![
                ("rules[0].verbs", R::FieldValueRequired),
                ("rules[0].resources", R::FieldValueRequired),
            ],
        ),
        (
            V1,
            "Role",
            role(get(json!({"resources": ["a"]}))),
            vec![("rules[0].apiGroups", R::FieldValueRequired)],
        ),
        (
            V1,
            "Role",
            role(get(json!({"nonResourceURLs": ["/x"]}))),
            vec![("rules[0].nonResourceURLs", R::FieldValueInvalid)],
        ),
        (
            V1,
            "ClusterRole",
            cluster_role(get(json!({"nonResourceURLs": ["/x"]}))),
            vec![],
        ),
        (
            V1,
            "ClusterRole",
            cluster_role(get(json!({"nonResourceURLs": ["/x"], "resources": ["a"]}))),
            vec![("rules[0].nonResourceURLs", R::FieldValueInvalid)],
        ),
        (
            V1,
            "ClusterRole",
            json!({"metadata": {"name": "r"}, "aggregationRule": {}}),
            vec![("aggregationRule.clusterRoleSelectors", R::FieldValueRequired)],
        ),
        (
            V1,
            "ClusterRole",
            json!({"metadata": {"name": "r"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}}),
            vec![
                (
                    "aggregationRule.clusterRoleSelectors[0].matchLabels",
                    R::FieldValueInvalid,
                ),
                ("aggregationRule.clusterRoleSelectors[0]", R::FieldValueInvalid),
            ],
        ),
        (V1, "RoleBinding", binding(view(), bob()), vec![]),
        (
            V1,
            "RoleBinding",
            binding(
                json!({"kind": "Role", "name": "r"}),
                json!({"kind": "ServiceAccount", "name": "s"}),
            ),
            vec![],
        ),
        (
            V1,
            "RoleBinding",
            binding(
                json!({"kind": "Foo", "apiGroup": "x", "name": "a/b"}),
                json!({"kind": "Pod"}),
            ),
            vec![
                ("roleRef.apiGroup", R::FieldValueNotSupported),
                ("roleRef.kind", R::FieldValueNotSupported),
                ("roleRef.name", R::FieldValueInvalid),
                ("subjects[0].name", R::FieldValueRequired),
                ("subjects[0].kind", R::FieldValueNotSupported),
            ],
        ),
        (
            V1,
            "RoleBinding",
            binding(view(), json!({"kind": "ServiceAccount", "name": "A", "apiGroup": "x"})),
            vec![
                ("subjects[0].name", R::FieldValueInvalid),
                ("subjects[0].apiGroup", R::FieldValueNotSupported),
            ],
        ),
        (
            V1,
            "RoleBinding",
            binding(view(), json!({"kind": "Group", "name": "g", "apiGroup": "x"})),
            vec![("subjects[0].apiGroup", R::FieldValueNotSupported)],
        ),
        (
            V1,
            "ClusterRoleBinding",
            json!({"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": ""}, "subjects": [{"kind": "ServiceAccount", "name": "s"}]}),
            vec![
                ("roleRef.kind", R::FieldValueNotSupported),
                ("roleRef.name", R::FieldValueRequired),
                ("subjects[0].namespace", R::FieldValueRequired),
            ],
        ),
    ];
    for (api_version, kind, object, expected) in rows {
        let object = made(api_version, kind, object);
        let causes = create(api_version, kind, &object);
        assert_eq!(told(&causes), expected, "{kind} {object}: {causes:?}");
    }
}

#[test]
fn a_binding_keeps_its_role() {
    let with = |role: &str, user: &str| {
        let subject = json!({"kind": "User", "name": user});
        made(
            V1,
            "RoleBinding",
            binding(json!({"kind": "Role", "name": role}), subject),
        )
    };
    let told_of = |new: Value| {
        let causes = update(V1, "RoleBinding", &new, &with("a", "x"));
        causes.into_iter().map(|cause| cause.message).collect::<Vec<_>>()
    };
    assert!(told_of(with("a", "y")).is_empty());
    let told = told_of(with("b", "x"));
    assert!(
        told.len() == 1 && told[0].ends_with("cannot change roleRef"),
        "{told:?}"
    );
}
