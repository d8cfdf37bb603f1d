//! What Kubernetes' conformance suite asks of an API server, where no other file here asks it: order of watches, discovery that
//! agrees with itself, validation of fields, namespaces, Events, Leases, definitions in the documents.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::{APPLY, Answer, CONFIGMAPS, Hub, MERGE, STRATEGIC, configmap};

const JSON_TYPE: (&str, &str) = ("content-type", "application/json");
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const NOXUS: &str = "/apis/sea.example.com/v1/namespaces/default/noxus";

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().cloned().unwrap_or_default()
}

/// Asks again until the answer is as wanted.
async fn until(hub: &Hub, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = hub.get(path).await;
        if wanted(&answer) {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} answers {}", answer.code);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A kind that keeps what it does not know, with an object in it that is judged as one.
async fn with_noxus() -> Hub {
    let hub = Hub::start().await;
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "noxus.sea.example.com"},
        "spec": {"group": "sea.example.com", "scope": "Namespaced", "names": {"plural": "noxus", "kind": "Noxu"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                        "foo": {"type": "string", "description": "What it is for."},
                        "ports": {"type": "array", "items": {"type": "object", "properties": {"hostPort": {"type": "integer"}}}},
                        "template": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {
                            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                            "spec": open}}}}}}}}]}});
    hub.post(CRDS, definition).await.expect(201);
    until(&hub, NOXUS, |answer| answer.code == 200).await;
    hub
}

#[tokio::test]
async fn concurrent_watches_tell_the_same_in_the_same_order() {
    let hub = Hub::start().await;
    let at = text(&hub.get(CONFIGMAPS).await.expect(200), "/metadata/resourceVersion");
    let path = format!("{CONFIGMAPS}?watch=true&resourceVersion={at}");
    let mut early = Vec::new();
    for _ in 0..3 {
        early.push(hub.watch(&path).await);
    }
    for round in 0..10 {
        let name = format!("c{}", round % 3);
        let there = format!("{CONFIGMAPS}/{name}");
        match hub.get(&there).await.code {
            404 => drop(hub.post(CONFIGMAPS, configmap(&name, "1")).await.expect(201)),
            _ if round % 2 == 0 => drop(hub.delete(&there, Value::Null).await.expect(200)),
            _ => {
                let patch = json!({"data": {"key": round.to_string()}});
                hub.patch(&there, MERGE, patch).await.expect(200);
            }
        }
    }
    early.push(hub.watch(&path).await);
    let mut told = Vec::new();
    for mut watch in early {
        let mut events = Vec::new();
        for _ in 0..10 {
            let event = watch.next().await.unwrap();
            events.push((
                text(&event, "/object/metadata/resourceVersion").parse::<u64>().unwrap(),
                text(&event, "/type"),
                text(&event, "/object/metadata/name"),
            ));
        }
        assert!(events.is_sorted_by(|before, after| before.0 < after.0), "{events:?}");
        told.push(events);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:#?}");
    // From the middle, the rest is the same.
    let (middle, _, _) = &told[0][4];
    let mut rest = hub
        .watch(&format!("{CONFIGMAPS}?watch=true&resourceVersion={middle}"))
        .await;
    for (_, event, name) in &told[0][5..] {
        assert_eq!(rest.told().await, (event.clone(), name.clone()));
    }
}

#[tokio::test]
async fn discovery_agrees_with_itself() {
    let hub = with_noxus().await;
    let groups = hub.get("/apis").await.expect(200);
    let mut plain = BTreeSet::new();
    for group in groups["groups"].as_array().unwrap() {
        let versions: Vec<String> = group["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| text(version, "/groupVersion"))
            .collect();
        assert!(
            versions.contains(&text(group, "/preferredVersion/groupVersion")),
            "{group}"
        );
        let own = hub.get(&format!("/apis/{}", text(group, "/name"))).await.expect(200);
        assert_eq!(own["preferredVersion"], group["preferredVersion"]);
        for version in versions {
            let resources = hub.get(&format!("/apis/{version}")).await.expect(200);
            for resource in resources["resources"].as_array().unwrap() {
                plain.insert(format!("{version} {}", text(resource, "/name")));
            }
        }
    }
    let aggregated = [(
        "accept",
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    )];
    let answer = hub.send("GET", "/apis", &aggregated, Body::empty()).await;
    let kind = answer.headers["content-type"].to_str().unwrap().to_owned();
    for part in ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"] {
        assert!(kind.contains(part), "{kind}");
    }
    let mut told = BTreeSet::new();
    for group in items(&answer.expect(200)) {
        for version in group["versions"].as_array().unwrap() {
            let place = format!("{}/{}", text(&group, "/metadata/name"), text(version, "/version"));
            for resource in version["resources"].as_array().unwrap() {
                let name = text(resource, "/resource");
                let parts = resource["subresources"].as_array().into_iter().flatten();
                told.extend(parts.map(|part| format!("{place} {name}/{}", text(part, "/subresource"))));
                told.insert(format!("{place} {name}"));
            }
        }
    }
    assert!(told.contains("sea.example.com/v1 noxus/status"), "{told:?}");
    assert_eq!(plain, told);
}

#[tokio::test]
async fn a_review_is_no_table() {
    let hub = Hub::start().await;
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}});
    let table = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let refused = hub.send("POST", path, &[JSON_TYPE, table], review.to_string()).await;
    assert_eq!(text(&refused.expect(406), "/reason"), "NotAcceptable");
}

/// Sends text, which may say one thing twice.
async fn strictly(hub: &Hub, path: &str, body: &'static str) -> Answer {
    let path = format!("{path}?fieldValidation=Strict&dryRun=All");
    hub.send("POST", &path, &[JSON_TYPE], body).await
}

#[tokio::test]
async fn fields_that_nobody_knows_are_named() {
    let hub = with_noxus().await;
    let rows = [
        (
            NOXUS,
            r#"{"apiVersion":"sea.example.com/v1","kind":"Noxu","metadata":{"name":"a","unknownMeta":"x"},
                "spec":{"foo":"a","foo":"b","template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","unknownSub":"x"}}}}"#,
            vec![
                r#"duplicate field "spec.foo""#,
                r#"unknown field "metadata.unknownMeta""#,
                r#"unknown field "spec.template.metadata.unknownSub""#,
            ],
        ),
        (
            NOXUS,
            r#"{"apiVersion":"sea.example.com/v1","kind":"Noxu","metadata":{"name":"a"},
                "spec":{"kept":1,"twice":"a","twice":"b","ports":[{"hostPort":1,"hostPort":2,"nested":"x"}]}}"#,
            vec![
                r#"duplicate field "spec.twice""#,
                r#"duplicate field "spec.ports[0].hostPort""#,
                r#"unknown field "spec.ports[0].nested""#,
            ],
        ),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"unknownField":"x","paused":true,
                "paused":false,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
                "spec":{"containers":[{"name":"c","image":"i","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}"#,
            vec![
                r#"unknown field "spec.unknownField""#,
                r#"duplicate field "spec.paused""#,
                r#"duplicate field "spec.template.spec.containers[0].imagePullPolicy""#,
            ],
        ),
    ];
    for (path, body, faults) in rows {
        let refused = strictly(&hub, path, body).await.expect(400);
        let message = text(&refused, "/message");
        assert!(message.contains("strict decoding error: "), "{message}");
        for fault in &faults {
            assert!(message.contains(fault), "{message} lacks {fault}");
        }
        let warned = hub
            .send("POST", &format!("{path}?dryRun=All"), &[JSON_TYPE], body)
            .await;
        assert_eq!(warned.code, 201, "{}", warned.text());
        let warnings: Vec<String> = warned
            .headers
            .get_all("warning")
            .iter()
            .map(|warning| warning.to_str().unwrap().replace('\\', ""))
            .collect();
        assert_eq!(warnings.len(), faults.len(), "{warnings:?}");
        for fault in faults {
            assert!(warnings.iter().any(|warning| warning.contains(fault)), "{warnings:?}");
        }
    }
}

#[tokio::test]
async fn a_definition_stands_in_the_documents_as_long_as_it_is_there() {
    let hub = with_noxus().await;
    let told = |answer: &Answer| answer.text().contains("What it is for.");
    let v3 = until(&hub, "/openapi/v3", |answer| {
        answer.text().contains("apis/sea.example.com/v1")
    })
    .await;
    let document = text(&v3.json()["paths"], "/apis~1sea.example.com~1v1/serverRelativeURL");
    assert!(told(&hub.get(&document).await));
    // What v2 cannot say is left out there, not the kind.
    let named = |answer: &Answer| answer.text().contains("com.example.sea.v1.Noxu");
    until(&hub, "/openapi/v2", named).await;
    let crd = format!("{CRDS}/noxus.sea.example.com");

    // Its own status, read and written apart.
    let status = hub.get(&format!("{crd}/status")).await.expect(200);
    let condition = json!({"type": "Seen", "status": "True", "reason": "Test", "message": "seen",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut conditions = status["status"]["conditions"].as_array().cloned().unwrap();
    conditions.push(condition.clone());
    let patch = json!({"status": {"conditions": conditions}});
    let patched = hub.patch(&format!("{crd}/status"), MERGE, patch).await.expect(200);
    assert!(patched["status"]["conditions"].as_array().unwrap().contains(&condition));

    hub.delete(CRDS, Value::Null).await.expect(200);
    until(&hub, &crd, |answer| answer.code == 404).await;
    until(&hub, "/openapi/v2", |answer| !named(answer)).await;
    until(&hub, "/openapi/v3", |answer| !answer.text().contains("sea.example.com")).await;
    assert_eq!(hub.get(NOXUS).await.code, 404);
}

#[tokio::test]
async fn a_namespace_has_a_status_and_finalizers_of_its_own() {
    let hub = Hub::start().await;
    let named = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    hub.post("/api/v1/namespaces", named("shop")).await.expect(201);
    let shop = "/api/v1/namespaces/shop";
    let condition = json!({"type": "StatusPatch", "status": "True", "reason": "Test", "message": "patched",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let patch = json!({"metadata": {"annotations": {"a": "b"}}, "status": {"conditions": [condition]}});
    let patched = hub.patch(&format!("{shop}/status"), MERGE, patch).await.expect(200);
    assert_eq!(patched["status"]["conditions"], json!([condition]));
    assert_eq!(text(&patched, "/metadata/annotations/a"), "b");
    let labelled = json!({"metadata": {"labels": {"l": "v"}}});
    let labelled = hub.patch(shop, STRATEGIC, labelled).await.expect(200);
    assert_eq!(text(&labelled, "/metadata/labels/l"), "v");
    assert_eq!(labelled["status"]["conditions"], json!([condition]));

    let mut held = named("shop");
    held["spec"] = json!({"finalizers": ["kubernetes", "sea.example.com/anchor"]});
    let finalized = hub.put(&format!("{shop}/finalize"), held).await.expect(200);
    assert_eq!(
        finalized["spec"]["finalizers"],
        json!(["kubernetes", "sea.example.com/anchor"])
    );
    let deleted = hub.delete(shop, Value::Null).await.expect(200);
    assert_eq!(text(&deleted, "/status/phase"), "Terminating");
    let late = configmap("late", "1");
    let refused = hub.post(&format!("{shop}/configmaps"), late).await.expect(403);
    assert_eq!(text(&refused, "/details/causes/0/reason"), "NamespaceTerminating");
    let mut free = named("shop");
    free["spec"] = json!({"finalizers": []});
    hub.put(&format!("{shop}/finalize"), free).await.expect(200);
    assert_eq!(hub.get(shop).await.code, 404);
}

#[tokio::test]
async fn events_and_leases_live_and_die() {
    let hub = Hub::start().await;
    let events = "/api/v1/namespaces/default/events";
    let event = |name: &str, reason: &str| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "labels": {"set": "one"}},
            "involvedObject": {"namespace": "default", "kind": "Pod", "name": "p"}, "reason": reason, "type": "Normal",
            "message": "m", "count": 1})
    };
    for (name, reason) in [("a", "Made"), ("b", "Gone"), ("c", "Made")] {
        hub.post(events, event(name, reason)).await.expect(201);
    }
    let found = |list: Value| -> Vec<String> { items(&list).iter().map(|item| text(item, "/metadata/name")).collect() };
    for (selector, wanted) in [
        ("reason%3DMade", vec!["a", "c"]),
        ("involvedObject.name%3Dp,reason%3DGone", vec!["b"]),
        ("type!%3DNormal", vec![]),
        ("metadata.name%3Dc", vec!["c"]),
    ] {
        let list = hub.get(&format!("{events}?fieldSelector={selector}")).await.expect(200);
        assert_eq!(found(list), wanted, "{selector}");
    }
    let everywhere = hub.get("/api/v1/events?labelSelector=set%3Done").await.expect(200);
    assert_eq!(found(everywhere).len(), 3);
    let counted = hub
        .patch(&format!("{events}/a"), MERGE, json!({"count": 2}))
        .await
        .expect(200);
    assert_eq!(counted["count"], 2);
    hub.delete(&format!("{events}?labelSelector=set%3Done"), Value::Null)
        .await
        .expect(200);
    assert!(found(hub.get(events).await.expect(200)).is_empty());

    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l", "labels": {"set": "one"}},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15, "leaseTransitions": 0,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z"}});
    let mut held = hub.post(leases, lease).await.expect(201);
    assert_eq!(text(&held, "/spec/renewTime"), "2026-01-01T00:00:00.000000Z");
    held["spec"]["holderIdentity"] = json!("two");
    held["spec"]["leaseTransitions"] = json!(1);
    let first = held.clone();
    let path = format!("{leases}/l");
    held = hub.put(&path, held).await.expect(200);
    assert_eq!(text(&held, "/spec/holderIdentity"), "two");
    // Who still thinks that the first holds it comes too late.
    let late = hub.put(&path, first).await;
    assert_eq!((late.code, text(&late.json(), "/reason")), (409, "Conflict".to_owned()));
    let renewed = json!({"spec": {"renewTime": "2026-01-01T00:00:05.000000Z"}});
    hub.patch(&path, STRATEGIC, renewed).await.expect(200);
    hub.delete(&format!("{leases}?labelSelector=set%3Done"), Value::Null)
        .await
        .expect(200);
    assert_eq!(hub.get(&path).await.code, 404);
}

#[tokio::test]
async fn an_apply_says_what_it_cannot_decode() {
    let hub = with_noxus().await;
    let twice = "{\"apiVersion\":\"sea.example.com/v1\",\"kind\":\"Noxu\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"foo\":\"a\",\"foo\":\"b\"}}";
    let path = format!("{NOXUS}/a?fieldManager=x&fieldValidation=Strict");
    let refused = hub.send("PATCH", &path, &[("content-type", APPLY)], twice).await;
    assert_eq!(text(&refused.expect(400), "/reason"), "BadRequest");
    assert_eq!(hub.get(&format!("{NOXUS}/a")).await.code, 404);
}
