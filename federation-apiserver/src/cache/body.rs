//! The canonical bytes of an object, and where its revision goes in them.
//!
//! Stored bodies carry no `metadata.resourceVersion`: the store gives it at commit, after the bytes are made. `kind`,
//! `apiVersion` and `metadata` come first, so that the revision is spliced in near the start of the bytes, by a copy and
//! without a JSON tree. The other fields follow in the order of the value given.

use api::Revision;
use bytes::Bytes;
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

/// The bytes a store keeps for an object: canonical JSON without `metadata.resourceVersion`.
#[must_use]
pub fn canonical(object: &Value) -> Bytes {
    match serde_json::to_vec(&Canonical(object)) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            // A tree of JSON values has string keys and finite numbers only; writing it into memory has no way to fail.
            tracing::error!(%error, "an object could not be written as JSON");
            Bytes::new()
        }
    }
}

struct Canonical<'a>(&'a Value);
struct Metadata<'a>(Option<&'a Map<String, Value>>);

impl Serialize for Canonical<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |field: &str| self.0.get(field).and_then(Value::as_str).unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", text("kind"))?;
        map.serialize_entry("apiVersion", text("apiVersion"))?;
        map.serialize_entry("metadata", &Metadata(self.0.get("metadata").and_then(Value::as_object)))?;
        for (field, value) in self.0.as_object().into_iter().flatten() {
            if !matches!(field.as_str(), "kind" | "apiVersion" | "metadata") {
                map.serialize_entry(field, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self
            .0
            .into_iter()
            .flatten()
            .filter(|(field, _)| *field != "resourceVersion");
        serializer.collect_map(fields)
    }
}

/// The final bytes of an object: canonical bytes with `"resourceVersion":"N"` as the first field of its metadata.
/// None if the bytes were not made by [`canonical`].
#[must_use]
pub fn splice_revision(canonical: &[u8], revision: Revision) -> Option<Bytes> {
    let at = metadata_offset(canonical)?;
    let (head, tail) = canonical.split_at_checked(at)?;
    let field = format!("\"resourceVersion\":\"{revision}\"");
    let comma: &[u8] = if tail.first()? == &b'}' { b"" } else { b"," };
    Some([head, field.as_bytes(), comma, tail].concat().into())
}

/// Where the fields of `metadata` begin.
fn metadata_offset(canonical: &[u8]) -> Option<usize> {
    let rest = canonical.strip_prefix(b"{\"kind\":")?;
    let rest = after_string(rest)?.strip_prefix(b",\"apiVersion\":")?;
    let rest = after_string(rest)?.strip_prefix(b",\"metadata\":{")?;
    Some(canonical.len() - rest.len())
}

/// What follows the JSON string that the bytes begin with.
fn after_string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        match rest {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _, tail @ ..] | [_, tail @ ..] => rest = tail,
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn revision(number: u64) -> Revision {
        Revision::new(number).unwrap()
    }

    #[test]
    fn the_revision_is_the_first_field_of_metadata() {
        let object = json!({"spec": {"a": 1}, "apiVersion": "v1", "kind": "ConfigMap",
                            "metadata": {"name": "a", "resourceVersion": "7", "annotations": {"resourceVersion": "8"}}});
        let bytes = canonical(&object);
        assert_eq!(
            bytes,
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"annotations":{"resourceVersion":"8"},"name":"a"},"spec":{"a":1}}"#
        );
        let spliced = splice_revision(&bytes, revision(42)).unwrap();
        assert_eq!(
            spliced,
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"42","annotations":{"resourceVersion":"8"},"name":"a"},"spec":{"a":1}}"#
        );
    }

    #[test]
    fn odd_objects_are_still_objects() {
        for odd in [
            json!({}),
            json!({"metadata": {}}),
            json!({"kind": "a\"b\\", "metadata": 5}),
            json!(null),
        ] {
            let bytes = canonical(&odd);
            let spliced: Value = serde_json::from_slice(&splice_revision(&bytes, revision(3)).unwrap()).unwrap();
            assert_eq!(spliced["metadata"], json!({"resourceVersion": "3"}), "{odd}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            "",
            "{",
            "{}",
            r#"{"kind":"a"#,
            r#"{"apiVersion":"v1"}"#,
            r#"{"kind":"A","apiVersion":"v1","metadata":{"#,
        ] {
            assert_eq!(splice_revision(bytes.as_bytes(), revision(3)), None, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn splicing_only_adds_the_revision(kind in ".*", version in ".*", name in ".*", field in "[a-z]{1,8}", number in 1_u64..) {
            let mut object = json!({"kind": kind, "apiVersion": version, "metadata": {"name": name}});
            object[format!("x{field}")] = json!([1, "two", null]);
            let bytes = splice_revision(&canonical(&object), revision(number)).unwrap();
            object["metadata"]["resourceVersion"] = json!(number.to_string());
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), object);
        }
    }
}
