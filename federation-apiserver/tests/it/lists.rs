//! Lists: pages, revisions, selectors, forms.

use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, Hub, configmap};

async fn filled(count: usize) -> Hub {
    let hub = Hub::start().await;
    for number in 0..count {
        let mut body = configmap(&format!("c{number:02}"), "1");
        body["metadata"]["labels"] = json!({"parity": if number % 2 == 0 { "even" } else { "odd" }});
        hub.post(CONFIGMAPS, body).await.expect(201);
    }
    hub
}

fn names(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_are_of_one_revision() {
    let hub = filled(5).await;
    let first = hub.get(&format!("{CONFIGMAPS}?limit=2")).await.expect(200);
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["c00".into(), "c01".into()], &json!(3))
    );
    hub.delete(&format!("{CONFIGMAPS}/c02"), Value::Null).await.expect(200);
    hub.post(CONFIGMAPS, configmap("c99", "1")).await.expect(201);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = hub
        .get(&format!("{CONFIGMAPS}?limit=9&continue={token}"))
        .await
        .expect(200);
    assert_eq!(names(&second), ["c02", "c03", "c04"], "as when the first page was read");
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    assert!(second["metadata"].get("continue").is_none());
}

#[tokio::test]
async fn selectors() {
    let hub = filled(4).await;
    for (query, want) in [
        ("labelSelector=parity%3Deven", vec!["c00", "c02"]),
        ("labelSelector=parity%20in%20(odd)", vec!["c01", "c03"]),
        ("labelSelector=!parity", vec![]),
        ("fieldSelector=metadata.name%3Dc01", vec!["c01"]),
        (
            "fieldSelector=metadata.name!%3Dc01&labelSelector=parity%3Dodd",
            vec!["c03"],
        ),
        ("labelSelector=parity%3Deven&limit=1", vec!["c00"]),
    ] {
        assert_eq!(
            names(&hub.get(&format!("{CONFIGMAPS}?{query}")).await.expect(200)),
            want,
            "{query}"
        );
    }
    for query in ["labelSelector=a%3D%3D%3Db", "fieldSelector=spec.x%3D1"] {
        hub.get(&format!("{CONFIGMAPS}?{query}")).await.expect(400);
    }
}

#[tokio::test]
async fn revisions() {
    let hub = filled(2).await;
    let list = hub.get(CONFIGMAPS).await.expect(200);
    let then = list["metadata"]["resourceVersion"].as_str().unwrap();
    hub.post(CONFIGMAPS, configmap("later", "1")).await.expect(201);
    let exact = format!("{CONFIGMAPS}?resourceVersion={then}&resourceVersionMatch=Exact");
    assert_eq!(names(&hub.get(&exact).await.expect(200)).len(), 2);
    let newer = format!("{CONFIGMAPS}?resourceVersion={then}&resourceVersionMatch=NotOlderThan");
    assert_eq!(names(&hub.get(&newer).await.expect(200)).len(), 3);
    let future = hub
        .get(&format!("{CONFIGMAPS}?resourceVersion=999999"))
        .await
        .expect(504);
    assert_eq!(future["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    hub.get(&format!("{CONFIGMAPS}?resourceVersion=1&resourceVersionMatch=Exact"))
        .await;
}

#[tokio::test]
async fn a_list_of_nothing_is_a_list() {
    let hub = Hub::start().await;
    let list = hub.get("/api/v1/namespaces/missing/configmaps").await.expect(200);
    assert_eq!((&list["kind"], &list["items"]), (&json!("ConfigMapList"), &json!([])));
}

#[tokio::test]
async fn forms() {
    let hub = filled(1).await;
    let accept = |accept: &'static str| [("accept", accept)];
    let table = hub
        .send(
            "GET",
            CONFIGMAPS,
            &accept("application/json;as=Table;v=v1;g=meta.k8s.io"),
            "",
        )
        .await
        .expect(200);
    assert_eq!(
        (&table["kind"], &table["columnDefinitions"][0]["name"]),
        (&json!("Table"), &json!("Name"))
    );
    assert_eq!(table["rows"][0]["cells"][0], "c00");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let partial = accept("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    let partial = hub.send("GET", CONFIGMAPS, &partial, "").await.expect(200);
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert!(partial["items"][0].get("data").is_none());
    let yaml = hub
        .send("GET", &format!("{CONFIGMAPS}/c00"), &accept("application/yaml"), "")
        .await;
    assert!(
        yaml.code == 200 && yaml.text().contains("kind: ConfigMap"),
        "{}",
        yaml.text()
    );
    let protobuf = hub
        .send("GET", CONFIGMAPS, &accept("application/vnd.kubernetes.protobuf"), "")
        .await;
    assert_eq!(
        (protobuf.code, protobuf.bytes.get(..4)),
        (200, Some(b"k8s\0".as_slice()))
    );
    let read = machinery::protobuf::decode(&protobuf.bytes).unwrap();
    assert_eq!(read["items"][0]["metadata"]["name"], "c00");
    // What kube-controller-manager empties namespaces and follows owners with.
    let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let answer = hub.send("GET", CONFIGMAPS, &accept(metadata), "").await;
    let read = machinery::protobuf::decode(&answer.bytes).unwrap();
    assert_eq!(
        (&read["kind"], &read["items"][0]["metadata"]["name"]),
        (&json!("PartialObjectMetadataList"), &json!("c00"))
    );
    let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let path = format!("{CONFIGMAPS}?watch=1&resourceVersion=0&timeoutSeconds=1");
    let events = hub.send("GET", &path, &accept(metadata), "").await;
    let holds = |text: &str| events.bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(events.code == 200 && holds("PartialObjectMetadata") && holds("c00") && !holds("ERROR"));
    assert_eq!(hub.send("GET", CONFIGMAPS, &accept("text/html"), "").await.code, 406);
}
