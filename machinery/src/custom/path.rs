//! Simple JSON paths, such as `.spec.replicas`, of scale subresources and field selectors.

use serde_json::Value;

/// The JSON pointer of a simple path; empty for none.
pub(crate) fn pointer(path: &str) -> String {
    let parts = path.split('.').filter(|part| !part.is_empty());
    parts
        .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// What stands at a simple path, as a field selector spells it.
pub(super) fn plain(object: &Value, path: &str) -> String {
    match object.pointer(&pointer(path)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
