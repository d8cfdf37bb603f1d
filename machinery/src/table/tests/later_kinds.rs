//! Rows of the kinds beside the first ones, as kubectl prints what a real kube-apiserver 1.36 says.

use serde_json::json;

use super::{headings, row};

#[test]
fn headings_are_kubectls() {
    for (api_version, kind, want) in [
        ("apps/v1", "StatefulSet", "Name,Ready,Age,Containers*,Images*"),
        (
            "apps/v1",
            "DaemonSet",
            "Name,Desired,Current,Ready,Up-to-date,Available,Node Selector,Age,Containers*,Images*,Selector*",
        ),
        ("apps/v1", "ControllerRevision", "Name,Controller,Revision,Age"),
        (
            "batch/v1",
            "Job",
            "Name,Status,Completions,Duration,Age,Containers*,Images*,Selector*",
        ),
        (
            "batch/v1",
            "CronJob",
            "Name,Schedule,Timezone,Suspend,Active,Last Schedule,Age,Containers*,Images*,Selector*",
        ),
        ("networking.k8s.io/v1", "Ingress", "Name,Class,Hosts,Address,Ports,Age"),
        ("networking.k8s.io/v1", "IngressClass", "Name,Controller,Parameters,Age"),
        ("networking.k8s.io/v1", "NetworkPolicy", "Name,Pod-Selector,Age"),
        (
            "policy/v1",
            "PodDisruptionBudget",
            "Name,Min Available,Max Unavailable,Allowed Disruptions,Age",
        ),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "Name,Reference,Targets,MinPods,MaxPods,Replicas,Age",
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode*",
        ),
        (
            "v1",
            "PersistentVolume",
            "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,VolumeMode*",
        ),
        ("v1", "LimitRange", "Name,Created At"),
        ("v1", "ResourceQuota", "Name,Request,Limit,Age"),
        ("v1", "PodTemplate", "Name,Containers,Images,Pod Labels"),
        (
            "storage.k8s.io/v1",
            "StorageClass",
            "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age",
        ),
        (
            "scheduling.k8s.io/v1",
            "PriorityClass",
            "Name,Value,Global-Default,Age,PreemptionPolicy",
        ),
    ] {
        assert_eq!(headings(api_version, kind), want, "{kind}");
    }
}

#[test]
fn workloads() {
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"nodeSelector": {"disk": "fast"},
        "containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j:2"}]}});
    let selector = json!({"matchLabels": {"app": "web"}});
    let job = |spec, status| json!({"metadata": {"name": "j"}, "spec": spec, "status": status});
    for (api_version, kind, object, want) in [
        (
            "apps/v1",
            "StatefulSet",
            json!({"metadata": {"name": "db"}, "spec": {"replicas": 3, "template": template}, "status": {"readyReplicas": 2}}),
            "db | 2/3 | 36s | a,b | i:1,j:2",
        ),
        (
            "apps/v1",
            "DaemonSet",
            json!({"metadata": {"name": "d"}, "spec": {"template": template, "selector": selector}, "status": {
                "desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3, "updatedNumberScheduled": 2,
                "numberAvailable": 1}}),
            "d | 5 | 4 | 3 | 2 | 1 | disk=fast | 36s | a,b | i:1,j:2 | app=web",
        ),
        (
            "apps/v1",
            "ControllerRevision",
            json!({"metadata": {"name": "r", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": true}]}, "revision": 2}),
            "r | statefulset.apps/db | 2 | 36s",
        ),
        (
            "v1",
            "PodTemplate",
            json!({"metadata": {"name": "t"}, "template": template}),
            "t | a,b | i:1,j:2 | app=web",
        ),
        (
            "batch/v1",
            "Job",
            job(
                json!({"completions": 3, "selector": selector}),
                json!({"succeeded": 1, "startTime": "2026-01-02T03:04:11Z"}),
            ),
            "j | Running | 1/3 | 30s | 36s |  |  | app=web",
        ),
        (
            "batch/v1",
            "Job",
            job(
                json!({"parallelism": 2}),
                json!({"succeeded": 1, "startTime": "2026-01-02T03:04:11Z", "completionTime": "2026-01-02T03:04:16Z",
                    "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}),
            ),
            "j | Complete | 1/1 of 2 | 5s | 36s |  |  | <none>",
        ),
        (
            "batch/v1",
            "CronJob",
            json!({"metadata": {"name": "c"}, "spec": {"schedule": "@daily", "suspend": true, "timeZone": "Europe/Dublin"},
                "status": {"active": [{}], "lastScheduleTime": "2026-01-02T03:04:31Z"}}),
            "c | @daily | Europe/Dublin | True | 1 | 10s | 36s |  |  | <none>",
        ),
    ] {
        assert_eq!(row(api_version, kind, object), want, "{kind}");
    }
}

#[test]
fn surroundings() {
    let rule = |host: &str| json!({"host": host});
    let metric = |value: &str| json!({"type": "External", "external": {"metric": {"name": "q"}, "target": {"averageValue": value}}});
    for (api_version, kind, object, want) in [
        (
            "networking.k8s.io/v1",
            "Ingress",
            json!({"metadata": {"name": "i"}, "spec": {"ingressClassName": "n", "tls": [{}], "rules": [rule("a"), rule("b"),
                rule("c"), rule("d")]}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}, {"ip": "192.0.2.11"}]}}}),
            "i | n | a,b,c + 1 more... | 192.0.2.10,19... | 80, 443 | 36s",
        ),
        (
            "networking.k8s.io/v1",
            "Ingress",
            json!({"metadata": {"name": "i"}, "spec": {}}),
            "i | <none> | * |  | 80 | 36s",
        ),
        (
            "networking.k8s.io/v1",
            "IngressClass",
            json!({"metadata": {"name": "n"}, "spec": {"controller": "a.b/c", "parameters": {"apiGroup": "g", "kind": "K", "name": "p"}}}),
            "n | a.b/c | K.g/p | 36s",
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            json!({"metadata": {"name": "n"}, "spec": {"podSelector": {"matchLabels": {"a": "b"}}}}),
            "n | a=b | 36s",
        ),
        (
            "policy/v1",
            "PodDisruptionBudget",
            json!({"metadata": {"name": "p"}, "spec": {"maxUnavailable": "25%"}, "status": {"disruptionsAllowed": 2}}),
            "p | N/A | 25% | 2 | 36s",
        ),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            json!({"metadata": {"name": "h"}, "spec": {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}, metric("500m"), metric("1")]},
                "status": {"currentReplicas": 3, "currentMetrics": [{"type": "Resource", "resource": {"current": {"averageUtilization": 30}}}]}}),
            "h | Deployment/web | cpu: 30%/50%, <unknown>/500m (avg) + 1 more... | 2 | 5 | 3 | 36s",
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            json!({"metadata": {"name": "c"}, "spec": {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Block"},
                "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadOnlyMany", "ReadWriteOnce"]}}),
            "c | Bound | v | 1Gi | RWO,ROX | fast | <unset> | 36s | Block",
        ),
        (
            "v1",
            "PersistentVolume",
            json!({"metadata": {"name": "v"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"],
                "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "shop", "name": "c"}}, "status": {"phase": "Bound"}}),
            "v | 1Gi | RWOP | Retain | Bound | shop/c |  | <unset> |  | 36s | <unset>",
        ),
        (
            "v1",
            "ResourceQuota",
            json!({"metadata": {"name": "q"}, "status": {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}}),
            "q | pods: 1/5 | limits.cpu: 0/2 | 36s",
        ),
        (
            "storage.k8s.io/v1",
            "StorageClass",
            json!({"metadata": {"name": "s", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "provisioner": "a.b/c", "allowVolumeExpansion": true}),
            "s (default) | a.b/c | Delete | Immediate | true | 36s",
        ),
        (
            "scheduling.k8s.io/v1",
            "PriorityClass",
            json!({"metadata": {"name": "p"}, "value": 5, "preemptionPolicy": "Never"}),
            "p | 5 | false | 36s | Never",
        ),
    ] {
        assert_eq!(row(api_version, kind, object), want, "{kind}");
    }
}
