//! Kinds that Kubernetes builds in and serves in two versions: how an object in one is spelled in the other.
//!
//! In: an object as clients of the second version write it, or as it is stored. Out: the same in the other spelling. What the
//! second version cannot say goes into annotations, as upstream has it, so that nothing is lost on the way there and back.
//! Absent: versions of custom kinds (`custom`), which a definition describes.

mod autoscaler;
mod event;

use serde_json::{Map, Value};

/// The second version of a kind, beside the one in which its objects are stored.
#[derive(Debug)]
pub struct Second {
    /// `apiVersion` of stored objects.
    pub stored_api_version: &'static str,
    /// What a field selector may name, and what that is called in stored objects.
    pub fields: &'static [(&'static str, &'static str)],
    to_stored: fn(&mut Map<String, Value>),
    from_stored: fn(&mut Map<String, Value>),
    /// What every whole object has in this version.
    complete: fn(&mut Map<String, Value>),
    api_version: &'static str,
}

static EVENT: Second = Second {
    stored_api_version: "v1",
    fields: event::FIELDS,
    to_stored: event::to_core,
    from_stored: event::from_core,
    complete: event::complete,
    api_version: "events.k8s.io/v1",
};

static AUTOSCALER: Second = Second {
    stored_api_version: "autoscaling/v2",
    fields: &[],
    to_stored: autoscaler::to_v2,
    from_stored: autoscaler::from_v2,
    complete: autoscaler::complete,
    api_version: "autoscaling/v1",
};

/// The second version that an `apiVersion` is of a kind; none where objects of it are stored as they are.
#[must_use]
pub fn second(api_version: &str, kind: &str) -> Option<&'static Second> {
    match (api_version, kind) {
        ("events.k8s.io/v1", "Event") => Some(&EVENT),
        ("autoscaling/v1", "HorizontalPodAutoscaler") => Some(&AUTOSCALER),
        _ => None,
    }
}

impl Second {
    /// An object of this version as it is stored. What is missing stays missing: a configuration that is applied is no whole
    /// object.
    pub fn to_stored(&self, object: &mut Value) {
        spell(object, self.to_stored, self.stored_api_version);
    }

    /// A stored object as this version shows it.
    pub fn from_stored(&self, object: &mut Value) {
        self.part_from_stored(object);
        if let Some(object) = object.as_object_mut() {
            (self.complete)(object);
        }
    }

    /// A part of an object, such as a configuration that was applied, in this version: nothing is added to it.
    pub fn part_from_stored(&self, object: &mut Value) {
        spell(object, self.from_stored, self.api_version);
    }
}

fn spell(object: &mut Value, fields: fn(&mut Map<String, Value>), api_version: &str) {
    if let Some(object) = object.as_object_mut() {
        fields(object);
        object.insert("apiVersion".to_owned(), Value::from(api_version));
    }
}

/// Gives a field another name; whatever has the new name already gives way.
fn rename(object: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = object.remove(from) {
        object.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
