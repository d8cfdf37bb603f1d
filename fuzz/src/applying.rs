//! Server-side apply, through the API server's own door: its merge, its ownership and all steps of the write after it.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, LocalService, Profile, ServerConfig, UserInfo};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const APPLY: &str = "application/apply-patch+yaml";
const OBJECTS: [&str; 2] = [
    "/apis/apps/v1/namespaces/default/deployments/web",
    "/api/v1/namespaces/default/services/web",
];

/// A server over memory with a Deployment and a Service that somebody applied.
struct Hub {
    runtime: tokio::runtime::Runtime,
    service: LocalService,
}

static HUB: LazyLock<Option<Hub>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let server = runtime.block_on(ApiServer::new(
        Arc::new(MemoryStore::default()),
        ServerConfig::new(Profile::Hub),
    ));
    let service = server.ok()?.local(UserInfo::internal("fuzz"));
    let hub = Hub { runtime, service };
    let labels = json!({"app": "web"});
    for (path, object) in OBJECTS.into_iter().zip([
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "a:1", "args": ["x"],
                    "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
                    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "finalizers": ["a.b/c"]},
            "spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}], "selector": labels}}),
    ]) {
        let (code, answer) = hub.send(&format!("{path}?fieldManager=first"), object.to_string().into_bytes());
        assert_eq!(code, 201, "{answer}");
    }
    Some(hub)
});

impl Hub {
    fn send(&self, path: &str, body: Vec<u8>) -> (u16, Value) {
        let request = Request::patch(path)
            .header("content-type", APPLY)
            .body(Body::from(body));
        let Ok(request) = request else { return (0, Value::Null) };
        self.runtime.block_on(async {
            let Ok(response) = self.service.clone().oneshot(request).await;
            let code = response.status().as_u16();
            let body = response.into_body().collect().await.map(|body| body.to_bytes());
            let value = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
            (code, value.unwrap_or_default())
        })
    }
}

/// The bytes are applied by a second manager, as a dry run: it is told what is wrong, or the object.
pub(crate) fn apply(bytes: &[u8]) {
    let Some(hub) = HUB.as_ref() else { return };
    for path in OBJECTS {
        for force in ["false", "true"] {
            let query = format!("{path}?fieldManager=second&dryRun=All&force={force}");
            let (code, answer) = hub.send(&query, bytes.to_vec());
            match code {
                200 => {
                    assert_eq!(answer["metadata"]["name"], "web");
                    assert!(answer["metadata"]["managedFields"].is_array(), "{answer}");
                }
                400..500 => assert_eq!(answer["kind"], "Status", "{code} {answer}"),
                _ => panic!("{code} {answer}"),
            }
            assert!(
                answer.to_string().len() <= 64 * bytes.len() + (64 << 10),
                "an answer many times its question"
            );
        }
    }
}
