//! How a member is reached, out of a kubeconfig, and how it is written down on the hub: a Secret and a Cluster.
//!
//! In: a kubeconfig's configuration or a simulated member's endpoint. Out: objects on the hub. The member itself is only
//! read (version, identity) and marked (`claim`); what is applied there is the syncer's business.

pub(crate) mod claim;
pub(crate) mod preflight;
pub(crate) mod pull;
pub(crate) mod reach;

use std::collections::BTreeMap;
use std::time::Duration;

use api::ClusterName;
use api::well_known::{
    FIELD_MANAGER, SECRET_CLIENT_CERTIFICATE, SECRET_CLIENT_KEY, SECRET_TOKEN, SYSTEM_NAMESPACE, UNJOIN_FINALIZER,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client, Config};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::hub::{self, HubError, failed};

/// How long a member may take to answer one question at join.
const PREFLIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a cluster could not join.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    /// The hub or the member refused.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The member did not answer.
    #[error("cluster {cluster}: {endpoint} did not answer within {} s; next: check the address and the network between", PREFLIGHT_TIMEOUT.as_secs())]
    Silent {
        /// The cluster.
        cluster: ClusterName,
        /// Its endpoint.
        endpoint: String,
    },
    /// The credentials cannot be copied.
    #[error(
        "cluster {cluster}: the kubeconfig's credentials cannot be used by a server: {detail}; next: give a kubeconfig with a token or a client certificate"
    )]
    Credentials {
        /// The cluster.
        cluster: ClusterName,
        /// What they are.
        detail: String,
    },
    /// Another cluster has the name.
    #[error(
        "cluster {cluster} was joined before as another cluster (kube-system uid {known}, now {found}); next: add --repair, if this one takes its place"
    )]
    AnotherCluster {
        /// The cluster.
        cluster: ClusterName,
        /// The uid that was written down.
        known: String,
        /// The uid that is there.
        found: String,
    },
    /// Another federation works on it.
    #[error(
        "cluster {cluster} is a member of another federation ({other}); next: unjoin it there, or add --repair, if that federation is gone"
    )]
    OtherFederation {
        /// The cluster.
        cluster: ClusterName,
        /// The identity of the other.
        other: String,
    },
    /// The cluster is a member already, under another name.
    #[error("this cluster is a member already, as {other}; next: meridian unjoin {other}, or leave it so")]
    AlreadyMember {
        /// The other name.
        other: String,
    },
}

/// What a server needs in order to use a member.
pub(crate) struct MemberAccess {
    /// URL of the member's API.
    pub(crate) endpoint: String,
    /// PEM bundle of its authorities; the system's where absent.
    pub(crate) authority_pem: Option<String>,
    /// Do not verify the member's certificate.
    pub(crate) insecure: bool,
    /// The Secret's entries.
    pub(crate) credentials: BTreeMap<String, String>,
}

/// Where a member is.
#[derive(Default)]
pub(crate) struct MemberPlace {
    pub(crate) region: Option<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) provider: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// Reads what is needed out of a kubeconfig's configuration.
pub(crate) fn access_from(cluster: &ClusterName, config: &Config) -> Result<MemberAccess, JoinError> {
    let unusable = |detail: &str| JoinError::Credentials {
        cluster: cluster.clone(),
        detail: detail.to_owned(),
    };
    let file = |path: &str| std::fs::read_to_string(path).map_err(|error| unusable(&format!("{path}: {error}")));
    let decoded = |data: &str| {
        STANDARD
            .decode(data)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| unusable("inline data is not base64 of PEM"))
    };
    let auth = &config.auth_info;
    let mut credentials = BTreeMap::new();
    if let Some(token) = &auth.token {
        credentials.insert(SECRET_TOKEN.to_owned(), token.expose_secret().to_owned());
    } else if let Some(path) = &auth.token_file {
        credentials.insert(SECRET_TOKEN.to_owned(), file(path)?.trim().to_owned());
    } else {
        let certificate = match (&auth.client_certificate_data, &auth.client_certificate) {
            (Some(data), _) => Some(decoded(data)?),
            (None, Some(path)) => Some(file(path)?),
            (None, None) => None,
        };
        let key = match (&auth.client_key_data, &auth.client_key) {
            (Some(data), _) => Some(decoded(data.expose_secret())?),
            (None, Some(path)) => Some(file(path)?),
            (None, None) => None,
        };
        let (Some(certificate), Some(key)) = (certificate, key) else {
            return Err(unusable(
                "there is neither a token nor a client certificate with its key",
            ));
        };
        credentials.insert(SECRET_CLIENT_CERTIFICATE.to_owned(), certificate);
        credentials.insert(SECRET_CLIENT_KEY.to_owned(), key);
    }
    let authority_pem = config
        .root_cert
        .as_ref()
        .map(|certificates| certificates.iter().map(|der| pem(der)).collect());
    Ok(MemberAccess {
        endpoint: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        authority_pem,
        insecure: config.accept_invalid_certs,
        credentials,
    })
}

pub(crate) fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// Who a member is: the uid of its `kube-system` namespace, and its version.
pub(crate) struct MemberIdentity {
    pub(crate) uid: String,
    pub(crate) version: String,
}

/// Asks a member who it is; the first thing to fail where access does not work.
pub(crate) async fn identify(
    cluster: &ClusterName,
    endpoint: &str,
    member: &Client,
) -> Result<MemberIdentity, JoinError> {
    let questions = async {
        let version = member.apiserver_version().await.map_err(failed(format!(
            "cluster {cluster}: {endpoint} does not answer /version"
        )))?;
        let namespace = Api::<Namespace>::all(member.clone())
            .get("kube-system")
            .await
            .map_err(failed(format!(
                "cluster {cluster}: the namespace kube-system cannot be read"
            )))?;
        Ok::<_, JoinError>(MemberIdentity {
            uid: namespace.metadata.uid.unwrap_or_default(),
            version: version.git_version,
        })
    };
    tokio::time::timeout(PREFLIGHT_TIMEOUT, questions)
        .await
        .map_err(|_| JoinError::Silent {
            cluster: cluster.clone(),
            endpoint: endpoint.to_owned(),
        })?
}

/// Writes a member down on the hub, with the identity where it is known. Without access, its syncer runs in the member. `replace` lets another
/// cluster take over a name.
pub(crate) async fn register(
    hub: &Client,
    cluster: &ClusterName,
    uid: &str,
    access: Option<&MemberAccess>,
    place: &MemberPlace,
    replace: bool,
) -> Result<(), JoinError> {
    let clusters = hub::clusters(hub);
    for other in clusters
        .list(&Default::default())
        .await
        .map_err(failed("the hub's clusters cannot be listed"))?
    {
        let known = other
            .data
            .pointer("/spec/id")
            .and_then(|id| id.as_str())
            .unwrap_or_default()
            .to_owned();
        let name = other.metadata.name.unwrap_or_default();
        if name == cluster.as_str() && !known.is_empty() && !uid.is_empty() && known != uid && !replace {
            return Err(JoinError::AnotherCluster {
                cluster: cluster.clone(),
                known,
                found: uid.to_owned(),
            });
        }
        if name != cluster.as_str() && known == uid && !uid.is_empty() {
            return Err(JoinError::AlreadyMember { other: name });
        }
    }
    let mut spec = json!({
        "id": (!uid.is_empty()).then_some(uid),
        "syncMode": if access.is_some() { "Push" } else { "Pull" },
        "region": place.region,
        "zones": (!place.zones.is_empty()).then_some(&place.zones),
        "provider": place.provider,
    });
    if let Some(access) = access {
        let name = keep_credentials(hub, cluster, access).await?;
        spec["apiEndpoint"] = json!(access.endpoint);
        spec["caBundle"] = json!(access.authority_pem.as_ref().map(|pem| STANDARD.encode(pem)));
        spec["insecureSkipTLSVerification"] = json!(access.insecure.then_some(true));
        spec["secretRef"] = json!({"namespace": SYSTEM_NAMESPACE, "name": name});
    }
    let mut object = DynamicObject::new(cluster.as_str(), &hub::resource("Cluster", "clusters"));
    object.metadata.labels = (!place.labels.is_empty()).then(|| place.labels.clone());
    object.metadata.finalizers = Some(vec![UNJOIN_FINALIZER.to_owned()]);
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object.data = json!({ "spec": spec });
    create_or_merge(&clusters, cluster.as_str(), &object)
        .await
        .map_err(failed(format!("cluster {cluster} cannot be written to the hub")))?;
    Ok(())
}

/// Writes a member's credentials to the hub; the name of their Secret.
async fn keep_credentials(hub: &Client, cluster: &ClusterName, access: &MemberAccess) -> Result<String, JoinError> {
    let name = format!("cluster-{cluster}");
    let secret: Secret = Secret {
        metadata: kube::api::ObjectMeta {
            name: Some(name.clone()),
            ..Default::default()
        },
        string_data: Some(access.credentials.clone()),
        ..Secret::default()
    };
    let secrets: Api<Secret> = Api::namespaced(hub.clone(), SYSTEM_NAMESPACE);
    let what = || format!("cluster {cluster}: its credentials cannot be written to the hub");
    create_or_merge(&secrets, &name, &secret)
        .await
        .map_err(failed(what()))?;
    Ok(name)
}

/// Creates an object, or merges it into the one that is there.
async fn create_or_merge<K>(api: &Api<K>, name: &str, object: &K) -> Result<(), kube::Error>
where
    K: kube::Resource + serde::Serialize + serde::de::DeserializeOwned + Clone + std::fmt::Debug,
{
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&params, object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            api.patch(name, &params, &Patch::Merge(object)).await.map(|_| ())
        }
        Err(error) => Err(error),
    }
}
