//! Tokens of another issuer: a small one, over TLS on loopback, whose keys change.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use federation_apiserver::auth::SigningKey;
use federation_apiserver::auth::oidc::{IssuerConfig, Mapping};
use federation_apiserver::serve::{serve_tls, tls_config};
use federation_apiserver::{Profile, ServerConfig};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harness::Hub;
use crate::service_account_tokens::with_token;

const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// An issuer that runs.
struct Issuer {
    url: String,
    certificate: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Issuer {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let keys: Arc<Mutex<Vec<Value>>> = Arc::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let configuration = json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
        let (shown, count) = (keys.clone(), asked.clone());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || configuration))
            .route(
                "/keys",
                get(async move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    json!({"keys": *shown.lock().unwrap()}).to_string()
                }),
            );
        let stop = CancellationToken::new();
        let tls = tls_config(&certificate, &key.serialize_pem(), None).unwrap();
        tokio::spawn(serve_tls(listener, router, tls, stop.clone()));
        Self {
            url,
            certificate,
            keys,
            asked,
            stop,
        }
    }

    fn config(&self) -> IssuerConfig {
        IssuerConfig {
            authority_pem: Some(self.certificate.clone()),
            audiences: vec!["hub".to_owned()],
            username: Mapping::new("sub", "corp:"),
            groups: Some(Mapping::new("groups", "corp:")),
            algorithms: vec!["ES256".to_owned()],
            ..IssuerConfig::new(&self.url)
        }
    }

    fn token(&self, key: &SigningKey, audience: &str) -> String {
        let until = Timestamp::now().as_second() + 600;
        let claims = json!({"iss": self.url, "sub": "alice", "aud": audience, "exp": until, "groups": ["devs"]});
        key.sign(&claims).unwrap()
    }
}

async fn hub(issuer: IssuerConfig) -> Hub {
    let mut config = ServerConfig::new(Profile::Hub);
    config.issuers = vec![issuer];
    Hub::with(config).await
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer() {
    let issuer = Issuer::start().await;
    let (first, second) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    issuer.keys.lock().unwrap().push(first.jwk());
    let hub = hub(issuer.config()).await;
    assert_eq!(
        issuer.asked.load(Ordering::SeqCst),
        0,
        "nothing is asked before it is needed"
    );
    let token = issuer.token(&first, "hub");
    let (code, who) = with_token(&hub, "POST", WHO, &token, json!({})).await;
    assert_eq!(code, 201, "{who}");
    assert_eq!(
        who["status"]["userInfo"],
        json!({"username": "corp:alice", "groups": ["corp:devs", "system:authenticated"]})
    );
    let reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    let status = hub.post(reviews, json!({"spec": {"token": token}})).await.expect(201)["status"].clone();
    assert_eq!(status["audiences"], json!(["https://kubernetes.default.svc"]));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1, "keys are kept");

    let other = issuer.token(&first, "other");
    let status = hub.post(reviews, json!({"spec": {"token": other}})).await.expect(201)["status"].clone();
    assert_eq!(
        status["error"],
        "[invalid bearer token, oidc: verify token: expected audience in [\"hub\"] got [\"other\"]]"
    );
    // A key that is not known yet is asked for, but not with every token.
    issuer.keys.lock().unwrap().push(second.jwk());
    for _ in 0..5 {
        assert_eq!(
            with_token(&hub, "POST", WHO, &issuer.token(&second, "hub"), json!({}))
                .await
                .0,
            401
        );
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    let forged = SigningKey::generate().unwrap();
    assert_eq!(
        with_token(&hub, "POST", WHO, &issuer.token(&forged, "hub"), json!({}))
            .await
            .0,
        401
    );
    // While the issuer is away, what is known goes on counting.
    issuer.stop.cancel();
    assert_eq!(with_token(&hub, "POST", WHO, &token, json!({})).await.0, 201);
}

#[tokio::test]
async fn an_issuer_whose_server_is_not_trusted() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    let key = SigningKey::generate().unwrap();
    issuer.keys.lock().unwrap().push(key.jwk());
    let mut config = issuer.config();
    config.authority_pem = Some(other.certificate.clone());
    let hub = hub(config).await;
    assert_eq!(
        with_token(&hub, "POST", WHO, &issuer.token(&key, "hub"), json!({}))
            .await
            .0,
        401
    );
    // And one that says it is another.
    let mut config = issuer.config();
    config.discovery_url = Some(format!("{}/.well-known/openid-configuration", other.url));
    config.authority_pem = Some(other.certificate.clone());
    let hub = self::hub(config).await;
    assert_eq!(
        with_token(&hub, "POST", WHO, &issuer.token(&key, "hub"), json!({}))
            .await
            .0,
        401
    );
    assert_eq!(other.asked.load(Ordering::SeqCst), 0, "its keys are not asked for");
}
