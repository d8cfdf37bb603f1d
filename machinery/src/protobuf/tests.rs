//! Real bodies, round trips, and bytes that nobody should send.

use proptest::prelude::*;
use serde_json::json;

use super::*;

macro_rules! captures {
    ($($name:literal),* $(,)?) => {
        [$(($name,
            &include_bytes!(concat!("../../data/protobuf-captures/", $name, ".pb"))[..],
            include_str!(concat!("../../data/protobuf-captures/", $name, ".json")))),*]
    };
}

/// Removes nulls, which say nothing.
fn squeeze(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(squeeze);
        fields.retain(|_, field| !field.is_null());
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(squeeze);
    }
}

#[test]
fn kubectls_bodies_decode_to_its_json() {
    for (name, body, text) in captures![
        "clusterrolebinding",
        "configmap",
        "cronjob",
        "deployment",
        "deployment-zero",
        "ingress",
        "job",
        "namespace",
        "pdb",
        "priorityclass",
        "quota",
        "rolebinding",
        "secret",
        "secret-docker",
        "service-clusterip",
        "service-externalname",
        "service-headless",
        "service-loadbalancer",
        "service-nodeport",
        "serviceaccount",
    ] {
        let mut want: Value = serde_json::from_str(text).unwrap();
        let mut got = decode(body).unwrap();
        squeeze(&mut want);
        squeeze(&mut got);
        assert_eq!(got, want, "{name}");
        let again = decode(&encode(&got).unwrap()).unwrap();
        assert_eq!(again, got, "{name}");
    }
}

#[test]
fn definitions_decode_and_encode() {
    let body = include_bytes!("../../data/protobuf-captures/definition.pb");
    let want: Value = serde_json::from_str(include_str!("../../data/protobuf-captures/definition.json")).unwrap();
    let got = decode(body).unwrap();
    assert_eq!(got, want);
    assert_eq!(decode(&encode(&got).unwrap()).unwrap(), want);
}

#[test]
fn reviews_and_token_requests_decode() {
    let body = include_bytes!("../../data/protobuf-captures/can-i.pb");
    let review = decode(body).unwrap();
    assert_eq!(review["kind"], "SelfSubjectAccessReview");
    assert_eq!(
        review["spec"]["resourceAttributes"],
        json!({"namespace": "shop", "resource": "pods", "verb": "get"})
    );
    let whoami = decode(include_bytes!("../../data/protobuf-captures/whoami.pb")).unwrap();
    assert_eq!(
        (&whoami["apiVersion"], &whoami["kind"]),
        (&json!("authentication.k8s.io/v1"), &json!("SelfSubjectReview"))
    );
    let token = decode(include_bytes!("../../data/protobuf-captures/token.pb")).unwrap();
    assert_eq!(token["spec"]["expirationSeconds"], 600);
}

/// One object of each kind that the hub serves, with every special form somewhere.
fn samples() -> Vec<Value> {
    let meta = json!({"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "7", "generation": 2,
        "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"app": "web", "empty": ""},
        "annotations": {"a/b": "c"}, "finalizers": ["x/y"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u-2", "controller": false}],
        "managedFields": [{"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:a": {}}}}]});
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {
        "containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "500m"}, "requests": {"memory": "1Gi"}},
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": false}}}],
            "envFrom": [{"configMapRef": {"name": "m"}}],
            "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 10},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": true}]}],
        "volumes": [{"name": "v", "configMap": {"name": "m", "defaultMode": 420}}, {"name": "e", "emptyDir": {}}],
        "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false,
        "securityContext": {"runAsUser": 0}}});
    let deployment = json!({"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}});
    let kind = |api_version: &str, kind: &str, rest: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": meta});
        for (key, value) in rest.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        object
    };
    vec![
        kind(
            "v1",
            "Namespace",
            json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
        ),
        kind(
            "v1",
            "ConfigMap",
            json!({"data": {"a": "b", "e": ""}, "binaryData": {"x": "AP8="}, "immutable": false}),
        ),
        kind(
            "v1",
            "Secret",
            json!({"data": {"p": "c2VjcmV0", "e": ""}, "type": "Opaque", "stringData": {"q": "r"}}),
        ),
        kind(
            "v1",
            "ServiceAccount",
            json!({"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]}),
        ),
        kind(
            "v1",
            "Service",
            json!({"spec": {"ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080}],
            "clusterIP": "None", "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
        ),
        kind(
            "apps/v1",
            "Deployment",
            json!({"spec": deployment, "status": {"readyReplicas": 3, "conditions": [
            {"type": "Available", "status": "True", "lastUpdateTime": "2026-01-02T03:04:05Z",
             "lastTransitionTime": "1969-12-31T23:59:59Z", "reason": "r", "message": "m"}]}}),
        ),
        kind(
            "apps/v1",
            "ReplicaSet",
            json!({"spec": {"replicas": 1, "selector": {"matchExpressions": [
            {"key": "a", "operator": "In", "values": ["b"]}]}, "template": template}, "status": {"replicas": 0}}),
        ),
        kind(
            "v1",
            "Event",
            json!({"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "r", "message": "m",
            "source": {"component": "c"}, "firstTimestamp": "2026-01-02T03:04:05Z", "count": 2, "type": "Normal",
            "eventTime": "2026-01-02T03:04:05.123456Z", "reportingComponent": "x", "reportingInstance": "y"}),
        ),
        kind(
            "coordination.k8s.io/v1",
            "Lease",
            json!({"spec": {"holderIdentity": "h", "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-02T03:04:05.000001Z", "leaseTransitions": 0}}),
        ),
        kind(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            json!({"addressType": "IPv4", "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": false}}], "ports": [{"name": "", "port": 80}]}),
        ),
        kind(
            "v1",
            "Endpoints",
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
        ),
        json!({"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": {"resourceVersion": "9"},
            "items": [{"metadata": meta, "spec": deployment, "status": {}}]}),
        json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "gracePeriodSeconds": 0,
            "preconditions": {"uid": "u-1"}, "dryRun": ["All"]}),
        crate::status::Status::not_found("apps", "deployments", "web").to_value(),
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3},
            "status": {"replicas": 0, "selector": "app=web"}}),
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {},
            "spec": {"user": "u", "extra": {"scopes": ["a", "b"], "none": []}}, "status": {"allowed": false}}),
        json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "r"}, "revision": 3,
            "data": {"spec": {"template": {"x": [1, 2.5, null]}}}}),
    ]
}

#[test]
fn objects_survive_the_way_there_and_back() {
    for object in samples() {
        let got = decode(&encode(&object).unwrap()).unwrap();
        assert_eq!(got, object);
    }
}

#[test]
fn framing_is_kubernetes() {
    let body = encode(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})).unwrap();
    assert!(body.starts_with(b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12"));
    let frame = encode_watch_event(
        "ADDED",
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}),
    )
    .unwrap();
    let (length, event) = frame.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, event.len());
    assert!(event.starts_with(b"\x0a\x05ADDED\x12"));
}

#[test]
fn refusals_say_why() {
    let no_kind = b"k8s\0\x0a\x04\x0a\x02v1";
    let cluster = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "Cluster"});
    let bad = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": 1}]}}}});
    assert_eq!(decode(b"{}"), Err(ProtobufError::NotFramed));
    assert_eq!(decode(no_kind), Err(ProtobufError::NoKind));
    assert!(matches!(encode(&cluster), Err(ProtobufError::NoMessage { .. })));
    assert_eq!(
        encode(&bad).unwrap_err().to_string(),
        "protobuf: spec.template.spec.containers.[0].name: it must be a text"
    );
    let broken = decode(b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x04\x0a\x09ab").unwrap_err();
    assert!(matches!(broken, ProtobufError::Broken(_)));
    assert_eq!(Status::from(broken).code, 400);
}

#[test]
fn nesting_is_bounded() {
    let mut object = json!({"a": 1});
    let mut body = Vec::new();
    for _ in 0..DEPTH_MAX {
        object = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": object, "revision": 1});
    }
    body.extend(encode(&object).unwrap());
    assert_eq!(
        decode(&body),
        Err(ProtobufError::Broken("messages are nested too deep"))
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut body = b"k8s\0\x0a\x15\x0a\x07apps/v1\x12\x0aDeployment".to_vec();
        wire::put_bytes(&mut body, 2, &noise);
        drop(decode(&body));
        drop(decode(&noise));
    }

    #[test]
    fn damaged_bodies_are_objects_or_errors(which in 0..17_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let samples = samples();
        let mut body = encode(&samples[which % samples.len()]).unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(object) = decode(&body) {
            prop_assert!(object.is_object());
        }
    }

    #[test]
    fn config_maps_round_trip(data in proptest::collection::btree_map("[a-z.]{1,8}", ".{0,20}", 0..6), immutable in any::<Option<bool>>()) {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
        if !data.is_empty() {
            object["data"] = json!(data);
        }
        if let Some(immutable) = immutable {
            object["immutable"] = json!(immutable);
        }
        prop_assert_eq!(decode(&encode(&object).unwrap()).unwrap(), object);
    }
}
