//! Named formats of text, which say what is wrong with one.

use super::super::eval::{Result, no_overload};
use super::super::value::Value;
use crate::custom::format::Format;
use crate::validate::format;

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    let known = |name: &str| NAMES.into_iter().find(|known| *known == name);
    match (name.strip_prefix("format."), args) {
        (Some("named"), [Value::Text(name)]) => Ok(match known(name) {
            Some(name) => Value::some(Value::Format(name)),
            None => Value::Optional(None),
        }),
        (Some(name), []) => match known(name) {
            Some(name) => Ok(Value::Format(name)),
            None => no_overload(),
        },
        _ => no_overload(),
    }
}

/// What is wrong with a text, if anything is.
pub(super) fn validate<'a>(name: &str, text: &str) -> Value<'a> {
    let prefix = |text: &str| match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        Some(_) | None => text.to_owned(),
    };
    let by_format = |format: &str, wrong: &str| match Format::read("string", format, false) {
        Some(known) if !known.accepts(text) => vec![wrong.to_owned()],
        Some(_) | None => Vec::new(),
    };
    let faults = match name {
        "dns1123Label" => format::dns_label(text),
        "dns1123Subdomain" => format::dns_subdomain(text),
        "dns1035Label" => format::dns_1035_label(text),
        "qualifiedName" => format::qualified_name(text),
        "labelValue" => format::label_value(text),
        "dns1123LabelPrefix" => format::dns_label(&prefix(text)),
        "dns1123SubdomainPrefix" => format::dns_subdomain(&prefix(text)),
        "dns1035LabelPrefix" => format::dns_1035_label(&prefix(text)),
        "uri" => by_format("uri", "invalid URI"),
        "uuid" => by_format("uuid", "does not match the UUID format"),
        "byte" => by_format("byte", "invalid base64"),
        "date" => by_format("date", "invalid date"),
        "datetime" => by_format("date-time", "invalid datetime"),
        _ => Vec::new(),
    };
    if faults.is_empty() {
        return Value::Optional(None);
    }
    Value::some(Value::list(faults.into_iter().map(Value::text).collect()))
}
