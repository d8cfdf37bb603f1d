//! CustomResourceDefinitions: from their creation to their end, and what their objects can do meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Hub, MERGE, STRATEGIC};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const OLD_WIDGETS: &str = "/apis/example.com/v1beta1/namespaces/default/widgets";

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "required": ["color"], "properties": {
            "color": {"type": "string", "enum": ["red", "blue"]},
            "size": {"type": "integer", "default": 3},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties":
                    {"name": {"type": "string"}, "weight": {"type": "integer"}}}},
        }},
        "status": {"type": "object", "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}}},
    }}});
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage, "schema": schema,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size",
                "labelSelectorPath": ".status.selector"}},
            "additionalPrinterColumns": [{"name": "Color", "type": "string", "jsonPath": ".spec.color"}],
            "selectableFields": [{"jsonPath": ".spec.color"}],
        })
    };
    let mut old = version("v1beta1", false);
    old["deprecated"] = json!(true);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wg"]},
            "versions": [version("v1", true), old]},
    })
}

fn widget(name: &str, color: &str) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"color": color}})
}

/// Asks again until the answer has the code.
async fn until(hub: &Hub, path: &str, code: u16) -> Answer {
    for _ in 0..1000 {
        let answer = hub.get(path).await;
        if answer.code == code {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} never answered {code}");
}

async fn with_widgets() -> Hub {
    let hub = Hub::start().await;
    hub.post(CRDS, definition()).await.expect(201);
    until(&hub, WIDGETS, 200).await;
    hub
}

#[tokio::test]
async fn a_definition_is_accepted_and_served() {
    let hub = with_widgets().await;
    let crd = hub.get(&format!("{CRDS}/widgets.example.com")).await.expect(200);
    let conditions = crd["status"]["conditions"].as_array().unwrap();
    let said = |name: &str| {
        let found = conditions.iter().find(|condition| condition["type"] == name).unwrap();
        (found["status"].clone(), found["reason"].clone())
    };
    assert_eq!(said("NamesAccepted"), (json!("True"), json!("NoConflicts")));
    assert_eq!(said("Established"), (json!("True"), json!("InitialNamesAccepted")));
    assert_eq!(crd["status"]["storedVersions"], json!(["v1"]));
    let group = hub.get("/apis/example.com").await.expect(200);
    assert_eq!(group["preferredVersion"]["version"], "v1");
    let resources = hub.get("/apis/example.com/v1").await.expect(200);
    let names: Vec<&str> = resources["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["widgets", "widgets/scale", "widgets/status"]);
    assert_eq!(resources["resources"][0]["shortNames"], json!(["wg"]));
}

#[tokio::test]
async fn objects_are_pruned_defaulted_and_counted() {
    let hub = with_widgets().await;
    let mut body = widget("a", "red");
    body["spec"]["bogus"] = json!(1);
    body["status"] = json!({"size": 9});
    let created = hub.post(WIDGETS, body.clone()).await;
    assert!(
        created.headers["warning"]
            .to_str()
            .unwrap()
            .contains("unknown field \\\"spec.bogus\\\"")
    );
    let created = created.expect(201);
    assert_eq!(created["spec"], json!({"color": "red", "size": 3}));
    assert_eq!(
        (&created["metadata"]["generation"], created.get("status")),
        (&json!(1), None)
    );
    let strict = hub
        .post(&format!("{WIDGETS}?fieldValidation=Strict"), body)
        .await
        .expect(400);
    assert!(
        strict["message"]
            .as_str()
            .unwrap()
            .contains("unknown field \"spec.bogus\""),
        "{strict}"
    );

    let path = format!("{WIDGETS}/a");
    let patched = hub
        .patch(&path, MERGE, json!({"spec": {"color": "blue"}}))
        .await
        .expect(200);
    assert_eq!(patched["metadata"]["generation"], 2);
    hub.patch(&path, STRATEGIC, json!({"spec": {"color": "red"}}))
        .await
        .expect(415);
    let status = hub
        .patch(
            &format!("{path}/status"),
            MERGE,
            json!({"status": {"size": 4, "selector": "a=b"}, "spec": {"color": "red"}}),
        )
        .await;
    let status = status.expect(200);
    assert_eq!(
        (&status["spec"]["color"], &status["metadata"]["generation"]),
        (&json!("blue"), &json!(2))
    );
    let mut unversioned = widget("a", "red");
    unversioned["spec"]["size"] = json!(1);
    hub.put(&path, unversioned).await.expect(422);

    let scale = hub.get(&format!("{path}/scale")).await.expect(200);
    assert_eq!(
        (&scale["spec"]["replicas"], &scale["status"]),
        (&json!(3), &json!({"replicas": 4, "selector": "a=b"}))
    );
    hub.patch(&format!("{path}/scale"), MERGE, json!({"spec": {"replicas": 7}}))
        .await
        .expect(200);
    assert_eq!(hub.get(&path).await.expect(200)["spec"]["size"], 7);

    let selected = hub
        .get(&format!("{WIDGETS}?fieldSelector=spec.color%3Dblue"))
        .await
        .expect(200);
    assert_eq!(
        (selected["kind"].as_str(), selected["items"].as_array().map(Vec::len)),
        (Some("WidgetList"), Some(1))
    );
    hub.get(&format!("{WIDGETS}?fieldSelector=spec.size%3D7"))
        .await
        .expect(400);
    let table = hub
        .send(
            "GET",
            WIDGETS,
            &[("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")],
            "",
        )
        .await
        .expect(200);
    let columns: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        (columns, &table["rows"][0]["cells"]),
        (vec!["Name", "Color"], &json!(["a", "blue"]))
    );
}

#[tokio::test]
async fn an_object_is_seen_in_every_version() {
    let hub = with_widgets().await;
    let mut old = widget("a", "red");
    old["apiVersion"] = json!("example.com/v1beta1");
    let created = hub.post(OLD_WIDGETS, old).await;
    assert_eq!(
        created.headers["warning"],
        "299 - \"example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget\""
    );
    assert_eq!(created.expect(201)["apiVersion"], "example.com/v1beta1");
    let new = hub.get(&format!("{WIDGETS}/a")).await.expect(200);
    assert_eq!(new["apiVersion"], "example.com/v1");
    let list = hub.get(OLD_WIDGETS).await.expect(200);
    assert_eq!(
        (&list["apiVersion"], &list["items"][0]["apiVersion"]),
        (&json!("example.com/v1beta1"), &json!("example.com/v1beta1"))
    );
    let mut watch = hub.watch(&format!("{OLD_WIDGETS}?watch=true")).await;
    let event = watch.next().await.unwrap();
    assert_eq!(event["object"]["apiVersion"], "example.com/v1beta1");
    let same = hub
        .patch(&format!("{OLD_WIDGETS}/a"), MERGE, json!({"spec": {"color": "red"}}))
        .await
        .expect(200);
    assert_eq!(
        same["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"],
        "nothing changed"
    );
}

#[tokio::test]
async fn a_changed_definition_changes_what_is_read() {
    let hub = with_widgets().await;
    hub.post(WIDGETS, widget("a", "red")).await.expect(201);
    let mut watch = hub.watch(&format!("{WIDGETS}?watch=true&resourceVersion=0")).await;
    watch.told().await;
    let path = format!("{CRDS}/widgets.example.com");
    let mut crd = hub.get(&path).await.expect(200);
    for version in crd["spec"]["versions"].as_array_mut().unwrap() {
        version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["shape"] =
            json!({"type": "string", "default": "round"});
    }
    hub.put(&path, crd).await.expect(200);
    assert!(
        watch.next().await.is_none(),
        "watches begin anew when the definition changed"
    );
    let read = hub.get(&format!("{WIDGETS}/a")).await.expect(200);
    assert_eq!(
        read["spec"]["shape"], "round",
        "a default reaches what was stored before"
    );
    hub.patch(&format!("{WIDGETS}/a"), MERGE, json!({"spec": {"shape": "flat"}}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_definition_goes_after_its_objects() {
    let hub = with_widgets().await;
    let mut held = widget("held", "red");
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    hub.post(WIDGETS, held).await.expect(201);
    hub.post(WIDGETS, widget("free", "red")).await.expect(201);
    let path = format!("{CRDS}/widgets.example.com");
    let deleting = hub.delete(&path, Value::Null).await.expect(200);
    assert_eq!(
        deleting["metadata"]["finalizers"],
        json!(["customresourcecleanup.apiextensions.k8s.io"])
    );
    until(&hub, &format!("{WIDGETS}/free"), 404).await;
    let mut refused = hub.post(WIDGETS, widget("late", "red")).await;
    for _ in 0..1000 {
        if refused.code == 405 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        refused = hub.post(WIDGETS, widget("late", "red")).await;
    }
    assert_eq!(
        refused.expect(405)["message"],
        "create not allowed while custom resource definition is terminating"
    );
    hub.get(&path).await.expect(200);
    hub.patch(
        &format!("{WIDGETS}/held"),
        MERGE,
        json!({"metadata": {"finalizers": null}}),
    )
    .await
    .expect(200);
    until(&hub, &path, 404).await;
    until(&hub, WIDGETS, 404).await;
    hub.get("/apis/example.com/v1").await;
    assert_eq!(hub.get("/apis/example.com/v1").await.code, 404);
}

#[tokio::test]
async fn rules_of_a_definition_are_checked_and_published() {
    let hub = Hub::start().await;
    let mut crd = definition();
    crd["spec"]["names"]["listKind"] = json!("Widgetry");
    crd["spec"]["versions"].as_array_mut().unwrap().truncate(1);
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let schema = crd.pointer_mut(spec).unwrap();
    schema["properties"]["size"]["x-kubernetes-validations"] =
        json!([{"rule": "self >= oldSelf", "messageExpression": "'not below %d'.format([oldSelf])"}]);
    schema["properties"]["color"]["format"] = json!("hue");
    schema["x-kubernetes-validations"] = json!([{"rule": "self.size < 10", "message": "too many"}]);

    let mut wrong = crd.clone();
    wrong.pointer_mut(spec).unwrap()["x-kubernetes-validations"][0]["rule"] = json!("self.sise < 10");
    let refused = hub.post(CRDS, wrong).await.expect(422);
    let message = refused["details"]["causes"][0]["message"].as_str().unwrap();
    assert!(message.contains("undefined field 'sise'"), "{message}");

    let made = hub.post(CRDS, crd).await;
    made.expect(201);
    let warning = made.headers["warning"].to_str().unwrap();
    assert!(warning.contains("unrecognized format \\\"hue\\\""), "{warning}");
    until(&hub, WIDGETS, 200).await;

    let mut large = widget("a", "red");
    large["spec"]["size"] = json!(10);
    let refused = hub.post(WIDGETS, large).await.expect(422);
    assert_eq!(
        refused["message"],
        "Widget.example.com \"a\" is invalid: spec: Invalid value: too many"
    );
    hub.post(WIDGETS, widget("a", "red")).await.expect(201);
    let patch = json!({"spec": {"size": 2}});
    let refused = hub.patch(&format!("{WIDGETS}/a"), MERGE, patch).await.expect(422);
    assert_eq!(
        refused["message"],
        "Widget.example.com \"a\" is invalid: spec.size: Invalid value: 2: not below 3"
    );

    let published = hub.get("/openapi/v3/apis/example.com/v1").await.expect(200);
    let schemas = &published["components"]["schemas"];
    assert!(schemas["com.example.v1.Widgetry"].is_object());
    let color = &schemas["com.example.v1.Widget"]["properties"]["spec"]["properties"]["color"];
    assert_eq!(color["format"], "hue");
}

#[tokio::test]
async fn objects_go_with_a_definition_of_which_no_version_is_served() {
    let hub = with_widgets().await;
    hub.post(WIDGETS, widget("a", "red")).await.expect(201);
    let path = format!("{CRDS}/widgets.example.com");
    let mut crd = hub.get(&path).await.expect(200);
    for version in crd["spec"]["versions"].as_array_mut().unwrap() {
        version["served"] = json!(false);
    }
    hub.put(&path, crd).await.expect(200);
    until(&hub, WIDGETS, 404).await;
    hub.delete(&path, Value::Null).await.expect(200);
    until(&hub, &path, 404).await;
    hub.post(CRDS, definition()).await.expect(201);
    let list = until(&hub, WIDGETS, 200).await.expect(200);
    assert_eq!(list["items"], json!([]), "nothing comes back");
}
