//! What is written down of requests, as a reader of the log finds it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use federation_apiserver::audit::{Audit, LogConfig, Policy};
use federation_apiserver::{Profile, ServerConfig, UserInfo};
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, Hub, configmap};
use crate::service_account_tokens::with_token;

const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, users: ['system:meridian:controllers', 'system:meridian:apiserver']}
- {level: RequestResponse, resources: [{group: '', resources: [configmaps, secrets, serviceaccounts/token]}]}
- {level: Metadata, omitStages: [RequestReceived]}
";

struct Written {
    hub: Hub,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Written {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let log = LogConfig {
            path: path.clone(),
            size_max: 1 << 20,
            backups_max: 0,
            age_max: jiff::SignedDuration::ZERO,
        };
        let mut config = ServerConfig::new(Profile::Hub);
        config.audit = Some(Arc::new(Audit::new(Policy::read(POLICY).unwrap(), &log).unwrap()));
        let hub = Hub::with(config).await;
        Self { hub, path, _dir: dir }
    }

    /// The events of a path, once there are so many.
    async fn events(&self, path: &str, count: usize) -> Vec<Value> {
        let read = async {
            loop {
                let text = std::fs::read_to_string(&self.path).unwrap();
                let events: Vec<Value> = text
                    .lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap())
                    .filter(|event| event["requestURI"].as_str().unwrap().starts_with(path))
                    .collect();
                if events.len() >= count {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), read)
            .await
            .expect("in time")
    }
}

#[tokio::test]
async fn a_write_from_end_to_end() {
    let written = Written::start().await;
    let headers = [
        ("content-type", "application/json"),
        ("audit-id", "mine"),
        ("user-agent", "curl/8"),
    ];
    let made = written
        .hub
        .send("POST", CONFIGMAPS, &headers, configmap("a", "1").to_string())
        .await;
    assert_eq!(
        (made.code, &made.headers["audit-id"]),
        (201, &http::HeaderValue::from_static("mine"))
    );
    let events = written.events(CONFIGMAPS, 2).await;
    let stages: Vec<&Value> = events.iter().map(|event| &event["stage"]).collect();
    assert_eq!(stages, ["RequestReceived", "ResponseComplete"]);
    let (first, last) = (&events[0], &events[1]);
    assert_eq!(
        first["objectRef"],
        json!({"resource": "configmaps", "namespace": "default", "apiVersion": "v1"})
    );
    assert!(first["requestObject"].is_null() && first["annotations"].is_null());
    for (key, want) in [
        ("kind", json!("Event")),
        ("apiVersion", json!("audit.k8s.io/v1")),
        ("level", json!("RequestResponse")),
        ("auditID", json!("mine")),
        ("verb", json!("create")),
        ("requestURI", json!(CONFIGMAPS)),
        ("userAgent", json!("curl/8")),
        (
            "objectRef",
            json!({"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"}),
        ),
        ("responseStatus", json!({"metadata": {}, "code": 201})),
        (
            "annotations",
            json!({"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}),
        ),
    ] {
        assert_eq!(last[key], want, "{key}");
    }
    assert_eq!(last["user"]["username"], "system:meridian:test");
    assert_eq!(last["requestObject"]["data"], json!({"key": "1"}));
    assert!(last["responseObject"]["metadata"]["uid"].is_string());
}

#[tokio::test]
async fn refusals_and_impersonation() {
    let written = Written::start().await;
    let hub = &written.hub;
    let vera = hub.as_user(UserInfo::new("vera", ["system:meridian:viewers"]));
    vera.get("/api/v1/namespaces/default/secrets").await.expect(403);
    let events = written.events("/api/v1/namespaces/default/secrets", 2).await;
    let refused = events
        .iter()
        .find(|event| event["stage"] == "ResponseComplete")
        .unwrap();
    assert_eq!(refused["annotations"]["authorization.k8s.io/decision"], "forbid");
    assert_eq!(
        (&refused["responseStatus"]["reason"], &refused["level"]),
        (&json!("Forbidden"), &json!("Metadata"))
    );

    let headers = [("impersonate-user", "bob")];
    hub.send("GET", "/version", &headers, axum::body::Body::empty())
        .await
        .expect(200);
    let events = written.events("/version", 1).await;
    assert_eq!(events.len(), 1, "the rule omits a stage");
    assert_eq!(
        events[0]["impersonatedUser"],
        json!({"username": "bob", "groups": ["system:authenticated"]})
    );
    let reason = events[0]["annotations"]["authorization.k8s.io/reason"]
        .as_str()
        .unwrap();
    assert!(reason.starts_with("RBAC: allowed by ClusterRoleBinding"), "{reason}");

    assert_eq!(
        with_token(hub, "GET", "/api/v1/services", "wrong", json!({})).await.0,
        401
    );
    let nobody = &written.events("/api/v1/services", 1).await[0];
    assert_eq!(
        (&nobody["stage"], &nobody["user"]),
        (&json!("ResponseStarted"), &json!({}))
    );
    assert_eq!(nobody["responseStatus"]["code"], 401);
}

#[tokio::test]
async fn watches_are_written_twice() {
    let written = Written::start().await;
    let path = format!("{CONFIGMAPS}?watch=true");
    let watch = written.hub.watch(&path).await;
    let events = written.events(&path, 2).await;
    assert_eq!((events.len(), &events[1]["stage"]), (2, &json!("ResponseStarted")));
    drop(watch);
    assert_eq!(written.events(&path, 3).await[2]["stage"], "ResponseComplete");
}

#[tokio::test]
async fn credentials_are_not_written() {
    let written = Written::start().await;
    let hub = &written.hub;
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}});
    hub.post("/api/v1/namespaces/default/secrets", secret).await.expect(201);
    let account = json!({"metadata": {"name": "bot"}});
    hub.post("/api/v1/namespaces/default/serviceaccounts", account)
        .await
        .expect(201);
    let path = "/api/v1/namespaces/default/serviceaccounts/bot/token";
    let token = hub.post(path, json!({"spec": {}})).await.expect(201)["status"]["token"].clone();
    let reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    hub.post(reviews, json!({"spec": {"token": token}})).await.expect(201);
    written.events(reviews, 1).await;
    let issued = written.events(path, 2).await;
    let named = issued[1]["annotations"]["authentication.kubernetes.io/issued-credential-id"]
        .as_str()
        .unwrap();
    assert!(named.starts_with("JTI="));
    let text = std::fs::read_to_string(&written.path).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg") && !text.contains(token.as_str().unwrap()));
}
