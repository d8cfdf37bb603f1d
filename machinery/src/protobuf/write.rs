//! JSON to protobuf. Fields that the table does not know are left out; what is absent or null is not written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fields::{Count, Field, Form, Kind, Message, TABLE};
use super::special;
use super::wire::{put_bytes, put_double, put_number};
use super::{ProtobufError, encode};

type Written<T> = Result<T, ProtobufError>;

/// The bytes of a message from its JSON.
pub(super) fn message(message: &Message, value: &Value) -> Written<Vec<u8>> {
    match message.form {
        Form::Object => {
            let mut out = Vec::new();
            write_object(message, value, &mut out)?;
            Ok(out)
        }
        Form::List => {
            let mut out = Vec::new();
            if let Some(field) = message.fields.first() {
                write_field(field, value, &mut out)?;
            }
            Ok(out)
        }
        Form::Time | Form::MicroTime => special::write_time(value),
        Form::Duration => special::write_duration(value),
        Form::Quantity => special::write_quantity(value),
        Form::IntOrString => special::write_int_or_string(value),
        Form::Raw => {
            let mut out = Vec::new();
            put_bytes(&mut out, 1, &raw(value));
            Ok(out)
        }
        Form::Json => {
            let mut out = Vec::new();
            put_bytes(&mut out, 1, value.to_string().as_bytes());
            Ok(out)
        }
        Form::Either => either(message, value),
    }
}

/// The field that the JSON fits. Where a schema stands, anything is allowed that it allows, so that is said too.
fn either(message: &Message, value: &Value) -> Written<Vec<u8>> {
    let mut out = Vec::new();
    let fits = |field: &&Field| match value {
        Value::Bool(_) => field.kind == Kind::Bool,
        Value::Object(_) => field.count == Count::One && field.kind != Kind::Bool,
        Value::Array(_) => field.count == Count::Many,
        Value::Null | Value::Number(_) | Value::String(_) => false,
    };
    let Some(field) = message.fields.iter().find(fits) else {
        return Err(ProtobufError::field("it is of another type than its field takes"));
    };
    for field in message.fields.iter().filter(|field| field.kind == Kind::Bool) {
        if value.is_object() {
            put_number(&mut out, field.number, 1);
        }
    }
    write_field(field, value, &mut out)?;
    Ok(out)
}

/// Embedded objects of known kinds are framed, everything else is JSON.
fn raw(value: &Value) -> Vec<u8> {
    let is_object = value.get("apiVersion").is_some() && value.get("kind").is_some();
    match is_object.then(|| encode(value)) {
        Some(Ok(framed)) => framed,
        Some(Err(_)) | None => value.to_string().into_bytes(),
    }
}

fn write_object(message: &Message, value: &Value, out: &mut Vec<u8>) -> Written<()> {
    let Value::Object(object) = value else {
        return Err(ProtobufError::field("it must be an object"));
    };
    for field in &message.fields {
        let written = match (field.inline, field.kind, object.get(field.name)) {
            (true, Kind::Message(at), _) => {
                let mut inner = Vec::new();
                let written = write_object(TABLE.message(at), value, &mut inner);
                if !inner.is_empty() {
                    put_bytes(out, field.number, &inner);
                }
                written
            }
            (_, _, None | Some(Value::Null)) => Ok(()),
            (_, _, Some(present)) => write_field(field, present, out),
        };
        written.map_err(|error| if field.inline { error } else { error.within(field.name) })?;
    }
    Ok(())
}

fn write_field(field: &Field, value: &Value, out: &mut Vec<u8>) -> Written<()> {
    match field.count {
        Count::One => write_value(field.kind, field.number, value, out),
        Count::Many => {
            let Value::Array(items) = value else {
                return Err(ProtobufError::field("it must be a list"));
            };
            for (index, item) in items.iter().enumerate() {
                write_value(field.kind, field.number, item, out)
                    .map_err(|error| error.within(&format!("[{index}]")))?;
            }
            Ok(())
        }
        Count::Map => {
            let Value::Object(entries) = value else {
                return Err(ProtobufError::field("it must be a map"));
            };
            for (key, item) in entries {
                let mut entry = Vec::new();
                put_bytes(&mut entry, 1, key.as_bytes());
                if !item.is_null() {
                    write_value(field.kind, 2, item, &mut entry).map_err(|error| error.within(key))?;
                }
                put_bytes(out, field.number, &entry);
            }
            Ok(())
        }
    }
}

fn write_value(kind: Kind, number: u32, value: &Value, out: &mut Vec<u8>) -> Written<()> {
    let wrong = |what: &str| ProtobufError::field(format!("it must be {what}"));
    match kind {
        Kind::Text => put_bytes(out, number, value.as_str().ok_or_else(|| wrong("a text"))?.as_bytes()),
        Kind::Bytes => {
            let text = value.as_str().ok_or_else(|| wrong("base64 text"))?;
            let bytes = STANDARD
                .decode(text)
                .map_err(|error| wrong(&format!("base64 text: {error}")))?;
            put_bytes(out, number, &bytes);
        }
        Kind::Bool => put_number(
            out,
            number,
            i64::from(value.as_bool().ok_or_else(|| wrong("true or false"))?),
        ),
        Kind::Int32 => {
            let whole = integer(value).and_then(|whole| i32::try_from(whole).ok());
            put_number(
                out,
                number,
                i64::from(whole.ok_or_else(|| wrong("a whole number of 32 bits"))?),
            );
        }
        Kind::Int64 => put_number(out, number, integer(value).ok_or_else(|| wrong("a whole number"))?),
        Kind::Double => put_double(out, number, value.as_f64().ok_or_else(|| wrong("a number"))?),
        Kind::Message(at) => put_bytes(out, number, &message(TABLE.message(at), value)?),
    }
    Ok(())
}

fn integer(value: &Value) -> Option<i64> {
    // 3.0 is as whole as 3 in JSON.
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|n| n.fract() == 0.0 && n.abs() < 9e15)
            .map(|n| n as i64)
    })
}
