//! What a kind means where it says nothing: defaults, as kube-apiserver 1.36 applies them.
//!
//! In: a pruned value of a kind. Out: the same value with every default written out; doing it twice changes nothing. What
//! the schema tells (nested structs that are always there, declared defaults) is read from it; the rest stands in one
//! file a family of kinds. Allocation of cluster IPs and node ports, uids and times belong to the server.

mod admission;
mod declared;
mod definition;
mod event;
mod limit;
mod network;
mod place;
mod pod;
mod rbac;
mod scaling;
mod storage;
mod workload;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::schema;

/// API version of what decides on admission.
const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// Writes the defaults of a kind into its object. Kinds without defaults are left alone.
pub fn apply(api_version: &str, kind: &str, value: &mut Value) {
    if let Some(schema) = schema::builtin::schema(api_version, kind) {
        declared::apply(schema, value);
    }
    let Some(object) = value.as_object_mut() else { return };
    match (api_version, kind) {
        ("v1", "Namespace") => namespace(object),
        ("v1", "Secret") => place::text(object, "type", "Opaque"),
        ("v1", "Service") => network::service(object),
        ("v1", "Endpoints") => network::endpoints(object),
        ("discovery.k8s.io/v1", "EndpointSlice") => network::endpoint_slice(object),
        ("v1", "Event") => event::core(object),
        ("v1", "Pod") => pod::pod(object),
        ("v1", "PodTemplate") => place::within(object, "template", pod::template),
        ("v1", "Node") => node(object),
        ("v1", "PersistentVolumeClaim") => storage::own_claim(object),
        ("v1", "PersistentVolume") => storage::volume(object),
        ("apps/v1", "Deployment") => workload::deployment(object),
        ("apps/v1", "ReplicaSet") => workload::replica_set(object),
        ("apps/v1", "StatefulSet") => workload::stateful_set(object),
        ("apps/v1", "DaemonSet") => workload::daemon_set(object),
        ("batch/v1", "Job") => workload::job(object),
        ("batch/v1", "CronJob") => workload::cron_job(object),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => definition::definition(object),
        ("v1", "LimitRange") => limit::limit_range(object),
        ("v1", "ResourceQuota") => limit::resource_quota(object),
        ("networking.k8s.io/v1", "Ingress") => network::ingress(object),
        ("networking.k8s.io/v1", "IngressClass") => network::ingress_class(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => network::network_policy(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => scaling::autoscaler(object),
        ("policy/v1", "PodDisruptionBudget") => scaling::disruption_budget(object),
        ("scheduling.k8s.io/v1", "PriorityClass") => {
            place::absent(object, "preemptionPolicy", "PreemptLowerPriority");
            place::absent(object, "value", 0);
            if object.get("globalDefault") == Some(&Value::Bool(false)) {
                object.remove("globalDefault");
            }
        }
        ("storage.k8s.io/v1", "StorageClass") => storage::class(object),
        (ADMISSION, "ValidatingWebhookConfiguration") => admission::webhooks(object, false),
        (ADMISSION, "MutatingWebhookConfiguration") => admission::webhooks(object, true),
        (ADMISSION, "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => admission::policy(object),
        (ADMISSION, "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding") => {
            admission::binding(object);
        }
        ("rbac.authorization.k8s.io/v1", "Role" | "ClusterRole") => rbac::role(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => rbac::binding(object),
        (api::well_known::API_VERSION, "Cluster") => {
            place::within(object, "spec", |spec| place::text(spec, "syncMode", "Push"))
        }
        // Kinds are data here: any text may come, and most kinds have no defaults.
        _ => {}
    }
}

/// Folds `stringData` of a Secret into `data`, where it wins over a key of the same name, and removes it.
pub fn fold_string_data(value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let texts = match object.remove("stringData") {
        Some(Value::Object(texts)) if !texts.is_empty() => texts,
        _ => return,
    };
    place::within(object, "data", |data| {
        for (key, text) in texts {
            data.insert(key, Value::from(STANDARD.encode(text.as_str().unwrap_or_default())));
        }
    });
}

fn namespace(object: &mut Map<String, Value>) {
    let name = object
        .get("metadata")
        .and_then(|m| m.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !name.is_empty() {
        place::within(object, "metadata", |metadata| {
            place::within(metadata, "labels", |labels| {
                labels.insert("kubernetes.io/metadata.name".to_owned(), Value::from(name));
            });
        });
    }
    place::within(object, "status", |status| place::text(status, "phase", "Active"));
}

fn node(object: &mut Map<String, Value>) {
    place::within(object, "status", |status| {
        if let Some(capacity) = status.get("capacity").cloned() {
            place::absent(status, "allocatable", capacity);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn defaulted(api_version: &str, kind: &str, mut value: Value) -> Value {
        apply(api_version, kind, &mut value);
        value
    }

    #[test]
    fn a_plain_deployment() {
        let value = defaulted(
            "apps/v1",
            "Deployment",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                    "containers": [{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}],
                        "readinessProbe": {"httpGet": {"port": 80}},
                        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}],
                    "volumes": [{"name": "c", "configMap": {"name": "c"}}, {"name": "e"}]}}}}),
        );
        assert_eq!(
            value,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {}, "spec": {
                "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                    "securityContext": {}, "schedulerName": "default-scheduler",
                    "containers": [{"name": "web", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent",
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {},
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "readinessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1,
                            "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}}]}],
                    "volumes": [{"name": "c", "configMap": {"name": "c", "defaultMode": 420}}, {"name": "e", "emptyDir": {}}]}}}})
        );
    }

    #[test]
    fn pull_policy_follows_the_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("host:5000/nginx", "Always"),
            ("host:5000/a/nginx:2", "IfNotPresent"),
            (
                "nginx@sha256:0123456789012345678901234567890123456789012345678901234567890123",
                "IfNotPresent",
            ),
            ("", "IfNotPresent"),
            ("NGINX", "IfNotPresent"),
        ] {
            let pod = defaulted(
                "v1",
                "Pod",
                json!({"spec": {"containers": [{"name": "a", "image": image}]}}),
            );
            assert_eq!(
                pod.pointer("/spec/containers/0/imagePullPolicy").unwrap(),
                policy,
                "{image}"
            );
        }
    }

    #[test]
    fn services_by_type() {
        let plain = defaulted(
            "v1",
            "Service",
            json!({"spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}]}}),
        );
        assert_eq!(
            plain,
            json!({"metadata": {}, "status": {"loadBalancer": {}}, "spec": {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}]}})
        );
        let balanced = defaulted(
            "v1",
            "Service",
            json!({"spec": {"type": "LoadBalancer", "sessionAffinity": "ClientIP", "ports": [{"port": 80}]}}),
        );
        let spec = balanced.get("spec").unwrap();
        assert_eq!(spec.get("allocateLoadBalancerNodePorts").unwrap(), &json!(true));
        assert_eq!(spec.get("externalTrafficPolicy").unwrap(), "Cluster");
        assert_eq!(
            spec.pointer("/sessionAffinityConfig/clientIP/timeoutSeconds").unwrap(),
            &json!(10800)
        );
        let external = defaulted(
            "v1",
            "Service",
            json!({"spec": {"type": "ExternalName", "externalName": "a.example"}}),
        );
        assert_eq!(
            external.get("spec").unwrap(),
            &json!({"type": "ExternalName", "externalName": "a.example", "sessionAffinity": "None"})
        );
    }

    #[test]
    fn others() {
        let namespace = defaulted("v1", "Namespace", json!({"metadata": {"name": "a"}}));
        assert_eq!(
            namespace
                .pointer("/metadata/labels/kubernetes.io~1metadata.name")
                .unwrap(),
            "a"
        );
        assert_eq!(namespace.pointer("/status/phase").unwrap(), "Active");
        assert_eq!(defaulted("v1", "Secret", json!({})).get("type").unwrap(), "Opaque");
        let slice = defaulted("discovery.k8s.io/v1", "EndpointSlice", json!({"ports": [{"port": 80}]}));
        assert_eq!(
            slice.get("ports").unwrap(),
            &json!([{"name": "", "port": 80, "protocol": "TCP"}])
        );
        assert_eq!(defaulted("v1", "Nope", json!({"a": 1})), json!({"a": 1}));
        assert_eq!(defaulted("v1", "Pod", json!("text")), json!("text"));
    }

    #[test]
    fn string_data_is_folded() {
        let mut secret = json!({"data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "new"}});
        fold_string_data(&mut secret);
        assert_eq!(secret, json!({"data": {"a": "bmV3", "b": "Yg=="}}));
        let mut empty = json!({"stringData": {}});
        fold_string_data(&mut empty);
        assert_eq!(empty, json!({}));
    }

    /// Any JSON, sprinkled with the names that defaulting looks for.
    fn wild() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "(|LoadBalancer|ClientIP|RollingUpdate|OnDelete|nginx:latest|a)".prop_map(Value::from),
        ];
        let key = "(spec|template|metadata|containers|ports|type|image|volumes|strategy|rollingUpdate|name|sessionAffinity|status|\
                   env|valueFrom|fieldRef|livenessProbe|httpGet|secret|resources|limits|replicas|subsets|jobTemplate)";
        leaf.prop_recursive(8, 64, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map(key, inner, 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn defaulting_twice_is_defaulting_once(value in wild(), pick in 0..22_usize) {
            let (api_version, kind) = [
                ("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("v1", "Pod"), ("v1", "Service"), ("v1", "Namespace"),
                ("v1", "Secret"), ("v1", "Event"), ("v1", "Endpoints"), ("discovery.k8s.io/v1", "EndpointSlice"),
                ("apps/v1", "StatefulSet"), ("batch/v1", "CronJob"), ("v1", "Node"),
                ("apps/v1", "DaemonSet"), ("batch/v1", "Job"), ("v1", "PersistentVolumeClaim"), ("v1", "PersistentVolume"),
                ("v1", "LimitRange"), ("networking.k8s.io/v1", "Ingress"), ("networking.k8s.io/v1", "NetworkPolicy"),
                ("autoscaling/v2", "HorizontalPodAutoscaler"), ("policy/v1", "PodDisruptionBudget"), ("scheduling.k8s.io/v1", "PriorityClass"),
            ][pick];
            let once = defaulted(api_version, kind, value);
            let twice = defaulted(api_version, kind, once.clone());
            prop_assert_eq!(once, twice);
        }
    }
}
