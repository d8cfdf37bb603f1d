//! How what a member holds is shown on the hub: with a label that names the cluster, and under a name that means one thing.

use api::well_known::{CLUSTER_LABEL, MANAGED_LABEL, MANAGED_VALUE};
use serde_json::{Map, Value};

/// Controllers that give each Pod a name that nobody else has.
const NAMED_AT_RANDOM: [&str; 3] = ["DaemonSet", "Job", "ReplicaSet"];

/// Something of a member as the hub shows it; none for what the hub shows anyway, because it was placed there by it.
/// `alone` tells of a StatefulSet whether it is in one cluster only.
pub(super) fn shown(
    mut object: Value,
    api_version: &str,
    kind: &str,
    cluster: &str,
    alone: impl Fn(&str, &str) -> bool,
) -> Option<Value> {
    let is_pod = kind == "Pod";
    if is_pod && label(&object, MANAGED_LABEL) == Some(MANAGED_VALUE) {
        return None;
    }
    let name = text(&object, "name").to_owned();
    let renamed = is_pod && !is_unambiguous(&object, alone);
    let tree = object.as_object_mut()?;
    // Items of a list carry neither.
    tree.entry("apiVersion").or_insert_with(|| Value::from(api_version));
    tree.entry("kind").or_insert_with(|| Value::from(kind));
    let metadata = tree.get_mut("metadata").and_then(Value::as_object_mut)?;
    let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
    labels
        .as_object_mut()?
        .insert(CLUSTER_LABEL.to_owned(), Value::from(cluster));
    if renamed {
        metadata.insert("name".to_owned(), Value::from(qualified(&name, cluster)));
    }
    Some(object)
}

/// The name that means one Pod of one cluster.
pub(super) fn qualified(name: &str, cluster: &str) -> String {
    format!("{name}.{cluster}")
}

/// The name of a Pod in a cluster, where a name on the hub names the cluster too.
pub(super) fn within<'a>(name: &'a str, cluster: &str) -> Option<&'a str> {
    let name = name.strip_suffix(cluster)?.strip_suffix('.')?;
    (!name.is_empty()).then_some(name)
}

/// Whether no other cluster has a Pod of the same name: those of ReplicaSets and their like have five random letters, those of
/// a StatefulSet are counted in each cluster, and those that somebody made may be called anything.
fn is_unambiguous(pod: &Value, alone: impl Fn(&str, &str) -> bool) -> bool {
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut owners = owners.into_iter().flatten();
    let controller = owners.find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    let Some(controller) = controller else { return false };
    let of = |key: &str| controller.get(key).and_then(Value::as_str).unwrap_or_default();
    NAMED_AT_RANDOM.contains(&of("kind")) || of("kind") == "StatefulSet" && alone(text(pod, "namespace"), of("name"))
}

/// Namespace and name of an object.
pub(super) fn key(object: &Value) -> (&str, &str) {
    (text(object, "namespace"), text(object, "name"))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    let metadata = object.get("metadata").and_then(|metadata| metadata.get(field));
    metadata.and_then(Value::as_str).unwrap_or_default()
}

fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(owner: Option<(&str, &str)>) -> Value {
        let owners = owner.map(|(kind, name)| json!([{"kind": kind, "name": name, "controller": true}]));
        json!({"metadata": {"name": "db-0", "namespace": "shop", "ownerReferences": owners}})
    }

    fn name_of(pod: Value, alone: bool) -> Option<String> {
        let shown = shown(pod, "v1", "Pod", "eu-1", |_, _| alone)?;
        assert_eq!(label(&shown, CLUSTER_LABEL), Some("eu-1"));
        assert_eq!((&shown["apiVersion"], &shown["kind"]), (&json!("v1"), &json!("Pod")));
        Some(key(&shown).1.to_owned())
    }

    #[test]
    fn a_name_means_one_pod() {
        // owner, whether its set is in one cluster | name on the hub
        for (owner, alone, name) in [
            (Some(("ReplicaSet", "web-5d8f")), false, "db-0"),
            (Some(("Job", "tidy")), false, "db-0"),
            (Some(("StatefulSet", "db")), true, "db-0"),
            (Some(("StatefulSet", "db")), false, "db-0.eu-1"),
            (None, true, "db-0.eu-1"),
        ] {
            assert_eq!(name_of(pod(owner), alone).as_deref(), Some(name), "{owner:?}");
        }
        assert_eq!(within("db-0.eu-1", "eu-1"), Some("db-0"));
        assert_eq!(within("db-0.eu-1", "us-1"), None);
        assert_eq!(within("db-0-eu-1", "eu-1"), None);
        assert_eq!(within(".eu-1", "eu-1"), None);
    }

    #[test]
    fn what_the_hub_holds_is_not_shown_twice() {
        let mut own = pod(None);
        own["metadata"]["labels"] = json!({ MANAGED_LABEL: MANAGED_VALUE });
        assert_eq!(name_of(own, true), None);
    }
}
