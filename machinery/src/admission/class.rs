//! Default classes: which StorageClass a claim gets and which IngressClass an Ingress, where they name none.
//!
//! In: an object, all classes. Out: the object with a class. The youngest default wins, of the same age the first by name.

use std::cmp::Reverse;

use serde_json::Value;

const STORAGE_MARKS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];
const STORAGE_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const INGRESS_MARKS: [&str; 1] = ["ingressclass.kubernetes.io/is-default-class"];
const INGRESS_ANNOTATION: &str = "kubernetes.io/ingress.class";

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn default_of<'a>(classes: impl IntoIterator<Item = &'a Value>, marks: &[&str]) -> Option<String> {
    let text = |class: &Value, key: &str| {
        let metadata = class.get("metadata").and_then(|metadata| metadata.get(key));
        metadata.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    classes
        .into_iter()
        .filter(|class| marks.iter().any(|mark| annotation(class, mark) == Some("true")))
        .map(|class| (Reverse(text(class, "creationTimestamp")), text(class, "name")))
        .min()
        .map(|(_, name)| name)
}

fn give(object: &mut Value, key: &str, named_by: &str, default: impl FnOnce() -> Option<String>) {
    if annotation(object, named_by).is_some() {
        return;
    }
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    // The empty text is a choice: no class at all.
    if spec.get(key).is_some_and(|said| !said.is_null()) {
        return;
    }
    if let Some(class) = default() {
        spec.insert(key.to_owned(), Value::from(class));
    }
}

/// Gives a new claim the default StorageClass.
pub fn of_claim<'a>(claim: &mut Value, classes: impl IntoIterator<Item = &'a Value>) {
    give(claim, "storageClassName", STORAGE_ANNOTATION, || {
        default_of(classes, &STORAGE_MARKS)
    });
}

/// Gives a new Ingress the default IngressClass.
pub fn of_ingress<'a>(ingress: &mut Value, classes: impl IntoIterator<Item = &'a Value>) {
    give(ingress, "ingressClassName", INGRESS_ANNOTATION, || {
        default_of(classes, &INGRESS_MARKS)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_youngest_default_then_the_first_by_name() {
        let class = |name: &str, born: &str, mark: &str| json!({"metadata": {"name": name, "creationTimestamp": born, "annotations": {STORAGE_MARKS[0]: mark}}});
        let classes = [
            class("s1", "2026-01-02T00:00:00Z", "true"),
            class("s2", "2026-01-02T00:00:00Z", "true"),
            class("old", "2026-01-01T00:00:00Z", "true"),
            class("new", "2026-01-03T00:00:00Z", "false"),
        ];
        let given = |mut claim: Value| {
            of_claim(&mut claim, &classes);
            claim["spec"].get("storageClassName").cloned()
        };
        assert_eq!(given(json!({"spec": {}})), Some(json!("s1")));
        assert_eq!(given(json!({"spec": {"storageClassName": ""}})), Some(json!("")));
        let annotated = json!({"metadata": {"annotations": {STORAGE_ANNOTATION: "zz"}}, "spec": {}});
        assert_eq!(given(annotated), None);
    }
}
