//! Usage and refusals, beside what kube-apiserver 1.36.3 said to the same objects.

use super::*;
use serde_json::json;

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn quota(hard: Value, used: Value) -> Value {
    json!({"metadata": {"name": "a"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
}

fn refused(hard: Value, used: Value, group: &str, plural: &str, object: &Value) -> String {
    let quota = Quota::about(&quota(hard, used), group, plural, object).expect("the quota is about the object");
    match quota.is_ready(group, plural, object) {
        Ok(()) => quota.with(&usage(group, plural, object, now())).unwrap_err(),
        Err(text) => text,
    }
}

#[test]
fn objects_are_counted() {
    let text = refused(
        json!({"configmaps": "2", "count/configmaps": "2", "secrets": "1"}),
        json!({"configmaps": "2", "count/configmaps": "2", "secrets": "0"}),
        "",
        "configmaps",
        &json!({}),
    );
    assert_eq!(
        text,
        "exceeded quota: a, requested: configmaps=1,count/configmaps=1, used: configmaps=2,count/configmaps=2, limited: \
         configmaps=2,count/configmaps=2"
    );
    let text = refused(
        json!({"count/deployments.apps": "0"}),
        json!({"count/deployments.apps": "0"}),
        "apps",
        "deployments",
        &json!({}),
    );
    assert_eq!(
        text,
        "exceeded quota: a, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: \
         count/deployments.apps=0"
    );
    let text = refused(json!({"configmaps": "2"}), json!({}), "", "configmaps", &json!({}));
    assert_eq!(text, "status unknown for quota: a, resources: configmaps");
    assert!(!is_counted("", "events") && is_counted("coordination.k8s.io", "leases"));
}

#[test]
fn services_count_their_ports() {
    let service = |kind: &str, ports: usize| json!({"spec": {"type": kind, "ports": vec![json!({"port": 80}); ports]}});
    let of = |object: &Value| written(&usage("", "services", object, now()));
    assert_eq!(
        of(&service("LoadBalancer", 2)),
        json!({"count/services": "1", "services": "1", "services.loadbalancers": "1", "services.nodeports": "2"})
    );
    assert_eq!(of(&service("ClusterIP", 2))["services.nodeports"], "0");
    let mut without_ports = service("LoadBalancer", 1);
    without_ports["spec"]["allocateLoadBalancerNodePorts"] = json!(false);
    assert_eq!(of(&without_ports)["services.nodeports"], "0");
    let text = refused(
        json!({"services.nodeports": "1", "services": "2"}),
        json!({"services.nodeports": "0", "services": "0"}),
        "",
        "services",
        &service("LoadBalancer", 2),
    );
    assert_eq!(
        text,
        "exceeded quota: a, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1"
    );
    let (new, old) = (
        usage("", "services", &service("NodePort", 1), now()),
        usage("", "services", &service("ClusterIP", 1), now()),
    );
    let grown = growth(new, Some(&old));
    assert_eq!(written(&grown)["services"], "0");
    assert_eq!(written(&grown)["services.nodeports"], "1");
}

#[test]
fn claims_count_their_storage() {
    let claim = json!({"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1500Mi"}}}});
    assert_eq!(
        written(&usage("", "persistentvolumeclaims", &claim, now())),
        json!({
            "count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "1500Mi",
            "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
            "gold.storageclass.storage.k8s.io/requests.storage": "1500Mi",
        })
    );
    let text = refused(
        json!({"requests.storage": "1Gi"}),
        json!({"requests.storage": "0"}),
        "",
        "persistentvolumeclaims",
        &claim,
    );
    assert_eq!(
        text,
        "exceeded quota: a, requested: requests.storage=1500Mi, used: requests.storage=0, limited: requests.storage=1Gi"
    );
}

#[test]
fn pods_count_what_they_ask_for() {
    let pod = |resources: Value| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
    let hard =
        json!({"pods": "2", "count/pods": "5", "cpu": "1", "limits.memory": "1Gi", "requests.nvidia.com/gpu": "1"});
    let none =
        json!({"pods": "0", "count/pods": "0", "cpu": "0", "limits.memory": "0", "requests.nvidia.com/gpu": "0"});
    assert_eq!(
        refused(hard.clone(), none.clone(), "", "pods", &pod(json!({}))),
        "failed quota: a: must specify cpu for: c; limits.memory for: c"
    );
    let greedy =
        json!({"requests": {"cpu": "600m", "nvidia.com/gpu": "2"}, "limits": {"memory": "2Gi", "nvidia.com/gpu": "2"}});
    assert_eq!(
        refused(hard, none, "", "pods", &pod(greedy)),
        "exceeded quota: a, requested: limits.memory=2Gi,requests.nvidia.com/gpu=2, used: limits.memory=0,requests.nvidia.com/gpu=0, \
         limited: limits.memory=1Gi,requests.nvidia.com/gpu=1"
    );
    let mut ended = pod(json!({"requests": {"cpu": "1"}}));
    ended["status"]["phase"] = json!("Succeeded");
    assert_eq!(written(&usage("", "pods", &ended, now())), json!({"count/pods": "1"}));
}

#[test]
fn scopes_choose_pods() {
    let mut quota = quota(json!({"pods": "0"}), json!({"pods": "0"}));
    quota["spec"]["scopes"] = json!(["BestEffort"]);
    let pod = |resources: Value| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
    assert!(Quota::about(&quota, "", "pods", &pod(json!({}))).is_some());
    let modest = pod(json!({"requests": {"cpu": "1"}}));
    assert!(Quota::about(&quota, "", "pods", &modest).is_none());
    quota["spec"]["scopes"] = json!([]);
    quota["spec"]["scopeSelector"] =
        json!({"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]});
    assert!(Quota::about(&quota, "", "pods", &modest).is_none());
    let mut high = modest;
    high["spec"]["priorityClassName"] = json!("high");
    assert!(Quota::about(&quota, "", "pods", &high).is_some());
}

#[test]
fn all_objects_together() {
    let quota = quota(
        json!({"count/configmaps": "5", "secrets": "1", "count/nobodies.example.com": "3"}),
        json!({}),
    );
    let maps = [json!({}), json!({})];
    let kinds = [
        ("", "configmaps", maps.as_slice()),
        ("", "secrets", &[]),
        ("", "services", &maps),
    ];
    let status = status(&quota, kinds, now());
    assert_eq!(status["used"], json!({"count/configmaps": "2", "secrets": "0"}));
    assert_eq!(status["hard"], quota["spec"]["hard"]);
    let counted = json!({"status": status});
    assert!(only_grows(
        &counted,
        &json!({"used": {"count/configmaps": "3", "secrets": "0"}})
    ));
    assert!(!only_grows(
        &counted,
        &json!({"used": {"count/configmaps": "1", "secrets": "0"}})
    ));
}
