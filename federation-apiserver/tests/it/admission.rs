//! Admission by other objects: classes, limits, priorities, quotas. Texts are those of kube-apiserver 1.36.3.

use federation_apiserver::{Profile, UserInfo};
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, Hub, MERGE, SERVICES, configmap};

const QUOTAS: &str = "/api/v1/namespaces/default/resourcequotas";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const PODS: &str = "/api/v1/namespaces/default/pods";
const PRIORITIES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";

/// A client from outside: Meridian's own parts pass admission by.
fn administrator() -> UserInfo {
    UserInfo::new("admin", ["system:masters"])
}

async fn server(profile: Profile) -> Hub {
    Hub::of(profile).await.as_user(administrator())
}

fn claim(name: &str, size: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}})
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

async fn quota(hub: &Hub, hard: Value) {
    let used: serde_json::Map<String, Value> = hard
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), json!("0")))
        .collect();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a"}, "spec": {"hard": hard}});
    hub.post(QUOTAS, quota).await.expect(201);
    let status = json!({"status": {"hard": hard, "used": used}});
    hub.patch(&format!("{QUOTAS}/a/status"), MERGE, status)
        .await
        .expect(200);
}

async fn used(hub: &Hub, name: &str) -> String {
    let quota = hub.get(&format!("{QUOTAS}/a")).await.expect(200);
    quota["status"]["used"][name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn claims_get_the_default_class_and_stay_within_limits() {
    let hub = server(Profile::Hub).await;
    let before = hub.post(CLAIMS, claim("none", "1Gi")).await.expect(201);
    assert!(before["spec"].get("storageClassName").is_none());
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x", "metadata":
        {"name": "s1", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
    hub.post("/apis/storage.k8s.io/v1/storageclasses", class)
        .await
        .expect(201);
    let given = hub.post(CLAIMS, claim("some", "1Gi")).await.expect(201);
    assert_eq!(given["spec"]["storageClassName"], "s1");
    let owned = given["metadata"]["managedFields"].to_string();
    assert!(
        !owned.contains("storageClassName"),
        "what admission adds is nobody's: {owned}"
    );

    let limits = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"}}]}});
    hub.post("/api/v1/namespaces/default/limitranges", limits)
        .await
        .expect(201);
    let refused = hub.post(CLAIMS, claim("small", "500Mi")).await.expect(403);
    assert_eq!(
        refused["message"],
        "persistentvolumeclaims \"small\" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"
    );
}

#[tokio::test]
async fn priority_classes_are_there_and_one_is_everybodys() {
    let hub = server(Profile::Hub).await;
    let system = hub.get(&format!("{PRIORITIES}/system-node-critical")).await.expect(200);
    assert_eq!(system["value"], 2_000_001_000);
    let class = |name: &str| {
        json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": 100, "globalDefault": true})
    };
    hub.post(PRIORITIES, class("g1")).await.expect(201);
    let refused = hub.post(PRIORITIES, class("g2")).await.expect(403);
    assert_eq!(
        refused["message"],
        "priorityclasses.scheduling.k8s.io \"g2\" is forbidden: PriorityClass g1 is already marked as default. Only one \
         default can exist"
    );
    assert_eq!(refused["details"]["kind"], "priorityclasses");
}

#[tokio::test]
async fn pods_of_a_member_run_as_an_account_with_a_priority() {
    let member = server(Profile::Member).await;
    let refused = member.post(PODS, pod("p")).await.expect(403);
    assert_eq!(
        refused["message"],
        "pods \"p\" is forbidden: error looking up service account default/default: serviceaccount \"default\" not found"
    );
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    member
        .post("/api/v1/namespaces/default/serviceaccounts", account)
        .await
        .expect(201);
    let made = member.post(PODS, pod("p")).await.expect(201);
    assert_eq!(made["spec"]["serviceAccountName"], "default");
    assert_eq!(made["spec"]["priority"], 0);
    assert_eq!(made["spec"]["preemptionPolicy"], "PreemptLowerPriority");
    assert_eq!(
        made["spec"]["containers"][0]["volumeMounts"][0]["mountPath"],
        "/var/run/secrets/kubernetes.io/serviceaccount"
    );
    let mut unknown = pod("q");
    unknown["spec"]["priorityClassName"] = json!("zz");
    let refused = member.post(PODS, unknown).await.expect(403);
    assert_eq!(
        refused["message"],
        "pods \"q\" is forbidden: no PriorityClass with name zz was found"
    );
}

#[tokio::test]
async fn quotas_are_charged_and_refuse() {
    let hub = server(Profile::Hub).await;
    quota(
        &hub,
        json!({"configmaps": "2", "count/configmaps": "2", "services": "2", "services.nodeports": "1"}),
    )
    .await;
    hub.post(&format!("{CONFIGMAPS}?dryRun=All"), configmap("dry", "v"))
        .await
        .expect(201);
    assert_eq!(used(&hub, "configmaps").await, "0", "a dry run charges nothing");
    hub.post(CONFIGMAPS, configmap("x", "v")).await.expect(201);
    assert_eq!(hub.post(CONFIGMAPS, configmap("x", "v")).await.code, 409);
    assert_eq!(
        used(&hub, "configmaps").await,
        "1",
        "what was not stored was given back"
    );
    hub.post(CONFIGMAPS, configmap("y", "v")).await.expect(201);
    let refused = hub.post(CONFIGMAPS, configmap("z", "v")).await.expect(403);
    assert_eq!(
        refused["message"],
        "configmaps \"z\" is forbidden: exceeded quota: a, requested: configmaps=1,count/configmaps=1, used: \
         configmaps=2,count/configmaps=2, limited: configmaps=2,count/configmaps=2"
    );
    let service = |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    hub.post(SERVICES, service("s1")).await.expect(201);
    hub.post(SERVICES, service("s2")).await.expect(201);
    let to_node_port = json!({"spec": {"type": "NodePort"}});
    hub.patch(&format!("{SERVICES}/s1"), MERGE, to_node_port.clone())
        .await
        .expect(200);
    assert_eq!(used(&hub, "services.nodeports").await, "1");
    let refused = hub
        .patch(&format!("{SERVICES}/s2"), MERGE, to_node_port)
        .await
        .expect(403);
    assert_eq!(
        refused["message"],
        "services \"s2\" is forbidden: exceeded quota: a, requested: services.nodeports=1, used: services.nodeports=1, \
         limited: services.nodeports=1"
    );
    let quota = hub.get(&format!("{QUOTAS}/a")).await.expect(200);
    assert!(
        quota["metadata"]["managedFields"]
            .to_string()
            .contains("\"manager\":\"kube-apiserver\"")
    );
}

#[tokio::test]
async fn clients_at_once_do_not_exceed_a_quota() {
    let hub = server(Profile::Hub).await;
    quota(&hub, json!({"count/configmaps": "10"})).await;
    let creates = (0..40).map(|number| {
        let hub = hub.as_user(administrator());
        async move { hub.post(CONFIGMAPS, configmap(&format!("c{number}"), "v")).await.code }
    });
    let codes = futures::future::join_all(creates).await;
    assert_eq!(codes.iter().filter(|code| **code == 201).count(), 10, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 403).count(), 30, "{codes:?}");
    assert_eq!(used(&hub, "count/configmaps").await, "10");
}
