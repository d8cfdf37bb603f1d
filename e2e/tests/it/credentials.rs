//! Credentials as kubectl asks for them, and what they prove to the hub that runs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Federation, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

const TOKEN_SECRET: &str = r#"{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
  "metadata": {"name": "bot-token", "annotations": {"kubernetes.io/service-account.name": "bot"}}}"#;

/// Who the hub says somebody is.
fn who(federation: &Federation, credential: &[&str]) -> Result<serde_json::Value, String> {
    // A kubeconfig of its own: the federation's would add the administrator's certificate.
    let server = format!("https://127.0.0.1:{}", federation.api_port());
    let mut command = federation.kubectl_command().map_err(|error| error.0)?;
    command
        .args(["--kubeconfig", "/dev/null", "--context", "", "--server", &server])
        .args(["--insecure-skip-tls-verify", "auth", "whoami", "-o", "json"])
        .args(credential);
    let text = e2e::federation::output(command).map_err(|error| error.0)?;
    let answer: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    Ok(answer["status"]["userInfo"].clone())
}

#[test]
fn kubectl_gets_credentials_that_prove_who_asks() {
    let dir = tempfile::tempdir().unwrap();
    let mut federation = Federation::start(dir.path(), 0).unwrap();
    federation.kubectl(&["create", "serviceaccount", "bot"]).unwrap();
    let token = federation
        .kubectl(&["create", "token", "bot", "--duration=20m"])
        .unwrap();
    let user = who(&federation, &["--token", token.trim()]).unwrap();
    assert_eq!(user["username"], "system:serviceaccount:default:bot");
    let refused = federation
        .kubectl(&["create", "token", "bot", "--duration=1m"])
        .unwrap_err();
    assert!(
        refused.0.contains("may not specify a duration less than 10 minutes"),
        "{}",
        refused.0
    );

    let file = dir.path().join("secret.json");
    std::fs::write(&file, TOKEN_SECRET).unwrap();
    federation.kubectl(&["apply", "-f", file.to_str().unwrap()]).unwrap();
    eventually("the token in the Secret", PATIENCE, || {
        let secret = federation
            .kubectl_json(&["get", "secret", "bot-token"])
            .map_err(|error| error.0)?;
        if secret["data"]["token"].is_string() {
            Ok(())
        } else {
            Err(secret.to_string())
        }
    });

    // The key outlives the process, and so does what it signed.
    federation.stop().unwrap();
    federation.restart().unwrap();
    assert!(who(&federation, &["--token", token.trim()]).is_ok());
    federation.kubectl(&["delete", "serviceaccount", "bot"]).unwrap();
    assert!(who(&federation, &["--token", token.trim()]).is_err());

    certificate(&federation, dir.path());
    federation.stop().unwrap();
}

fn certificate(federation: &Federation, dir: &std::path::Path) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "carol");
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "devs");
    let asked = params.serialize_request(&key).unwrap().pem().unwrap();
    let request = serde_json::json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "carol"},
        "spec": {"request": STANDARD.encode(&asked), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
    });
    let file = dir.join("request.json");
    std::fs::write(&file, request.to_string()).unwrap();
    federation.kubectl(&["create", "-f", file.to_str().unwrap()]).unwrap();
    federation.kubectl(&["certificate", "approve", "carol"]).unwrap();
    let issued = eventually("the certificate", PATIENCE, || {
        let jsonpath = "jsonpath={.status.certificate}";
        let encoded = federation
            .kubectl(&["get", "csr", "carol", "-o", jsonpath])
            .map_err(|error| error.0)?;
        if encoded.is_empty() {
            Err("not yet".to_owned())
        } else {
            STANDARD.decode(&encoded).map_err(|error| error.to_string())
        }
    });
    let (certificate, private) = (dir.join("carol.crt"), dir.join("carol.key"));
    std::fs::write(&certificate, issued).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let credential = [
        "--client-certificate",
        certificate.to_str().unwrap(),
        "--client-key",
        private.to_str().unwrap(),
    ];
    let user = who(federation, &credential).unwrap();
    assert_eq!(
        (&user["username"], &user["groups"][0]),
        (&"carol".into(), &"devs".into())
    );
}
