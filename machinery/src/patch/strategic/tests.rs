//! Directives one by one, and the patches that kubectl really sends.

use serde_json::json;

use super::*;

fn pod_spec(doc: Value, patch: Value) -> Result<Value, PatchError> {
    let schema = crate::schema::of("v1", "Pod").unwrap();
    strategic(schema, &json!({"spec": doc}), &json!({"spec": patch})).map(|mut pod| pod["spec"].take())
}

fn check(doc: Value, patch: Value, want: Value) {
    assert_eq!(pod_spec(doc.clone(), patch.clone()), Ok(want), "{patch} on {doc}");
}

#[test]
fn maps_merge_and_nulls_remove() {
    check(
        json!({"nodeName": "a", "nodeSelector": {"x": "1", "y": "2"}, "hostname": "h"}),
        json!({"nodeName": "b", "nodeSelector": {"x": null, "z": "3"}, "hostname": null, "subdomain": null}),
        json!({"nodeName": "b", "nodeSelector": {"y": "2", "z": "3"}}),
    );
    check(
        json!({}),
        json!({"nodeSelector": {"a": null, "b": "1"}}),
        json!({"nodeSelector": {"b": "1"}}),
    );
    check(
        json!({"nodeSelector": {"x": "1"}}),
        json!({"nodeSelector": {"$patch": "replace", "y": "2"}}),
        json!({"nodeSelector": {"y": "2"}}),
    );
    check(
        json!({"nodeSelector": {"x": "1"}}),
        json!({"nodeSelector": {"$patch": "delete"}}),
        json!({"nodeSelector": {}}),
    );
}

#[test]
fn lists_of_objects_merge_by_their_key() {
    let two = json!({"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]});
    check(
        two.clone(),
        json!({"containers": [{"name": "b", "image": "b:2"}]}),
        json!({"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:2"}]}),
    );
    check(
        two.clone(),
        json!({"containers": [{"name": "a", "$patch": "delete"}]}),
        json!({"containers": [{"name": "b", "image": "b:1"}]}),
    );
    check(
        two.clone(),
        json!({"containers": [{"$patch": "replace"}, {"name": "c", "image": "c:1"}]}),
        json!({"containers": [{"name": "c", "image": "c:1"}]}),
    );
    check(
        two.clone(),
        json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [{"name": "a", "image": "a:2"}]}),
        json!({"containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:2"}]}),
    );
    check(
        two.clone(),
        json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
        json!({"containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:1"}]}),
    );
    check(
        json!({}),
        json!({"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Y", "value": null}]}]}),
        json!({"containers": [{"name": "a", "env": [{"name": "Y"}]}]}),
    );
    assert!(matches!(
        pod_spec(two.clone(), json!({"containers": [{"image": "x"}]})),
        Err(PatchError::Unprocessable(message)) if message.contains("merge key: name")
    ));
    assert!(pod_spec(two.clone(), json!({"containers": [{"name": "a", "$patch": "merge"}]})).is_err());
    assert!(
        pod_spec(
            two,
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]})
        )
        .is_err()
    );
}

#[test]
fn order_of_new_and_old_items() {
    let env = |names: &str| -> Value { names.chars().map(|name| json!({"name": name.to_string()})).collect() };
    let table = [
        ("ab", "c", "", "cab"),
        ("ab", "bc", "", "abc"),
        ("abc", "d", "abcd", "abcd"),
        ("abc", "x", "xbc", "xabc"),
        ("abcd", "", "db", "acdb"),
    ];
    for (before, change, order, want) in table {
        let mut container = json!({"name": "c"});
        if !change.is_empty() {
            container["env"] = env(change);
        }
        if !order.is_empty() {
            container["$setElementOrder/env"] = env(order);
        }
        check(
            json!({"containers": [{"name": "c", "env": env(before)}]}),
            json!({"containers": [container]}),
            json!({"containers": [{"name": "c", "env": env(want)}]}),
        );
    }
}

#[test]
fn lists_that_do_not_merge_are_replaced() {
    check(
        json!({"tolerations": [{"key": "a"}]}),
        json!({"tolerations": [{"key": "b"}]}),
        json!({"tolerations": [{"key": "b"}]}),
    );
}

#[test]
fn lists_of_scalars_merge_as_sets() {
    let schema = crate::schema::of("v1", "ConfigMap").unwrap();
    let doc = json!({"metadata": {"finalizers": ["a/1", "b/2"]}});
    let table = [
        (json!({"finalizers": ["c/3", "a/1"]}), json!(["c/3", "a/1", "b/2"])),
        (
            json!({"$deleteFromPrimitiveList/finalizers": ["a/1", "z/9"]}),
            json!(["b/2"]),
        ),
        (
            json!({"$setElementOrder/finalizers": ["b/2", "a/1"]}),
            json!(["b/2", "a/1"]),
        ),
        (
            json!({"$deleteFromPrimitiveList/finalizers": ["a/1"], "$setElementOrder/finalizers": ["b/2", "c/3"],
                "finalizers": ["c/3"]}),
            json!(["b/2", "c/3"]),
        ),
    ];
    for (patch, want) in table {
        let got = strategic(schema, &doc, &json!({"metadata": patch})).unwrap();
        assert_eq!(got["metadata"]["finalizers"], want, "{patch}");
    }
    assert!(
        strategic(
            schema,
            &doc,
            &json!({"metadata": {"$deleteFromPrimitiveList/finalizers": 1}})
        )
        .is_err()
    );
}

#[test]
fn retain_keys_clears_a_union() {
    let schema = crate::schema::of("apps/v1", "Deployment").unwrap();
    let doc = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    let got = strategic(schema, &doc, &patch).unwrap();
    assert_eq!(got, json!({"spec": {"strategy": {"type": "Recreate"}}}));
    let bad = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": {}}}});
    assert!(matches!(strategic(schema, &doc, &bad), Err(PatchError::Malformed(_))));
}

#[test]
fn set_image_as_kubectl_sends_it() {
    let schema = crate::schema::of("apps/v1", "Deployment").unwrap();
    let doc = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "web", "image": "nginx:1", "ports": [{"containerPort": 80, "protocol": "TCP"}]}, {"name": "log", "image": "l"}]}}}});
    let patch = json!({"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "web"}, {"name": "log"}],
        "containers": [{"name": "web", "image": "nginx:2"}]}}}});
    let got = strategic(schema, &doc, &patch).unwrap();
    assert_eq!(
        got["spec"]["template"]["spec"]["containers"],
        json!([{"name": "web", "image": "nginx:2", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
            {"name": "log", "image": "l"}])
    );
}

#[test]
fn service_ports_merge_by_port() {
    let schema = crate::schema::of("v1", "Service").unwrap();
    let doc = json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}});
    let patch = json!({"spec": {"ports": [{"port": 443}, {"port": 80, "targetPort": "web"}]}});
    let got = strategic(schema, &doc, &patch).unwrap();
    assert_eq!(
        got["spec"]["ports"],
        json!([{"port": 443}, {"port": 80, "targetPort": "web"}])
    );
}

#[test]
fn a_patch_must_be_an_object() {
    let schema = crate::schema::of("v1", "Pod").unwrap();
    assert!(matches!(
        strategic(schema, &json!({}), &json!([])),
        Err(PatchError::Malformed(_))
    ));
    assert!(strategic(schema, &json!({"spec": {}}), &json!({"spec": {"$patch": "merge"}})).is_err());
}
