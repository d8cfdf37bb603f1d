//! Fields inside YAML or JSON that an object holds as text, such as a configuration file in a ConfigMap.
//! In: the object, where the text stands, what changes in it. Out: the text anew, its fields sorted and its comments lost, or why that is
//! not possible. Absent: texts of several YAML documents.

use api::overrides::{FieldOverrider, OverriderOperator, SubPathOverrider};
use serde_json::Value;

use super::pointer::{self, PointerError};

/// Why a field of a text cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No text is there.
    #[error("there is no text at {path}")]
    NoText {
        /// Where.
        path: String,
    },
    /// It is no YAML or JSON.
    #[error("the text at {path} is no {format}: {detail}")]
    Unreadable {
        /// Where.
        path: String,
        /// What it should be.
        format: &'static str,
        /// Why it is not.
        detail: String,
    },
    /// A pointer into the text leads nowhere.
    #[error("in the text at {path}")]
    Pointer {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: PointerError,
    },
}

/// Changes fields of one text.
pub(super) fn change(document: &mut Value, overrider: &FieldOverrider) -> Result<(), EmbeddedError> {
    let path = &overrider.field_path;
    let place = document.pointer_mut(path);
    let place = place
        .filter(|place| place.is_string())
        .ok_or_else(|| EmbeddedError::NoText { path: path.clone() })?;
    let text = place.as_str().unwrap_or_default();
    let unreadable = |format, detail: String| EmbeddedError::Unreadable {
        path: path.clone(),
        format,
        detail,
    };
    let (mut tree, operations, format) = if overrider.json.is_empty() {
        let tree = serde_saphyr::from_str::<Value>(text).map_err(|error| unreadable("YAML", error.to_string()))?;
        (tree, &overrider.yaml, "YAML")
    } else {
        let tree = serde_json::from_str(text).map_err(|error| unreadable("JSON", error.to_string()))?;
        (tree, &overrider.json, "JSON")
    };
    for operation in operations {
        apply(&mut tree, operation).map_err(|source| EmbeddedError::Pointer {
            path: path.clone(),
            source,
        })?;
    }
    let text = match format {
        "YAML" => serde_saphyr::to_string(&tree).map_err(|error| unreadable(format, error.to_string()))?,
        _ => tree.to_string(),
    };
    *place = Value::String(text);
    Ok(())
}

fn apply(tree: &mut Value, operation: &SubPathOverrider) -> Result<(), PointerError> {
    let value = operation.value.clone();
    match operation.operator {
        OverriderOperator::Add => pointer::add(tree, &operation.sub_path, value),
        OverriderOperator::Replace => pointer::replace(tree, &operation.sub_path, value),
        OverriderOperator::Remove => pointer::remove(tree, &operation.sub_path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({"data": {
            "app.yaml": "# ours\ndb:\n  host: us.example.com\n  ports: [1, 2]\nlevel: info\n",
            "app.json": "{\"db\": {\"host\": \"us.example.com\"}}",
            "broken": "a: [",
        }})
    }

    fn changed(overrider: Value) -> Result<Value, String> {
        let mut document = config();
        let overrider: FieldOverrider = serde_json::from_value(overrider).unwrap();
        change(&mut document, &overrider).map_err(|error| error.to_string())?;
        Ok(document)
    }

    #[test]
    fn fields_of_texts_change_and_the_others_stay() {
        let done = changed(json!({"fieldPath": "/data/app.yaml", "yaml": [
            {"subPath": "/db/host", "operator": "replace", "value": "eu.example.com"},
            {"subPath": "/db/ports/-", "operator": "add", "value": 3},
            {"subPath": "/level", "operator": "remove"}]}))
        .unwrap();
        let text = done["data"]["app.yaml"].as_str().unwrap();
        let tree: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(tree, json!({"db": {"host": "eu.example.com", "ports": [1, 2, 3]}}));
        assert_eq!(done["data"]["app.json"], config()["data"]["app.json"]);
        let done = changed(json!({"fieldPath": "/data/app.json", "json": [
            {"subPath": "/db/port", "operator": "add", "value": 5432}]}))
        .unwrap();
        assert_eq!(
            done["data"]["app.json"],
            r#"{"db":{"host":"us.example.com","port":5432}}"#
        );
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let yaml = |path: &str, sub: &str| {
            changed(json!({"fieldPath": path, "yaml": [{"subPath": sub, "operator": "replace", "value": 1}]}))
                .unwrap_err()
        };
        assert_eq!(yaml("/data/none", "/a"), "there is no text at /data/none");
        assert_eq!(yaml("/data", "/a"), "there is no text at /data");
        assert!(yaml("/data/broken", "/a").starts_with("the text at /data/broken is no YAML"));
        assert_eq!(yaml("/data/app.yaml", "/nothing/here"), "in the text at /data/app.yaml");
    }
}
