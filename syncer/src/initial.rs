//! Fields that a member's copy is given when it is made, and that are the member's own from then on.
//!
//! In: a manifest and, where there is one, the live object. Out: the manifest's object as it is compared, or as it is written.
//! Absent: which fields those are; the manifest says it. What the member says is written back as it is, bound to the version
//! it was read from, instead of being left out: a field that its only owner no longer applies would be taken away.

use std::borrow::Cow;

use api::Manifest;
use serde_json::Value;

/// The rendered object, less what is the member's own: what drift is judged by.
pub(crate) fn compared(manifest: &Manifest) -> Cow<'_, Value> {
    let spec = &manifest.spec;
    if spec.initial_fields.is_empty() {
        return Cow::Borrowed(&spec.object);
    }
    let mut object = spec.object.clone();
    for field in &spec.initial_fields {
        let parent = field.rsplit_once('/');
        if let Some((parent, key)) = parent
            && let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.remove(key);
        }
    }
    Cow::Owned(object)
}

/// Puts into `body` what the member says in its own fields. A value that is none, or 0, says nothing: an autoscaler leaves
/// alone what is stopped.
pub(crate) fn keep(manifest: &Manifest, body: &mut Value, live: &Value) {
    for field in &manifest.spec.initial_fields {
        let said = live.pointer(field);
        let said = said.filter(|said| !said.is_null() && said.as_i64() != Some(0));
        if let (Some(said), Some(place)) = (said, body.pointer_mut(field)) {
            *place = said.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use api::ManifestSpec;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_members_word_stands() {
        let spec = ManifestSpec {
            object: json!({"spec": {"replicas": 3, "paused": false}}),
            initial_fields: vec!["/spec/replicas".to_owned()],
            ..ManifestSpec::default()
        };
        let manifest = Manifest {
            spec,
            ..Manifest::default()
        };
        assert_eq!(*compared(&manifest), json!({"spec": {"paused": false}}));
        let written = |live: Value| {
            let mut body = manifest.spec.object.clone();
            keep(&manifest, &mut body, &live);
            body.pointer("/spec/replicas").cloned()
        };
        assert_eq!(written(json!({"spec": {"replicas": 8}})), Some(json!(8)));
        assert_eq!(written(json!({"spec": {"replicas": 0}})), Some(json!(3)));
        assert_eq!(written(json!({"spec": {}})), Some(json!(3)));
    }
}
