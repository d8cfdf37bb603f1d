//! Values of earlier answers in later requests. In: a template and what was kept. Out: the template with `${name}` replaced.

use std::collections::BTreeMap;

use serde_json::Value;

/// What one server said so far in one case.
#[derive(Debug, Default, Clone)]
pub struct Kept {
    /// Parts of answers by name.
    pub values: BTreeMap<String, Value>,
    /// Answers as they came, by name.
    pub bytes: BTreeMap<String, Vec<u8>>,
}

impl Kept {
    /// The text with every `${name}` replaced; an unknown name stays as it is.
    #[must_use]
    pub fn text(&self, template: &str) -> String {
        let mut text = template.to_owned();
        for (name, value) in &self.values {
            let mark = format!("${{{name}}}");
            if text.contains(&mark) {
                let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&mark, &plain);
            }
        }
        text
    }

    /// The value with every `${name}` replaced, in keys too. A string that is nothing but `${name}` becomes the kept value
    /// itself, whatever its type.
    #[must_use]
    pub fn value(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => self
                .values
                .iter()
                .find(|(name, _)| *text == format!("${{{name}}}"))
                .map_or_else(|| Value::from(self.text(text)), |(_, value)| value.clone()),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (self.text(key), self.value(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// A merge patch (RFC 7386) laid over a value.
#[must_use]
pub fn merged(under: Value, over: &Value) -> Value {
    let (Value::Object(mut map), Value::Object(changes)) = (under, over) else {
        return over.clone();
    };
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
            continue;
        }
        let merged = match (map.remove(key), change) {
            (Some(old @ Value::Object(_)), Value::Object(_)) => merged(old, change),
            (_, Value::Object(_)) => merged(Value::Object(serde_json::Map::new()), change),
            _ => change.clone(),
        };
        map.insert(key.clone(), merged);
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn kept_values_take_their_places() {
        let mut kept = Kept::default();
        kept.values.insert("ns".to_owned(), json!("d-1"));
        kept.values.insert("n".to_owned(), json!(3));
        let template = json!({"name": "x-${ns}", "${ns}": ["${n}", "${n}${n}", "${other}"]});
        assert_eq!(
            kept.value(&template),
            json!({"name": "x-d-1", "d-1": [3, "33", "${other}"]})
        );
    }

    proptest! {
        #[test]
        fn a_merge_sets_and_removes(key in "[a-z]{1,3}", old in 0..9i64, new in 0..9i64) {
            let under = json!({"stays": 1, key.clone(): old});
            prop_assert_eq!(&merged(under.clone(), &json!({key.clone(): new}))[&key], &json!(new));
            let gone = merged(under.clone(), &json!({key.clone(): null}));
            prop_assert_eq!(gone.get(&key), None);
            prop_assert_eq!(merged(under.clone(), &json!({})), under);
        }
    }
}
