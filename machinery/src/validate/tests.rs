//! Table tests of the rules: an object, and the fields and reasons that must be told.

use serde_json::{Value, json};

use super::{create, update, update_status};
use crate::decode::prune_unknown;
use crate::status::{Cause, CauseReason as R};
use crate::{default, schema};

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "shop"})
}

fn made(api_version: &str, kind: &str, mut object: Value) -> Value {
    prune_unknown(schema::of(api_version, kind).unwrap(), &mut object);
    default::apply(api_version, kind, &mut object);
    object
}

fn told(causes: &[Cause]) -> Vec<(&str, R)> {
    causes.iter().map(|c| (c.field.as_str(), c.reason)).collect()
}

fn deployment(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({"metadata": meta("web"), "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}}});
    change(&mut object);
    object
}

fn service(spec: Value) -> Value {
    json!({"metadata": meta("web"), "spec": spec})
}

fn set(pointer: &str, key: &str, value: Value) -> impl FnOnce(&mut Value) {
    let pointer = pointer.to_owned();
    let key = key.to_owned();
    move |object| {
        object
            .pointer_mut(&pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert(key, value);
    }
}

#[test]
fn creations() {
    const CONTAINER: &str = "/spec/template/spec/containers/0";
    let rows: Vec<(&str, &str, Value, Vec<(&str, R)>)> = vec![
        (
            "v1",
            "ConfigMap",
            json!({"metadata": meta("a.b"), "data": {"a": "1"}}),
            vec![],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"namespace": "shop"}}),
            vec![("metadata.name", R::FieldValueRequired)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "A_b", "namespace": "shop"}}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "a"}}),
            vec![("metadata.namespace", R::FieldValueRequired)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "a", "namespace": "shop", "labels": {"a b": "c d"}}}),
            vec![
                ("metadata.labels", R::FieldValueInvalid),
                ("metadata.labels", R::FieldValueInvalid),
            ],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "a", "namespace": "shop", "annotations": {"a": "x".repeat(300_000)}}}),
            vec![("metadata.annotations", R::FieldValueTooLong)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "a", "namespace": "shop", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]}}),
            vec![("metadata.ownerReferences[0].uid", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": meta("a"), "data": {"a b": "1", "k": "1"}, "binaryData": {"k": "YQ=="}}),
            vec![("data[a b]", R::FieldValueInvalid), ("data[k]", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": meta("a"), "data": {"a": "x".repeat(1_048_577)}}),
            vec![("[]", R::FieldValueTooLong)],
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": meta("a"), "type": "kubernetes.io/tls", "data": {"tls.crt": ""}}),
            vec![("data[tls.key]", R::FieldValueRequired)],
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": meta("a"), "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "eA=="}}),
            vec![("data[.dockerconfigjson]", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": meta("a"), "type": "example.com/any"}),
            vec![],
        ),
        (
            "v1",
            "Namespace",
            json!({"metadata": {"name": "a.b"}}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Namespace",
            json!({"metadata": {"name": "a", "namespace": "b"}}),
            vec![("metadata.namespace", R::FieldValueForbidden)],
        ),
        ("v1", "ServiceAccount", json!({"metadata": meta("a")}), vec![]),
        ("v1", "Service", service(json!({"ports": [{"port": 80}]})), vec![]),
        (
            "v1",
            "Service",
            service(json!({})),
            vec![("spec.ports", R::FieldValueRequired)],
        ),
        ("v1", "Service", service(json!({"clusterIP": "None"})), vec![]),
        (
            "v1",
            "Service",
            service(json!({"ports": [{"port": 0}]})),
            vec![
                ("spec.ports[0].port", R::FieldValueInvalid),
                ("spec.ports[0].targetPort", R::FieldValueInvalid),
            ],
        ),
        (
            "v1",
            "Service",
            service(json!({"ports": [{"port": 80}, {"port": 80}]})),
            vec![
                ("spec.ports[0].name", R::FieldValueRequired),
                ("spec.ports[1].name", R::FieldValueRequired),
                ("spec.ports[1]", R::FieldValueDuplicate),
            ],
        ),
        (
            "v1",
            "Service",
            service(json!({"type": "Magic", "ports": [{"port": 80}]})),
            vec![("spec.type", R::FieldValueNotSupported)],
        ),
        (
            "v1",
            "Service",
            service(
                json!({"ports": [{"port": 80, "nodePort": 30000, "protocol": "ICMP"}], "externalTrafficPolicy": "Local"}),
            ),
            vec![
                ("spec.ports[0].protocol", R::FieldValueNotSupported),
                ("spec.ports[0].nodePort", R::FieldValueForbidden),
                ("spec.externalTrafficPolicy", R::FieldValueInvalid),
            ],
        ),
        (
            "v1",
            "Service",
            service(json!({"type": "ExternalName"})),
            vec![("spec.externalName", R::FieldValueRequired)],
        ),
        (
            "v1",
            "Service",
            service(json!({"type": "LoadBalancer", "clusterIP": "None", "ports": [{"port": 80}]})),
            vec![("spec.clusterIPs[0]", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Service",
            service(json!({"clusterIP": "10.0.0.300", "ports": [{"port": 80, "targetPort": "UPPER"}]})),
            vec![
                ("spec.ports[0].targetPort", R::FieldValueInvalid),
                ("spec.ports[0].targetPort", R::FieldValueInvalid),
                ("spec.clusterIPs[0]", R::FieldValueInvalid),
            ],
        ),
        ("apps/v1", "Deployment", deployment(|_| {}), vec![]),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec", "replicas", json!(-1))),
            vec![("spec.replicas", R::FieldValueInvalid)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec", "selector", Value::Null)),
            vec![("spec.selector", R::FieldValueRequired)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec", "selector", json!({}))),
            vec![("spec.selector", R::FieldValueInvalid)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec/selector", "matchLabels", json!({"app": "other"}))),
            vec![("spec.template.metadata.labels", R::FieldValueInvalid)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec/template/spec", "containers", json!([]))),
            vec![("spec.template.spec.containers", R::FieldValueRequired)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(CONTAINER, "image", json!(""))),
            vec![("spec.template.spec.containers[0].image", R::FieldValueRequired)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                CONTAINER,
                "ports",
                json!([{"containerPort": 70000, "name": "http"}, {"containerPort": 80, "name": "http"}]),
            )),
            vec![
                (
                    "spec.template.spec.containers[0].ports[0].containerPort",
                    R::FieldValueInvalid,
                ),
                ("spec.template.spec.containers[0].ports[1].name", R::FieldValueDuplicate),
            ],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                CONTAINER,
                "volumeMounts",
                json!([{"name": "v", "mountPath": "/a"}]),
            )),
            vec![(
                "spec.template.spec.containers[0].volumeMounts[0].name",
                R::FieldValueNotFound,
            )],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                CONTAINER,
                "env",
                json!([{"name": "A=B"}, {"name": "C", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
            )),
            vec![
                ("spec.template.spec.containers[0].env[0].name", R::FieldValueInvalid),
                (
                    "spec.template.spec.containers[0].env[1].valueFrom",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(CONTAINER, "livenessProbe", json!({"periodSeconds": -1}))),
            vec![
                ("spec.template.spec.containers[0].livenessProbe", R::FieldValueRequired),
                (
                    "spec.template.spec.containers[0].livenessProbe.periodSeconds",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                CONTAINER,
                "resources",
                json!({"limits": {"cpu": "1", "gold": "1"}, "requests": {"cpu": "2"}}),
            )),
            vec![
                (
                    "spec.template.spec.containers[0].resources.limits[gold]",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.template.spec.containers[0].resources.limits[gold]",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.template.spec.containers[0].resources.requests",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec/template/spec", "restartPolicy", json!("Never"))),
            vec![("spec.template.spec.restartPolicy", R::FieldValueNotSupported)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                "/spec",
                "strategy",
                json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
            )),
            vec![("spec.strategy.rollingUpdate.maxUnavailable", R::FieldValueInvalid)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec", "strategy", json!({"type": "Slow"}))),
            vec![("spec.strategy", R::FieldValueNotSupported)],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set(
                "/spec/template/spec",
                "volumes",
                json!([{"name": "v", "configMap": {}}, {"name": "w", "emptyDir": {}, "secret": {"secretName": "s"}}]),
            )),
            vec![
                ("spec.template.spec.volumes[0].configMap.name", R::FieldValueRequired),
                ("spec.template.spec.volumes[1].secret", R::FieldValueForbidden),
            ],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(set("/spec/template/spec", "tolerations", json!([{"effect": "Nope"}]))),
            vec![
                ("spec.template.spec.tolerations[0].operator", R::FieldValueInvalid),
                ("spec.template.spec.tolerations[0].effect", R::FieldValueNotSupported),
            ],
        ),
        (
            "coordination.k8s.io/v1",
            "Lease",
            json!({"metadata": meta("l"), "spec": {"leaseDurationSeconds": 0}}),
            vec![("spec.leaseDurationSeconds", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Event",
            json!({"metadata": meta("e"), "involvedObject": {"namespace": "other"}}),
            vec![("involvedObject.namespace", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Event",
            json!({"metadata": meta("e"), "involvedObject": {"namespace": "shop"}}),
            vec![],
        ),
        (
            "discovery.k8s.io/v1",
            "EndpointSlice",
            json!({"metadata": meta("s"), "addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}, {"addresses": ["::2"]}]}),
            vec![
                ("endpoints[0].addresses[0]", R::FieldValueInvalid),
                ("endpoints[1].addresses[0]", R::FieldValueInvalid),
            ],
        ),
        (
            "v1",
            "Endpoints",
            json!({"metadata": meta("s"), "subsets": [{"ports": [{"port": 1}]}]}),
            vec![("subsets[0]", R::FieldValueRequired)],
        ),
    ];
    for (api_version, kind, object, expected) in rows {
        let object = made(api_version, kind, object);
        let causes = create(api_version, kind, &object);
        assert_eq!(told(&causes), expected, "{kind} {object}: {causes:?}");
    }
}

#[test]
fn our_kinds() {
    const API: &str = "federation.meridian.dev/v1alpha1";
    let cluster = |spec: Value| json!({"metadata": {"name": "eu-1"}, "spec": spec});
    let policy = |spec: Value| json!({"metadata": meta("p"), "spec": spec});
    let web = json!([{"apiVersion": "apps/v1", "kind": "Deployment"}]);
    let rows: Vec<(&str, Value, Vec<(&str, R)>)> = vec![
        (
            "Cluster",
            cluster(json!({"apiEndpoint": "https://127.0.0.1:6443", "region": "eu-west", "zones": ["eu-west-1a"]})),
            vec![],
        ),
        (
            "Cluster",
            json!({"metadata": {"name": "eu.1"}}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "Cluster",
            cluster(json!({"apiEndpoint": "ftp://x", "region": "EU", "zones": ["a", "a"], "syncMode": "Sideways"})),
            vec![
                ("spec.syncMode", R::FieldValueNotSupported),
                ("spec.apiEndpoint", R::FieldValueInvalid),
                ("spec.region", R::FieldValueInvalid),
                ("spec.zones[1]", R::FieldValueDuplicate),
            ],
        ),
        (
            "Cluster",
            cluster(json!({"taints": [{"key": "a", "effect": "Explode"}], "dns": {"addresses": ["x"]}})),
            vec![
                ("spec.taints[0].effect", R::FieldValueNotSupported),
                ("spec.taints[0].effect", R::FieldValueNotSupported),
                ("spec.dns.addresses[0]", R::FieldValueInvalid),
            ],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": web, "placement": {"clusterAffinity": {"clusterNames": ["eu-1"]}}})),
            vec![],
        ),
        (
            "PropagationPolicy",
            policy(json!({})),
            vec![("spec.resourceSelectors", R::FieldValueRequired)],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": [{"kind": "Deployment", "namespace": "other"}]})),
            vec![
                ("spec.resourceSelectors[0].apiVersion", R::FieldValueRequired),
                ("spec.resourceSelectors[0].namespace", R::FieldValueInvalid),
            ],
        ),
        (
            "PropagationPolicy",
            policy(
                json!({"resourceSelectors": web, "placement": {"replicaScheduling": {"replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted", "weightPreference": {"staticWeightList": [{"targetCluster": {"clusterNames": ["A"]}, "weight": 0}]}}}}),
            ),
            vec![
                (
                    "spec.placement.replicaScheduling.weightPreference.staticWeightList[0].targetCluster.clusterNames[0]",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.placement.replicaScheduling.weightPreference.staticWeightList[0].weight",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "ClusterPropagationPolicy",
            json!({"metadata": {"name": "p"}, "spec": {"resourceSelectors": web, "placement": {"clusterAffinity": {
            "fieldSelector": {"matchExpressions": [{"key": "planet", "operator": "In", "values": ["mars"]}]}}}}}),
            vec![(
                "spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].key",
                R::FieldValueNotSupported,
            )],
        ),
        (
            "Region",
            json!({"metadata": {"name": "eu-west"}, "spec": {"latitude": 53.3, "longitude": -6.2, "cidrs": ["10.0.0.0/8"], "fallbacks": ["us-east"]}}),
            vec![],
        ),
        (
            "Region",
            json!({"metadata": {"name": "eu-west"}, "spec": {"latitude": 91, "cidrs": ["10.0.0.0/40"], "countries": ["de"], "continents": ["XX"], "fallbacks": ["eu-west"]}}),
            vec![
                ("spec.latitude", R::FieldValueInvalid),
                ("spec.longitude", R::FieldValueRequired),
                ("spec.cidrs[0]", R::FieldValueInvalid),
                ("spec.countries[0]", R::FieldValueInvalid),
                ("spec.continents[0]", R::FieldValueNotSupported),
                ("spec.fallbacks[0]", R::FieldValueInvalid),
            ],
        ),
        ("DNSPolicy", policy(json!({"ttl": 30, "steering": "Geo"})), vec![]),
        (
            "DNSPolicy",
            policy(
                json!({"ttl": 0, "steering": "Failover", "maxAnswers": 0, "weights": {"eu-1": 0}, "probe": {"port": 0}}),
            ),
            vec![
                ("spec.weights", R::FieldValueInvalid),
                ("spec.order", R::FieldValueRequired),
                ("spec.ttl", R::FieldValueInvalid),
                ("spec.maxAnswers", R::FieldValueInvalid),
                ("spec.probe.port", R::FieldValueInvalid),
            ],
        ),
        (
            "OverridePolicy",
            policy(json!({"overrideRules": [{"overriders": {"plaintext": [{"path": "spec", "operator": "add"}]}}]})),
            vec![
                (
                    "spec.overrideRules[0].overriders.plaintext[0].path",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.overrideRules[0].overriders.plaintext[0].value",
                    R::FieldValueRequired,
                ),
            ],
        ),
        (
            "Placement",
            policy(
                json!({"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}, "resourceGeneration": 1,
            "clusters": [{"name": "eu-1", "replicas": 3}], "reason": "r"}),
            ),
            vec![],
        ),
        (
            "Placement",
            policy(
                json!({"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": ""},
            "clusters": [{"name": "eu-1", "replicas": -3}, {"name": "eu-1"}]}),
            ),
            vec![
                ("spec.resource.name", R::FieldValueRequired),
                ("spec.clusters[0].replicas", R::FieldValueInvalid),
                ("spec.clusters[1].name", R::FieldValueDuplicate),
            ],
        ),
        ("Report", policy(json!({"anything": 1})), vec![]),
    ];
    for (kind, object, expected) in rows {
        let object = made(API, kind, object);
        let causes = create(API, kind, &object);
        assert_eq!(told(&causes), expected, "{kind} {object}: {causes:?}");
    }
}

#[test]
fn changes() {
    let frozen = json!({"metadata": meta("a"), "immutable": true, "data": {"a": "1"}});
    let balanced = service(
        json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80}]}),
    );
    let dying = json!({"metadata": {"name": "a", "namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]}});
    let rows: Vec<(&str, &str, Value, Value, Vec<(&str, R)>)> = vec![
        (
            "apps/v1",
            "Deployment",
            deployment(|_| {}),
            deployment(set("/spec", "replicas", json!(5))),
            vec![],
        ),
        (
            "apps/v1",
            "Deployment",
            deployment(|_| {}),
            deployment(|d| {
                set("/spec/selector", "matchLabels", json!({"app": "two"}))(d);
                set("/spec/template/metadata", "labels", json!({"app": "two"}))(d);
            }),
            vec![("spec.selector", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            frozen.clone(),
            json!({"metadata": meta("a"), "data": {"a": "2"}}),
            vec![("immutable", R::FieldValueForbidden), ("data", R::FieldValueForbidden)],
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": meta("a"), "type": "Opaque"}),
            json!({"metadata": meta("a"), "type": "other"}),
            vec![("type", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": meta("a")}),
            json!({"metadata": meta("b")}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "ConfigMap",
            dying.clone(),
            json!({"metadata": {"name": "a", "namespace": "shop", "finalizers": ["a.b/c", "d.e/f"]}}),
            vec![("metadata.finalizers", R::FieldValueForbidden)],
        ),
        (
            "v1",
            "Service",
            balanced.clone(),
            service(json!({"type": "LoadBalancer", "clusterIP": "10.0.0.2", "ports": [{"port": 80}]})),
            vec![("spec.clusterIPs[0]", R::FieldValueInvalid)],
        ),
        (
            "v1",
            "Service",
            balanced.clone(),
            service(json!({"ports": [{"port": 81}]})),
            vec![],
        ),
        (
            "v1",
            "Service",
            balanced,
            service(json!({"type": "ExternalName", "externalName": "a.example"})),
            vec![],
        ),
    ];
    for (api_version, kind, old, new, expected) in rows {
        let (old, new) = (made(api_version, kind, old), made(api_version, kind, new));
        let causes = update(api_version, kind, &new, &old);
        assert_eq!(told(&causes), expected, "{kind} {new}: {causes:?}");
    }
}

#[test]
fn statuses() {
    let with = |status: Value| {
        let mut object = deployment(|_| {});
        object.as_object_mut().unwrap().insert("status".to_owned(), status);
        made("apps/v1", "Deployment", object)
    };
    let causes = update_status(
        "apps/v1",
        "Deployment",
        &with(json!({"replicas": 1, "readyReplicas": 2})),
        &with(json!({})),
    );
    assert_eq!(told(&causes), [("status.readyReplicas", R::FieldValueInvalid)]);
    let mut plain = service(json!({"ports": [{"port": 80}]}));
    set("", "status", json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}))(&mut plain);
    let plain = made("v1", "Service", plain);
    assert_eq!(
        told(&update_status("v1", "Service", &plain, &plain)),
        [("status.loadBalancer.ingress", R::FieldValueForbidden)]
    );
}

proptest::proptest! {
    #[test]
    fn no_object_makes_a_rule_panic(text in "[\\[\\]{}\",:a-c0-9]{0,40}", kind in 0..8_usize) {
        let (api_version, kind) = [("v1", "Service"), ("v1", "Secret"), ("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Event"),
            ("federation.meridian.dev/v1alpha1", "Cluster"), ("federation.meridian.dev/v1alpha1", "Region"), ("discovery.k8s.io/v1", "EndpointSlice")][kind];
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let object = json!({"metadata": value, "spec": value, "status": value, "data": value, "ports": value});
        let _ = create(api_version, kind, &object);
        let _ = update(api_version, kind, &object, &value);
        let _ = update_status(api_version, kind, &object, &object);
    }
}
