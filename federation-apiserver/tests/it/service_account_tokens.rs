//! Tokens of service accounts: asked for, used, reviewed, ended. Texts as kube-apiserver 1.36.3 answered them.

use axum::body::Body;
use federation_apiserver::UserInfo;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::Hub;

pub(crate) const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

async fn account(hub: &Hub, name: &str) -> String {
    let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
    let made = hub.post(ACCOUNTS, body).await.expect(201);
    made["metadata"]["uid"].as_str().unwrap().to_owned()
}

async fn secret(hub: &Hub, name: &str) {
    let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    hub.post("/api/v1/namespaces/default/secrets", body).await.expect(201);
}

async fn token(hub: &Hub, name: &str, spec: Value) -> String {
    let asked = hub
        .post(&format!("{ACCOUNTS}/{name}/token"), json!({"spec": spec}))
        .await
        .expect(201);
    asked["status"]["token"].as_str().unwrap().to_owned()
}

/// Code and body of a request with a bearer token, as it comes over a socket.
pub(crate) async fn with_token(hub: &Hub, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = hub.server.router().oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn review(hub: &Hub, spec: Value) -> Value {
    hub.post(REVIEWS, json!({"spec": spec})).await.expect(201)["status"].clone()
}

#[tokio::test]
async fn a_token_is_its_account() {
    let hub = Hub::start().await;
    let uid = account(&hub, "bot").await;
    let asked = hub
        .post(&format!("{ACCOUNTS}/bot/token"), json!({"spec": {}}))
        .await
        .expect(201);
    assert_eq!(
        (&asked["kind"], &asked["apiVersion"]),
        (&json!("TokenRequest"), &json!("authentication.k8s.io/v1"))
    );
    assert_eq!(asked["metadata"]["uid"], json!(uid));
    assert_eq!(
        asked["spec"],
        json!({"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": 3600, "boundObjectRef": null})
    );
    let held = asked["status"]["token"].as_str().unwrap();
    let (code, who) = with_token(&hub, "POST", WHO, held, json!({})).await;
    assert_eq!(code, 201, "{who}");
    let user = &who["status"]["userInfo"];
    assert_eq!(user["username"], "system:serviceaccount:default:bot");
    assert_eq!(user["uid"], json!(uid));
    assert_eq!(
        user["groups"],
        json!([
            "system:serviceaccounts",
            "system:serviceaccounts:default",
            "system:authenticated"
        ])
    );
    let credential = user["extra"]["authentication.kubernetes.io/credential-id"][0]
        .as_str()
        .unwrap();
    assert!(credential.starts_with("JTI="), "{credential}");
    let status = review(&hub, json!({"token": held})).await;
    assert_eq!((&status["authenticated"], &status["user"]), (&json!(true), user));

    // Its rights are what roles give it.
    assert_eq!(with_token(&hub, "GET", ACCOUNTS, held, json!({})).await.0, 403);
    let binding = json!({"metadata": {"name": "bot"}, "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "bot"}]});
    hub.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        binding,
    )
    .await
    .expect(201);
    assert_eq!(with_token(&hub, "GET", ACCOUNTS, held, json!({})).await.0, 200);
}

#[tokio::test]
async fn a_token_ends_with_what_it_is_bound_to() {
    let hub = Hub::start().await;
    account(&hub, "bot").await;
    secret(&hub, "sec").await;
    let plain = token(&hub, "bot", json!({})).await;
    let bound = token(
        &hub,
        "bot",
        json!({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "sec"}}),
    )
    .await;
    let error = |status: &Value| status["error"].as_str().unwrap_or_default().to_owned();
    assert_eq!(review(&hub, json!({"token": bound})).await["authenticated"], true);
    hub.delete("/api/v1/namespaces/default/secrets/sec", Value::Null)
        .await
        .expect(200);
    assert_eq!(
        error(&review(&hub, json!({"token": bound})).await),
        "[invalid bearer token, service account token has been invalidated]"
    );
    secret(&hub, "sec").await;
    let renamed = error(&review(&hub, json!({"token": bound})).await);
    assert!(
        renamed.contains("does not match service account secret ref claim"),
        "{renamed}"
    );

    assert_eq!(review(&hub, json!({"token": plain})).await["authenticated"], true);
    hub.delete(&format!("{ACCOUNTS}/bot"), Value::Null).await.expect(200);
    assert_eq!(
        error(&review(&hub, json!({"token": plain})).await),
        "[invalid bearer token, serviceaccounts \"bot\" not found]"
    );
    assert_eq!(with_token(&hub, "POST", WHO, &plain, json!({})).await.0, 401);
    account(&hub, "bot").await;
    let again = error(&review(&hub, json!({"token": plain})).await);
    assert!(
        again.starts_with("[invalid bearer token, service account UID ("),
        "{again}"
    );
}

#[tokio::test]
async fn a_token_is_for_its_audience() {
    let hub = Hub::start().await;
    account(&hub, "bot").await;
    let held = token(&hub, "bot", json!({"audiences": ["a", "b"]})).await;
    assert_eq!(with_token(&hub, "POST", WHO, &held, json!({})).await.0, 401);
    let status = review(&hub, json!({"token": held, "audiences": ["b", "c"]})).await;
    assert_eq!(
        (&status["authenticated"], &status["audiences"]),
        (&json!(true), &json!(["b"]))
    );
    assert_eq!(
        review(&hub, json!({"token": held})).await,
        json!({"user": {}, "error": "[invalid bearer token, token audiences [\"a\" \"b\"] is invalid for the target audiences [\"https://kubernetes.default.svc\"]]"})
    );
    for text in ["garbage", "a.b.c"] {
        assert_eq!(
            review(&hub, json!({"token": text})).await,
            json!({"user": {}, "error": "invalid bearer token"})
        );
    }
    let mut tampered = held;
    tampered.replace_range(tampered.len() - 4.., "AAAA");
    assert_ne!(
        review(&hub, json!({"token": tampered, "audiences": ["a"]})).await["authenticated"],
        true
    );
    let empty = hub.post(REVIEWS, json!({"spec": {}})).await.expect(400);
    assert_eq!(empty["message"], "token is required for TokenReview in authentication");
}

#[tokio::test]
async fn what_is_refused() {
    let hub = Hub::start().await;
    account(&hub, "bot").await;
    secret(&hub, "sec").await;
    let path = format!("{ACCOUNTS}/bot/token");
    let bound = |kind: &str, name: &str, uid: &str| json!({"spec": {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name, "uid": uid}}});
    for (body, code, message) in [
        (
            json!({"spec": {"expirationSeconds": 599}}),
            422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
        ),
        (
            json!({"spec": {"expirationSeconds": 4_294_967_297_i64}}),
            422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
        ),
        (
            json!({"metadata": {"name": "x"}, "spec": {}}),
            422,
            "TokenRequest.authentication.k8s.io \"bot\" is invalid: metadata.name: Invalid value: \"x\": must match the service account name if specified",
        ),
        (
            json!({"metadata": {"namespace": "x"}, "spec": {}}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            bound("Secret", "sec", "abc"),
            409,
            "Operation cannot be fulfilled on Secret \"sec\": the UID in the bound object reference (abc) does not match the UID in record. The object might have been deleted and then recreated",
        ),
        (bound("Secret", "no", ""), 404, "secrets \"no\" not found"),
        (bound("Pod", "no", ""), 404, "pods \"no\" not found"),
        (bound("Node", "no", ""), 404, "nodes \"no\" not found"),
        (
            bound("ConfigMap", "no", ""),
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
    ] {
        assert_eq!(
            hub.post(&path, body.clone()).await.expect(code)["message"],
            message,
            "{body}"
        );
    }
    let missing = hub
        .post(&format!("{ACCOUNTS}/nobody/token"), json!({"spec": {}}))
        .await
        .expect(404);
    assert_eq!(missing["message"], "serviceaccounts \"nobody\" not found");
    hub.get(&path).await.expect(405);
    let vera = hub.as_user(UserInfo::new("vera", ["system:meridian:viewers"]));
    vera.post(&path, json!({"spec": {}})).await.expect(403);
    vera.post(REVIEWS, json!({"spec": {"token": "x"}})).await.expect(403);
}

#[tokio::test]
async fn others_can_prove_the_tokens() {
    let hub = Hub::start().await;
    account(&hub, "bot").await;
    let held = token(&hub, "bot", json!({})).await;
    let (code, issuer) = with_token(&hub, "GET", "/.well-known/openid-configuration", &held, json!({})).await;
    assert_eq!(
        (code, &issuer["issuer"]),
        (200, &json!("https://kubernetes.default.svc"))
    );
    let (code, keys) = with_token(&hub, "GET", "/openid/v1/jwks", &held, json!({})).await;
    assert_eq!((code, &keys["keys"][0]["alg"]), (200, &json!("ES256")));
    let alice = hub.as_user(UserInfo::new("alice", ["devs"]));
    let refused = alice.get("/.well-known/openid-configuration").await.expect(403);
    assert_eq!(
        refused["message"],
        "forbidden: User \"alice\" cannot get path \"/.well-known/openid-configuration\""
    );
    let listed = hub.get("/api/v1").await.expect(200);
    let entry = listed["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["name"] == "serviceaccounts/token");
    assert_eq!(
        entry.unwrap(),
        &json!({"name": "serviceaccounts/token", "singularName": "", "namespaced": true,
            "group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest", "verbs": ["create"]})
    );
}
