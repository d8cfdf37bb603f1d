//! Who a syncer in its member is on the hub: a client certificate, asked for with a token once and with itself from then on.
//!
//! In: a token or the present certificate. Out: a key and a certificate, kept in a Secret of the member. The key is kept before the
//! certificate is asked for, under a name that follows from the key: whoever is interrupted goes on where it was.

use std::path::Path;
use std::time::Duration;

use api::ClusterName;
use api::well_known::{CLUSTER_SIGNER, CLUSTER_USER_PREFIX, CLUSTERS_GROUP, FIELD_MANAGER, SYSTEM_NAMESPACE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{CertificateSigningRequest, CertificateSigningRequestSpec};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::hub::{HubError, failed};
use crate::membership::JoinError;

/// Secret in the member that keeps key and certificate.
const SECRET: &str = "meridian-syncer-identity";
const KEY: &str = "tls.key";
const CERTIFICATE: &str = "tls.crt";
/// The authority of the hub that it is an identity on.
const AUTHORITY: &str = "ca.crt";
/// How long a certificate lives; the hub may give less.
const SECONDS: i32 = 30 * 24 * 3600;
/// How long the hub has for a decision.
const DECIDED_WITHIN: Duration = Duration::from_secs(30);

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// Hub or member refused.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Hub or member could not be asked.
    #[error("the request failed")]
    Client(#[from] kube::Error),
    /// The member belongs to somebody else.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The hub could not be followed.
    #[error("the hub cannot be followed")]
    Wait(#[source] Box<kube::runtime::wait::Error>),
    /// Key or request could not be made.
    #[error("a key or a request for a certificate cannot be made")]
    Key(#[from] rcgen::Error),
    /// The configuration is not usable.
    #[error("the hub's address or authority cannot be used")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The hub said no.
    #[error("the hub denies the certificate: {0}")]
    Denied(String),
    /// The hub said nothing.
    #[error("the hub did not sign within {} s; next, there: kubectl get csr", DECIDED_WITHIN.as_secs())]
    Undecided,
    /// There is nothing to begin with.
    #[error("there is no certificate and no bootstrap token ({0}); next: meridian join {1} --mode pull")]
    NoToken(String, ClusterName),
}

/// Where the hub is.
pub(crate) struct Hub {
    pub(crate) address: String,
    pub(crate) authority_pem: String,
}

impl Hub {
    /// A configuration with an identity, or with none.
    pub(crate) async fn config(&self, identity: Option<&Identity>) -> Result<Config, IdentityError> {
        let user = identity.map(|identity| {
            json!({
                "client-certificate-data": STANDARD.encode(&identity.certificate),
                "client-key-data": STANDARD.encode(&identity.key),
            })
        });
        self.config_of(user.unwrap_or_else(|| json!({}))).await
    }

    async fn config_of(&self, user: serde_json::Value) -> Result<Config, IdentityError> {
        let kubeconfig = json!({
            "clusters": [{"name": "hub", "cluster": {
                "server": self.address, "certificate-authority-data": STANDARD.encode(&self.authority_pem),
            }}],
            "users": [{"name": "syncer", "user": user}],
            "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": "syncer"}}],
            "current-context": "hub",
        });
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| IdentityError::Config(error);
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).map_err(|error| wrong(error.into()))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.map_err(|error| wrong(error.into()))?;
        config.connect_timeout = Some(Duration::from_secs(5));
        Ok(config)
    }
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: String,
    key: String,
    /// Begin and end of its life, seconds since 1970.
    valid: (i64, i64),
}

impl Identity {
    /// Reads a certificate; none where it is not one of this cluster.
    fn read(cluster: &ClusterName, certificate: String, key: String) -> Option<Self> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).ok()?;
        let x509 = pem.parse_x509().ok()?;
        let own = format!("{CLUSTER_USER_PREFIX}{cluster}");
        let is_own = x509
            .subject()
            .iter_common_name()
            .any(|name| name.as_str() == Ok(own.as_str()));
        let validity = x509.validity();
        let valid = (validity.not_before.timestamp(), validity.not_after.timestamp());
        is_own.then_some(Self {
            certificate,
            key,
            valid,
        })
    }

    /// How long it need not be renewed.
    pub(crate) fn fresh_for(&self) -> Duration {
        let left = renew_at(self.valid) - Timestamp::now().as_second();
        Duration::from_secs(u64::try_from(left).unwrap_or(0))
    }

    fn is_over(&self) -> bool {
        self.valid.1 <= Timestamp::now().as_second()
    }
}

/// When a certificate is renewed: two thirds into its life, so that a hub may be away for the last third.
fn renew_at((from, until): (i64, i64)) -> i64 {
    from + (until - from) / 3 * 2
}

/// The kept identity while it is fresh; else a new one, asked for with the `present` one, the kept one or the token.
pub(crate) async fn obtain(
    cluster: &ClusterName,
    hub: &Hub,
    member: &Config,
    token_file: Option<&Path>,
    present: Option<&Identity>,
) -> Result<Identity, IdentityError> {
    let secrets: Api<Secret> = Api::namespaced(Client::try_from(member.clone())?, SYSTEM_NAMESPACE);
    let what = || format!("the Secret {SYSTEM_NAMESPACE}/{SECRET} in the member cannot be read");
    let kept = secrets.get_opt(SECRET).await.map_err(failed(what()))?;
    let kept = kept.and_then(|secret| secret.data).unwrap_or_default();
    let text = |key: &str| kept.get(key).and_then(|bytes| String::from_utf8(bytes.0.clone()).ok());
    // What another authority signed means nothing to this hub, which may have been made anew.
    let of_this_hub = text(AUTHORITY).as_deref() == Some(hub.authority_pem.as_str());
    let text = |key: &str| text(key).filter(|_| of_this_hub);
    let (key, certificate) = (text(KEY), text(CERTIFICATE));
    let known = certificate
        .zip(key.clone())
        .and_then(|(certificate, key)| Identity::read(cluster, certificate, key));
    let known = known.filter(|known| !known.is_over());
    if let Some(known) = &known
        && present.is_none()
        && known.fresh_for() > Duration::ZERO
    {
        return Ok(known.clone());
    }
    let own = present.filter(|present| !present.is_over()).or(known.as_ref());
    let (config, key) = match own {
        Some(own) => (hub.config(Some(own)).await?, None),
        None => {
            let token = token(cluster, token_file)?;
            (hub.config_of(json!({"token": token})).await?, key)
        }
    };
    // A key without a certificate was being certified when somebody pulled the plug.
    let key = match key.map(|pem| KeyPair::from_pem(&pem)) {
        Some(Ok(key)) => key,
        Some(Err(_)) | None => {
            let key = KeyPair::generate()?;
            if own.is_none() {
                keep(
                    &secrets,
                    hub,
                    &[(KEY, key.serialize_pem()), (CERTIFICATE, String::new())],
                )
                .await?;
            }
            key
        }
    };
    let certified = certify(cluster, Client::try_from(config)?, &key).await;
    if matches!(certified, Err(IdentityError::Denied(_))) && own.is_none() {
        // The next request is another one.
        keep(&secrets, hub, &[(KEY, String::new())]).await?;
    }
    let (certificate, key) = (certified?, key.serialize_pem());
    keep(&secrets, hub, &[(KEY, key.clone()), (CERTIFICATE, certificate.clone())]).await?;
    let identity = Identity::read(cluster, certificate, key);
    identity.ok_or_else(|| IdentityError::Denied("what it signed is no certificate of this cluster".to_owned()))
}

fn token(cluster: &ClusterName, file: Option<&Path>) -> Result<String, IdentityError> {
    let none = |why: String| IdentityError::NoToken(why, cluster.clone());
    let file = file.ok_or_else(|| none("no --bootstrap-token-file".to_owned()))?;
    let text = std::fs::read_to_string(file).map_err(|error| none(format!("{}: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}

/// Writes the Secret: these entries, and which hub they are for.
async fn keep(secrets: &Api<Secret>, hub: &Hub, entries: &[(&str, String)]) -> Result<(), IdentityError> {
    let bytes = |(key, text): &(&str, String)| ((*key).to_owned(), ByteString(text.clone().into_bytes()));
    let authority = (AUTHORITY, hub.authority_pem.clone());
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(entries.iter().chain([&authority]).map(bytes).collect()),
        ..Secret::default()
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let what = || format!("the Secret {SYSTEM_NAMESPACE}/{SECRET} in the member cannot be written");
    let written = secrets.patch(SECRET, &params, &Patch::Apply(&secret)).await;
    Ok(written.map(drop).map_err(failed(what()))?)
}

/// Asks for a certificate for a key, and waits for it.
async fn certify(cluster: &ClusterName, hub: Client, key: &KeyPair) -> Result<String, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{CLUSTER_USER_PREFIX}{cluster}"));
    params.distinguished_name.push(DnType::OrganizationName, CLUSTERS_GROUP);
    let pem = params.serialize_request(key)?.pem()?;
    let digest = Sha256::digest(key.der_bytes());
    let digest: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("cluster-{cluster}-{digest}");
    let requests: Api<CertificateSigningRequest> = Api::all(hub);
    let request = CertificateSigningRequest {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            ..ObjectMeta::default()
        },
        spec: CertificateSigningRequestSpec {
            request: ByteString(pem.into_bytes()),
            signer_name: CLUSTER_SIGNER.to_owned(),
            expiration_seconds: Some(SECONDS),
            usages: Some(vec!["client auth".to_owned(), "digital signature".to_owned()]),
            ..CertificateSigningRequestSpec::default()
        },
        status: None,
    };
    match requests.create(&PostParams::default(), &request).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => return Err(failed("a certificate cannot be asked for")(error).into()),
    }
    let decided = await_condition(requests, &name, |request: Option<&CertificateSigningRequest>| {
        request.is_some_and(|request| word(request).is_some())
    });
    let decided = tokio::time::timeout(DECIDED_WITHIN, decided).await;
    let decided = decided.map_err(|_| IdentityError::Undecided)?;
    let request = decided.map_err(|error| IdentityError::Wait(Box::new(error)))?;
    request.as_ref().and_then(word).unwrap_or(Err(IdentityError::Undecided))
}

/// What a request came to, if anything yet.
fn word(request: &CertificateSigningRequest) -> Option<Result<String, IdentityError>> {
    let status = request.status.as_ref()?;
    if let Some(certificate) = &status.certificate {
        return Some(Ok(String::from_utf8_lossy(&certificate.0).into_owned()));
    }
    let conditions = status.conditions.iter().flatten();
    let mut refusals = conditions.filter(|condition| matches!(condition.type_.as_str(), "Denied" | "Failed"));
    let refusal = refusals.next()?;
    Some(Err(IdentityError::Denied(refusal.message.clone().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn only_the_own_name_is_an_identity() {
        let cluster = ClusterName::parse("edge-1").unwrap();
        let (pem, key) = certificate("system:meridian:cluster:edge-1");
        assert!(Identity::read(&cluster, pem, key).is_some());
        let (pem, key) = certificate("system:meridian:cluster:edge-2");
        assert!(Identity::read(&cluster, pem, key.clone()).is_none());
        assert!(Identity::read(&cluster, String::new(), key).is_none());
    }

    #[test]
    fn renewed_with_a_third_left() {
        assert_eq!(renew_at((0, 90)), 60);
        assert!(renew_at((1_000, 1_010)) < 1_010);
    }

    #[test]
    fn what_a_request_came_to() {
        let of = |status: serde_json::Value| {
            let request =
                json!({"metadata": {}, "spec": {"request": "", "signerName": CLUSTER_SIGNER}, "status": status});
            word(&serde_json::from_value(request).unwrap())
        };
        assert!(of(json!({})).is_none());
        assert!(of(json!({"conditions": [{"type": "Approved", "status": "True"}]})).is_none());
        let denied = of(json!({"conditions": [{"type": "Denied", "status": "True", "message": "no"}]}));
        assert!(matches!(denied, Some(Err(IdentityError::Denied(why))) if why == "no"));
        assert_eq!(of(json!({"certificate": STANDARD.encode("x")})).unwrap().unwrap(), "x");
    }
}
