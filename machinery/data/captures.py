#!/usr/bin/env python3
"""Makes captures.json: what a real kube-apiserver says to the objects below, for the tests of machinery.

Run by hand against a throw-away kube-apiserver without the ServiceAccount admission plugin:

    python3 machinery/data/captures.py https://127.0.0.1:6443 TOKEN > machinery/data/captures.json

Each object is created as a dry run in the namespace `shop`. Kept are the object as sent and either the answer, without
what the server itself sets (uid, times, generation, managedFields, allocated addresses and ports), or the code and the
fields and reasons of the refusal. For an update the stored object is created for good first.
"""
import json
import ssl
import sys
import urllib.error
import urllib.request

BASE, TOKEN = sys.argv[1], sys.argv[2]
CONTEXT = ssl._create_unverified_context()
KINDS = {
    "Namespace": ("/api/v1", "namespaces", False),
    "Service": ("/api/v1", "services", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Secret": ("/api/v1", "secrets", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Event": ("/api/v1", "events", True),
    "Endpoints": ("/api/v1", "endpoints", True),
    "Pod": ("/api/v1", "pods", True),
    "Node": ("/api/v1", "nodes", False),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True),
    "Job": ("/apis/batch/v1", "jobs", True),
    "CronJob": ("/apis/batch/v1", "cronjobs", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
}


def call(method, path, body):
    request = urllib.request.Request(BASE + path, data=json.dumps(body).encode() if body else None, method=method, headers={
        "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, context=CONTEXT) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def clean(answer):
    metadata = answer.get("metadata", {})
    for key in ["uid", "creationTimestamp", "generation", "managedFields", "resourceVersion"]:
        metadata.pop(key, None)
    if answer["kind"] == "Service":
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]:
            answer["spec"].pop(key, None)
        for port in answer["spec"].get("ports", []):
            port.pop("nodePort", None)
    return answer


def place(kind, object, namespace="shop"):
    root, plural, namespaced = KINDS[kind]
    return f"{root}/namespaces/{namespace}/{plural}" if namespaced else f"{root}/{plural}"


def row(object):
    root, _, namespaced = KINDS[object["kind"]]
    object = dict(object, apiVersion=root.removeprefix("/apis/").removeprefix("/api/"))
    if namespaced:
        object["metadata"] = dict(object.get("metadata", {}), namespace="shop")
    return object


def verdict(code, answer):
    if code < 300:
        return {"answer": clean(answer)}
    causes = answer.get("details", {}).get("causes", [])
    return {"code": code, "causes": [[cause.get("field", ""), cause.get("reason", ""), cause.get("message", "")] for cause in causes],
            "message": "" if causes else answer["message"]}


def create(object):
    object = row(object)
    code, answer = call("POST", place(object["kind"], object) + "?dryRun=All&fieldValidation=Ignore", object)
    return dict(sent=object, **verdict(code, answer))


def update(old, new):
    old, new = row(old), row(new)
    path = place(old["kind"], old)
    name = old["metadata"]["name"]
    call("DELETE", f"{path}/{name}", None)
    code, stored = call("POST", path, old)
    assert code == 201, stored
    code, answer = call("PUT", f"{path}/{name}?dryRun=All", new)
    call("DELETE", f"{path}/{name}", None)
    return dict(old=old, sent=new, **verdict(code, answer))


def pod(kind="Deployment", container=None, spec=None, **rest):
    template = {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [dict({"name": "web", "image": "nginx:1.27"}, **(container or {}))], **(spec or {})}}
    return {"kind": kind, "metadata": {"name": "web"},
            "spec": dict({"selector": {"matchLabels": {"app": "web"}}, "template": template}, **rest)}


def named(kind, **rest):
    return dict({"kind": kind, "metadata": {"name": "a"}}, **rest)


def service(**spec):
    return named("Service", spec=spec)


PORT = [{"port": 80}]
CREATED = [
    named("Namespace"), named("Namespace", metadata={"name": "a.b"}), named("Namespace", metadata={"name": "a", "finalizers": ["x y"]}),
    named("Namespace", metadata={"name": "a", "labels": {"x": "y"}}), named("Namespace", metadata={}),
    named("ConfigMap"), named("ConfigMap", data={"a": "1"}, binaryData={"b": "YQ=="}), named("ConfigMap", data={}),
    named("ConfigMap", data={"a b": "1", "..": "2", "k": "3"}, binaryData={"k": "YQ=="}),
    named("ConfigMap", metadata={"name": "A"}), named("ConfigMap", metadata={"name": "a" * 254}),
    named("ConfigMap", metadata={"name": "a", "labels": {"a/b/c": "x y"}, "annotations": {"Q q": "1"}}),
    named("ConfigMap", metadata={"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": ""}]}),
    named("ConfigMap", metadata={"name": "a", "ownerReferences": [
        {"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "pq"]}),
    named("ConfigMap", metadata={"name": "a", "finalizers": ["orphan", "foregroundDeletion"]}),
    named("ConfigMap", metadata={"generateName": "A-"}), named("ConfigMap", metadata={"generateName": "a-"}, data={"x": ""}),
    named("ConfigMap", data={"a": "x" * 1048577}),
    named("Secret"), named("Secret", stringData={"a": "b"}, data={"a": "Yg==", "c": ""}),
    named("Secret", type="kubernetes.io/tls"), named("Secret", type="kubernetes.io/basic-auth"), named("Secret", type="kubernetes.io/ssh-auth"),
    named("Secret", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "eA=="}),
    named("Secret", type="kubernetes.io/dockercfg"), named("Secret", type="kubernetes.io/service-account-token"), named("Secret", data={"a/b": ""}),
    named("ServiceAccount"), named("ServiceAccount", imagePullSecrets=[{"name": "x"}], automountServiceAccountToken=False),
    service(ports=PORT), service(), service(clusterIP="None"), service(ports=[{"port": 0}]), service(ports=[{"port": 70000, "targetPort": "A_b"}]),
    service(ports=[{"port": 80}, {"port": 80}]), service(ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]),
    service(ports=[{"port": 80, "protocol": "ICMP"}]), service(type="Magic", ports=PORT), service(type="LoadBalancer", ports=PORT),
    service(type="NodePort", ports=[{"port": 80, "targetPort": "http", "name": "http"}]), service(type="ExternalName"),
    service(type="ExternalName", externalName="a.example."), service(type="ExternalName", externalName="a_b"),
    service(type="LoadBalancer", clusterIP="None", ports=PORT), service(ports=PORT, clusterIP="10.0.0.300"),
    service(ports=PORT, sessionAffinity="ClientIP"), service(ports=PORT, sessionAffinity="Both"),
    service(ports=PORT, sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 100000}}),
    service(ports=PORT, externalIPs=["127.0.0.1", "x", "203.0.113.1"]), service(ports=PORT, externalTrafficPolicy="Local"),
    service(type="LoadBalancer", ports=PORT, externalTrafficPolicy="Local"), service(type="LoadBalancer", ports=PORT, externalTrafficPolicy="Far"),
    service(ports=PORT, allocateLoadBalancerNodePorts=True), service(ports=PORT, loadBalancerClass="a/b"),
    service(ports=PORT, loadBalancerSourceRanges=["10.0.0.0/8"]), service(type="LoadBalancer", ports=PORT, loadBalancerSourceRanges=["10.0.0.0", " 10.0.0.0/8 "]),
    service(ports=PORT, ipFamilies=["IPv5"]), service(ports=PORT, internalTrafficPolicy="Near"), service(ports=PORT, trafficDistribution="Near"),
    service(ports=PORT, trafficDistribution="PreferClose"), service(ports=PORT, selector={"a b": "c"}), service(ports=[{"port": 80, "nodePort": 30080}]),
    service(ports=[{"port": 80, "appProtocol": "x y"}]), service(type="LoadBalancer", ports=PORT, healthCheckNodePort=30000),
    named("Service", metadata={"name": "1a"}, spec={"ports": PORT}), named("Service", metadata={"name": "a.b"}, spec={"ports": PORT}),
    pod(), pod("ReplicaSet"), pod("StatefulSet", serviceName="x"), pod("DaemonSet"), pod(replicas=0), pod(replicas=-1), pod(selector=None), pod(selector={}),
    pod(selector={"matchLabels": {"app": "other"}}), pod(selector={"matchExpressions": [{"key": "app", "operator": "In"}]}),
    pod(selector={"matchExpressions": [{"key": "app", "operator": "Like", "values": ["x y"]}]}),
    pod(strategy={"type": "Recreate"}), pod(strategy={"type": "Recreate", "rollingUpdate": {}}), pod(strategy={"type": "Slow"}),
    pod(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}), pod(strategy={"rollingUpdate": {"maxSurge": "x", "maxUnavailable": "120%"}}),
    pod(minReadySeconds=700), pod(minReadySeconds=-1), pod(revisionHistoryLimit=-1), pod(progressDeadlineSeconds=0),
    pod(spec={"containers": []}), pod(spec={"restartPolicy": "Never"}), pod(spec={"restartPolicy": "Maybe"}), pod(spec={"activeDeadlineSeconds": 5}),
    pod(spec={"dnsPolicy": "None"}), pod(spec={"dnsPolicy": "Odd"}), pod(spec={"serviceAccountName": "A"}), pod(spec={"serviceAccountName": "builder"}),
    pod(spec={"serviceAccount": "builder"}), pod(spec={"nodeSelector": {"a b": "c"}}), pod(spec={"hostname": "A", "subdomain": "b."}),
    pod(spec={"hostNetwork": True}, container={"ports": [{"containerPort": 80}]}), pod(spec={"hostNetwork": True}, container={"ports": [{"containerPort": 80, "hostPort": 81}]}),
    pod(spec={"tolerations": [{"effect": "Nope"}, {"key": "a", "operator": "Exists", "value": "x"}, {"key": "a", "tolerationSeconds": 5}, {"key": "a", "operator": "Like"}]}),
    pod(spec={"volumes": [{"name": "v"}, {"name": "c", "configMap": {"name": "c"}}, {"name": "s", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
                          {"name": "h", "hostPath": {"path": "/x"}}, {"name": "d", "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                          {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "c"}}]}},
                          {"name": "q", "persistentVolumeClaim": {"claimName": "q"}}, {"name": "e", "emptyDir": {"sizeLimit": "1024Mi"}},
                          {"name": "f", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}]}),
    pod(spec={"volumes": [{"name": "v", "configMap": {}}, {"name": "v", "emptyDir": {}}, {"name": "A", "secret": {}}, {"name": "w", "emptyDir": {}, "hostPath": {"path": "/"}}]}),
    pod(spec={"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 512, "items": [{"key": "", "path": "../x"}]}}]}),
    pod(spec={"initContainers": [{"name": "i", "image": "busybox"}]}), pod(spec={"initContainers": [{"name": "web", "image": "b", "livenessProbe": {"exec": {"command": ["x"]}}}]}),
    pod(spec={"initContainers": [{"name": "side", "image": "b", "restartPolicy": "Always", "readinessProbe": {"tcpSocket": {"port": 80}}}]}),
    pod(spec={"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "web"}}}]}),
    pod(spec={"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "Maybe"}]}),
    pod(spec={"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}}]}}}),
    pod(spec={"imagePullSecrets": [{"name": "x"}], "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a"]}], "terminationGracePeriodSeconds": 0}),
    pod(spec={"securityContext": {"runAsNonRoot": True, "fsGroup": 5}}, container={"securityContext": {"runAsUser": 1, "capabilities": {"drop": ["ALL"]}}}),
    pod(container={"image": "nginx"}), pod(container={"image": ""}), pod(container={"image": "host:5000/a/b"}), pod(container={"name": "A"}), pod(container={"name": ""}),
    pod(container={"imagePullPolicy": "Sometimes"}), pod(container={"terminationMessagePolicy": "Shout"}), pod(container={"ports": [{"containerPort": 0}]}),
    pod(container={"ports": [{"containerPort": 80, "name": "http", "protocol": "UDP"}, {"containerPort": 81, "name": "http", "hostPort": 99999}]}),
    pod(container={"env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                           {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}, {"name": "D", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]}),
    pod(container={"env": [{"name": ""}, {"name": "A=B"}, {"name": "C", "valueFrom": {}}, {"name": "D", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                           {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "spec.color"}}}, {"name": "F", "valueFrom": {"secretKeyRef": {"key": "a b"}}}]}),
    pod(container={"envFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {}}, {}]}),
    pod(container={"volumeMounts": [{"name": "v", "mountPath": "/a"}]}),
    pod(spec={"volumes": [{"name": "v", "emptyDir": {}}]}, container={"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "../x"}, {"name": "v", "mountPath": "/a"}]}),
    pod(container={"livenessProbe": {"httpGet": {"port": "http", "path": "/x"}}, "readinessProbe": {"exec": {"command": ["x"]}, "periodSeconds": 3}, "startupProbe": {"grpc": {"port": 5}}}),
    pod(container={"livenessProbe": {}}), pod(container={"livenessProbe": {"tcpSocket": {"port": 0}, "successThreshold": 2, "timeoutSeconds": -1}}),
    pod(container={"readinessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}, "exec": {"command": []}, "terminationGracePeriodSeconds": 5}}),
    pod(container={"lifecycle": {"preStop": {"exec": {"command": ["x"]}}, "postStart": {"httpGet": {"port": 80}}}}), pod(container={"lifecycle": {"preStop": {"sleep": {"seconds": 90}}}}),
    pod(container={"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": 0.1, "memory": "512Mi"}}}),
    pod(container={"resources": {"limits": {"cpu": "1", "gold": "1"}, "requests": {"cpu": "2", "example.com/x": "1"}}}), pod(container={"resources": {"limits": {"cpu": "-1"}}}),
    {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x:1", "resources": {"limits": {"cpu": "1"}}}], "automountServiceAccountToken": False}},
    {"kind": "Pod", "metadata": {"name": "p"}, "spec": {}},
    {"kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "Boom"}]}},
    {"kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}}}},
    {"kind": "CronJob", "metadata": {"name": "j"}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}}}}}},
    named("Lease", spec={"holderIdentity": "x", "leaseDurationSeconds": 10, "renewTime": "2026-01-02T03:04:05.123456Z"}), named("Lease", spec={"leaseDurationSeconds": 0, "leaseTransitions": -1}),
    named("Lease"), named("Event", involvedObject={"kind": "Pod", "name": "p", "namespace": "shop"}, reason="R", message="m", type="Normal"),
    named("Event", involvedObject={"namespace": "other"}), named("Event", involvedObject={}),
    named("Event", involvedObject={"namespace": "shop"}, eventTime="2026-01-02T03:04:05.000000Z"),
    named("Endpoints", subsets=[{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]), named("Endpoints", subsets=[{}]),
    named("Endpoints", subsets=[{"addresses": [{"ip": "127.0.0.1"}, {"ip": "x"}], "ports": [{"port": 0}, {"port": 1, "protocol": "X"}]}]),
    named("EndpointSlice", addressType="IPv4", endpoints=[{"addresses": ["10.1.2.3"], "conditions": {"ready": True}}], ports=[{"port": 80}]),
    named("EndpointSlice", endpoints=[]), named("EndpointSlice", addressType="IPv4", endpoints=[{"addresses": []}, {"addresses": ["127.0.0.1"]}, {"addresses": ["2001:db8::1"]}]),
    named("EndpointSlice", addressType="X", endpoints=[], ports=[{"name": "a"}, {"name": "a", "protocol": "X"}]),
]
IMMUTABLE = named("ConfigMap", immutable=True, data={"a": "1"})
UPDATED = [
    (pod(), pod(replicas=3)), (pod(), pod(selector={"matchLabels": {"app": "web", "x": "y"}}, template={
        "metadata": {"labels": {"app": "web", "x": "y"}}, "spec": {"containers": [{"name": "web", "image": "x:1"}]}})),
    (IMMUTABLE, named("ConfigMap", data={"a": "2"})), (IMMUTABLE, IMMUTABLE), (named("Secret"), named("Secret", type="x")),
    (service(ports=PORT), service(ports=[{"port": 81}])), (service(ports=PORT, clusterIP="10.0.7.7"), service(ports=PORT, clusterIP="10.0.7.8")),
    (service(ports=PORT), service(type="LoadBalancer", ports=PORT)), (service(ports=PORT), service(type="ExternalName", externalName="a.example")),
    (service(ports=PORT), service(ports=PORT, clusterIP="None")), (service(type="LoadBalancer", ports=PORT), service(type="LoadBalancer", ports=PORT, loadBalancerClass="a/b")),
    (named("EndpointSlice", addressType="IPv4", endpoints=[]), named("EndpointSlice", addressType="IPv6", endpoints=[])),
]


def main():
    call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    version = call("GET", "/version", None)[1]["gitVersion"]
    out = {"version": version, "created": [create(object) for object in CREATED], "updated": [update(*pair) for pair in UPDATED]}
    for entry in out["created"]:  # a megabyte of x says no more than its length
        if len(json.dumps(entry)) > 1_000_000:
            entry["sent"]["data"] = {"a": len(entry["sent"]["data"]["a"])}
    rows = {key: value if key == "version" else [json.dumps(entry, sort_keys=True) for entry in value] for key, value in out.items()}
    print('{"version":' + json.dumps(rows["version"]) + ',"created":[\n' + ",\n".join(rows["created"]) + '\n],"updated":[\n' + ",\n".join(rows["updated"]) + "\n]}")


main()
