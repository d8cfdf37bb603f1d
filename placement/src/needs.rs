//! What the pods of a workload need beside it: ConfigMaps, Secrets, ServiceAccounts; and the Secrets of an Ingress's hosts. Those of a
//! workload whose policy propagates its dependencies go where it goes.
//! In: an object. Out: kinds and names, in its namespace. Absent: claims, which follow by themselves ([`crate::ties`]); rights of
//! service accounts, which stay on the hub.

use std::collections::BTreeSet;

use serde_json::Value;

/// A kind that pods need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret.
    Secret,
    /// `v1` ServiceAccount.
    ServiceAccount,
}

impl Kind {
    /// The kind's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
        }
    }

    /// The kind of an object, if it is one that pods need.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let all = [Self::ConfigMap, Self::Secret, Self::ServiceAccount];
        let found = all.into_iter().find(|one| one.as_str() == kind)?;
        (api_version == "v1").then_some(found)
    }
}

/// Something that is needed: its kind and its name.
pub type Need = (Kind, String);

/// The pod of a workload.
pub(crate) fn pod_of(object: &Value) -> Option<&Value> {
    let at = match object.get("kind").and_then(Value::as_str)? {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => "/spec/template/spec",
        _ => return None,
    };
    object.pointer(at)
}

/// What an object needs.
#[must_use]
pub fn of(object: &Value) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    if object.get("kind").and_then(Value::as_str) == Some("Ingress") {
        for tls in list(object, "/spec/tls") {
            put(&mut needs, Kind::Secret, tls, "/secretName");
        }
        return needs;
    }
    let Some(pod) = pod_of(object) else { return needs };
    put(&mut needs, Kind::ServiceAccount, pod, "/serviceAccountName");
    for secret in list(pod, "/imagePullSecrets") {
        put(&mut needs, Kind::Secret, secret, "/name");
    }
    for volume in list(pod, "/volumes") {
        put(&mut needs, Kind::ConfigMap, volume, "/configMap/name");
        put(&mut needs, Kind::Secret, volume, "/secret/secretName");
        put(&mut needs, Kind::Secret, volume, "/csi/nodePublishSecretRef/name");
        for source in list(volume, "/projected/sources") {
            put(&mut needs, Kind::ConfigMap, source, "/configMap/name");
            put(&mut needs, Kind::Secret, source, "/secret/name");
        }
    }
    let containers = ["/initContainers", "/containers", "/ephemeralContainers"];
    for container in containers.into_iter().flat_map(|at| list(pod, at)) {
        for from in list(container, "/envFrom") {
            put(&mut needs, Kind::ConfigMap, from, "/configMapRef/name");
            put(&mut needs, Kind::Secret, from, "/secretRef/name");
        }
        for variable in list(container, "/env") {
            put(&mut needs, Kind::ConfigMap, variable, "/valueFrom/configMapKeyRef/name");
            put(&mut needs, Kind::Secret, variable, "/valueFrom/secretKeyRef/name");
        }
    }
    needs
}

fn list<'a>(value: &'a Value, at: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(at).and_then(Value::as_array).into_iter().flatten()
}

fn put(needs: &mut BTreeSet<Need>, kind: Kind, value: &Value, at: &str) {
    let name = value.pointer(at).and_then(Value::as_str);
    needs.extend(name.filter(|name| !name.is_empty()).map(|name| (kind, name.to_owned())));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_a_pod_refers_to() {
        let pod = json!({
            "serviceAccountName": "runner", "imagePullSecrets": [{"name": "registry"}, {}],
            "volumes": [{"name": "a", "configMap": {"name": "conf"}}, {"name": "b", "secret": {"secretName": "key"}},
                {"name": "c", "projected": {"sources": [{"configMap": {"name": "more"}}, {"secret": {"name": "token"}}]}},
                {"name": "d", "emptyDir": {}}],
            "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "senv"}}]}],
            "containers": [{"name": "c", "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}},
                {"name": "Y", "valueFrom": {"configMapKeyRef": {"name": "two", "key": "k"}}}, {"name": "Z", "value": "z"}]}],
        });
        let names = |object: Value| -> Vec<String> {
            let needs = of(&object);
            needs
                .iter()
                .map(|(kind, name)| format!("{}/{name}", kind.as_str()))
                .collect()
        };
        let expected = [
            "ConfigMap/conf",
            "ConfigMap/env",
            "ConfigMap/more",
            "ConfigMap/two",
            "Secret/key",
            "Secret/one",
            "Secret/registry",
            "Secret/senv",
            "Secret/token",
            "ServiceAccount/runner",
        ];
        for object in [
            json!({"kind": "Deployment", "spec": {"template": {"spec": pod}}}),
            json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
            json!({"kind": "Pod", "spec": pod}),
        ] {
            assert_eq!(names(object), expected);
        }
        let ingress = json!({"kind": "Ingress", "spec": {"tls": [{"hosts": ["a"], "secretName": "cert"}]}});
        assert_eq!(names(ingress), ["Secret/cert"]);
        assert!(names(json!({"kind": "ConfigMap", "data": {}})).is_empty());
    }
}
