//! How a member is reached.
//! In: a Cluster object and the data of its Secret. Out: a Kubernetes client with the syncer's timeouts. Absent: choosing
//! and storing credentials (`meridian join` does).

use std::collections::BTreeMap;
use std::time::Duration;

use api::Cluster;
use api::well_known::{SECRET_CLIENT_CERTIFICATE, SECRET_CLIENT_KEY, SECRET_TOKEN};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::error::AccessError;

/// Longest wait for a connection to a member.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for a member's answer to a write or read.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Endpoint and credentials of a member.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberAccess {
    cluster: String,
    endpoint: String,
    ca_bundle: Option<String>,
    insecure: bool,
    token: Option<String>,
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

impl std::fmt::Debug for MemberAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberAccess")
            .field("cluster", &self.cluster)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl MemberAccess {
    /// Reads the Cluster and the decoded data of its Secret.
    ///
    /// # Errors
    /// [`AccessError`] where the endpoint is missing or the credentials are not text.
    pub fn read(cluster: &Cluster, secret: &BTreeMap<String, Vec<u8>>) -> Result<Self, AccessError> {
        let name = cluster.metadata.name().to_owned();
        let Some(endpoint) = cluster.spec.api_endpoint.clone().filter(|e| !e.is_empty()) else {
            return Err(AccessError::Missing {
                cluster: name,
                field: "spec.apiEndpoint",
            });
        };
        let secret_name = cluster
            .spec
            .secret_ref
            .as_ref()
            .map(|r| format!("{}/{}", r.namespace, r.name))
            .unwrap_or_default();
        let token = match secret.get(SECRET_TOKEN) {
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Some(text.trim().to_owned()),
                Err(_) => {
                    let detail = format!("the key {SECRET_TOKEN} is not UTF-8");
                    return Err(AccessError::Credentials {
                        cluster: name,
                        secret: secret_name,
                        detail,
                    });
                }
            },
            None => None,
        };
        let certificate = secret.get(SECRET_CLIENT_CERTIFICATE).cloned();
        let key = secret.get(SECRET_CLIENT_KEY).cloned();
        if certificate.is_some() != key.is_some() {
            let detail =
                format!("{SECRET_CLIENT_CERTIFICATE} and {SECRET_CLIENT_KEY} belong together, and one is missing");
            return Err(AccessError::Credentials {
                cluster: name,
                secret: secret_name,
                detail,
            });
        }
        Ok(Self {
            cluster: name,
            endpoint,
            ca_bundle: cluster.spec.ca_bundle.clone(),
            insecure: cluster.spec.insecure_skip_tls_verification,
            token,
            certificate,
            key,
        })
    }

    /// A client with fresh connections.
    ///
    /// # Errors
    /// [`AccessError`] where the endpoint, the authorities or the credentials cannot be read.
    pub async fn client(&self) -> Result<kube::Client, AccessError> {
        self.made(|config| config.write_timeout = Some(REQUEST_TIMEOUT)).await
    }

    /// The same for streams that may say nothing for long. Whoever asks sets the deadlines.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub async fn client_without_silence_limit(&self) -> Result<kube::Client, AccessError> {
        self.made(|config| config.read_timeout = None).await
    }

    async fn made(&self, limits: impl FnOnce(&mut kube::Config)) -> Result<kube::Client, AccessError> {
        let kubeconfig = json!({
            "clusters": [{"name": "member", "cluster": {
                "server": self.endpoint,
                "certificate-authority-data": self.ca_bundle,
                "insecure-skip-tls-verify": self.insecure,
            }}],
            "users": [{"name": "member", "user": {
                "token": self.token,
                "client-certificate-data": self.certificate.as_ref().map(|c| STANDARD.encode(c)),
                "client-key-data": self.key.as_ref().map(|k| STANDARD.encode(k)),
            }}],
            "contexts": [{"name": "member", "context": {"cluster": "member", "user": "member"}}],
            "current-context": "member",
        });
        let unreadable = |source| AccessError::Config {
            cluster: self.cluster.clone(),
            source: Box::new(source),
        };
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).map_err(|error| AccessError::Credentials {
            cluster: self.cluster.clone(),
            secret: String::new(),
            detail: error.to_string(),
        })?;
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(unreadable)?;
        limits(&mut config);
        connected(&self.cluster, config)
    }
}

fn connected(cluster: &str, mut config: kube::Config) -> Result<kube::Client, AccessError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Deadlines and backoff are the syncer's own.
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|source| AccessError::Client {
        cluster: cluster.to_owned(),
        source: Box::new(source),
    })
}

/// Where a syncer gets its client for the member from.
#[derive(Clone)]
pub enum MemberSource {
    /// From endpoint and credentials; a new client after each loss of connection.
    Access(MemberAccess),
    /// As a configuration says, such as that of a service account, whose token is read again when it changes; for the cluster of
    /// this name.
    Config(Box<(String, kube::Config)>),
    /// A client that is there already, for example over an in-process transport.
    Client(kube::Client),
}

impl MemberSource {
    pub(crate) async fn client(&self) -> Result<kube::Client, AccessError> {
        match self {
            Self::Access(access) => access.client().await,
            Self::Config(made_of) => {
                let (cluster, mut config) = (**made_of).clone();
                config.write_timeout = Some(REQUEST_TIMEOUT);
                connected(&cluster, config)
            }
            Self::Client(client) => Ok(client.clone()),
        }
    }

    /// A client for streams that may say nothing for long.
    pub(crate) async fn client_without_silence_limit(&self) -> Result<kube::Client, AccessError> {
        match self {
            Self::Access(access) => access.client_without_silence_limit().await,
            Self::Config(made_of) => {
                let (cluster, mut config) = (**made_of).clone();
                config.read_timeout = None;
                connected(&cluster, config)
            }
            Self::Client(client) => Ok(client.clone()),
        }
    }

    pub(crate) fn of(cluster: &str, config: kube::Config) -> Self {
        Self::Config(Box::new((cluster.to_owned(), config)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(endpoint: Option<&str>) -> Cluster {
        let mut cluster = Cluster::default();
        cluster.metadata.name = Some("eu-1".into());
        cluster.spec.api_endpoint = endpoint.map(Into::into);
        cluster
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = MemberAccess::read(&cluster(None), &BTreeMap::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("eu-1") && error.contains("apiEndpoint") && error.contains("meridian join"),
            "{error}"
        );
        let half = BTreeMap::from([(SECRET_CLIENT_KEY.to_owned(), b"key".to_vec())]);
        let error = MemberAccess::read(&cluster(Some("https://127.0.0.1:1")), &half)
            .unwrap_err()
            .to_string();
        assert!(error.contains(SECRET_CLIENT_CERTIFICATE), "{error}");
    }

    #[tokio::test]
    async fn unusable_credentials_are_an_error_not_a_panic() {
        let broken = BTreeMap::from([
            (SECRET_CLIENT_KEY.to_owned(), b"no key".to_vec()),
            (SECRET_CLIENT_CERTIFICATE.to_owned(), b"no certificate".to_vec()),
        ]);
        let access = MemberAccess::read(&cluster(Some("https://127.0.0.1:1")), &broken).unwrap();
        assert!(access.client().await.is_err());
        let access = MemberAccess::read(&cluster(Some("not a url at all")), &BTreeMap::new()).unwrap();
        assert!(access.client().await.is_err());
    }
}
