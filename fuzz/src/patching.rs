//! The three patches that need no server. The bytes are a document and a patch, as a JSON array of the two.

use machinery::patch::{self, COPIED_BYTES_MAX};
use machinery::{decode, schema};
use serde_json::{Value, json};

use crate::size;

fn document_and_patch(bytes: &[u8]) -> Option<(Value, Value)> {
    match decode::json(bytes).ok()?.value {
        Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([document, patch]) => Some((document, patch)),
            Err(_) => None,
        },
        _ => None,
    }
}

/// A patch merges: the result is no larger than both, nested no deeper, and an empty patch changes nothing.
pub(crate) fn strategic(bytes: &[u8]) {
    let Some((document, patch)) = document_and_patch(bytes) else {
        return;
    };
    for (api_version, kind) in [("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "Pod")] {
        let Some(schema) = schema::of(api_version, kind) else {
            continue;
        };
        if let Ok(patched) = patch::strategic(schema, &document, &patch) {
            bounded(&document, &patch, &patched);
        }
        if document.is_object() {
            assert_eq!(patch::strategic(schema, &document, &json!({})).as_ref(), Ok(&document));
        }
    }
}

/// As above; and merging twice is merging once.
pub(crate) fn merge(bytes: &[u8]) {
    let Some((document, patch)) = document_and_patch(bytes) else {
        return;
    };
    let patched = patch::merge_patch(&document, &patch);
    bounded(&document, &patch, &patched);
    assert_eq!(patch::merge_patch(&patched, &patch), patched);
}

fn bounded(document: &Value, patch: &Value, patched: &Value) {
    assert!(
        size::bytes(patched) <= size::bytes(document) + size::bytes(patch) + 16,
        "{patched}"
    );
    assert!(
        size::depth(patched) <= size::depth(document).max(size::depth(patch)),
        "{patched}"
    );
}

/// The result is bounded by document, patch and what may be copied; a patch that only tests changes nothing.
pub(crate) fn json(bytes: &[u8]) {
    let Some((document, patch)) = document_and_patch(bytes) else {
        return;
    };
    let Ok(patched) = patch::json_patch(&document, &patch) else {
        return;
    };
    // Keys that copies get are as long as their paths, which are part of the patch.
    assert!(
        size::bytes(&patched) <= size::bytes(&document) + 2 * size::bytes(&patch) + 2 * COPIED_BYTES_MAX,
        "{} bytes",
        size::bytes(&patched)
    );
    assert!(size::depth(&patched) <= patch::DEPTH_MAX.max(size::depth(&document)));
    let only_tests = patch
        .as_array()
        .is_some_and(|operations| operations.iter().all(|operation| operation["op"] == "test"));
    assert!(!only_tests || patched == document);
}
