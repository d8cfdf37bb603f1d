//! Protobuf to JSON: what Go's JSON encoder would print for the same object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::fields::{Count, Field, Form, Kind, Message, TABLE};
use super::special;
use super::wire::{Fields, Wire, take_varint};
use super::{MAGIC, ProtobufError, with_type};

type Object = Map<String, Value>;
type Read<T> = Result<T, ProtobufError>;

/// What is left of the limits.
pub(super) struct Limits<'a> {
    pub(super) depth: usize,
    pub(super) values: &'a mut usize,
}

impl Limits<'_> {
    fn deeper(&mut self) -> Read<Limits<'_>> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or(ProtobufError::Broken("messages are nested too deep"))?;
        Ok(Limits {
            depth,
            values: self.values,
        })
    }

    fn one_value(&mut self) -> Read<()> {
        *self.values = self
            .values
            .checked_sub(1)
            .ok_or(ProtobufError::Broken("there are too many values"))?;
        Ok(())
    }
}

/// The object in a framed body.
pub(super) fn framed(limits: &mut Limits<'_>, body: &[u8]) -> Read<Value> {
    let unknown = body.strip_prefix(MAGIC).ok_or(ProtobufError::NotFramed)?;
    let (mut type_meta, mut raw, mut content) = (&[][..], &[][..], &[][..]);
    let mut fields = Fields::new(unknown);
    while let Some((number, wire)) = fields.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => type_meta = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            (3 | 4, Wire::Bytes(bytes)) if !bytes.is_empty() => content = bytes,
            _ => {}
        }
    }
    if !content.is_empty() && content != b"application/vnd.kubernetes.protobuf" {
        return Err(ProtobufError::Broken("the framed object is of another content type"));
    }
    let (mut api_version, mut kind) = ("", "");
    let mut fields = Fields::new(type_meta);
    while let Some((number, wire)) = fields.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => api_version = text(bytes)?,
            (2, Wire::Bytes(bytes)) => kind = text(bytes)?,
            _ => {}
        }
    }
    if kind.is_empty() {
        return Err(ProtobufError::NoKind);
    }
    let Some(message) = TABLE.kind(api_version, kind) else {
        return Err(ProtobufError::NoMessage {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        });
    };
    let mut object = Object::new();
    read_object(&mut limits.deeper()?, message, raw, &mut object)?;
    Ok(with_type(api_version, kind, object))
}

/// The JSON of a message.
fn read_message(limits: &mut Limits<'_>, message: &Message, bytes: &[u8]) -> Read<Value> {
    match message.form {
        Form::Object => {
            let mut object = Object::new();
            read_object(limits, message, bytes, &mut object)?;
            Ok(Value::Object(object))
        }
        Form::List => {
            let mut object = Object::new();
            read_object(limits, message, bytes, &mut object)?;
            Ok(object.remove("items").unwrap_or_else(|| Value::Array(Vec::new())))
        }
        Form::Time => special::read_time(bytes, false),
        Form::MicroTime => special::read_time(bytes, true),
        Form::Duration => special::read_duration(bytes),
        Form::Quantity => special::read_quantity(bytes),
        Form::IntOrString => special::read_int_or_string(bytes),
        Form::Raw => read_raw(limits, special::bytes_field(bytes, 1)?),
        Form::Json => read_json(special::bytes_field(bytes, 1)?),
        Form::Either => read_either(limits, message, bytes),
    }
}

/// What one of several fields holds. True and false stand where nothing else does.
fn read_either(limits: &mut Limits<'_>, message: &Message, bytes: &[u8]) -> Read<Value> {
    let mut object = Object::new();
    read_object(limits, message, bytes, &mut object)?;
    let said = message.fields.iter().find(|field| field.kind == Kind::Bool);
    let held = message
        .fields
        .iter()
        .filter(|field| field.kind != Kind::Bool)
        .find_map(|field| object.remove(field.name));
    let said = said.map(|field| object.remove(field.name).unwrap_or(Value::Bool(false)));
    Ok(held.or(said).unwrap_or(Value::Null))
}

fn read_json(bytes: &[u8]) -> Read<Value> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| ProtobufError::field(format!("the JSON is broken: {error}")))
}

fn read_raw(limits: &mut Limits<'_>, raw: &[u8]) -> Read<Value> {
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    if raw.starts_with(MAGIC) {
        return framed(limits, raw);
    }
    serde_json::from_slice(raw).map_err(|error| ProtobufError::field(format!("the embedded JSON is broken: {error}")))
}

/// Adds the fields of a message to an object; inlined messages add theirs to the same one.
fn read_object(limits: &mut Limits<'_>, message: &Message, bytes: &[u8], object: &mut Object) -> Read<()> {
    let mut fields = Fields::new(bytes);
    while let Some((number, wire)) = fields.next()? {
        if let Some(field) = message.field(number) {
            limits.one_value()?;
            read_field(limits, field, wire, object).map_err(|error| error.within(field.name))?;
        }
    }
    Ok(())
}

fn read_field(limits: &mut Limits<'_>, field: &Field, wire: Wire<'_>, object: &mut Object) -> Read<()> {
    match (field.count, field.kind, wire) {
        (Count::One, Kind::Message(at), Wire::Bytes(bytes)) => {
            let message = TABLE.message(at);
            let mut limits = limits.deeper()?;
            if field.inline {
                return read_object(&mut limits, message, bytes, object);
            }
            let value = match object.remove(field.name) {
                // A message that comes in pieces is one message.
                Some(Value::Object(mut earlier)) if message.form == Form::Object => {
                    read_object(&mut limits, message, bytes, &mut earlier)?;
                    Value::Object(earlier)
                }
                _ => read_message(&mut limits, message, bytes)?,
            };
            if !value.is_null() {
                object.insert(field.name.to_owned(), value);
            }
        }
        (Count::One, kind, wire) => {
            let value = read_scalar(limits, kind, wire)?;
            if !field.pointer && field.omitted && is_zero(&value) {
                object.remove(field.name);
            } else {
                object.insert(field.name.to_owned(), value);
            }
        }
        (Count::Many, kind, wire) => {
            let items = object.entry(field.name).or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(items) = items else { return Ok(()) };
            match (kind, wire) {
                (Kind::Int32 | Kind::Int64 | Kind::Bool, Wire::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        limits.one_value()?;
                        let number = take_varint(&mut packed)?;
                        items.push(read_scalar(limits, kind, Wire::Varint(number))?);
                    }
                }
                (kind, wire) => items.push(read_scalar(limits, kind, wire)?),
            }
        }
        (Count::Map, kind, Wire::Bytes(entry)) => {
            let (key, value) = read_entry(limits, kind, entry)?;
            let entries = object.entry(field.name).or_insert_with(|| Value::Object(Object::new()));
            if let Value::Object(entries) = entries {
                entries.insert(key, value);
            }
        }
        (Count::Map, _, Wire::Varint(_) | Wire::Fixed64(_) | Wire::Fixed32) => {
            return Err(ProtobufError::field("a map entry is a message"));
        }
    }
    Ok(())
}

fn read_entry(limits: &mut Limits<'_>, kind: Kind, entry: &[u8]) -> Read<(String, Value)> {
    let (mut key, mut value) = ("", None);
    let mut fields = Fields::new(entry);
    while let Some((number, wire)) = fields.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, wire) => value = Some(wire),
            _ => {}
        }
    }
    let absent = match kind {
        Kind::Text | Kind::Bytes | Kind::Message(_) => Wire::Bytes(&[]),
        Kind::Int32 | Kind::Int64 | Kind::Bool => Wire::Varint(0),
        Kind::Double => Wire::Fixed64([0; 8]),
    };
    let value = read_scalar(limits, kind, value.unwrap_or(absent)).map_err(|error| error.within(key))?;
    Ok((key.to_owned(), value))
}

/// A single value of any type but an inlined message.
fn read_scalar(limits: &mut Limits<'_>, kind: Kind, wire: Wire<'_>) -> Read<Value> {
    match (kind, wire) {
        (Kind::Text, Wire::Bytes(bytes)) => Ok(Value::from(text(bytes)?)),
        (Kind::Bytes, Wire::Bytes(bytes)) => Ok(Value::from(STANDARD.encode(bytes))),
        (Kind::Message(at), Wire::Bytes(bytes)) => read_message(&mut limits.deeper()?, TABLE.message(at), bytes),
        (Kind::Bool, Wire::Varint(number)) => Ok(Value::from(number != 0)),
        (Kind::Int64, Wire::Varint(number)) => Ok(Value::from(number.cast_signed())),
        // Negative 32-bit numbers are written with 64 bits; only the low ones count.
        (Kind::Int32, Wire::Varint(number)) => Ok(Value::from(special::low_32_bits(number))),
        (Kind::Double, Wire::Fixed64(bytes)) => {
            let number = f64::from_le_bytes(bytes);
            // Whole numbers are printed without a fraction.
            if number.fract() == 0.0 && number.abs() < 9e15 {
                return Ok(Value::from(number as i64));
            }
            Number::from_f64(number)
                .map(Value::Number)
                .ok_or_else(|| ProtobufError::field("the number is not finite"))
        }
        (Kind::Text | Kind::Bytes | Kind::Message(_) | Kind::Bool | Kind::Int64 | Kind::Int32 | Kind::Double, _) => {
            Err(ProtobufError::field("the wire type does not fit the field"))
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Text must be UTF-8.
pub(super) fn text(bytes: &[u8]) -> Read<&str> {
    std::str::from_utf8(bytes).map_err(|_| ProtobufError::field("the text is not UTF-8"))
}
