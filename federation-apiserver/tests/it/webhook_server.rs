//! A webhook in process: HTTPS on loopback, answers as its path says, and keeps what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A running webhook.
pub(crate) struct WebhookServer {
    pub(crate) port: u16,
    bundle: String,
    asked: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn patch(operations: Value) -> Value {
    json!({"patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string())})
}

/// What the webhook of a path answers, beside uid and `allowed: true`.
fn behaviour(path: &str) -> Value {
    match path.trim_start_matches('/') {
        "deny" => json!({"allowed": false}),
        "conflict" => json!({"allowed": false, "status": {"message": "no way", "code": 409, "reason": "Conflict"}}),
        "label" => patch(json!([{"op": "add", "path": "/metadata/labels", "value": {"by": "webhook"}}])),
        "data" => patch(json!([{"op": "add", "path": "/data/more", "value": "1"}])),
        "broken" => patch(json!([{"op": "remove", "path": "/nope"}])),
        "unknown" => patch(json!([{"op": "add", "path": "/nope", "value": 1}])),
        "scale" => patch(json!([{"op": "replace", "path": "/spec/replicas", "value": 7}])),
        "warn" => json!({"warnings": ["careful"]}),
        "uid" => json!({"uid": "x"}),
        _ => json!({}),
    }
}

/// What a conversion webhook answers: `size: 1x2` in v1 is `width: 1, height: 2` in v2.
fn conversion(path: &str, request: &Value) -> Value {
    if path == "/refuse" {
        return json!({"uid": request["uid"], "result": {"status": "Failed", "message": "not today"}});
    }
    let desired = request["desiredAPIVersion"].as_str().unwrap();
    let objects = request["objects"].as_array().unwrap().iter().cloned();
    let converted: Vec<Value> = objects
        .map(|mut object| {
            let spec = object["spec"].clone();
            object["spec"] = if desired.ends_with("/v1") {
                json!({"size": format!("{}x{}", spec["width"], spec["height"])})
            } else {
                let (width, height) = spec["size"].as_str().unwrap().split_once('x').unwrap();
                let number = |text: &str| text.parse::<i64>().unwrap();
                json!({"width": number(width), "height": number(height), "unknown": true})
            };
            object["apiVersion"] = json!(desired);
            object
        })
        .collect();
    json!({"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": converted})
}

impl WebhookServer {
    pub(crate) async fn start() -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let task = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), asked.clone()));
        Self {
            port,
            bundle: STANDARD.encode(authority_certificate.pem()),
            asked,
            task,
        }
    }

    /// A webhook about ConfigMaps that behaves as `path` says.
    pub(crate) fn hook(&self, path: &str, more: Value) -> Value {
        let mut hook = json!({
            "name": format!("{path}.example.com"), "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": self.client(path),
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["configmaps"]}],
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            hook[key] = value.clone();
        }
        hook
    }

    /// A `clientConfig` of it.
    pub(crate) fn client(&self, path: &str) -> Value {
        json!({"url": format!("https://localhost:{}/{path}", self.port), "caBundle": self.bundle})
    }

    /// The requests since the last time.
    pub(crate) fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, asked: Arc<Mutex<Vec<Value>>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, asked) = (tls.clone(), asked.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(move |request| answer(request, asked.clone()));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Value>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&body).unwrap();
    asked.lock().unwrap().push(review["request"].clone());
    match path.as_str() {
        "/silent" => std::future::pending().await,
        "/failing" => {
            let response = Response::builder().status(500).body(Full::default()).unwrap();
            return Ok(response);
        }
        _ => {}
    }
    if review["kind"] == "ConversionReview" {
        let converted = json!({"apiVersion": review["apiVersion"], "kind": "ConversionReview",
            "response": conversion(&path, &review["request"])});
        return Ok(Response::new(Full::from(converted.to_string())));
    }
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    for (key, value) in behaviour(&path).as_object().unwrap() {
        response[key] = value.clone();
    }
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    Ok(Response::new(Full::from(review.to_string())))
}
