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
    "ControllerRevision": ("/apis/apps/v1", "controllerrevisions", True),
    "LimitRange": ("/api/v1", "limitranges", True),
    "ResourceQuota": ("/api/v1", "resourcequotas", True),
    "PersistentVolume": ("/api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims", True),
    "PodTemplate": ("/api/v1", "podtemplates", True),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets", True),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("/apis/networking.k8s.io/v1", "ingressclasses", False),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies", True),
    "PriorityClass": ("/apis/scheduling.k8s.io/v1", "priorityclasses", False),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses", False),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "ValidatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", False),
    "MutatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", False),
    "ValidatingAdmissionPolicy": ("/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False),
    "ValidatingAdmissionPolicyBinding": ("/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", False),
    "MutatingAdmissionPolicy": ("/apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicies", False),
    "MutatingAdmissionPolicyBinding": ("/apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicybindings", False),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
}


def call(method, path, body):
    request = urllib.request.Request(BASE + path, data=json.dumps(body).encode() if body else None, method=method, headers={
        "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json", "Accept": "application/json"})
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
    code, answer = call("PUT", f"{path}/{name}?dryRun=All", dict(new, metadata=dict(new["metadata"], resourceVersion=stored["metadata"]["resourceVersion"])))
    call("DELETE", f"{path}/{name}", None)
    call("PATCH", f"{path}/{name}", {"metadata": {"finalizers": None}})  # storage in use is protected
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


RUN = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}}


def job(template=None, **spec):
    return named("Job", spec=dict({"template": template or RUN}, **spec))


def chosen(image="x:1", **spec):
    """A Job that chooses its pods itself, so that nothing of it carries a uid."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}}
    return job(template, manualSelector=True, selector=WEB, **spec)


def cron(schedule="*/5 * * * *", **spec):
    return named("CronJob", spec=dict({"schedule": schedule, "jobTemplate": {"spec": {"template": RUN}}}, **spec))


def path(path="/", type="Prefix", service=None, **rest):
    backend = rest.pop("backend", {"service": service or {"name": "web", "port": {"number": 80}}})
    return dict({"path": path, "pathType": type, "backend": backend}, **rest)


def ingress(*paths, host="a.example", **spec):
    rule = {"http": {"paths": list(paths)}} if paths else {}
    return named("Ingress", spec=dict({"rules": [dict({"host": host}, **rule)]}, **spec))


def scaler(**spec):
    return named("HorizontalPodAutoscaler", spec=dict({"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}, **spec))


def cpu(**target):
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def claim(**spec):
    return named("PersistentVolumeClaim", spec=dict({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}, **spec))


def volume(**spec):
    return named("PersistentVolume", spec=dict({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}}, **spec))


def limits(**item):
    return named("LimitRange", spec={"limits": [dict({"type": "Container"}, **item)]})


RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}


def hook(kind="Validating", **rest):
    base = {"name": "a.example.com", "clientConfig": {"url": "https://a.example/x"}, "rules": [RULE], "sideEffects": "None", "admissionReviewVersions": ["v1"]}
    whole = {key: value for key, value in dict(base, **rest).items() if value is not None}
    return named(f"{kind}WebhookConfiguration", webhooks=[whole])


def ruled(**rule):
    return hook(rules=[dict(RULE, **rule)])


def judges(kind="Validating", resources=None, **spec):
    base = {"matchConstraints": {"resourceRules": [dict(RULE, **(resources or {}))]}}
    base.update({"validations": [{"expression": "true"}]} if kind == "Validating" else {"reinvocationPolicy": "Never", "mutations": [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}]})
    whole = {key: value for key, value in dict(base, **spec).items() if value is not None}
    return named(f"{kind}AdmissionPolicy", spec=whole)


def bound(kind="Validating", **spec):
    base = {"policyName": "p"}
    base.update({"validationActions": ["Deny"]} if kind == "Validating" else {})
    whole = {key: value for key, value in dict(base, **spec).items() if value is not None}
    return named(f"{kind}AdmissionPolicyBinding", spec=whole)


WEB = {"matchLabels": {"app": "web"}}
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
CREATED += [
    pod("StatefulSet"), pod("StatefulSet", serviceName="x", replicas=3, updateStrategy={"type": "OnDelete"}), pod("StatefulSet", replicas=-1), pod("StatefulSet", selector=None),
    pod("StatefulSet", serviceName="x", volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]),
    pod("StatefulSet", podManagementPolicy="Slow", updateStrategy={"type": "Now"}), pod("StatefulSet", selector={"matchLabels": {"app": "other"}}), pod("StatefulSet", spec={"restartPolicy": "Never"}),
    pod("StatefulSet", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": -1}}), pod("StatefulSet", persistentVolumeClaimRetentionPolicy={"whenDeleted": "Keep"}), pod("StatefulSet", selector={}),
    pod("StatefulSet", updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}), pod("StatefulSet", minReadySeconds=-1, revisionHistoryLimit=-1), pod("StatefulSet", ordinals={"start": -1}),
    pod("DaemonSet", updateStrategy={"type": "OnDelete"}), pod("DaemonSet", updateStrategy={"type": "Now"}), pod("DaemonSet", selector={"matchLabels": {"app": "other"}}), pod("DaemonSet", selector=None), pod("DaemonSet", selector={}),
    pod("DaemonSet", spec={"restartPolicy": "OnFailure"}), pod("DaemonSet", updateStrategy={"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}), pod("DaemonSet", updateStrategy={"rollingUpdate": {"maxUnavailable": "50%", "maxSurge": "10%"}}),
    pod("DaemonSet", spec={"nodeSelector": {"a": "b"}}), pod("DaemonSet", minReadySeconds=-1, revisionHistoryLimit=-1), pod("DaemonSet", updateStrategy={"rollingUpdate": {"maxUnavailable": "200%"}}),
    job(), job(parallelism=3), job(completions=-1, parallelism=-1, backoffLimit=-1), job({"spec": {"containers": [{"name": "c", "image": "x:1"}]}}), job({"spec": {"restartPolicy": "OnFailure", "containers": []}}),
    job(completionMode="Indexed"), job(completionMode="Indexed", completions=3, backoffLimitPerIndex=1), job(completionMode="Odd"), job(activeDeadlineSeconds=-1, ttlSecondsAfterFinished=-1), job(suspend=True), job(selector=WEB),
    job(manualSelector=True), job({"metadata": {"labels": {"app": "web"}}, "spec": RUN["spec"]}, manualSelector=True, selector=WEB), job(manualSelector=True, selector=WEB), job(maxFailedIndexes=1), job(podReplacementPolicy="Never"),
    cron(), cron(""), cron("every day"), cron("61 * * * *"), cron("@hourly"), cron("* * * *"), cron("@every 1h"), cron("TZ=UTC * * * * *"), cron("0 0 1 jan mon-fri"), cron("*/0 * * * *"), cron("5-1 * * * *"), cron("@often"), cron(timeZone="Europe/Dublin"), cron(timeZone="Mars/Base"), cron(timeZone=""), cron(timeZone="local"),
    cron(concurrencyPolicy="Sometimes"), cron(startingDeadlineSeconds=-1, successfulJobsHistoryLimit=-1, failedJobsHistoryLimit=-1), cron(jobTemplate={"spec": {}}), cron(jobTemplate={"spec": {"manualSelector": True, "template": RUN}}),
    named("CronJob", metadata={"name": "a" * 53}, spec=cron()["spec"]), named("Job", metadata={"name": "a" * 64}, spec=job()["spec"]),
    cron(jobTemplate={"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x:1"}]}}}}),
    ingress(path()), ingress(path("x")), ingress(path(type=None)), ingress(path(type="Odd")), ingress(path("", "Exact")), ingress(path("/a//b")), ingress(path("/a/../b")), ingress(path("/a%2fb")), ingress(path("", "ImplementationSpecific")),
    ingress(), ingress(path(), host="*.example.com"), ingress(path(), host="*"), ingress(path(), host="A_b"), ingress(path(), host="10.0.0.1"), ingress(path(), host=""), ingress(path(), host="*.*.example"),
    ingress(path(service={"name": "web"})), ingress(path(service={"name": "", "port": {"number": 80}})), ingress(path(service={"name": "A_b", "port": {"name": "http"}})), ingress(path(service={"name": "web", "port": {"name": "http", "number": 80}})),
    ingress(path(service={"name": "web", "port": {"number": 70000}})), ingress(path(service={"name": "web", "port": {"name": "Too_Long_Port_Name"}})), ingress(path(backend={})), ingress(path(backend={"resource": {"kind": "Bucket", "name": "b", "apiGroup": "x.example"}})),
    ingress(path(backend={"resource": {"kind": "", "name": ""}})), ingress(path(backend={"service": {"name": "web", "port": {"number": 80}}, "resource": {"kind": "B", "name": "b"}})),
    ingress(path(), tls=[{"hosts": ["a.example", "*.b.example"], "secretName": "t"}]), ingress(path(), tls=[{"hosts": ["A"], "secretName": "A"}]), ingress(path(), ingressClassName="nginx"), ingress(path(), ingressClassName="A_b"),
    named("Ingress", spec={}), named("Ingress", spec={"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}), named("Ingress", spec={"rules": [{"http": {"paths": []}}]}),
    named("Ingress", metadata={"name": "a", "annotations": {"kubernetes.io/ingress.class": "x"}}, spec=ingress(path(), ingressClassName="nginx")["spec"]),
    named("IngressClass", spec={"controller": "example.com/x"}), named("IngressClass", spec={"controller": "x"}), named("IngressClass", spec={}), named("IngressClass", spec={"controller": "a.b/" + "c" * 250}),
    named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "apiGroup": "g.example"}}), named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "", "name": ""}}),
    named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": "Namespace"}}), named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": "Cluster", "namespace": "x"}}),
    named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": "World"}}),
    named("NetworkPolicy", spec={"podSelector": {}}), named("NetworkPolicy", spec={}), named("NetworkPolicy", spec={"podSelector": WEB, "ingress": [{"from": [{"podSelector": WEB}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80}, {"port": "http", "protocol": "UDP"}, {"port": 1, "endPort": 5}]}], "egress": [{}]}),
    named("NetworkPolicy", spec={"podSelector": {}, "ingress": [{"from": [{}, {"ipBlock": {"cidr": "10.0.0.0"}}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "10.0.0.0/8"]}}, {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}]}),
    named("NetworkPolicy", spec={"podSelector": {}, "egress": [{"ports": [{"port": 0}, {"port": "A_b"}, {"protocol": "ICMP"}, {"port": 5, "endPort": 1}, {"endPort": 5}, {"port": "http", "endPort": 5}, {"port": 5, "endPort": 70000}]}]}),
    named("NetworkPolicy", spec={"podSelector": {}, "policyTypes": ["Both"]}), named("NetworkPolicy", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress", "Ingress"]}), named("NetworkPolicy", spec={"podSelector": {"matchLabels": {"a b": "c"}}}),
    named("NetworkPolicy", spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": {}}]}]}),
    named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": 1}), named("PodDisruptionBudget", spec={"selector": WEB, "maxUnavailable": "25%"}), named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": 1, "maxUnavailable": 1}),
    named("PodDisruptionBudget", spec={"selector": WEB}), named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": -1}), named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": "x"}), named("PodDisruptionBudget", spec={"selector": WEB, "maxUnavailable": "120%"}),
    named("PodDisruptionBudget", spec={"minAvailable": 1}), named("PodDisruptionBudget", spec={}), named("PodDisruptionBudget", spec={"selector": {"matchLabels": {"a b": "c"}}, "minAvailable": 1}), named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": 1, "unhealthyPodEvictionPolicy": "Odd"}),
    scaler(), scaler(maxReplicas=0), scaler(minReplicas=0), scaler(minReplicas=7), scaler(minReplicas=-1), scaler(scaleTargetRef={"kind": "", "name": ""}), scaler(scaleTargetRef={"kind": "a/b", "name": "c/d"}), scaler(metrics=[cpu(type="Utilization", averageUtilization=50)]),
    scaler(metrics=[cpu(type="Utilization")]), scaler(metrics=[cpu(type="AverageValue", averageValue="0.5")]), scaler(metrics=[cpu(type="Value", value="1")]), scaler(metrics=[cpu(type="Odd", averageUtilization=0)]), scaler(metrics=[cpu(averageUtilization=50)]), scaler(metrics=[{"type": "Resource"}]),
    scaler(metrics=[{"type": "Odd"}]), scaler(metrics=[{}]), scaler(metrics=[{"type": "Pods", "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "30"}}}]), scaler(metrics=[{"type": "Pods", "pods": {"metric": {"name": ""}, "target": {"type": "Value", "value": "-3"}}}]),
    scaler(metrics=[{"type": "External", "external": {"metric": {"name": "q", "selector": WEB}, "target": {"type": "Value", "value": "30"}}}]), scaler(metrics=[{"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "30", "averageValue": "3"}}}]), scaler(metrics=[{"type": "External", "external": {"metric": {"name": "a/b"}, "target": {"type": "Value"}}}]),
    scaler(metrics=[{"type": "Object", "object": {"describedObject": {"kind": "Ingress", "name": "i"}, "metric": {"name": "q"}, "target": {"type": "Value", "value": "30"}}}]), scaler(metrics=[{"type": "Object", "object": {"describedObject": {"kind": "", "name": ""}, "metric": {"name": "q"}, "target": {"type": "Utilization", "averageUtilization": 3}}}]),
    scaler(metrics=[{"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "web", "target": {"type": "Utilization", "averageUtilization": 50}}}]), scaler(metrics=[{"type": "ContainerResource", "containerResource": {"name": "", "container": "", "target": {"type": "Utilization", "averageUtilization": 50}}}]),
    scaler(metrics=[dict(cpu(type="Utilization", averageUtilization=50), pods={"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "30"}})]),
    scaler(behavior={}), scaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 60}}), scaler(behavior={"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 5}], "selectPolicy": "Min"}}), scaler(behavior={"scaleUp": {"policies": [], "selectPolicy": "Odd", "stabilizationWindowSeconds": -1}}),
    scaler(behavior={"scaleUp": {"policies": [{"type": "Odd", "value": 0, "periodSeconds": 0}, {"type": "Pods", "value": 1, "periodSeconds": 5000}], "stabilizationWindowSeconds": 5000}}),
    claim(), claim(accessModes=[]), claim(accessModes=["Odd"]), claim(resources={}), claim(resources={"requests": {"storage": "-1"}}), claim(resources={"requests": {"storage": "0"}}), claim(storageClassName="fast", volumeMode="Block", volumeName="v"), claim(storageClassName="A_b"), claim(volumeMode="Odd"),
    claim(accessModes=["ReadWriteOnce", "ReadWriteOncePod"]), claim(selector={"matchLabels": {"a b": "c"}}), claim(dataSource={"kind": "PersistentVolumeClaim", "name": "b"}), claim(dataSource={"kind": "", "name": ""}), claim(dataSource={"kind": "X", "name": "b"}), claim(resources={"requests": {"storage": "1.5Gi"}, "limits": {"storage": "2Gi"}}),
    volume(), volume(accessModes=[]), volume(capacity={}), volume(hostPath=None), volume(nfs={"server": "s", "path": "/p"}), volume(hostPath=None, nfs={"server": "", "path": "x"}), volume(persistentVolumeReclaimPolicy="Odd"), volume(storageClassName="A_b"), volume(capacity={"storage": "-1"}), volume(capacity={"storage": "1Gi", "cpu": "1"}),
    volume(hostPath=None, csi={"driver": "d.example", "volumeHandle": "h"}), volume(hostPath=None, csi={"driver": "", "volumeHandle": ""}), volume(volumeMode="Odd"), volume(claimRef={"namespace": "shop", "name": "c"}), volume(hostPath={"path": ""}), volume(hostPath=None, local={"path": "/x"}), volume(accessModes=["Odd"]),
    volume(hostPath=None, local={"path": "/x"}, nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}}), volume(persistentVolumeReclaimPolicy="Recycle", hostPath={"path": "/"}), volume(hostPath={"path": "/a/../b"}),
    limits(max={"cpu": "1"}), limits(max={"cpu": "1"}, min={"cpu": "2"}), limits(default={"cpu": "1", "memory": "1Gi"}, min={"cpu": "0.1"}), limits(type="Pod", max={"cpu": "1"}), limits(type="Pod", default={"cpu": "1"}), limits(type="PersistentVolumeClaim", max={"storage": "1Gi"}), limits(type="PersistentVolumeClaim"), limits(type="Odd", max={"cpu": "1"}),
    limits(max={"cpu": "1"}, default={"cpu": "2"}), limits(max={"cpu": "1"}, defaultRequest={"cpu": "2"}), limits(maxLimitRequestRatio={"cpu": "0.5"}), limits(max={"gold": "1"}), limits(max={"cpu": "-1"}), limits(min={"cpu": "2"}, defaultRequest={"cpu": "1"}), limits(), named("LimitRange", spec={}), limits(max={"cpu": "4"}, min={"cpu": "1"}, maxLimitRequestRatio={"cpu": "8"}),
    named("LimitRange", spec={"limits": [{"type": "Container"}, {"type": "Container"}]}),
    named("ResourceQuota", spec={"hard": {"cpu": "1", "pods": "5", "limits.memory": "1Gi", "count/deployments.apps": "3"}}), named("ResourceQuota", spec={}), named("ResourceQuota", spec={"hard": {"pods": "-1"}}), named("ResourceQuota", spec={"hard": {"pods": "1.5"}}), named("ResourceQuota", spec={"hard": {"gold": "1"}}), named("ResourceQuota", spec={"hard": {"a b": "1"}}),
    named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopes": ["BestEffort"]}), named("ResourceQuota", spec={"hard": {"cpu": "1"}, "scopes": ["BestEffort"]}), named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopes": ["Odd"]}), named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}),
    named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}), named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Like"}]}}),
    named("PodTemplate", template=RUN), named("PodTemplate", template={"spec": {"containers": []}}), named("PodTemplate"),
    named("PriorityClass", value=5), named("PriorityClass", value=2000000000), named("PriorityClass", metadata={"name": "system-x"}, value=5), named("PriorityClass", value=5, preemptionPolicy="Odd"), named("PriorityClass", value=-5, globalDefault=True, preemptionPolicy="Never", description="d"), named("PriorityClass"),
    named("StorageClass", provisioner="a.b/c"), named("StorageClass"), named("StorageClass", provisioner="A B"), named("StorageClass", provisioner="a.b/c", reclaimPolicy="Odd", volumeBindingMode="Odd"), named("StorageClass", provisioner="a.b/c", reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer", allowVolumeExpansion=True, parameters={"a": "b"}),
    named("StorageClass", provisioner="a.b/c", parameters={"": "b"}), named("StorageClass", provisioner="a.b/c", allowedTopologies=[{"matchLabelExpressions": [{"key": "zone", "values": []}]}]), named("StorageClass", provisioner="a.b/c", reclaimPolicy="Recycle"),
    named("ControllerRevision", revision=1, data={"a": 1}), named("ControllerRevision", revision=-1, data={"a": 1}), named("ControllerRevision", revision=1),
    hook(), hook("Mutating"), hook("Mutating", reinvocationPolicy="IfNeeded"), hook("Mutating", reinvocationPolicy="Odd"), named("ValidatingWebhookConfiguration"), named("MutatingWebhookConfiguration", webhooks=[]),
    hook(name="short"), hook(name="A.b.c"), hook(name=None), hook(clientConfig=None), hook(clientConfig={}), hook(clientConfig={"url": "https://a", "service": {"name": "a", "namespace": "b"}}),
    hook(clientConfig={"url": "http://a.example"}), hook(clientConfig={"url": "https://u:p@a.example"}), hook(clientConfig={"url": "https://a.example/x?y=z"}), hook(clientConfig={"url": "https://a.example/x#y"}), hook(clientConfig={"url": "https://"}), hook(clientConfig={"url": "a b"}), hook(clientConfig={"url": "::"}),
    hook(clientConfig={"service": {"name": "a", "namespace": "b"}}), hook(clientConfig={"service": {"name": "", "namespace": "", "path": "x", "port": 0}}), hook(clientConfig={"service": {"name": "a", "namespace": "b", "path": "/a//b", "port": 70000}}), hook(clientConfig={"service": {"name": "a", "namespace": "b", "path": "/a/B_c/", "port": 8443}}), hook(clientConfig={"service": {"name": "a", "namespace": "b", "path": "/"}}),
    hook(sideEffects=None), hook(sideEffects="Some"), hook(sideEffects="Unknown"), hook(sideEffects="NoneOnDryRun"), hook(failurePolicy="Odd"), hook(failurePolicy="Ignore"), hook(matchPolicy="Odd"), hook(matchPolicy="Exact"), hook(timeoutSeconds=0), hook(timeoutSeconds=31), hook(timeoutSeconds=30), hook(timeoutSeconds=-1),
    hook(admissionReviewVersions=[]), hook(admissionReviewVersions=None), hook(admissionReviewVersions=["v2"]), hook(admissionReviewVersions=["v2", "v1beta1"]), hook(admissionReviewVersions=["v1", "v1"]), hook(admissionReviewVersions=["V 1", "v1"]), hook(rules=[]), hook(rules=None),
    hook(namespaceSelector={"matchLabels": {"a b": "c"}}), hook(objectSelector={"matchExpressions": [{"key": "a", "operator": "In"}]}), hook(objectSelector={"matchLabels": {"a": "b"}}),
    ruled(operations=[]), ruled(operations=["*", "CREATE"]), ruled(operations=["*"]), ruled(operations=["PATCH"]), ruled(apiGroups=[]), ruled(apiGroups=["*", "apps"]), ruled(apiVersions=[]), ruled(apiVersions=["*", "v1"]), ruled(apiVersions=[""]), ruled(resources=[]), ruled(resources=["*", "pods"]), ruled(resources=["pods/*", "pods/status"]), ruled(resources=["*/*", "pods"]), ruled(resources=["*/scale", "pods/scale"]), ruled(resources=[""]), ruled(resources=["pods", "*/status"]), ruled(resources=["*", "*/status"]), ruled(scope="Odd"), ruled(scope="Namespaced"), ruled(scope="Cluster"),
    hook(matchConditions=[{"name": "a", "expression": "true"}]), hook(matchConditions=[{"name": "", "expression": ""}]), hook(matchConditions=[{"name": "a", "expression": "1"}]), hook(matchConditions=[{"name": "a", "expression": "object.x =="}]), hook(matchConditions=[{"name": "a b", "expression": "true"}, {"name": "c", "expression": "true"}, {"name": "c", "expression": "true"}]), hook(matchConditions=[{"name": "a", "expression": "params.x"}]), hook(matchConditions=[{"name": "a", "expression": "authorizer.group('').resource('pods').check('get').allowed()"}]),
    named("ValidatingWebhookConfiguration", webhooks=hook()["webhooks"] * 2),
    judges(), judges("Mutating"), judges(validations=None), judges(validations=[]), judges(matchConstraints=None), judges(matchConstraints={}), judges(matchConstraints={"resourceRules": []}), judges(failurePolicy="Odd"), judges(failurePolicy="Ignore"), judges(paramKind={}), judges(paramKind={"apiVersion": "a/b/c", "kind": "D E"}), judges(paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    judges(resources={"operations": ["*"]}), judges(resources={"resourceNames": ["a", "a"]}), judges(resources={"resourceNames": ["A_b"]}), judges(resources={"apiGroups": ["*"], "resources": ["*/*"], "scope": "*"}), judges(matchConstraints={"resourceRules": [RULE], "matchPolicy": "Odd"}), judges(matchConstraints={"resourceRules": [RULE], "excludeResourceRules": [dict(RULE, operations=[])], "namespaceSelector": {"matchLabels": {"a b": "c"}}}),
    judges(validations=[{"expression": ""}]), judges(validations=[{"expression": "1"}]), judges(validations=[{"expression": "object.x =="}]), judges(validations=[{"expression": "object.spec.x > 1", "message": "m", "reason": "Invalid"}]), judges(validations=[{"expression": "true", "reason": "Odd"}]), judges(validations=[{"expression": "true", "message": " "}]), judges(validations=[{"expression": "true", "message": "a\nb"}]), judges(validations=[{"expression": "a\n&& b"}]), judges(validations=[{"expression": "object.x\n&& true"}]), judges(validations=[{"expression": "true", "messageExpression": "1"}]), judges(validations=[{"expression": "true", "messageExpression": "'a' + object.metadata.name"}]), judges(validations=[{"expression": "nope"}]), judges(validations=[{"expression": "params.x"}]), judges(validations=[{"expression": "params.x == 1"}], paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    judges(variables=[{"name": "v", "expression": "object.x"}], validations=[{"expression": "variables.v == 1"}]), judges(variables=[{"name": "a.b", "expression": "1"}, {"name": "v", "expression": "variables.w"}, {"name": "v", "expression": ""}]), judges(validations=[{"expression": "variables.nope"}]), judges(auditAnnotations=[{"key": "k", "valueExpression": "'a'"}]), judges(auditAnnotations=[{"key": "k", "valueExpression": "'a'"}], validations=None), judges(auditAnnotations=[{"key": "", "valueExpression": "1"}, {"key": "a b", "valueExpression": "null"}, {"key": "a b", "valueExpression": ""}]), judges(matchConditions=[{"name": "a", "expression": "request.operation == 'CREATE'"}]), judges(matchConditions=[{"name": "", "expression": "1"}]),
    judges("Mutating", mutations=None), judges("Mutating", mutations=[]), judges("Mutating", reinvocationPolicy=None), judges("Mutating", reinvocationPolicy="Odd"), judges("Mutating", mutations=[{"patchType": "Odd"}]), judges("Mutating", mutations=[{"patchType": "JSONPatch"}]), judges("Mutating", mutations=[{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/metadata/labels/a', value: 'b'}]"}}]), judges("Mutating", mutations=[{"patchType": "JSONPatch", "jsonPatch": {"expression": "1"}}]), judges("Mutating", mutations=[{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "1"}}]), judges("Mutating", mutations=[{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: {'a': 'b'}}}"}}]), judges("Mutating", mutations=[{"patchType": "ApplyConfiguration", "jsonPatch": {"expression": "[]"}}]), judges("Mutating", failurePolicy="Odd"), judges("Mutating", resources={"operations": ["DELETE"]}),
    bound(), bound("Mutating"), bound(policyName=None), bound(policyName="A B"), bound(validationActions=None), bound(validationActions=[]), bound(validationActions=["Odd"]), bound(validationActions=["Deny", "Warn"]), bound(validationActions=["Warn", "Audit"]), bound(validationActions=["Deny", "Deny"]), bound(paramRef={}), bound(paramRef={"name": "a"}), bound(paramRef={"name": "a", "parameterNotFoundAction": "Deny"}), bound(paramRef={"name": "a", "selector": {}, "parameterNotFoundAction": "Odd"}), bound(paramRef={"selector": {"matchLabels": {"a": "b"}}, "parameterNotFoundAction": "Allow"}), bound(matchResources={}), bound(matchResources={"namespaceSelector": {"matchLabels": {"a": "b"}}, "resourceRules": [RULE]}), bound(matchResources={"matchPolicy": "Odd"}), bound("Mutating", policyName=None), bound("Mutating", paramRef={"name": "a"}),
]
IMMUTABLE = named("ConfigMap", immutable=True, data={"a": "1"})
UPDATED = [
    (pod(), pod(replicas=3)), (pod(), pod(selector={"matchLabels": {"app": "web", "x": "y"}}, template={
        "metadata": {"labels": {"app": "web", "x": "y"}}, "spec": {"containers": [{"name": "web", "image": "x:1"}]}})),
    (IMMUTABLE, named("ConfigMap", data={"a": "2"})), (IMMUTABLE, IMMUTABLE), (named("Secret"), named("Secret", type="x")),
    (service(ports=PORT), service(ports=[{"port": 81}])), (service(ports=PORT, clusterIP="10.0.7.7"), service(ports=PORT, clusterIP="10.0.7.8")),
    (service(ports=PORT), service(type="LoadBalancer", ports=PORT)), (service(ports=PORT), service(type="ExternalName", externalName="a.example")),
    (service(ports=PORT), service(ports=PORT, clusterIP="None")), (service(type="LoadBalancer", ports=PORT), service(type="LoadBalancer", ports=PORT, loadBalancerClass="a/b")),
    (pod("StatefulSet", serviceName="x"), pod("StatefulSet", serviceName="x", replicas=3)), (pod("StatefulSet", serviceName="x"), pod("StatefulSet", serviceName="y")), (pod("StatefulSet", serviceName="x"), pod("StatefulSet", serviceName="x", podManagementPolicy="Parallel")),
    (pod("StatefulSet", serviceName="x"), pod("StatefulSet", serviceName="x", updateStrategy={"type": "OnDelete"}, minReadySeconds=5)), (pod("StatefulSet", serviceName="x"), pod("StatefulSet", serviceName="x", replicas=-1)),
    (pod("DaemonSet"), pod("DaemonSet", selector={"matchLabels": {"app": "web", "x": "y"}}, template={"metadata": {"labels": {"app": "web", "x": "y"}}, "spec": {"containers": [{"name": "web", "image": "x:1"}]}})),
    (chosen(), chosen(parallelism=3, completions=1)), (chosen(), chosen(completions=5)), (chosen(), chosen("x:2")), (chosen(), chosen(completionMode="Indexed", completions=1)), (chosen(), chosen(suspend=True)),
    (chosen(completionMode="Indexed", completions=3), chosen(completionMode="Indexed", completions=3, backoffLimitPerIndex=1)), (chosen(completionMode="Indexed", completions=3, parallelism=3), chosen(completionMode="Indexed", completions=5, parallelism=5)),
    (cron(), cron("@daily")), (cron(), cron("never")), (ingress(path()), ingress(path("/b"))), (ingress(path()), ingress(path(), host="A")), (named("IngressClass", spec={"controller": "a.b/c"}), named("IngressClass", spec={"controller": "a.b/d"})),
    (claim(), claim(storageClassName="fast")), (claim(), claim(resources={"requests": {"storage": "2Gi"}})), (claim(), claim(accessModes=["ReadOnlyMany"])), (claim(), claim(volumeMode="Block")), (claim(storageClassName="fast"), claim(storageClassName="slow")), (claim(), claim(resources={"requests": {"storage": "1Mi"}})), (claim(storageClassName="fast"), claim(storageClassName="fast", volumeName="v")),
    (volume(), volume(hostPath={"path": "/y"})), (volume(), volume(persistentVolumeReclaimPolicy="Delete")), (volume(), volume(capacity={"storage": "2Gi"})), (volume(), volume(volumeMode="Block")), (volume(), volume(storageClassName="x")),
    (named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": 1}), named("PodDisruptionBudget", spec={"selector": WEB, "maxUnavailable": 1})), (named("PodDisruptionBudget", spec={"selector": WEB, "minAvailable": 1}), named("PodDisruptionBudget", spec={"selector": {}, "minAvailable": 1})),
    (scaler(), scaler(maxReplicas=9)), (scaler(), scaler(maxReplicas=0)), (named("ResourceQuota", spec={"hard": {"pods": "1"}}), named("ResourceQuota", spec={"hard": {"pods": "2"}})), (named("ResourceQuota", spec={"hard": {"pods": "1"}}), named("ResourceQuota", spec={"hard": {"pods": "1"}, "scopes": ["BestEffort"]})),
    (named("PriorityClass", value=5), named("PriorityClass", value=6)), (named("PriorityClass", value=5), named("PriorityClass", value=5, preemptionPolicy="Never")), (named("PriorityClass", value=5), named("PriorityClass", value=5, description="d")),
    (named("StorageClass", provisioner="a.b/c"), named("StorageClass", provisioner="a.b/d")), (named("StorageClass", provisioner="a.b/c"), named("StorageClass", provisioner="a.b/c", reclaimPolicy="Retain", parameters={"a": "b"})), (named("StorageClass", provisioner="a.b/c"), named("StorageClass", provisioner="a.b/c", allowVolumeExpansion=True)), (named("StorageClass", provisioner="a.b/c"), named("StorageClass", provisioner="a.b/c", volumeBindingMode="WaitForFirstConsumer")),
    (named("ControllerRevision", revision=1, data={"a": 1}), named("ControllerRevision", revision=2, data={"a": 1})), (named("ControllerRevision", revision=1, data={"a": 1}), named("ControllerRevision", revision=1, data={"a": 2})), (named("LimitRange", spec=limits(max={"cpu": "1"})["spec"]), limits(max={"cpu": "2"})),
    (named("NetworkPolicy", spec={"podSelector": {}}), named("NetworkPolicy", spec={"podSelector": WEB})),
    (named("EndpointSlice", addressType="IPv4", endpoints=[]), named("EndpointSlice", addressType="IPv6", endpoints=[])),
    (hook(), hook(failurePolicy="Ignore")), (hook(), hook(timeoutSeconds=31)), (hook(), hook(clientConfig={"url": "http://a"})), (judges(), judges(failurePolicy="Ignore")), (judges(), judges(validations=[{"expression": "nope"}])), (bound(), bound(policyName="q")), (bound(), bound(validationActions=["Warn"])), (bound("Mutating"), bound("Mutating", policyName="q")),
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
