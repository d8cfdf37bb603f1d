//! Rows as kubectl prints them, one kind a line.

use serde_json::json;

use super::*;

mod later_kinds;

/// Cells as kubectl would print them wide, separated by ` | `; the object is 36 seconds old.
fn row(api_version: &str, kind: &str, mut object: Value) -> String {
    let now: Timestamp = "2026-01-02T03:04:41Z".parse().unwrap();
    object["metadata"]["creationTimestamp"] = json!("2026-01-02T03:04:05Z");
    let columns = columns(api_version, kind);
    let cells = cells(api_version, kind, &object, now);
    assert_eq!(columns.len(), cells.len(), "{kind}");
    let texts = cells
        .iter()
        .map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned));
    texts.collect::<Vec<_>>().join(" | ")
}

fn headings(api_version: &str, kind: &str) -> String {
    let wide = |column: &Column| if column.priority > 0 { "*" } else { "" };
    columns(api_version, kind)
        .iter()
        .map(|c| format!("{}{}", c.name, wide(c)))
        .collect::<Vec<_>>()
        .join(",")
}

#[test]
fn headings_are_kubectls() {
    let table = [
        ("v1", "ConfigMap", "Name,Data,Age"),
        ("v1", "Secret", "Name,Type,Data,Age"),
        ("v1", "Namespace", "Name,Status,Age"),
        ("v1", "ServiceAccount", "Name,Age"),
        (
            "v1",
            "Service",
            "Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*",
        ),
        (
            "apps/v1",
            "Deployment",
            "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*",
        ),
        (
            "apps/v1",
            "ReplicaSet",
            "Name,Desired,Current,Ready,Age,Containers*,Images*,Selector*",
        ),
        (
            "v1",
            "Pod",
            "Name,Ready,Status,Restarts,Age,IP*,Node*,Nominated Node*,Readiness Gates*",
        ),
        (
            "v1",
            "Event",
            "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*",
        ),
        (
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "Name,AddressType,Ports,Endpoints,Age",
        ),
        ("coordination.k8s.io/v1", "Lease", "Name,Holder,Age"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "Name,Created At"),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "Name,Role,Age,Users*,Groups*,ServiceAccounts*",
        ),
        ("example.com/v1", "Thing", "Name,Created At"),
        (
            "federation.meridian.dev/v1alpha1",
            "Cluster",
            "Name,Mode,Ready,Serving,Version,Region,Zones*,Age",
        ),
        (
            "federation.meridian.dev/v1alpha1",
            "Placement",
            "Name,Kind,Resource,Clusters,Applied,Healthy,Reason*,Age",
        ),
    ];
    for (api_version, kind, want) in table {
        assert_eq!(headings(api_version, kind), want, "{kind}");
    }
}

#[test]
fn rows_are_kubectls() {
    let template = json!({"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j:2"}]}});
    let table = [
        (
            "v1",
            "ConfigMap",
            json!({"metadata": {"name": "x"}, "data": {"a": "1"}, "binaryData": {"b": ""}}),
            "x | 2 | 36s",
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": {"name": "x"}, "type": "Opaque", "data": {"a": ""}}),
            "x | Opaque | 1 | 36s",
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            json!({"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": [
                {"kind": "User", "name": "a"}, {"kind": "User", "name": "b"}, {"kind": "ServiceAccount", "name": "s"},
                {"kind": "ServiceAccount", "name": "t", "namespace": "n"}]}),
            "x | Role/r | 36s | a, b |  | /s, n/t",
        ),
        (
            "v1",
            "Namespace",
            json!({"metadata": {"name": "x"}, "status": {"phase": "Active"}}),
            "x | Active | 36s",
        ),
        (
            "v1",
            "Service",
            json!({"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1",
                "clusterIPs": ["10.0.0.1"], "selector": {"app": "web"},
                "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
                "status": {"loadBalancer": {"ingress": [{"ip": "2.0.0.1"}, {"hostname": "a.example"}, {"ip": "1.0.0.1"}]}}}),
            "web | LoadBalancer | 10.0.0.1 | 1.0.0.1,2.0.0.1,a.example | 80:30080/TCP,53/UDP | 36s | app=web",
        ),
        (
            "v1",
            "Service",
            json!({"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer"}, "status": {}}),
            "web | LoadBalancer | <none> | <pending> | <none> | 36s | <none>",
        ),
        (
            "v1",
            "Service",
            json!({"metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": "x.example"}}),
            "e | ExternalName | <none> | x.example | <none> | 36s | <none>",
        ),
        (
            "apps/v1",
            "Deployment",
            json!({"metadata": {"name": "web"}, "spec": {"replicas": 3, "template": template,
                "selector": {"matchLabels": {"b": "2", "a": "1"}}},
                "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}}),
            "web | 2/3 | 3 | 1 | 36s | a,b | i:1,j:2 | a=1,b=2",
        ),
        (
            "apps/v1",
            "ReplicaSet",
            json!({"metadata": {"name": "r"}, "spec": {"replicas": 3, "template": template, "selector": {}},
                "status": {"replicas": 2}}),
            "r | 3 | 2 | 0 | 36s | a,b | i:1,j:2 | <none>",
        ),
        (
            "v1",
            "Event",
            json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec"},
                "type": "Normal", "reason": "Started", "message": " ok\n", "source": {"component": "kubelet", "host": "n"},
                "firstTimestamp": "2026-01-02T03:03:41Z", "lastTimestamp": "2026-01-02T03:04:40Z", "count": 2}),
            "1s | Normal | Started | pod/p | spec | kubelet, n | ok | 60s | 2 | e",
        ),
        (
            "v1",
            "Event",
            json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"}, "eventTime": "2026-01-02T03:04:40.5Z"}),
            "0s |  |  | pod |  |  |  | 0s | 1 | e",
        ),
        (
            "coordination.k8s.io/v1",
            "Lease",
            json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}),
            "l | me | 36s",
        ),
        (
            "v1",
            "Node",
            json!({"metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": ""}},
                "spec": {"unschedulable": true},
                "status": {"conditions": [{"type": "Ready", "status": "False"}], "nodeInfo": {"kubeletVersion": "v1.36.0",
                "architecture": "amd64"}, "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}]}}),
            "n | NotReady,SchedulingDisabled | worker | 36s | v1.36.0 | 10.0.0.9 | <none> | <unknown> | <unknown> (amd64) \
             | <unknown>",
        ),
        (
            "v1",
            "Endpoints",
            json!({"metadata": {"name": "e"}, "subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "::1"}],
                "ports": [{"port": 80}, {"port": 443}]}]}),
            "e | 1.1.1.1:80,[::1]:80,1.1.1.1:443 + 1 more... | 36s",
        ),
        (
            "discovery.k8s.io/v1",
            "EndpointSlice",
            json!({"metadata": {"name": "s"}, "addressType": "IPv4", "ports": [{"port": 80}, {"name": "x"}],
                "endpoints": [{"addresses": ["1.1.1.1"]}, {"addresses": ["1.1.1.2"]}]}),
            "s | IPv4 | 80,x | 1.1.1.1,1.1.1.2 | 36s",
        ),
        (
            "example.com/v1",
            "Thing",
            json!({"metadata": {"name": "t"}}),
            "t | 2026-01-02T03:04:05Z",
        ),
    ];
    for (api_version, kind, object, want) in table {
        assert_eq!(row(api_version, kind, object), want, "{kind}");
    }
}

#[test]
fn pods_say_how_they_are() {
    let pod = |status: Value| {
        json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "a"}, {"name": "b"}],
            "initContainers": [{"name": "i"}]}, "status": status})
    };
    let running = json!({"running": {}});
    let table = [
        (
            json!({"phase": "Pending"}),
            "p | 0/2 | Pending | 0 | 36s | <none> | n | <none> | <none>",
        ),
        (
            json!({"phase": "Running", "podIPs": [{"ip": "10.1.1.1"}], "containerStatuses": [
                {"name": "a", "ready": true, "state": running, "restartCount": 2,
                 "lastState": {"terminated": {"finishedAt": "2026-01-02T03:04:31Z"}}},
                {"name": "b", "ready": true, "state": running, "restartCount": 0}]}),
            "p | 2/2 | Running | 2 (10s ago) | 36s | 10.1.1.1 | n | <none> | <none>",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
            "p | 0/2 | CrashLoopBackOff | 0 | 36s | <none> | n | <none> | <none>",
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 3}}}]}),
            "p | 0/2 | Init:ExitCode:3 | 0 | 36s | <none> | n | <none> | <none>",
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": running}]}),
            "p | 0/2 | Init:0/1 | 0 | 36s | <none> | n | <none> | <none>",
        ),
        (
            json!({"phase": "Succeeded", "containerStatuses": [
                {"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                {"name": "b", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
            "p | 0/2 | Error | 0 | 36s | <none> | n | <none> | <none>",
        ),
    ];
    for (status, want) in table {
        assert_eq!(row("v1", "Pod", pod(status)), want);
    }
    let mut leaving = pod(json!({"phase": "Running"}));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:40Z");
    assert!(row("v1", "Pod", leaving).starts_with("p | 0/2 | Terminating"));
}

#[test]
fn meridians_kinds() {
    let version = "federation.meridian.dev/v1alpha1";
    let cluster = json!({"metadata": {"name": "eu-1"}, "spec": {"syncMode": "Push", "region": "eu-west", "zones": ["a", "b"]},
        "status": {"kubernetesVersion": "v1.36.0", "conditions": [{"type": "Ready", "status": "True"}]}});
    assert_eq!(
        row(version, "Cluster", cluster),
        "eu-1 | Push | True | Unknown | v1.36.0 | eu-west | a,b | 36s"
    );
    let placement = json!({"metadata": {"name": "deployment-web"}, "spec": {"resource": {"kind": "Deployment", "name": "web"},
        "clusters": [{"name": "ap-1", "replicas": 3}, {"name": "eu-1"}], "reason": "because"},
        "status": {"conditions": [{"type": "Applied", "status": "True"}, {"type": "Healthy", "status": "False"}]}});
    assert_eq!(
        row(version, "Placement", placement),
        "deployment-web | Deployment | web | ap-1=3,eu-1 | True | False | because | 36s"
    );
    let policy = json!({"metadata": {"name": "p"}, "spec": {"resourceSelectors": [{"kind": "Deployment", "name": "web"}, {"kind": "Service"}],
        "placement": {"clusterAffinity": {"clusterNames": ["eu-1"], "exclude": ["us-1"]}}, "priority": 7}});
    assert_eq!(
        row(version, "PropagationPolicy", policy),
        "p | Deployment/web,Service | eu-1,!us-1 | <default> | 7 | 36s"
    );
    let region = json!({"metadata": {"name": "eu-west"}, "spec": {"latitude": 53.3, "longitude": -6.3, "fallbacks": ["us-east"]}});
    assert_eq!(
        row(version, "Region", region),
        "eu-west | 53.3 | -6.3 | us-east | <none> | 36s"
    );
    let dns = json!({"metadata": {"name": "d"}, "spec": {}});
    assert_eq!(row(version, "DNSPolicy", dns), "d | <all> | Geo | 30 | 36s");
    for kind in [
        "ClusterPropagationPolicy",
        "OverridePolicy",
        "ClusterOverridePolicy",
        "Manifest",
        "Report",
        "Heartbeat",
        "Resolution",
    ] {
        row(version, kind, json!({"metadata": {"name": "x"}}));
    }
}

#[test]
fn any_json_gives_a_row() {
    for kind in [
        "Pod",
        "Service",
        "Event",
        "Node",
        "Endpoints",
        "Secret",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "ResourceQuota",
        "PodTemplate",
    ] {
        for junk in [
            json!(null),
            json!([]),
            json!({"spec": 1, "status": [], "metadata": "x"}),
        ] {
            let cells = cells("v1", kind, &junk, Timestamp::UNIX_EPOCH);
            assert_eq!(cells.len(), columns("v1", kind).len());
        }
    }
}
