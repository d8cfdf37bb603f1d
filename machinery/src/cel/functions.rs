//! What functions do, and what they cost.
//!
//! In: a function's name and values, the target first. Out: a value or an error. Names without an overload for the values
//! at hand give `no such overload`; that no other names come is the checker's work.

pub(super) mod clauses;
pub(super) mod formats;
mod lists;
mod network;
mod numbers;
pub(super) mod semver;
mod strings;
pub(super) mod time;
pub(super) mod url;

use super::authority;
use super::eval::{Result, error, no_overload};
use super::value::{List, Map, Value};
use std::rc::Rc;

/// Calls a function.
pub(super) fn call<'a>(name: &str, member: bool, args: Vec<Value<'a>>) -> Result<'a> {
    match (name, args.as_slice()) {
        ("_==_", [a, b]) => Ok(Value::Bool(a.same(b))),
        ("_!=_", [a, b]) => Ok(Value::Bool(!a.same(b))),
        ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => compare(name, a, b),
        ("!_", [Value::Bool(said)]) => Ok(Value::Bool(!said)),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_", _) => numbers::arithmetic(name, &args),
        ("@in", [item, Value::List(list)]) => Ok(Value::Bool(list.iter().any(|one| one.same(item)))),
        ("@in", [key, Value::Map(map)]) => Ok(Value::Bool(map.get(key).is_some())),
        ("_[_]", [container, key]) => index(container, key),
        ("_[?_]", [container, key]) => Ok(optional_index(container, key)),
        ("_?._", [operand, Value::Text(field)]) => Ok(optional_field(operand, field)),
        ("size", [value @ (Value::Text(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_))]) => {
            Ok(Value::Int(i64::try_from(value.size()).unwrap_or(i64::MAX)))
        }
        ("type", [value]) => Ok(Value::Type(value.type_name())),
        ("dyn", [value]) => Ok(value.clone()),
        ("cel.@mapInsert", [Value::Map(map), key, value]) => insert(map, key, value),
        ("cel.@mapInsert", [Value::Map(map), Value::Map(more)]) => {
            let keys = more.keys().into_iter();
            keys.filter_map(|key| Some((more.get(&key)?, key))).try_fold(
                Value::Map(map.clone()),
                |all, (value, key)| match &all {
                    Value::Map(all) => insert(all, &key, &value),
                    _ => no_overload(),
                },
            )
        }
        ("sign", [Value::Quantity(_)]) => numbers::quantity(name, &args),
        ("int" | "uint" | "double" | "bool" | "bytes" | "string" | "timestamp" | "duration", [value]) if !member => {
            numbers::convert(name, value)
        }
        ("value" | "hasValue" | "or" | "orValue", [Value::Optional(_), ..])
        | ("optional.of" | "optional.ofNonZeroValue" | "optional.none", _) => optional(name, &args),
        (_, [Value::Timestamp(_) | Value::Duration(_), ..]) if member => time::part(name, &args),
        (_, [Value::Text(_), ..]) if member => strings::call(name, &args),
        ("strings.quote" | "jsonpatch.escapeKey" | "matches", _) => strings::call(name, &args),
        ("join", [Value::List(_), ..]) => strings::call(name, &args),
        (_, [Value::List(_), ..]) if member => lists::call(name, &args),
        ("sets.contains" | "sets.equivalent" | "sets.intersects" | "lists.range", _) => lists::call(name, &args),
        ("quantity" | "isQuantity", _) | (_, [Value::Quantity(_), ..]) => numbers::quantity(name, &args),
        ("ip" | "isIP" | "ip.isCanonical" | "cidr" | "isCIDR", _) | (_, [Value::Ip(_) | Value::Cidr(..), ..]) => {
            network::call(name, &args)
        }
        ("url" | "isURL", _) | (_, [Value::Url(_), ..]) => url::call(name, &args),
        ("semver" | "isSemver", _) | (_, [Value::Semver(_), ..]) => semver::call(name, &args),
        ("validate", [Value::Format(format), Value::Text(text)]) => Ok(formats::validate(format, text)),
        (name, [Value::Question(question), rest @ ..]) => authority::call(name, question, rest),
        (name, _) if name.starts_with("format.") => formats::call(name, &args),
        _ => no_overload(),
    }
}

fn compare<'a>(name: &str, a: &Value<'a>, b: &Value<'a>) -> Result<'a> {
    // Not a number has no order, and quantities have functions of their own.
    let comparable = |value: &Value<'_>| {
        matches!(
            value,
            Value::Bool(_)
                | Value::Int(_)
                | Value::Uint(_)
                | Value::Double(_)
                | Value::Text(_)
                | Value::Bytes(_)
                | Value::Duration(_)
                | Value::Timestamp(_)
        )
    };
    let order = a.compare(b);
    let nan = |value: &Value<'_>| matches!(value, Value::Double(number) if number.is_nan());
    match (order, name) {
        _ if !comparable(a) => no_overload(),
        (None, _) if nan(a) || nan(b) => Ok(Value::Bool(false)),
        (None, _) => no_overload(),
        (Some(order), "_<_") => Ok(Value::Bool(order.is_lt())),
        (Some(order), "_<=_") => Ok(Value::Bool(order.is_le())),
        (Some(order), "_>_") => Ok(Value::Bool(order.is_gt())),
        (Some(order), _) => Ok(Value::Bool(order.is_ge())),
    }
}

fn index<'a>(container: &Value<'a>, key: &Value<'a>) -> Result<'a> {
    match (container, key) {
        (Value::List(list), key) => match position(key) {
            Some(at) => match usize::try_from(at).ok().and_then(|at| list.get(at)) {
                Some(value) => Ok(value),
                None => error(format!("index out of bounds: {at}")),
            },
            None => error(format!("unsupported index type '{}' in list", key.type_name())),
        },
        (Value::Map(map), key) => match map.get(key) {
            Some(value) => Ok(value),
            None => error(format!("no such key: {}", told(key))),
        },
        (Value::Optional(None), _) => Ok(Value::Optional(None)),
        (Value::Optional(Some(inner)), key) => Ok(optional_index(inner, key)),
        _ => no_overload(),
    }
}

fn position(key: &Value<'_>) -> Option<i64> {
    match key {
        Value::Int(at) => Some(*at),
        Value::Uint(at) => i64::try_from(*at).ok(),
        // Within bounds, so nothing is lost.
        Value::Double(at) if at.fract() == 0.0 && at.abs() < 9e15 => Some(*at as i64),
        _ => None,
    }
}

fn told(key: &Value<'_>) -> String {
    match key {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Bool(said) => said.to_string(),
        other => other.type_name().to_owned(),
    }
}

fn optional_index<'a>(container: &Value<'a>, key: &Value<'a>) -> Value<'a> {
    let found = match container {
        Value::Optional(None) => None,
        Value::Optional(Some(inner)) => return optional_index(inner, key),
        container => index(container, key).ok(),
    };
    Value::Optional(found.map(Rc::new))
}

fn optional_field<'a>(operand: &Value<'a>, field: &str) -> Value<'a> {
    match operand {
        Value::Map(map) => Value::Optional(map.get(&Value::text(field.to_owned())).map(Rc::new)),
        Value::Optional(Some(inner)) => optional_field(inner, field),
        _ => Value::Optional(None),
    }
}

fn insert<'a>(map: &Map<'a>, key: &Value<'a>, value: &Value<'a>) -> Result<'a> {
    if map.get(key).is_some() {
        return error(format!("insert failed: key {} already exists", told(key)));
    }
    let known = map.keys();
    let mut out: Vec<(Value<'a>, Value<'a>)> = known
        .into_iter()
        .filter_map(|key| Some((key.clone(), map.get(&key)?)))
        .collect();
    out.push((key.clone(), value.clone()));
    Ok(Value::Map(Map::Own(Rc::new(out))))
}

fn optional<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.ofNonZeroValue", [value]) => {
            let zero = match value {
                Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
                Value::Double(number) => *number == 0.0,
                Value::Text(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => value.size() == 0,
                _ => false,
            };
            Ok(if zero {
                Value::Optional(None)
            } else {
                Value::some(value.clone())
            })
        }
        ("hasValue", [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        ("value", [Value::Optional(Some(inner))]) => Ok((**inner).clone()),
        ("value", [Value::Optional(None)]) => error("optional.none() dereference"),
        ("or", [Value::Optional(None), other]) | ("orValue", [Value::Optional(None), other]) => Ok(other.clone()),
        ("or", [first, _]) => Ok(first.clone()),
        ("orValue", [Value::Optional(Some(inner)), _]) => Ok((**inner).clone()),
        _ => no_overload(),
    }
}

/// A tenth of a number of characters, rounded up.
fn tenth(size: u64) -> u64 {
    size.div_ceil(10)
}

/// What a call costs, by the sizes of its values.
pub(super) fn cost(name: &str, args: &[Value<'_>]) -> u64 {
    let size = |index: usize| args.get(index).map_or(1, Value::size);
    match name {
        "startsWith" | "endsWith" => tenth(size(1)),
        "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" => tenth(deep(args).max(1)),
        "_+_" => match args.first() {
            Some(Value::Text(_) | Value::Bytes(_)) => tenth(size(0) + size(1)),
            Some(Value::List(_)) => 1 + size(0) / 10,
            _ => 1,
        },
        "@in" => size(1).max(1),
        "matches" | "find" | "findAll" => {
            let pattern = size(1).div_ceil(4).max(1);
            tenth(size(0) + 1).saturating_mul(pattern)
        }
        "contains" if matches!(args.first(), Some(Value::Text(_))) => {
            tenth(size(0)).saturating_mul(tenth(size(1))).max(1)
        }
        "indexOf" | "lastIndexOf" if matches!(args.first(), Some(Value::Text(_))) => {
            tenth(size(0)).saturating_mul(tenth(size(1))).max(1)
        }
        // Whoever decides about rights may have much to read.
        "check" if matches!(args.first(), Some(Value::Question(_))) => 350_000,
        "sets.contains" | "sets.intersects" => size(0).saturating_mul(size(1)).max(1),
        "sets.equivalent" => size(0).saturating_mul(size(1)).saturating_mul(2).max(1),
        "distinct" | "sort" => size(0).saturating_mul(size(0)).max(1),
        "isSorted" | "sum" | "min" | "max" | "join" | "flatten" | "reverse" | "slice" => size(0).max(1),
        "indexOf" | "lastIndexOf" => size(0).max(1),
        "lists.range" => match args.first() {
            Some(Value::Int(count)) => u64::try_from(*count).unwrap_or_default().max(1),
            _ => 1,
        },
        "lowerAscii"
        | "upperAscii"
        | "trim"
        | "substring"
        | "replace"
        | "split"
        | "strings.quote"
        | "jsonpatch.escapeKey"
        | "format" => tenth(size(0)).saturating_mul(2).max(1),
        "quantity" | "isQuantity" | "ip" | "isIP" | "cidr" | "isCIDR" | "url" | "isURL" | "semver" | "isSemver" => {
            tenth(size(0)).max(1)
        }
        "validate" => tenth(size(1)).saturating_mul(32).max(1),
        _ => 1,
    }
}

/// The lesser size of two values, with all that they hold.
fn deep(args: &[Value<'_>]) -> u64 {
    args.iter().map(|value| weight(value, 0)).min().unwrap_or_default()
}

fn weight(value: &Value<'_>, depth: usize) -> u64 {
    if depth > 16 {
        return 1;
    }
    match value {
        Value::List(list) => list
            .iter()
            .map(|item| weight(&item, depth + 1))
            .sum::<u64>()
            .saturating_add(1),
        Value::Map(map) => {
            let entries = map.keys().into_iter();
            entries
                .map(|key| weight(&key, depth + 1) + map.get(&key).map_or(0, |value| weight(&value, depth + 1)))
                .sum::<u64>()
                .saturating_add(1)
        }
        other => other.size(),
    }
}

/// The items of a list.
fn items<'a>(list: &List<'a>) -> Vec<Value<'a>> {
    list.iter().collect()
}
