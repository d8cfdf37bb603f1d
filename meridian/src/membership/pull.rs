//! What runs a syncer in its member, and the token that it asks for its first certificate with.
//!
//! In: names, addresses, a token. Out: the member's objects, printed or applied there; the token's Secret on the hub. The roles are
//! those of `deploy/member/roles.yaml`.

use api::ClusterName;
use api::well_known::{BOOTSTRAP_CLUSTER_PREFIX, BOOTSTRAP_GROUP, FIELD_MANAGER, SYSTEM_NAMESPACE};
use jiff::{Timestamp, ToSpan};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::JoinError;
use crate::hub::{HubError, failed};

/// Roles, account and namespace of a syncer.
const ROLES: &str = include_str!("../../../deploy/member/roles.yaml");
/// Name of account, Deployment and roles in the member.
const NAME: &str = "meridian-syncer";
/// Secret in the member with the token and the hub's authority.
const BOOTSTRAP: &str = "meridian-syncer-bootstrap";
/// Hours for which a token is good that nobody uses.
const TOKEN_HOURS: i64 = 24;
/// Letters of bootstrap tokens: of those that are allowed as many as five random bits tell apart.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What the objects in a member are made of.
pub(crate) struct InMember<'a> {
    /// Name of the cluster.
    pub(crate) cluster: &'a str,
    /// URL of the hub, as the member reaches it.
    pub(crate) hub: &'a str,
    /// Who signed the hub's certificate, PEM.
    pub(crate) authority_pem: &'a str,
    /// The bootstrap token.
    pub(crate) token: &'a str,
    /// Image with the binary.
    pub(crate) image: &'a str,
}

impl InMember<'_> {
    /// All objects, in the order in which they are made.
    pub(crate) fn objects(&self) -> Result<Vec<Value>, serde_saphyr::Error> {
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(ROLES)?;
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": BOOTSTRAP, "namespace": SYSTEM_NAMESPACE},
            "stringData": {"token": self.token, "ca.crt": self.authority_pem},
        }));
        objects.push(self.deployment());
        Ok(objects)
    }

    fn deployment(&self) -> Value {
        let labels = json!({"app.kubernetes.io/name": NAME});
        // Who joins again gets a syncer that begins with the new token and authority.
        let digest = Sha256::digest([self.token, self.authority_pem].concat().as_bytes());
        let joined: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let annotations = json!({"federation.meridian.dev/joined": joined});
        let probe = |path: &str| json!({"httpGet": {"path": path, "port": "health"}, "periodSeconds": 10});
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": NAME, "namespace": SYSTEM_NAMESPACE, "labels": labels},
            "spec": {
                "replicas": 1,
                // Two of one cluster would do everything twice.
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": {
                    "serviceAccountName": NAME,
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{
                        "name": "syncer",
                        "image": self.image,
                        "args": [
                            "syncer", "--cluster", self.cluster, "--hub", self.hub,
                            "--hub-ca-file", "/etc/meridian/ca.crt", "--bootstrap-token-file", "/etc/meridian/token",
                            "--metrics-address", "0.0.0.0:7444",
                        ],
                        "ports": [{"name": "health", "containerPort": 7444}],
                        "livenessProbe": probe("/livez"),
                        "readinessProbe": probe("/readyz"),
                        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
                        },
                        "volumeMounts": [{"name": "bootstrap", "mountPath": "/etc/meridian", "readOnly": true}],
                    }],
                    "volumes": [{"name": "bootstrap", "secret": {"secretName": BOOTSTRAP, "optional": true}}],
                }},
            },
        })
    }
}

/// Objects as YAML documents.
pub(crate) fn documents(objects: &[Value]) -> Result<String, serde_saphyr::ser::Error> {
    let texts = objects.iter().map(serde_saphyr::to_string);
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join("---\n"))
}

/// Applies objects in a member.
pub(crate) async fn apply(cluster: &ClusterName, member: &Client, objects: &[Value]) -> Result<(), JoinError> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, name, namespace) = (text("/kind"), text("/metadata/name"), text("/metadata/namespace"));
        let (group, version) = text("/apiVersion")
            .rsplit_once('/')
            .unwrap_or(("", text("/apiVersion")));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: text("/apiVersion").to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        let api: Api<DynamicObject> = match namespace {
            "" => Api::all_with(member.clone(), &resource),
            namespace => Api::namespaced_with(member.clone(), namespace, &resource),
        };
        let what = || format!("cluster {cluster}: {kind} {name} cannot be applied in the member");
        api.patch(name, &params, &Patch::Apply(object))
            .await
            .map_err(failed(what()))?;
    }
    Ok(())
}

/// Type and namespace of a token's Secret.
const TOKEN_TYPE: &str = "bootstrap.kubernetes.io/token";
const TOKEN_NAMESPACE: &str = "kube-system";
const TOKEN_GROUPS: &str = "auth-extra-groups";

/// Takes back the tokens of a cluster that nobody has used.
pub(crate) async fn revoke(hub: &Client, cluster: &str) -> Result<(), HubError> {
    let secrets: Api<Secret> = Api::namespaced(hub.clone(), TOKEN_NAMESPACE);
    let what = || format!("cluster {cluster}: its bootstrap tokens cannot be taken back");
    let of_kind = ListParams::default().fields(&format!("type={TOKEN_TYPE}"));
    let group = format!("{BOOTSTRAP_CLUSTER_PREFIX}{cluster}");
    for secret in secrets.list(&of_kind).await.map_err(failed(what()))? {
        let groups = secret.data.as_ref().and_then(|data| data.get(TOKEN_GROUPS));
        let groups = groups
            .and_then(|groups| std::str::from_utf8(&groups.0).ok())
            .unwrap_or_default();
        let (Some(name), true) = (&secret.metadata.name, groups.split(',').any(|one| one == group)) else {
            continue;
        };
        match secrets.delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(failed(what())(error)),
        }
    }
    Ok(())
}

/// Makes a token for a cluster's first certificate, on the hub; earlier ones are good no longer.
pub(crate) async fn token(hub: &Client, cluster: &ClusterName) -> Result<String, HubError> {
    revoke(hub, cluster.as_str()).await?;
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    // Of a version 4 UUID the seventh and the ninth byte are not all random.
    let bytes = random.iter().flat_map(|uuid| {
        let bytes = uuid.as_bytes().iter().enumerate();
        bytes.filter(|(at, _)| !matches!(at, 6 | 8)).map(|(_, byte)| *byte)
    });
    let letters: String = bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let (id, secret) = (&letters[..6], &letters[6..22]);
    let until = Timestamp::now()
        .checked_add(TOKEN_HOURS.hours())
        .unwrap_or(Timestamp::MAX);
    let entries = [
        ("token-id", id.to_owned()),
        ("token-secret", secret.to_owned()),
        ("usage-bootstrap-authentication", "true".to_owned()),
        (
            TOKEN_GROUPS,
            format!("{BOOTSTRAP_GROUP},{BOOTSTRAP_CLUSTER_PREFIX}{cluster}"),
        ),
        ("expiration", until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("description", format!("first certificate of the syncer in {cluster}")),
    ];
    let object = Secret {
        metadata: ObjectMeta {
            name: Some(format!("bootstrap-token-{id}")),
            ..ObjectMeta::default()
        },
        type_: Some(TOKEN_TYPE.to_owned()),
        string_data: Some(entries.map(|(key, value)| (key.to_owned(), value)).into()),
        ..Secret::default()
    };
    let secrets: Api<Secret> = Api::namespaced(hub.clone(), TOKEN_NAMESPACE);
    let made = secrets.create(&PostParams::default(), &object).await;
    made.map_err(failed(format!(
        "cluster {cluster}: a bootstrap token cannot be made on the hub"
    )))?;
    Ok(format!("{id}.{secret}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_is_applied() {
        let made_of = InMember {
            cluster: "edge-1",
            hub: "https://hub.example:7443",
            authority_pem: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            token: "abcdef.0123456789abcdef",
            image: "registry.example/meridian:1",
        };
        let objects = made_of.objects().unwrap();
        let read: Vec<Value> = serde_saphyr::from_multiple(&documents(&objects).unwrap()).unwrap();
        assert_eq!(read, objects);
        let kinds: Vec<&str> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
        assert_eq!(kinds[..2], ["Namespace", "ServiceAccount"]);
        assert_eq!(kinds[kinds.len() - 2..], ["Secret", "Deployment"]);
        // One account, and it is bound.
        let bound = objects
            .iter()
            .find(|object| object["kind"] == "ClusterRoleBinding")
            .unwrap();
        assert_eq!(bound["subjects"][0]["name"], NAME);
        assert_eq!(
            objects.last().unwrap()["spec"]["template"]["spec"]["serviceAccountName"],
            NAME
        );
    }

    #[test]
    fn the_roles_cover_what_is_federated_and_nobody_may_grant() {
        let objects: Vec<Value> = serde_saphyr::from_multiple(ROLES).unwrap();
        let rules: Vec<&Value> = objects
            .iter()
            .filter_map(|object| object["rules"].as_array())
            .flatten()
            .collect();
        let has = |rule: &Value, key: &str, text: &str| {
            rule[key]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == text))
        };
        for kind in &placement::federated_kinds::KINDS {
            let group = kind.api_version.rsplit_once('/').map_or("", |(group, _)| group);
            for verb in ["create", "delete", "get", "list", "patch", "watch"] {
                let may = |rule: &&Value| {
                    has(rule, "apiGroups", group) && has(rule, "resources", kind.plural) && has(rule, "verbs", verb)
                };
                assert!(rules.iter().any(may), "{verb} {}", kind.plural);
            }
        }
        let everything = |rule: &&Value| {
            ["apiGroups", "resources", "verbs"]
                .iter()
                .any(|key| has(rule, key, "*"))
        };
        assert!(!rules.iter().any(everything));
        assert!(
            !rules
                .iter()
                .any(|rule| has(rule, "apiGroups", "rbac.authorization.k8s.io"))
        );
    }
}
