//! The columns of custom kinds in tables.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::number;
use super::path::JsonPath;
use super::read::text;
use crate::table::human_duration;

/// A column as a definition declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct PrinterColumn {
    /// Its heading.
    pub name: String,
    /// JSON type of its cells: `string`, `integer`, `number`, `boolean`, `date`.
    pub type_: String,
    /// Format of the type, or empty.
    pub format: String,
    /// What it says.
    pub description: String,
    /// 0: always printed; greater: only with `-o wide`.
    pub priority: i64,
    path: Option<JsonPath>,
}

const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

impl PrinterColumn {
    /// The column of kinds that declare none.
    pub(super) fn age() -> Self {
        Self {
            name: "Age".to_owned(),
            type_: "date".to_owned(),
            format: String::new(),
            description: CREATED.to_owned(),
            priority: 0,
            path: JsonPath::read(".metadata.creationTimestamp"),
        }
    }

    pub(super) fn read(column: &Value) -> Self {
        let path = text(column, "jsonPath").to_owned();
        let description = match text(column, "description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            said => said.to_owned(),
        };
        Self {
            name: text(column, "name").to_owned(),
            type_: text(column, "type").to_owned(),
            format: text(column, "format").to_owned(),
            description,
            priority: column.get("priority").and_then(Value::as_i64).unwrap_or_default(),
            path: JsonPath::read(&path),
        }
    }

    /// The `TableColumnDefinition`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"name": self.name, "type": self.type_, "format": self.format, "description": self.description,
            "priority": self.priority})
    }
}

pub(super) fn cells(columns: &[PrinterColumn], object: &Value, now: Timestamp) -> Vec<Value> {
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    let cell = |column: &PrinterColumn| match column.path.as_ref().and_then(|path| path.find(object).first().copied()) {
        Some(found) => cell(&column.type_, found, now),
        None => Value::Null,
    };
    std::iter::once(name).chain(columns.iter().map(cell)).collect()
}

fn cell(type_: &str, value: &Value, now: Timestamp) -> Value {
    match (type_, value) {
        (_, Value::Null) => Value::Null,
        ("date", Value::String(time)) => match time.parse::<Timestamp>() {
            Ok(time) => Value::from(human_duration(now.duration_since(time).as_secs())),
            Err(_) => Value::from("<invalid>"),
        },
        ("integer", Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            // A cast of floats saturates; what is too great is as great as can be.
            (None, Some(real)) => Value::from(real.trunc() as i64),
            (None, None) => Value::Null,
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => value.clone(),
        ("string", Value::Number(number)) if number.as_i64().is_none() => {
            Value::from(number::text(number.as_f64().unwrap_or_default()))
        }
        ("string", other) => Value::from(other.to_string()),
        _ => Value::Null,
    }
}
