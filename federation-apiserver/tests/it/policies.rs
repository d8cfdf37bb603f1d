//! Admission policies: expressions that are kept on the server. Words are those of kube-apiserver 1.36.3.

use federation_apiserver::UserInfo;
use serde_json::{Value, json};

use crate::harness::{Answer, CONFIGMAPS, Hub, configmap};

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

async fn hub() -> Hub {
    Hub::start().await.as_user(UserInfo::new("admin", ["system:masters"]))
}

/// The policy `p` with its binding, instead of those before.
async fn policy(hub: &Hub, more: Value, binding: Value) {
    for plural in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
        hub.delete(&format!("{GROUP}/{plural}/p"), Value::Null).await;
    }
    let rule = json!({"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]});
    let mut spec = json!({"matchConstraints": {"resourceRules": [rule]}});
    let mut bound = json!({"policyName": "p", "validationActions": ["Deny"]});
    for (object, more) in [(&mut spec, more), (&mut bound, binding)] {
        for (key, value) in more.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
    }
    let object = |kind: &str, spec: Value| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "p"}, "spec": spec});
    let policy = object("ValidatingAdmissionPolicy", spec);
    hub.post(&format!("{GROUP}/validatingadmissionpolicies"), policy)
        .await
        .expect(201);
    let binding = object("ValidatingAdmissionPolicyBinding", bound);
    hub.post(&format!("{GROUP}/validatingadmissionpolicybindings"), binding)
        .await
        .expect(201);
}

async fn create(hub: &Hub, name: &str) -> Answer {
    hub.post(CONFIGMAPS, configmap(name, "v")).await
}

#[tokio::test]
async fn policies_refuse_warn_and_are_left() {
    let hub = hub().await;
    let never = json!({"validations": [{"expression": "object.metadata.name=='x'"}]});
    policy(&hub, never.clone(), json!({})).await;
    let refused = create(&hub, "c1").await.expect(422);
    assert_eq!(
        refused,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Invalid", "code": 422,
            "message": "configmaps \"c1\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: failed expression: object.metadata.name=='x'",
            "details": {"name": "c1", "kind": "configmaps", "causes": [{"message":
                "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: failed expression: object.metadata.name=='x'"}]}})
    );
    assert_eq!(create(&hub, "x").await.code, 201);
    policy(&hub, never, json!({"validationActions": ["Warn"]})).await;
    let warned = create(&hub, "c2").await;
    assert_eq!(warned.code, 201);
    assert_eq!(
        warned.headers.get("warning").unwrap(),
        "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': failed expression: object.metadata.name=='x'\""
    );
    policy(
        &hub,
        json!({"validations": [{"expression": "object == null", "reason": "Forbidden", "message": "only go"}]}),
        json!({}),
    )
    .await;
    assert_eq!(create(&hub, "c3").await.code, 403);
    hub.delete(&format!("{CONFIGMAPS}/c2"), Value::Null).await.expect(200);
    let elsewhere =
        json!({"matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}});
    policy(&hub, json!({"validations": [{"expression": "false"}]}), elsewhere).await;
    assert_eq!(create(&hub, "c4").await.code, 201);
}

#[tokio::test]
async fn policies_have_parameters() {
    let hub = hub().await;
    let of = |action: &str, name: &str| json!({"paramRef": {"name": name, "parameterNotFoundAction": action}});
    let wants = json!({"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [
        {"expression": "params.data.key == object.data.key", "messageExpression": "'want ' + params.data.key"}]});
    hub.post(CONFIGMAPS, configmap("limits", "5")).await.expect(201);
    policy(&hub, wants.clone(), of("Deny", "limits")).await;
    let message = |answer: &Answer| answer.json()["message"].as_str().unwrap().to_owned();
    let refused = create(&hub, "a").await;
    assert!(
        message(&refused).ends_with("'p' with binding 'p' denied request: want 5"),
        "{}",
        message(&refused)
    );
    policy(&hub, wants.clone(), of("Deny", "none")).await;
    let refused = create(&hub, "a").await;
    assert!(message(&refused).ends_with(
        "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    ));
    policy(&hub, wants, of("Allow", "none")).await;
    assert_eq!(create(&hub, "a").await.code, 201);
    let unknown = json!({"paramKind": {"apiVersion": "x.y/v1", "kind": "Nope"}, "validations": [{"expression": "params == null"}]});
    policy(&hub, unknown, of("Deny", "a")).await;
    assert_eq!(
        message(&create(&hub, "b").await),
        "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to \
         find resource referenced by paramKind: 'x.y/v1, Kind=Nope'"
    );
}

#[tokio::test]
async fn a_policy_is_judged_when_it_comes() {
    let hub = hub().await;
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]},
            "validations": [{"expression": "nope"}]}});
    let refused = hub
        .post(&format!("{GROUP}/validatingadmissionpolicies"), policy)
        .await
        .expect(422);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope'"),
        "{message}"
    );
}

#[tokio::test]
async fn policies_change_objects() {
    let hub = hub().await;
    let register = async |mutation: Value, more: Value| {
        for plural in ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"] {
            hub.delete(&format!("{GROUP}/{plural}/p"), Value::Null).await;
        }
        let mut spec = json!({"reinvocationPolicy": "Never", "mutations": [mutation], "matchConstraints": {"resourceRules": [
            {"operations": ["CREATE"], "apiGroups": ["", "apps"], "apiVersions": ["v1"], "resources": ["configmaps", "deployments"]}]}});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        let object = |kind: &str, spec: Value| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "p"}, "spec": spec});
        let policy = object("MutatingAdmissionPolicy", spec);
        hub.post(&format!("{GROUP}/mutatingadmissionpolicies"), policy)
            .await
            .expect(201);
        let binding = object("MutatingAdmissionPolicyBinding", json!({"policyName": "p"}));
        hub.post(&format!("{GROUP}/mutatingadmissionpolicybindings"), binding)
            .await
            .expect(201);
    };
    let applies = |text: &str| json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}});
    let patches = |text: &str| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": text}});

    register(applies("Object{data: {'k': object.data.key + '1'}}"), json!({})).await;
    let made = create(&hub, "a").await.expect(201);
    assert_eq!(made["data"], json!({"key": "v", "k": "v1"}));
    assert!(
        !made["metadata"]["managedFields"].to_string().contains("f:k\""),
        "{made}"
    );
    let containers = "Object{spec: Object.spec{replicas: 4, template: Object.spec.template{spec: Object.spec.template.spec{containers: \
        object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, imagePullPolicy: 'Never'})}}}}";
    register(applies(containers), json!({})).await;
    let refused = create(&hub, "b").await.expect(403);
    assert_eq!(refused["reason"], "Invalid");
    let made = hub
        .post(crate::harness::DEPLOYMENTS, crate::harness::deployment("web"))
        .await
        .expect(201);
    assert_eq!(made["spec"]["replicas"], 4);
    let container = &made["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        (&container["image"], &container["imagePullPolicy"]),
        (&json!("nginx:1"), &json!("Never"))
    );

    register(applies("Object{nope: 1}"), json!({})).await;
    assert_eq!(
        create(&hub, "c").await.expect(403)["message"],
        "policy 'p' with binding 'p' denied request: error applying patch: failed to convert patch object to typed object: \
         .nope: field not declared in schema"
    );
    register(
        patches("[JSONPatch{op: 'test', path: '/data/key', value: 'no'}, JSONPatch{op: 'remove', path: '/data'}]"),
        json!({}),
    )
    .await;
    assert_eq!(create(&hub, "d").await.expect(201)["data"], json!({"key": "v"}));
    register(
        patches("[JSONPatch{op: 'remove', path: '/nope'}]"),
        json!({"failurePolicy": "Ignore"}),
    )
    .await;
    assert_eq!(create(&hub, "e").await.code, 201);
}
