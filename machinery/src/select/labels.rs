//! Label selectors: kubectl's text form and the JSON form of `metav1.LabelSelector`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{SelectorError, parse};

/// Requirements that must all hold. None at all: everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

/// One requirement on the value of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// How the value is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The value is the one value.
    Equals,
    /// The label is absent or its value is not the one value.
    NotEquals,
    /// The value is one of the values.
    In,
    /// The label is absent or its value none of the values.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The value is an integer greater than the one value.
    GreaterThan,
    /// The value is an integer less than the one value.
    LessThan,
}

impl Requirement {
    /// Whether a value (none: the label is absent) satisfies the requirement.
    #[must_use]
    pub fn matches(&self, value: Option<&str>) -> bool {
        match self.operator {
            Operator::Equals | Operator::In => value.is_some_and(|v| self.values.iter().any(|w| w == v)),
            Operator::NotEquals | Operator::NotIn => value.is_none_or(|v| self.values.iter().all(|w| w != v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => self.numbers(value).is_some_and(|(have, than)| have > than),
            Operator::LessThan => self.numbers(value).is_some_and(|(have, than)| have < than),
        }
    }

    fn numbers(&self, value: Option<&str>) -> Option<(i64, i64)> {
        Some((value?.parse().ok()?, self.values.first()?.parse().ok()?))
    }

    pub(super) fn checked(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, SelectorError> {
        check_key(key)?;
        let (at, fault) = match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                ("values", "for 'in', 'notin' operators, values set can't be empty")
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                ("values", "values set must be empty for exists and does not exist")
            }
            Operator::Equals | Operator::NotEquals if values.len() != 1 => {
                ("values", "exact-match compatibility requires one single value")
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                ("values", "for 'Gt', 'Lt' operators, exactly one value is required")
            }
            Operator::GreaterThan | Operator::LessThan if values.iter().any(|v| v.parse::<i64>().is_err()) => {
                ("values[0]", "for 'Gt', 'Lt' operators, the value must be an integer")
            }
            Operator::Equals
            | Operator::NotEquals
            | Operator::In
            | Operator::NotIn
            | Operator::Exists
            | Operator::DoesNotExist
            | Operator::GreaterThan
            | Operator::LessThan => ("", ""),
        };
        if !fault.is_empty() {
            let bad = values.join(",");
            return Err(SelectorError::new(format!("{at}: Invalid value: {bad:?}: {fault}")));
        }
        for (index, value) in values.iter().enumerate() {
            check_value(key, index, value)?;
        }
        Ok(Self {
            key: key.to_owned(),
            operator,
            values,
        })
    }
}

impl LabelSelector {
    /// Matches everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Matches nothing: what an absent selector of an object means.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            requirements: Vec::new(),
            nothing: true,
        }
    }

    /// Whether every object matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// Its requirements on one label, and the others.
    #[must_use]
    pub fn apart(self, key: &str) -> (Self, Self) {
        let nothing = self.nothing;
        let (of_key, others) = self.requirements.into_iter().partition(|one| one.key == key);
        let made = |requirements| Self { requirements, nothing };
        (made(of_key), made(others))
    }

    /// The requirements.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Reads kubectl's form: `app=web,tier!=db,zone in (a,b),!legacy,n>3`.
    ///
    /// # Errors
    /// [`SelectorError`] naming what was found and what was expected.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let requirements = parse::requirements(text)?;
        Ok(Self::sorted(requirements))
    }

    /// Reads a `metav1.LabelSelector`; null matches nothing, `{}` everything.
    ///
    /// # Errors
    /// [`SelectorError`] where an operator, key or value is not allowed.
    pub fn from_value(value: &Value) -> Result<Self, SelectorError> {
        if value.is_null() {
            return Ok(Self::nothing());
        }
        let mut requirements = Self::from_labels(value.get("matchLabels").and_then(Value::as_object))?.requirements;
        for expression in value
            .get("matchExpressions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |field| expression.get(field).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(SelectorError::new(format!(
                        "{other:?} is not a valid label selector operator"
                    )));
                }
            };
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            requirements.push(Requirement::checked(text("key"), operator, values)?);
        }
        Ok(Self::sorted(requirements))
    }

    /// A selector that wants these labels with these values, as Services and ReplicationControllers carry it.
    ///
    /// # Errors
    /// [`SelectorError`] where a key or value is not allowed.
    pub fn from_labels(labels: Option<&Map<String, Value>>) -> Result<Self, SelectorError> {
        let pairs = labels.into_iter().flatten();
        let requirements = pairs
            .map(|(key, value)| {
                let value = value.as_str().unwrap_or_default().to_owned();
                Requirement::checked(key, Operator::Equals, vec![value])
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::sorted(requirements))
    }

    /// Whether these labels satisfy the selector.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.judge(|key| labels.get(key).map(String::as_str))
    }

    /// Whether an object's `metadata.labels` satisfy the selector.
    #[must_use]
    pub fn matches_object(&self, object: &Value) -> bool {
        let labels = object
            .get("metadata")
            .and_then(|m| m.get("labels"))
            .and_then(Value::as_object);
        self.judge(|key| labels?.get(key)?.as_str())
    }

    fn sorted(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a: &Requirement, b| a.key.cmp(&b.key));
        Self {
            requirements,
            nothing: false,
        }
    }

    fn judge<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.matches(label(&r.key)))
    }
}

/// kubectl's form; reads back as the same selector.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values = self.values.join(",");
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

const NAME_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
                         an alphanumeric character";

fn is_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            edge(bytes.first())
                && edge(bytes.last())
                && bytes
                    .iter()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        })
}

fn check_key(key: &str) -> Result<(), SelectorError> {
    let fail = |rule: &str| Err(SelectorError::new(format!("<nil>: Invalid value: {key:?}: {rule}")));
    let name = match key.split_once('/') {
        Some((prefix, _)) if !is_subdomain(prefix) => return fail("prefix part must be a DNS subdomain"),
        Some((_, name)) => name,
        None => key,
    };
    if name.is_empty() {
        return fail("name part must be non-empty");
    }
    if name.len() > 63 {
        return fail("name part must be no more than 63 bytes");
    }
    if is_name(name) { Ok(()) } else { fail(NAME_RULE) }
}

fn check_value(key: &str, index: usize, value: &str) -> Result<(), SelectorError> {
    let fail = |rule: &str| {
        Err(SelectorError::new(format!(
            "values[{index}][{key}]: Invalid value: {value:?}: {rule}"
        )))
    };
    if value.len() > 63 {
        return fail("must be no more than 63 bytes");
    }
    if value.is_empty() || is_name(value) {
        return Ok(());
    }
    fail(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
         and end with an alphanumeric character",
    )
}

#[cfg(test)]
mod tests;
