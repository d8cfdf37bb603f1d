//! Arithmetic, conversions between types, and quantities.

use std::rc::Rc;

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;
use super::time;
use crate::quantity::{PATTERN_ERROR, Quantity};

pub(super) fn arithmetic<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("-_", [Value::Int(number)]) => whole(number.checked_neg()),
        ("-_", [Value::Double(number)]) => Ok(Value::Double(-number)),
        (_, [Value::Int(a), Value::Int(b)]) => integers(name, *a, *b),
        (_, [Value::Uint(a), Value::Uint(b)]) => unsigned(name, *a, *b),
        (_, [Value::Double(a), Value::Double(b)]) => Ok(Value::Double(match name {
            "_+_" => a + b,
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return no_overload(),
        })),
        ("_+_", [Value::Text(a), Value::Text(b)]) => Ok(Value::text(format!("{a}{b}"))),
        ("_+_", [Value::Bytes(a), Value::Bytes(b)]) => Ok(Value::Bytes(Rc::new([a.as_slice(), b.as_slice()].concat()))),
        ("_+_", [Value::List(a), Value::List(b)]) => Ok(a.join(b)),
        ("_+_" | "_-_", _) => time::arithmetic(name, args),
        _ => no_overload(),
    }
}

fn whole<'a>(number: Option<i64>) -> Result<'a> {
    match number {
        Some(number) => Ok(Value::Int(number)),
        None => error("integer overflow"),
    }
}

fn integers<'a>(name: &str, a: i64, b: i64) -> Result<'a> {
    match (name, b) {
        ("_/_", 0) => error("division by zero"),
        ("_%_", 0) => error("modulus by zero"),
        ("_+_", b) => whole(a.checked_add(b)),
        ("_-_", b) => whole(a.checked_sub(b)),
        ("_*_", b) => whole(a.checked_mul(b)),
        ("_/_", b) => whole(a.checked_div(b)),
        ("_%_", b) => whole(a.checked_rem(b)),
        _ => no_overload(),
    }
}

fn unsigned<'a>(name: &str, a: u64, b: u64) -> Result<'a> {
    let found = match (name, b) {
        ("_/_", 0) => return error("division by zero"),
        ("_%_", 0) => return error("modulus by zero"),
        ("_+_", b) => a.checked_add(b),
        ("_-_", b) => a.checked_sub(b),
        ("_*_", b) => a.checked_mul(b),
        ("_/_", b) => a.checked_div(b),
        ("_%_", b) => a.checked_rem(b),
        _ => return no_overload(),
    };
    match found {
        Some(number) => Ok(Value::Uint(number)),
        None => error("unsigned integer overflow"),
    }
}

/// Converts a value to the type of that name.
pub(super) fn convert<'a>(name: &str, value: &Value<'a>) -> Result<'a> {
    let own = match value {
        Value::Duration(_) => "duration",
        Value::Timestamp(_) => "timestamp",
        other => other.type_name(),
    };
    if own == name {
        return Ok(value.clone());
    }
    let wrong = || error(format!("type conversion error from 'string' to '{name}'"));
    match (name, value) {
        ("int", Value::Uint(number)) => whole(i64::try_from(*number).ok()),
        // A cast of floats saturates; what is out of range was refused.
        ("int", Value::Double(number)) if number.abs() < 9.223_372_036_854_775e18 => Ok(Value::Int(*number as i64)),
        ("int", Value::Double(_)) => error("integer overflow"),
        ("int", Value::Timestamp(time)) => Ok(Value::Int(time.as_second())),
        ("int", Value::Duration(nanoseconds)) => Ok(Value::Int(*nanoseconds)),
        ("int", Value::Text(text)) => text.parse().map(Value::Int).or_else(|_| wrong()),
        ("uint", Value::Int(number)) => match u64::try_from(*number) {
            Ok(number) => Ok(Value::Uint(number)),
            Err(_) => error("unsigned integer overflow"),
        },
        ("uint", Value::Double(number)) if (0.0..1.8e19).contains(number) => Ok(Value::Uint(*number as u64)),
        ("uint", Value::Double(_)) => error("unsigned integer overflow"),
        ("uint", Value::Text(text)) => text.parse().map(Value::Uint).or_else(|_| wrong()),
        ("double", Value::Int(_) | Value::Uint(_)) => Ok(Value::Double(value.number().unwrap_or_default())),
        ("double", Value::Text(text)) => text.parse().map(Value::Double).or_else(|_| wrong()),
        ("bool", Value::Text(text)) => match text.as_ref() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => wrong(),
        },
        ("bytes", Value::Text(text)) => Ok(Value::Bytes(Rc::new(text.as_bytes().to_vec()))),
        ("timestamp", Value::Int(seconds)) => match jiff::Timestamp::from_second(*seconds) {
            Ok(time) => Ok(Value::Timestamp(time)),
            Err(_) => error("timestamp overflow"),
        },
        ("timestamp", Value::Text(text)) => match time::parse_timestamp(text) {
            Some(time) => Ok(Value::Timestamp(time)),
            None => error(format!("invalid timestamp: {text}")),
        },
        ("duration", Value::Text(text)) => match time::parse_duration(text) {
            Some(nanoseconds) => Ok(Value::Duration(nanoseconds)),
            None => error(format!("time: invalid duration {text:?}")),
        },
        ("string", value) => text_of(value),
        _ => no_overload(),
    }
}

fn text_of<'a>(value: &Value<'a>) -> Result<'a> {
    Ok(Value::text(match value {
        Value::Bool(said) => said.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => crate::custom::number::text(*number),
        Value::Bytes(bytes) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => text,
            Err(_) => return error("invalid UTF-8 in bytes, cannot convert to string"),
        },
        Value::Duration(nanoseconds) => time::duration_text(*nanoseconds),
        Value::Timestamp(time) => time.to_string(),
        Value::Ip(address) => address.to_string(),
        Value::Cidr(address, length) => format!("{address}/{length}"),
        _ => return no_overload(),
    }))
}

pub(super) fn quantity<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("isQuantity", [Value::Text(text)]) => Ok(Value::Bool(Quantity::parse(text).is_some())),
        ("quantity", [Value::Text(text)]) => match Quantity::parse(text) {
            Some(quantity) => Ok(Value::Quantity(Rc::new(quantity))),
            None => error(PATTERN_ERROR),
        },
        (name, [Value::Quantity(own)]) => Ok(match name {
            "sign" => Value::Int(i64::from(own.is_positive()) - i64::from(own.is_negative())),
            "isInteger" => Value::Bool(own.as_i64().is_some()),
            "asInteger" => match own.as_i64() {
                Some(number) => Value::Int(number),
                None => return error("cannot convert value to integer"),
            },
            "asApproximateFloat" => Value::Double(own.as_f64()),
            _ => return no_overload(),
        }),
        (name, [Value::Quantity(own), Value::Quantity(other)]) => Ok(match name {
            "isGreaterThan" => Value::Bool(own > other),
            "isLessThan" => Value::Bool(own < other),
            "compareTo" => Value::Int(own.cmp(other) as i64),
            "add" => Value::Quantity(Rc::new(own.plus(other, 1))),
            "sub" => Value::Quantity(Rc::new(own.plus(other, -1))),
            _ => return no_overload(),
        }),
        (name, [Value::Quantity(own), Value::Int(number)]) => {
            let times = match name {
                "add" => 1,
                "sub" => -1,
                _ => return no_overload(),
            };
            Ok(Value::Quantity(Rc::new(own.plus(&Quantity::of(*number), times))))
        }
        _ => no_overload(),
    }
}
