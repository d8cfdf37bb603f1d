"""What a program with the Kubernetes client for Python does, against a hub: client.py KUBECONFIG NAMESPACE."""

import sys

from kubernetes import client, config, dynamic, watch

kubeconfig, namespace = sys.argv[1:]
config.load_kube_config(kubeconfig, context="federation")
core, apps = client.CoreV1Api(), client.AppsV1Api()


def until(events, what, wanted):
    """The first event that is wanted."""
    for event in events:
        if wanted(event):
            return event
    raise SystemExit(f"{what}: the watch ended without it")


core.create_namespace({"metadata": {"name": namespace}})

# Create, read, replace, patch.
made = core.create_namespaced_config_map(namespace, {"metadata": {"name": "a"}, "data": {"k": "1"}})
assert made.metadata.uid and made.metadata.managed_fields
made.data["k"] = "2"
assert core.replace_namespaced_config_map("a", namespace, made).data == {"k": "2"}
try:
    core.replace_namespaced_config_map("a", namespace, made)
    raise SystemExit("an old version was written")
except client.ApiException as refused:
    assert refused.status == 409, refused
assert core.patch_namespaced_config_map("a", namespace, {"data": {"k": "3"}}).data == {"k": "3"}
assert core.read_namespaced_config_map("a", namespace).data == {"k": "3"}

# List, then watch from there, as an informer does.
known = core.list_namespaced_config_map(namespace, label_selector="!other")
assert "a" in {item.metadata.name for item in known.items}
core.create_namespaced_config_map(namespace, {"metadata": {"name": "b"}})
core.patch_namespaced_config_map("b", namespace, {"data": {"k": "1"}})
core.delete_namespaced_config_map("b", namespace)
seen = []
stream = watch.Watch().stream(
    core.list_namespaced_config_map,
    namespace,
    resource_version=known.metadata.resource_version,
    field_selector="metadata.name=b",
    timeout_seconds=20,
)
for event in stream:
    seen.append(event["type"])
    if event["type"] == "DELETED":
        break
assert seen == ["ADDED", "MODIFIED", "DELETED"], seen

# A workload in the members.
template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
apps.create_namespaced_deployment(
    namespace,
    {
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    },
)
until(
    watch.Watch().stream(
        apps.list_namespaced_deployment, namespace, field_selector="metadata.name=web", timeout_seconds=60
    ),
    "both replicas ready",
    lambda event: event["object"].status.ready_replicas == 2,
)
assert apps.read_namespaced_deployment_scale("web", namespace).status.replicas == 2

# The dynamic client: discovery, server-side apply with its conflicts, our own kinds.
resources = dynamic.DynamicClient(client.ApiClient()).resources
maps = resources.get(api_version="v1", kind="ConfigMap")


def config_map(value):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": namespace}, "data": {"x": value}}


applied = maps.server_side_apply(config_map("1"), field_manager="one")
assert applied.metadata.managedFields[0].manager == "one"
try:
    maps.server_side_apply(config_map("2"), field_manager="two")
    raise SystemExit("a field of another manager was taken")
except dynamic.exceptions.ConflictError as refused:
    assert "conflict with" in str(refused.body), refused.body
forced = maps.server_side_apply(config_map("2"), field_manager="two", force_conflicts=True)
assert forced.data["x"] == "2"
placements = resources.get(api_version="federation.meridian.dev/v1alpha1", kind="Placement")
assert "deployment-web" in {item.metadata.name for item in placements.get(namespace=namespace).items}

review = client.AuthorizationV1Api().create_self_subject_access_review(
    {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": namespace}}}
)
assert review.status.allowed
core.delete_namespace(namespace)
until(
    watch.Watch().stream(core.list_namespace, field_selector=f"metadata.name={namespace}", timeout_seconds=60),
    "the namespace gone",
    lambda event: event["type"] == "DELETED",
)
print("done")
