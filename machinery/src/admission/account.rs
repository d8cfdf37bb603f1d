//! Service accounts of pods: the default one, its pull secrets, and its token in every container.
//!
//! In: a new pod, its account, letters for a name. Out: the pod completed.

use serde_json::{Map, Value, json};

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
/// An hour, and a few seconds more so that nobody takes it for a round number.
const TOKEN_SECONDS: u32 = 3607;
const MIRROR: &str = "kubernetes.io/config.mirror";
const DEFAULT: &str = "default";

/// Whether a pod only mirrors one that a node runs by itself; it is nobody's to complete.
#[must_use]
pub fn is_mirror(pod: &Value) -> bool {
    pod.pointer("/metadata/annotations")
        .is_some_and(|all| all.get(MIRROR).is_some())
}

/// The name of a pod's account; the default one is written into it where it names none.
pub fn name_of(pod: &mut Value) -> String {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else {
        return DEFAULT.to_owned();
    };
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = [text("serviceAccountName"), text("serviceAccount")]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned());
    for key in ["serviceAccountName", "serviceAccount"] {
        spec.insert(key.to_owned(), Value::from(name.as_str()));
    }
    name
}

/// Completes a pod by its account; `letters` make the name of the token's volume.
pub fn complete(pod: &mut Value, account: &Value, letters: &str) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let pulls = account.get("imagePullSecrets").and_then(Value::as_array);
    if let Some(pulls) = pulls.filter(|pulls| !pulls.is_empty()) {
        let own = spec.entry("imagePullSecrets").or_insert_with(|| json!([]));
        if own.as_array().is_none_or(Vec::is_empty) {
            *own = Value::Array(pulls.clone());
        }
    }
    let says = |value: Option<&Value>| value.and_then(Value::as_bool);
    let wanted = says(spec.get("automountServiceAccountToken"))
        .or_else(|| says(account.get("automountServiceAccountToken")))
        .unwrap_or(true);
    if wanted {
        mount(spec, letters);
    }
}

fn mount(spec: &mut Map<String, Value>, letters: &str) {
    let volumes = spec.get("volumes").and_then(Value::as_array);
    let present = volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.get("name").and_then(Value::as_str))
        .find(|name| name.starts_with(VOLUME_PREFIX))
        .map(str::to_owned);
    let is_new = present.is_none();
    let name = present.unwrap_or_else(|| format!("{VOLUME_PREFIX}{letters}"));
    let mut mounted = false;
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
            let Some(mounts) = mounts.as_array_mut() else { continue };
            let taken = |mount: &Value| mount.get("mountPath").and_then(Value::as_str) == Some(MOUNT_PATH);
            if !mounts.iter().any(taken) {
                mounts.push(json!({"name": name, "readOnly": true, "mountPath": MOUNT_PATH}));
                mounted = true;
            }
        }
    }
    if !(mounted && is_new) {
        return;
    }
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.push(json!({"name": name, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ]}}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_gets_its_token_once() {
        let mut pod = json!({"spec": {"containers": [{"name": "c"}]}});
        assert_eq!(name_of(&mut pod), "default");
        complete(&mut pod, &json!({"imagePullSecrets": [{"name": "x"}]}), "2bxfv");
        assert_eq!(pod["spec"]["serviceAccount"], "default");
        assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "x"}]));
        assert_eq!(pod["spec"]["volumes"][0]["name"], "kube-api-access-2bxfv");
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].clone();
        assert_eq!(
            mounts,
            json!([{"name": "kube-api-access-2bxfv", "readOnly": true, "mountPath": MOUNT_PATH}])
        );
        let before = pod.clone();
        complete(&mut pod, &json!({}), "other");
        assert_eq!(pod, before, "done twice changes nothing");
        let mut silent = json!({"spec": {"automountServiceAccountToken": false, "containers": [{"name": "c"}]}});
        complete(&mut silent, &json!({"automountServiceAccountToken": true}), "x");
        assert!(
            silent["spec"].get("volumes").is_none(),
            "the pod's word counts more than its account's"
        );
    }
}
