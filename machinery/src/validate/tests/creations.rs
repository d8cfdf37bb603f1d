//! Objects of the kinds that Kubernetes builds in.

use serde_json::{Value, json};

use super::super::create;
use super::{Row, deployment, made, meta, service, set, told};
use crate::status::CauseReason as R;

#[test]
fn creations() {
    const CONTAINER: &str = "/spec/template/spec/containers/0";
    let rows: Vec<Row> = vec![
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
            vec![("metadata.ownerReferences.uid", R::FieldValueInvalid)],
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
            vec![
                ("spec.selector", R::FieldValueRequired),
                ("spec.template.metadata.labels", R::FieldValueInvalid),
            ],
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
                ("endpoints[1].addresses", R::FieldValueInvalid),
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
