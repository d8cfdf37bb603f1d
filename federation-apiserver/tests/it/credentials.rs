//! Credentials that the server hands out by itself: tokens in Secrets, bootstrap tokens, certificates. Texts as kube-apiserver
//! 1.36.3 answered them.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation_apiserver::credentials::Authority;
use federation_apiserver::{Profile, ServerConfig, UserInfo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::harness::{Hub, MERGE};
use crate::service_account_tokens::{ACCOUNTS, with_token};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority::of_pem(&pem, &key.serialize_pem()).unwrap()
}

async fn hub() -> Hub {
    let mut config = ServerConfig::new(Profile::Hub);
    config.authority = Some(Arc::new(authority()));
    Hub::with(config).await
}

/// The object once it is as wanted.
async fn until(hub: &Hub, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
    let look = async {
        loop {
            let answer = hub.get(path).await;
            let value = answer.json();
            if wanted(answer.code, &value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look)
        .await
        .expect("in time")
}

fn decoded(secret: &Value, key: &str) -> String {
    String::from_utf8(STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_secret_gets_its_token() {
    let hub = hub().await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot"}});
    let account = hub.post(ACCOUNTS, account).await.expect(201);
    let secret = |name: &str, account: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}}})
    };
    hub.post(SECRETS, secret("bot", "bot")).await.expect(201);
    let path = format!("{SECRETS}/bot");
    let filled = until(&hub, &path, |_, secret| secret["data"]["token"].is_string()).await;
    assert_eq!(
        filled["metadata"]["annotations"]["kubernetes.io/service-account.uid"],
        account["metadata"]["uid"]
    );
    assert_eq!(decoded(&filled, "namespace"), "default");
    assert!(decoded(&filled, "ca.crt").starts_with("-----BEGIN CERTIFICATE-----"));
    let token = decoded(&filled, "token");
    let (code, who) = with_token(&hub, "POST", WHO, &token, json!({})).await;
    assert_eq!(code, 201, "{who}");
    assert_eq!(
        who["status"]["userInfo"]["username"],
        "system:serviceaccount:default:bot"
    );
    assert!(who["status"]["userInfo"]["extra"].is_null());

    // A token that the Secret no longer holds is none.
    let patch = json!({"data": {"token": STANDARD.encode("other")}});
    hub.patch(&path, MERGE, patch).await.expect(200);
    assert_eq!(with_token(&hub, "POST", WHO, &token, json!({})).await.0, 401);

    // The Secret goes with its account, and one without an account goes at once.
    hub.delete(&format!("{ACCOUNTS}/bot"), Value::Null).await.expect(200);
    until(&hub, &path, |code, _| code == 404).await;
    hub.post(SECRETS, secret("nobody", "nobody")).await.expect(201);
    until(&hub, &format!("{SECRETS}/nobody"), |code, _| code == 404).await;
}

#[tokio::test]
async fn bootstrap_tokens() {
    let hub = hub().await;
    let secrets = "/api/v1/namespaces/kube-system/secrets";
    let secret = |until: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": "bootstrap-token-abcdef"},
            "stringData": {"token-id": "abcdef", "token-secret": "0123456789abcdef", "expiration": until,
                "usage-bootstrap-authentication": "true", "auth-extra-groups": "system:bootstrappers:members"}})
    };
    hub.post(secrets, secret("2999-01-01T00:00:00Z")).await.expect(201);
    let (code, who) = with_token(&hub, "POST", WHO, "abcdef.0123456789abcdef", json!({})).await;
    assert_eq!(code, 201, "{who}");
    assert_eq!(
        who["status"]["userInfo"],
        json!({"username": "system:bootstrap:abcdef",
            "groups": ["system:bootstrappers", "system:bootstrappers:members", "system:authenticated"]})
    );
    assert_eq!(
        with_token(&hub, "POST", WHO, "abcdef.0123456789abcdee", json!({}))
            .await
            .0,
        401
    );
    // Over: it proves nothing any more and is taken away.
    let past = json!({"stringData": {"expiration": "2020-01-01T00:00:00Z"}});
    let path = format!("{secrets}/bootstrap-token-abcdef");
    hub.patch(&path, MERGE, past).await.expect(200);
    assert_eq!(
        with_token(&hub, "POST", WHO, "abcdef.0123456789abcdef", json!({}))
            .await
            .0,
        401
    );
    until(&hub, &path, |code, _| code == 404).await;
}

fn request(user: &str, group: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, user);
    params.distinguished_name.push(DnType::OrganizationName, group);
    STANDARD.encode(params.serialize_request(&key).unwrap().pem().unwrap())
}

fn asks(name: &str, request: &str, usages: &[&str]) -> Value {
    json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
        "spec": {"request": request, "signerName": "kubernetes.io/kube-apiserver-client", "usages": usages,
            "expirationSeconds": 3600, "username": "pretended", "groups": ["system:masters"]}})
}

fn approved(mut request: Value) -> Value {
    request["status"]["conditions"] =
        json!([{"type": "Approved", "status": "True", "reason": "KubectlApprove", "message": "yes"}]);
    request
}

#[tokio::test]
async fn a_certificate_is_asked_for_approved_and_issued() {
    let hub = hub().await;
    let rights = json!({"metadata": {"name": "ask"}, "rules": [{"apiGroups": ["certificates.k8s.io"],
        "resources": ["certificatesigningrequests", "certificatesigningrequests/approval", "certificatesigningrequests/status"],
        "verbs": ["create", "get", "update", "patch"]}]});
    hub.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", rights)
        .await
        .expect(201);
    let binding = json!({"metadata": {"name": "ask"}, "roleRef": {"kind": "ClusterRole", "name": "ask"},
        "subjects": [{"kind": "User", "name": "carol"}]});
    hub.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        .await
        .expect(201);
    let carol = hub.as_user(UserInfo::new("carol", ["devs"]));
    let made = carol
        .post(REQUESTS, asks("carol", &request("carol", "devs"), &["client auth"]))
        .await
        .expect(201);
    assert_eq!(
        made["spec"]["username"], "carol",
        "who asks is written down, whatever the body says"
    );
    assert_eq!(made["spec"]["groups"], json!(["devs", "system:authenticated"]));

    // Neither approving nor signing is anybody's who may write the subresource alone.
    let refused = carol
        .put(&format!("{REQUESTS}/carol/approval"), approved(made.clone()))
        .await
        .expect(403);
    assert_eq!(
        refused["message"],
        "certificatesigningrequests.certificates.k8s.io \"carol\" is forbidden: user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\""
    );
    let forged = json!({"status": {"certificate": STANDARD.encode("-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n")}});
    let refused = carol
        .patch(&format!("{REQUESTS}/carol/status"), MERGE, forged)
        .await
        .expect(403);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("user not permitted to sign requests"),
        "{refused}"
    );
    // An ordinary update decides nothing and changes no question.
    let mut other = approved(made.clone());
    other["spec"]["usages"] = json!(["any"]);
    other["metadata"]["labels"] = json!({"a": "b"});
    let kept = hub.put(&format!("{REQUESTS}/carol"), other).await.expect(200);
    assert_eq!(
        (&kept["spec"], &kept["metadata"]["labels"]),
        (&made["spec"], &json!({"a": "b"}))
    );
    assert!(kept["status"]["conditions"].is_null());

    let decided = hub
        .put(&format!("{REQUESTS}/carol/approval"), approved(kept))
        .await
        .expect(200);
    assert!(decided["status"]["conditions"][0]["lastUpdateTime"].is_string());
    let path = format!("{REQUESTS}/carol");
    let issued = until(&hub, &path, |_, request| request["status"]["certificate"].is_string()).await;
    let pem = STANDARD
        .decode(issued["status"]["certificate"].as_str().unwrap())
        .unwrap();
    assert!(
        String::from_utf8(pem)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let taken_back = hub
        .patch(
            &format!("{REQUESTS}/carol/approval"),
            MERGE,
            json!({"status": {"conditions": []}}),
        )
        .await
        .expect(422);
    assert_eq!(
        taken_back["message"],
        "CertificateSigningRequest.certificates.k8s.io \"carol\" is invalid: status.conditions: Forbidden: updates may not remove a condition of type \"Approved\""
    );
    let table = hub
        .send(
            "GET",
            REQUESTS,
            &[("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")],
            axum::body::Body::empty(),
        )
        .await
        .expect(200);
    let cells = &table["rows"][0]["cells"];
    assert_eq!(
        (&cells[2], &cells[3], &cells[4], &cells[5]),
        (
            &json!("kubernetes.io/kube-apiserver-client"),
            &json!("carol"),
            &json!("60m"),
            &json!("Approved,Issued")
        )
    );
}

#[tokio::test]
async fn what_is_not_signed() {
    let hub = hub().await;
    let evil = hub
        .post(
            REQUESTS,
            asks("evil", &request("evil", "system:masters"), &["client auth"]),
        )
        .await
        .expect(403);
    assert_eq!(
        evil["message"],
        "certificatesigningrequests.certificates.k8s.io \"evil\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    );
    let broken = STANDARD.encode("-----BEGIN CERTIFICATE REQUEST-----\nYWJj\n-----END CERTIFICATE REQUEST-----\n");
    hub.post(REQUESTS, asks("broken", &broken, &["client auth"]))
        .await
        .expect(422);
    let made = hub
        .post(
            REQUESTS,
            asks("server", &request("s", "g"), &["client auth", "server auth"]),
        )
        .await
        .expect(201);
    hub.put(&format!("{REQUESTS}/server/approval"), approved(made))
        .await
        .expect(200);
    let failed = until(&hub, &format!("{REQUESTS}/server"), |_, request| {
        request["status"]["conditions"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
    })
    .await;
    let conditions = &failed["status"]["conditions"];
    assert_eq!(
        (&conditions[1]["type"], &conditions[1]["reason"]),
        (&json!("Failed"), &json!("SignerValidationFailure"))
    );
    let denied = hub
        .post(REQUESTS, asks("denied", &request("d", "g"), &["client auth"]))
        .await
        .expect(201);
    let mut no = approved(denied);
    no["status"]["conditions"][0]["type"] = json!("Denied");
    hub.put(&format!("{REQUESTS}/denied/approval"), no).await.expect(200);
    let selected = hub
        .get(&format!("{REQUESTS}?fieldSelector=spec.signerName=other"))
        .await
        .expect(200);
    assert_eq!(selected["items"], json!([]));
}
