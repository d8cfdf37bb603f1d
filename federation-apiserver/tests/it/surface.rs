//! Discovery, OpenAPI, health, version, unknown paths, and who may see them.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, FEDERATION, Hub, configmap};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

#[tokio::test]
async fn discovery() {
    let hub = Hub::start().await;
    let answer = hub.send("GET", "/apis", &[("accept", AGGREGATED)], "").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    let etag = answer.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(answer.expect(200)["kind"], "APIGroupDiscoveryList");
    let again = hub
        .send("GET", "/apis", &[("accept", AGGREGATED), ("if-none-match", &etag)], "")
        .await;
    assert_eq!((again.code, again.bytes.len()), (304, 0));
    let legacy = hub.get("/apis").await.expect(200);
    assert_eq!(legacy["kind"], "APIGroupList");
    assert_eq!(hub.get("/api").await.expect(200)["versions"], json!(["v1"]));
    let resources = hub.get("/api/v1").await.expect(200);
    assert!(
        resources["resources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["name"] == "namespaces/finalize")
    );
    assert_eq!(hub.get("/apis/apps").await.expect(200)["kind"], "APIGroup");
    assert_eq!(hub.get("/apis/nope/v1").await.code, 404);
}

#[tokio::test]
async fn openapi() {
    let hub = Hub::start().await;
    let root = hub.get("/openapi/v3").await.expect(200);
    let url = root["paths"]["apis/apps/v1"]["serverRelativeURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let document = hub.get(&url).await;
    assert_eq!(document.headers["cache-control"], "public, immutable");
    assert!(document.expect(200)["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"].is_object());
    let moved = hub.get("/openapi/v3/apis/apps/v1?hash=OLD").await;
    assert_eq!(
        (moved.code, moved.headers["location"].to_str().unwrap()),
        (301, url.as_str())
    );
    assert!(hub.get("/openapi/v2").await.expect(200)["definitions"].is_object());
    let protobuf = [("accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")];
    let document = hub.send("GET", "/openapi/v2", &protobuf, "").await;
    assert_eq!(document.code, 200);
    assert_eq!(
        document.headers["content-type"],
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    );
    assert_eq!(
        document.bytes.get(..5),
        Some(&b"\x0a\x032.0"[..]),
        "swagger is the first field"
    );
    let etag = document.headers["etag"].to_str().unwrap().to_owned();
    let again = [protobuf[0], ("if-none-match", etag.as_str())];
    assert_eq!(hub.send("GET", "/openapi/v2", &again, "").await.code, 304);
}

#[tokio::test]
async fn pages() {
    let hub = Hub::start().await;
    assert_eq!(hub.get("/version").await.expect(200)["minor"], "36");
    assert_eq!(hub.get("/livez").await.text(), "ok");
    let verbose = hub.get("/readyz?verbose").await.text();
    assert!(
        verbose.contains("[+]store ok") && verbose.ends_with("readyz check passed\n"),
        "{verbose}"
    );
    assert_eq!(hub.get("/readyz/store").await.text(), "ok");
    assert_eq!(hub.get("/readyz/nope").await.code, 404);
    let missing = hub.get("/nothing/here").await;
    assert_eq!((missing.code, missing.text().as_str()), (404, "404 page not found\n"));
    assert!(
        hub.get("/").await.expect(200)["paths"]
            .as_array()
            .unwrap()
            .contains(&json!("/apis/apps/v1"))
    );
    let answer = hub.send("GET", CONFIGMAPS, &[("audit-id", "mine")], "").await;
    assert_eq!(
        (
            answer.headers["audit-id"].to_str().unwrap(),
            &answer.headers["cache-control"]
        ),
        ("mine", &"no-cache, private".parse().unwrap())
    );
}

#[tokio::test]
async fn who_may() {
    let hub = Hub::start().await;
    let viewer = hub.as_user(UserInfo::new("vera", ["system:meridian:viewers"]));
    viewer.get(CONFIGMAPS).await.expect(200);
    let refused = viewer.get("/api/v1/namespaces/default/secrets").await.expect(403);
    assert_eq!(
        refused["message"],
        "secrets is forbidden: User \"vera\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\""
    );
    viewer.post(CONFIGMAPS, configmap("x", "1")).await.expect(403);
    let nobody = hub.as_user(UserInfo::anonymous());
    nobody.get("/version").await.expect(200);
    let refused = nobody.get("/metrics").await.expect(403);
    assert_eq!(
        refused["message"],
        "forbidden: User \"system:anonymous\" cannot get path \"/metrics\""
    );
    nobody.get(&format!("{FEDERATION}/clusters")).await.expect(403);
}

#[tokio::test]
async fn kubectl_s_protobuf_bodies_are_read() {
    let hub = Hub::start().await;
    let object: Value = configmap("proto", "1");
    let body = machinery::protobuf::encode(&object).unwrap();
    let headers = [
        ("content-type", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
    ];
    let answer = hub
        .send("POST", &format!("{CONFIGMAPS}?fieldValidation=Strict"), &headers, body)
        .await;
    assert_eq!(answer.code, 201, "{}", answer.text());
    assert_eq!(machinery::protobuf::decode(&answer.bytes).unwrap()["data"]["key"], "1");
}
