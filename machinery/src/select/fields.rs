//! Field selectors: `metadata.name=x,spec.type!=ClusterIP`, with `\` escaping `,`, `=` and itself.

use serde_json::Value;

use super::SelectorError;

/// Terms that must all hold. None at all: everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

/// One term of a [`FieldSelector`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTerm {
    /// Dotted path of the field.
    pub field: String,
    /// Whether the field must have the value, or must not.
    pub equal: bool,
    /// The value; absent fields have the empty one.
    pub value: String,
}

impl FieldSelector {
    /// Reads the text of a `fieldSelector`.
    ///
    /// # Errors
    /// [`SelectorError`] where a term has no operator or an escape makes no sense.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut terms = Vec::new();
        for term in split_terms(text) {
            if term.is_empty() {
                continue;
            }
            let (field, operator, value) = split_term(term)
                .ok_or_else(|| SelectorError::new(format!("invalid selector: '{text}'; can't understand '{term}'")))?;
            terms.push(FieldTerm {
                field: field.to_owned(),
                equal: operator != "!=",
                value: unescape(value)?,
            });
        }
        Ok(Self { terms })
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Gives fields the names that they have in other versions of their kind: pairs of the name here and the name there.
    pub fn rename(&mut self, names: &[(&str, &str)]) {
        for term in &mut self.terms {
            if let Some((_, there)) = names.iter().find(|(here, _)| *here == term.field) {
                (*there).clone_into(&mut term.field);
            }
        }
    }

    /// Whether every object matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value that a field must have, where the selector says so: `metadata.name` makes a list a get.
    #[must_use]
    pub fn required(&self, field: &str) -> Option<&str> {
        self.terms
            .iter()
            .find(|term| term.equal && term.field == field)
            .map(|term| term.value.as_str())
    }

    /// Refuses fields other than these.
    ///
    /// # Errors
    /// [`SelectorError`] naming the first unknown field and the known ones.
    pub fn check_known(&self, known: &[&str]) -> Result<(), SelectorError> {
        match self.terms.iter().find(|term| !known.contains(&term.field.as_str())) {
            None => Ok(()),
            Some(term) => {
                let known: Vec<String> = known.iter().map(|field| format!("{field:?}")).collect();
                let known = known.join(", ");
                Err(SelectorError::new(format!(
                    "{:?} is not a known field selector: only {known}",
                    term.field
                )))
            }
        }
    }

    /// Whether an object's fields satisfy the selector.
    #[must_use]
    pub fn matches_object(&self, object: &Value) -> bool {
        self.terms
            .iter()
            .all(|term| (field_text(object, &term.field) == term.value) == term.equal)
    }
}

/// The text of a field as selectors compare it: the empty text where it is absent or no scalar.
#[must_use]
pub fn field_text(object: &Value, path: &str) -> String {
    // The one name that is spelled otherwise than the field; a Job that counts none has 0.
    if path == "status.successful" {
        let count = object.pointer("/status/succeeded").and_then(Value::as_i64);
        return count.unwrap_or_default().to_string();
    }
    let mut value = object;
    for key in path.split('.') {
        match value.get(key) {
            Some(inner) => value = inner,
            None => return String::new(),
        }
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.extend(text.get(start..));
    terms
}

fn split_term(term: &str) -> Option<(&str, &str, &str)> {
    for (at, _) in term.char_indices() {
        let (field, rest) = term.split_at(at);
        for operator in ["!=", "==", "="] {
            if let Some(value) = rest.strip_prefix(operator) {
                return Some((field, operator, value));
            }
        }
    }
    None
}

fn unescape(value: &str) -> Result<String, SelectorError> {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                Some(other) => {
                    return Err(SelectorError::new(format!(
                        "invalid field selector: invalid escape sequence: \\{other}"
                    )));
                }
                None => {
                    return Err(SelectorError::new(
                        "invalid field selector: it ends in an open escape: \\",
                    ));
                }
            },
            ',' | '=' => {
                return Err(SelectorError::new(format!(
                    "invalid field selector: unescaped character in value: {c:?}"
                )));
            }
            plain_char => plain.push(plain_char),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_match_as_in_kubernetes() {
        let object = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"type": "A,b=c", "on": true}});
        let table = [
            ("", true),
            ("metadata.name=web", true),
            ("metadata.name==web,metadata.namespace=shop", true),
            ("metadata.name!=web", false),
            ("metadata.name=", false),
            ("status.phase=", true),
            ("status.phase!=Active", true),
            (r"spec.type=A\,b\=c", true),
            ("spec.on=true", true),
            ("metadata.name=web,", true),
        ];
        for (text, want) in table {
            assert_eq!(
                FieldSelector::parse(text).unwrap().matches_object(&object),
                want,
                "{text}"
            );
        }
        assert_eq!(
            FieldSelector::parse("metadata.name=web")
                .unwrap()
                .required("metadata.name"),
            Some("web")
        );
    }

    #[test]
    fn bad_selectors_are_refused() {
        for text in ["web", "a=b=c", r"a=\x", r"a=b\"] {
            assert!(FieldSelector::parse(text).is_err(), "{text}");
        }
        let selector = FieldSelector::parse("spec.x=1").unwrap();
        let error = selector
            .check_known(&["metadata.name", "metadata.namespace"])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            r#""spec.x" is not a known field selector: only "metadata.name", "metadata.namespace""#
        );
        assert!(selector.check_known(&["spec.x"]).is_ok());
    }
}
