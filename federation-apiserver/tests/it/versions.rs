//! Kinds that Kubernetes builds in twice: one object, two spellings, whoever writes it in whichever.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{APPLY, Hub, JSON_PATCH, MERGE, STRATEGIC};

const V1: &str = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const V2: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";
const CORE_EVENTS: &str = "/api/v1/namespaces/default/events";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

async fn hub() -> Hub {
    Hub::start().await.as_user(UserInfo::new("admin", ["system:masters"]))
}

fn autoscaler() -> Value {
    json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "targetCPUUtilizationPercentage": 60}})
}

#[tokio::test]
async fn an_autoscaler_of_the_first_version() {
    let hub = hub().await;
    let made = hub.post(V1, autoscaler()).await.expect(201);
    assert_eq!(made["apiVersion"], "autoscaling/v1");
    assert_eq!(made["spec"]["minReplicas"], 1);
    let v2 = hub.get(&format!("{V2}/web")).await.expect(200);
    assert_eq!(v2["apiVersion"], "autoscaling/v2");
    assert_eq!(
        v2["spec"]["metrics"],
        json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 60}}}])
    );
    // Each patch is of the version in whose path it stands.
    let patched = hub
        .patch(
            &format!("{V1}/web"),
            MERGE,
            json!({"spec": {"targetCPUUtilizationPercentage": 70}}),
        )
        .await
        .expect(200);
    assert_eq!(patched["spec"]["targetCPUUtilizationPercentage"], 70);
    let operations = json!([{"op": "replace", "path": "/spec/targetCPUUtilizationPercentage", "value": 71}]);
    hub.patch(&format!("{V1}/web"), JSON_PATCH, operations)
        .await
        .expect(200);
    hub.patch(&format!("{V1}/web"), STRATEGIC, json!({"spec": {"maxReplicas": 9}}))
        .await
        .expect(200);
    let v2 = hub.get(&format!("{V2}/web")).await.expect(200);
    let share = "/spec/metrics/0/resource/target/averageUtilization";
    assert_eq!(
        (v2.pointer(share), &v2["spec"]["maxReplicas"]),
        (Some(&json!(71)), &json!(9))
    );
    // What the first version has no field for survives a write in it.
    let memory = json!({"type": "Resource", "resource": {"name": "memory",
        "target": {"type": "Utilization", "averageUtilization": 80}}});
    let operations = json!([{"op": "add", "path": "/spec/metrics/-", "value": memory}]);
    hub.patch(&format!("{V2}/web"), JSON_PATCH, operations)
        .await
        .expect(200);
    let mut whole = hub.get(&format!("{V1}/web")).await.expect(200);
    whole["spec"]["maxReplicas"] = json!(11);
    hub.put(&format!("{V1}/web"), whole).await.expect(200);
    let v2 = hub.get(&format!("{V2}/web")).await.expect(200);
    assert_eq!(v2["spec"]["metrics"].as_array().unwrap().len(), 2);
    assert_eq!(v2["spec"]["maxReplicas"], 11);
    assert!(v2["metadata"].get("annotations").is_none());
    let applied = hub
        .patch(&format!("{V1}/web?fieldManager=a&force=true"), APPLY, autoscaler())
        .await
        .expect(200);
    assert_eq!(applied["spec"]["maxReplicas"], 5);
}

#[tokio::test]
async fn the_first_version_is_judged_listed_watched_and_printed() {
    let hub = hub().await;
    let mut wrong = autoscaler();
    wrong["spec"]["maxReplicas"] = json!(0);
    let refused = hub.post(V1, wrong).await.expect(422);
    let words = "HorizontalPodAutoscaler.autoscaling \"web\" is invalid: ";
    assert!(refused["message"].as_str().unwrap().starts_with(words));
    assert_eq!(refused["details"]["causes"][0]["field"], "spec.maxReplicas");
    let mut unknown = autoscaler();
    unknown["spec"]["metrics"] = json!([]);
    let refused = hub
        .post(&format!("{V1}?fieldValidation=Strict"), unknown)
        .await
        .expect(400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("unknown field \"spec.metrics\"")
    );
    hub.post(V1, autoscaler()).await.expect(201);
    let list = hub.get(V1).await.expect(200);
    assert_eq!(list["apiVersion"], "autoscaling/v1");
    assert_eq!(list["items"][0]["spec"]["targetCPUUtilizationPercentage"], 60);
    let table = |path: &'static str| hub.send("GET", path, &[("accept", TABLE)], "");
    let (one, two) = (table(V1).await.expect(200), table(V2).await.expect(200));
    assert_eq!(one["rows"][0]["cells"], two["rows"][0]["cells"]);
    assert_eq!(one["columnDefinitions"], two["columnDefinitions"]);
    assert_eq!(one["rows"][0]["cells"][2], "cpu: <unknown>/60%");
    let bytes = hub
        .send("GET", &format!("{V1}/web"), &[("accept", PROTOBUF)], "")
        .await
        .bytes;
    let decoded = machinery::protobuf::decode(&bytes).unwrap();
    assert_eq!(decoded["spec"]["targetCPUUtilizationPercentage"], 60);
    let gone = hub.delete(&format!("{V1}/web"), Value::Null).await.expect(200);
    assert_eq!(gone["status"], "Success");
    assert_eq!(hub.get(&format!("{V2}/web")).await.code, 404);
}

#[tokio::test]
async fn discovery_prefers_the_stored_version() {
    let hub = hub().await;
    let group = hub.get("/apis/autoscaling").await.expect(200);
    let versions: Vec<&Value> = group["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(versions, ["v2", "v1"]);
    assert_eq!(group["preferredVersion"]["version"], "v2");
    let document = hub.get("/openapi/v3/apis/events.k8s.io/v1").await.expect(200);
    assert!(
        document["components"]["schemas"]
            .get("io.k8s.api.events.v1.Event")
            .is_some()
    );
}

fn event() -> Value {
    json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"},
        "eventTime": "2026-01-02T03:04:05.000006Z", "reportingController": "example.com/c", "reportingInstance": "c-0",
        "action": "Doing", "reason": "Done", "type": "Normal", "note": "n",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}})
}

#[tokio::test]
async fn events_are_one_in_both_groups() {
    let hub = hub().await;
    let made = hub.post(EVENTS, event()).await.expect(201);
    assert_eq!(
        (&made["note"], &made["apiVersion"]),
        (&json!("n"), &json!("events.k8s.io/v1"))
    );
    let core = hub.get(&format!("{CORE_EVENTS}/e")).await.expect(200);
    assert_eq!(
        (&core["message"], &core["reportingComponent"]),
        (&json!("n"), &json!("example.com/c"))
    );
    let old = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "old"}, "reason": "R", "message": "m",
        "involvedObject": {"kind": "Node", "name": "p", "namespace": "default"}, "count": 2, "type": "Warning"});
    hub.post(CORE_EVENTS, old).await.expect(201);
    let list = hub.get(EVENTS).await.expect(200);
    let notes: Vec<&Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["note"])
        .collect();
    assert_eq!(notes, ["n", "m"]);
    assert_eq!(list["items"][1]["deprecatedCount"], 2);
    let chosen = hub
        .get(&format!("{EVENTS}?fieldSelector=regarding.kind%3DNode"))
        .await
        .expect(200);
    assert_eq!(chosen["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        hub.get(&format!("{EVENTS}?fieldSelector=involvedObject.kind%3DNode"))
            .await
            .code,
        400
    );
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-01-02T03:05:05.000006Z"}});
    let patched = hub.patch(&format!("{EVENTS}/e"), MERGE, series).await.expect(200);
    assert_eq!(patched["series"]["count"], 2);
}

#[tokio::test]
async fn an_event_of_the_new_group_is_whole_and_stays() {
    let hub = hub().await;
    let mut bare = event();
    for key in ["eventTime", "reportingController", "reportingInstance", "action"] {
        bare.as_object_mut().unwrap().remove(key);
    }
    bare["deprecatedCount"] = json!(1);
    let refused = hub.post(EVENTS, bare).await.expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .starts_with("Event \"e\" is invalid: ")
    );
    let fields: Vec<&str> = refused["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["eventTime", "count"]);
    hub.post(EVENTS, event()).await.expect(201);
    let refused = hub
        .patch(&format!("{EVENTS}/e"), MERGE, json!({"note": "other"}))
        .await
        .expect(422);
    assert_eq!(refused["details"]["causes"][0]["field"], "message");
    let taken = hub.post(EVENTS, event()).await.expect(409);
    assert_eq!(taken["message"], "events.events.k8s.io \"e\" already exists");
}
