//! RFC 6902 and where kube-apiserver is more lenient.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn operations() {
    let table = [
        (
            json!({"a": 1}),
            json!([{"op": "add", "path": "/b", "value": 2}]),
            json!({"a": 1, "b": 2}),
        ),
        (
            json!({"a": [1, 3]}),
            json!([{"op": "add", "path": "/a/1", "value": 2}]),
            json!({"a": [1, 2, 3]}),
        ),
        (
            json!({"a": [1]}),
            json!([{"op": "add", "path": "/a/-", "value": 2}]),
            json!({"a": [1, 2]}),
        ),
        (
            json!({"a": [1, 2]}),
            json!([{"op": "remove", "path": "/a/-1"}]),
            json!({"a": [1]}),
        ),
        (json!({"a": 1}), json!([{"op": "remove", "path": "/a"}]), json!({})),
        (
            json!({"a": 1}),
            json!([{"op": "replace", "path": "/a", "value": null}]),
            json!({"a": null}),
        ),
        (
            json!({"a": {"b": 1}}),
            json!([{"op": "move", "from": "/a/b", "path": "/c"}]),
            json!({"a": {}, "c": 1}),
        ),
        (
            json!({"a": {"b": 1}}),
            json!([{"op": "copy", "from": "/a", "path": "/a/c"}]),
            json!({"a": {"b": 1, "c": {"b": 1}}}),
        ),
        (
            json!({"a/b~c": 1}),
            json!([{"op": "test", "path": "/a~1b~0c", "value": 1}]),
            json!({"a/b~c": 1}),
        ),
        (
            json!({}),
            json!([{"op": "test", "path": "/x", "value": null}]),
            json!({}),
        ),
        (
            json!({"a": 1}),
            json!([{"op": "replace", "path": "", "value": {"b": 1}}]),
            json!({"b": 1}),
        ),
        (
            json!({}),
            json!([{"op": "replace", "path": "/a", "value": 1}]),
            json!({"a": 1}),
        ),
        (
            json!({}),
            json!([{"op": "copy", "from": "/a", "path": "/b"}]),
            json!({"b": null}),
        ),
        (json!({}), json!([{"op": "add", "path": "/a"}]), json!({"a": null})),
    ];
    for (doc, patch, want) in table {
        assert_eq!(json_patch(&doc, &patch), Ok(want), "{patch} on {doc}");
    }
}

#[test]
fn what_does_not_fit_is_unprocessable() {
    let doc = json!({"a": [1], "s": "x", "o": {"p": {}}});
    let table = [
        json!([{"op": "remove", "path": "/missing"}]),
        json!([{"op": "remove", "path": "/a/1"}]),
        json!([{"op": "remove", "path": "/a/-2"}]),
        json!([{"op": "remove", "path": ""}]),
        json!([{"op": "add", "path": "/a/3", "value": 1}]),
        json!([{"op": "add", "path": "/a/01", "value": 1}]),
        json!([{"op": "add", "path": "/a/x", "value": 1}]),
        json!([{"op": "add", "path": "/missing/x", "value": 1}]),
        json!([{"op": "add", "path": "/s/x", "value": 1}]),
        json!([{"op": "replace", "path": "/missing/x", "value": 1}]),
        json!([{"op": "replace", "path": "/a/7", "value": 1}]),
        json!([{"op": "frob", "path": "/a"}]),
        json!([{"op": "test", "path": "/s", "value": "y"}]),
        json!([{"op": "test", "path": "/missing", "value": "y"}]),
        json!([{"op": "move", "from": "/missing", "path": "/y"}]),
        json!([{"op": "move", "from": "/o", "path": "/o/p/q"}]),
        json!([{"op": "copy", "from": "/missing/x", "path": "/y"}]),
    ];
    for patch in table {
        let error = json_patch(&doc, &patch).unwrap_err();
        assert_eq!(crate::status::Status::from(error).code, 422, "{patch}");
    }
}

#[test]
fn what_is_no_patch_is_a_bad_request() {
    let table = [
        json!({"op": "add"}),
        json!([1]),
        json!([{"op": "add", "path": "a", "value": 1}]),
        json!([{"op": "copy", "path": "/a"}]),
        json!([{"path": "/a"}]),
    ];
    for patch in table {
        let error = json_patch(&json!({}), &patch).unwrap_err();
        assert_eq!(crate::status::Status::from(error).code, 400, "{patch}");
    }
}

#[test]
fn limits_hold() {
    let many = Value::Array(vec![
        json!({"op": "test", "path": "/x", "value": null});
        OPERATIONS_MAX + 1
    ]);
    let error = json_patch(&json!({}), &many).unwrap_err();
    assert_eq!(crate::status::Status::from(error).code, 413);

    let doubling = Value::Array(vec![json!({"op": "copy", "from": "/a", "path": "/a/-"}); 64]);
    assert!(json_patch(&json!({"a": ["xxxxxxxxxxxxxxxx"]}), &doubling).is_err());

    let nesting = Value::Array(vec![json!({"op": "copy", "from": "/a", "path": "/a/a"}); 64]);
    assert!(
        json_patch(&json!({"a": {}}), &nesting).is_ok(),
        "copies onto the same place do not nest"
    );
    let mut path = String::from("/a");
    let mut chain = Vec::new();
    for _ in 0..10 {
        let deeper = format!("{path}{path}");
        chain.push(json!({"op": "copy", "from": "/a", "path": deeper}));
        path = deeper;
    }
    assert!(json_patch(&json!({"a": {}}), &Value::Array(chain)).is_err());
}

proptest! {
    #[test]
    fn any_operation_is_done_or_refused(
        steps in proptest::collection::vec(("add|remove|replace|move|copy|test", "(/[ab012~-]){0,3}", "(/[ab01]){0,3}"), 0..12)
    ) {
        let doc = json!({"a": [1, {"b": 2}], "b": {"a": [], "b": "x"}});
        let patch: Vec<Value> = steps
            .iter()
            .map(|(op, path, from)| json!({"op": op, "path": path, "from": from, "value": {"a": [0]}}))
            .collect();
        if let Ok(patched) = json_patch(&doc, &Value::Array(patch)) {
            prop_assert!(depth(&patched) <= DEPTH_MAX + 1);
        }
    }
}

#[test]
fn many_operations_on_a_huge_list_end_early() {
    let huge = vec![0; 100_000];
    let shifting = |operation: Value| {
        let mut patch = vec![json!({"op": "add", "path": "/a", "value": huge})];
        patch.extend(std::iter::repeat_n(operation, 9000));
        json_patch(&json!({}), &Value::Array(patch)).unwrap_err().to_string()
    };
    for operation in [
        json!({"op": "remove", "path": "/a/0"}),
        json!({"op": "add", "path": "/a/0", "value": 1}),
        json!({"op": "move", "from": "/a", "path": "/a"}),
    ] {
        assert!(shifting(operation).contains("shifts too many values"));
    }
    let appended = vec![json!({"op": "add", "path": "/a/-", "value": 1}); 10_000];
    assert!(json_patch(&json!({"a": huge}), &Value::Array(appended)).is_ok());
}
