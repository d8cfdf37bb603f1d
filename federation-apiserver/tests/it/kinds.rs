//! The kinds beside the first ones: one row each, and what every one of them must do.

use serde_json::{Value, json};

use crate::harness::{Hub, MERGE};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// A kind and what is told of it.
struct Row {
    path: &'static str,
    kind: &'static str,
    /// The object without its name.
    body: Value,
    /// A patch that changes what is wanted.
    patch: Value,
    /// Generations after the create, after the patch, and after a change of annotations; none where it has none.
    generations: Option<[i64; 3]>,
    /// First cells of its row in a table.
    cells: Value,
    /// DELETE answers the object.
    returned: bool,
}

const CORE: &str = "/api/v1/namespaces/default";
const APPS: &str = "/apis/apps/v1/namespaces/default";
const BATCH: &str = "/apis/batch/v1/namespaces/default";
const NETWORKING: &str = "/apis/networking.k8s.io/v1";

fn rows() -> Vec<Row> {
    let web = json!({"matchLabels": {"app": "web"}});
    let template =
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "nginx:1"}]}});
    let once = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let row = |path, kind, body, patch, generations: Option<i64>, cells| Row {
        path,
        kind,
        body,
        patch,
        generations: match kind {
            // It has no spec whose changes could be counted.
            "PriorityClass" => Some([1, 1, 1]),
            _ => generations.map(|annotated| [1, 2, annotated]),
        },
        cells,
        returned: false,
    };
    let returned = |row: Row| Row { returned: true, ..row };
    vec![
        row(
            "/apis/apps/v1/namespaces/default/statefulsets",
            "StatefulSet",
            json!({"spec": {"serviceName": "db", "replicas": 2, "selector": web, "template": template}}),
            json!({"spec": {"replicas": 3}}),
            Some(2),
            json!(["one", "0/2"]),
        ),
        row(
            "/apis/apps/v1/namespaces/default/daemonsets",
            "DaemonSet",
            json!({"spec": {"selector": web, "template": template}}),
            json!({"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}}),
            Some(2),
            json!(["one", 0, 0, 0, 0, 0, "<none>"]),
        ),
        row(
            "/apis/apps/v1/namespaces/default/controllerrevisions",
            "ControllerRevision",
            json!({"revision": 3, "data": {"a": 1}}),
            json!({"revision": 4}),
            None,
            json!(["one", "<none>", 3]),
        ),
        row(
            "/apis/batch/v1/namespaces/default/jobs",
            "Job",
            json!({"spec": {"template": once}}),
            json!({"spec": {"parallelism": 2}}),
            Some(2),
            json!(["one", "Running", "0/1", ""]),
        ),
        row(
            "/apis/batch/v1/namespaces/default/cronjobs",
            "CronJob",
            json!({"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": once}}}}),
            json!({"spec": {"suspend": true}}),
            Some(2),
            json!(["one", "*/5 * * * *", "<none>", "False", 0, "<none>"]),
        ),
        row(
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            "Ingress",
            json!({"spec": {"rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}}),
            json!({"spec": {"ingressClassName": "nginx"}}),
            Some(2),
            json!(["one", "<none>", "a.example", "", "80"]),
        ),
        row(
            "/apis/networking.k8s.io/v1/ingressclasses",
            "IngressClass",
            json!({"spec": {"controller": "example.com/x"}}),
            json!({"spec": {"parameters": {"kind": "K", "name": "n"}}}),
            Some(2),
            json!(["one", "example.com/x", "<none>"]),
        ),
        row(
            "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
            "NetworkPolicy",
            json!({"spec": {"podSelector": web}}),
            json!({"spec": {"egress": [{}]}}),
            Some(2),
            json!(["one", "app=web"]),
        ),
        row(
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            "PodDisruptionBudget",
            json!({"spec": {"selector": web, "minAvailable": "50%"}}),
            json!({"spec": {"minAvailable": 2}}),
            Some(2),
            json!(["one", "50%", "N/A", 0]),
        ),
        row(
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            json!({"spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}),
            json!({"spec": {"maxReplicas": 6}}),
            None,
            json!(["one", "Deployment/web", "cpu: <unknown>/80%", "1", 5, 0]),
        ),
        returned(row(
            "/api/v1/namespaces/default/persistentvolumeclaims",
            "PersistentVolumeClaim",
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
            json!({"metadata": {"labels": {"a": "b"}}}),
            None,
            json!(["one", "Pending", "", "", "", ""]),
        )),
        returned(row(
            "/api/v1/persistentvolumes",
            "PersistentVolume",
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}}}),
            json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}}),
            None,
            json!(["one", "1Gi", "RWO", "Retain", "Pending", ""]),
        )),
        row(
            "/api/v1/namespaces/default/limitranges",
            "LimitRange",
            json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}),
            json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}}),
            None,
            json!(["one"]),
        ),
        returned(row(
            "/api/v1/namespaces/default/resourcequotas",
            "ResourceQuota",
            json!({"spec": {"hard": {"pods": "5"}}}),
            json!({"spec": {"hard": {"pods": "6"}}}),
            None,
            json!(["one", "", ""]),
        )),
        returned(row(
            "/api/v1/namespaces/default/podtemplates",
            "PodTemplate",
            json!({"template": template}),
            json!({"template": {"spec": {"hostname": "h"}}}),
            Some(2),
            json!(["one", "web", "nginx:1", "app=web"]),
        )),
        returned(row(
            "/apis/storage.k8s.io/v1/storageclasses",
            "StorageClass",
            json!({"provisioner": "example.com/x"}),
            json!({"allowVolumeExpansion": true}),
            None,
            json!(["one", "example.com/x", "Delete", "Immediate", false]),
        )),
        row(
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            "PriorityClass",
            json!({"value": 5}),
            json!({"description": "d"}),
            None,
            json!(["one", 5, false]),
        ),
    ]
}

#[tokio::test]
async fn every_kind_lives_and_dies() {
    let hub = Hub::start().await;
    for row in rows() {
        let (kind, path) = (row.kind, format!("{}/one", row.path));
        let mut body = row.body.clone();
        body["metadata"]["name"] = json!("one");
        let created = hub
            .post(&format!("{}?fieldValidation=Strict", row.path), body)
            .await
            .expect(201);
        assert_eq!(created["kind"], kind);
        let generation = |object: &Value| object["metadata"].get("generation").and_then(Value::as_i64);
        let wanted = |at: usize| row.generations.map(|all| all[at]);
        assert_eq!(generation(&created), wanted(0), "{kind}");
        let read = hub.get(&path).await.expect(200);
        assert_eq!(read, created, "{kind}");
        let same = hub.put(&path, created.clone()).await.expect(200);
        assert_eq!(same, created, "{kind}: a write that changes nothing writes nothing");

        let listed = hub.get(row.path).await.expect(200);
        assert_eq!(listed["kind"], format!("{kind}List"));
        let named = |item: &&Value| item["metadata"]["name"] == "one";
        assert_eq!(
            listed["items"].as_array().unwrap().iter().filter(named).count(),
            1,
            "{kind}"
        );
        let table = hub.send("GET", row.path, &[("accept", TABLE)], "").await.expect(200);
        let named = |row: &&Value| row["cells"][0] == "one";
        let cells = table["rows"].as_array().unwrap().iter().find(named).unwrap()["cells"]
            .as_array()
            .unwrap();
        let first = row.cells.as_array().unwrap();
        assert_eq!(cells.get(..first.len()), Some(first.as_slice()), "{kind}");
        assert_eq!(
            cells.len(),
            table["columnDefinitions"].as_array().unwrap().len(),
            "{kind}"
        );

        let answer = hub.send("GET", &path, &[("accept", PROTOBUF)], "").await;
        assert_eq!(answer.headers["content-type"], PROTOBUF, "{kind}");
        let decoded = machinery::protobuf::decode(&answer.bytes).unwrap();
        let headers = [("content-type", PROTOBUF), ("accept", "application/json")];
        let again = machinery::protobuf::encode(&decoded).unwrap();
        let put = hub.send("PUT", &path, &headers, again).await.expect(200);
        assert_eq!(put, created, "{kind}: protobuf says the same");

        let patched = hub.patch(&path, MERGE, row.patch).await.expect(200);
        assert_eq!(generation(&patched), wanted(1), "{kind}");
        let note = json!({"metadata": {"annotations": {"a": "b"}}});
        let noted = hub.patch(&path, MERGE, note).await.expect(200);
        assert_eq!(generation(&noted), wanted(2), "{kind}");

        let deleted = hub.delete(&path, Value::Null).await.expect(200);
        let answered = if row.returned { kind } else { "Status" };
        assert_eq!(deleted["kind"], answered, "{kind}");
        hub.get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn status_is_written_apart() {
    let hub = Hub::start().await;
    for row in rows() {
        let mut body = row.body.clone();
        body["metadata"]["name"] = json!("one");
        hub.post(row.path, body).await.expect(201);
        let (resource, group) = (
            row.path.rsplit('/').next().unwrap(),
            row.path.split("/namespaces/").next().unwrap(),
        );
        let group = group.strip_suffix(&format!("/{resource}")).unwrap_or(group);
        let served = hub.get(group).await.expect(200);
        let has_status = served["resources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["name"] == format!("{resource}/status"));
        let answer = hub.get(&format!("{}/one/status", row.path)).await;
        assert_eq!(answer.code, if has_status { 200 } else { 404 }, "{}", row.kind);
    }
    let path = format!("{APPS}/statefulsets/one");
    let status = json!({"status": {"replicas": 2, "readyReplicas": 1}});
    hub.patch(&path, MERGE, status.clone()).await.expect(200);
    assert_eq!(hub.get(&path).await.expect(200)["status"]["replicas"], 0);
    hub.patch(&format!("{path}/status"), MERGE, status).await.expect(200);
    assert_eq!(hub.get(&path).await.expect(200)["status"]["readyReplicas"], 1);
    let scale = hub
        .patch(&format!("{path}/scale"), MERGE, json!({"spec": {"replicas": 5}}))
        .await
        .expect(200);
    assert_eq!(
        (&scale["spec"]["replicas"], &scale["status"]["replicas"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(hub.get(&path).await.expect(200)["spec"]["replicas"], 5);
}

#[tokio::test]
async fn a_job_knows_its_pods() {
    let hub = Hub::start().await;
    let jobs = format!("{BATCH}/jobs");
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}});
    let job = |name: &str, spec: Value| json!({"metadata": {"name": name}, "spec": spec});
    let created = hub
        .post(&jobs, job("once", json!({"template": template})))
        .await
        .expect(201);
    let uid = created["metadata"]["uid"].as_str().unwrap();
    let labels = json!({"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid,
        "batch.kubernetes.io/job-name": "once", "job-name": "once"});
    assert_eq!(
        created["spec"]["selector"],
        json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    );
    assert_eq!(created["spec"]["template"]["metadata"]["labels"], labels);
    assert_eq!(created["metadata"]["labels"], labels);
    let chosen = json!({"template": template, "selector": {"matchLabels": {"a": "b"}}});
    let refused = hub.post(&jobs, job("mine", chosen)).await.expect(422);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("`selector` not auto-generated")
    );
    let path = format!("{jobs}/once");
    hub.patch(&path, MERGE, json!({"spec": {"completions": 3}}))
        .await
        .expect(422);
    let none = hub
        .get(&format!("{jobs}?fieldSelector=status.successful%3D1"))
        .await
        .expect(200);
    assert_eq!(none["items"], json!([]));
    hub.patch(&format!("{path}/status"), MERGE, json!({"status": {"succeeded": 1}}))
        .await
        .expect(200);
    let one = hub
        .get(&format!("{jobs}?fieldSelector=status.successful%3D1"))
        .await
        .expect(200);
    assert_eq!(one["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_daemon_set_counts_its_templates() {
    let hub = Hub::start().await;
    let sets = format!("{APPS}/daemonsets");
    let body = json!({"metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": {
        "metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}}});
    hub.post(&sets, body).await.expect(201);
    let path = format!("{sets}/agent");
    for (patch, count, generation) in [
        (json!({"spec": {"minReadySeconds": 5}}), "1", 2),
        (
            json!({"spec": {"template": {"spec": {"hostNetwork": false, "nodeSelector": {"a": "b"}}}}}),
            "2",
            3,
        ),
        (json!({"metadata": {"annotations": null}}), "2", 3),
    ] {
        let after = hub.patch(&path, MERGE, patch).await.expect(200);
        let counted = &after["metadata"]["annotations"]["deprecated.daemonset.template.generation"];
        assert_eq!(
            (counted, &after["metadata"]["generation"]),
            (&json!(count), &json!(generation))
        );
    }
}

#[tokio::test]
async fn refusals_name_the_field() {
    let hub = Hub::start().await;
    let run = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}});
    for (path, spec, part) in [
        (
            format!("{BATCH}/cronjobs"),
            json!({"schedule": "* * * *", "jobTemplate": {"spec": {"template": run}}}),
            "spec.schedule: Invalid value: \"* * * *\": expected exactly 5 fields, found 4: [* * * *]",
        ),
        (
            format!("{NETWORKING}/namespaces/default/ingresses"),
            json!({"rules": [{"http": {"paths": [{"path": "x", "pathType": "Exact", "backend": {}}]}}]}),
            "spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path",
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets".to_owned(),
            json!({"minAvailable": 1, "maxUnavailable": 1}),
            "minAvailable and maxUnavailable cannot be both set",
        ),
        (
            format!("{CORE}/persistentvolumeclaims"),
            json!({"accessModes": ["ReadWriteOnce"]}),
            "spec.resources[storage]: Required value",
        ),
    ] {
        let refused = hub
            .post(&path, json!({"metadata": {"name": "bad"}, "spec": spec}))
            .await
            .expect(422);
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
}
