//! Functions of text.

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;
use super::items;
use crate::custom::pattern;

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("startsWith", [Value::Text(text), Value::Text(other)]) => Ok(Value::Bool(text.starts_with(other.as_ref()))),
        ("endsWith", [Value::Text(text), Value::Text(other)]) => Ok(Value::Bool(text.ends_with(other.as_ref()))),
        ("contains", [Value::Text(text), Value::Text(other)]) => Ok(Value::Bool(text.contains(other.as_ref()))),
        ("matches" | "find" | "findAll", [Value::Text(text), Value::Text(pattern), rest @ ..]) => {
            matching(name, text, pattern, rest)
        }
        ("lowerAscii", [Value::Text(text)]) => Ok(Value::text(text.to_ascii_lowercase())),
        ("upperAscii", [Value::Text(text)]) => Ok(Value::text(text.to_ascii_uppercase())),
        ("trim", [Value::Text(text)]) => Ok(Value::text(text.trim().to_owned())),
        ("charAt", [Value::Text(text), Value::Int(at)]) => char_at(text, *at),
        ("indexOf" | "lastIndexOf", [Value::Text(text), Value::Text(other), rest @ ..]) => {
            position(name == "indexOf", text, other, rest)
        }
        ("replace", [Value::Text(text), Value::Text(old), Value::Text(new)]) => {
            Ok(Value::text(text.replace(old.as_ref(), new)))
        }
        ("replace", [Value::Text(text), Value::Text(old), Value::Text(new), Value::Int(times)]) => {
            Ok(Value::text(match usize::try_from(*times) {
                Ok(times) => text.replacen(old.as_ref(), new, times),
                Err(_) => text.replace(old.as_ref(), new),
            }))
        }
        ("split", [Value::Text(text), Value::Text(separator)]) => Ok(split(text, separator, -1)),
        ("split", [Value::Text(text), Value::Text(separator), Value::Int(most)]) => Ok(split(text, separator, *most)),
        ("substring", [Value::Text(text), Value::Int(from)]) => substring(text, *from, None),
        ("substring", [Value::Text(text), Value::Int(from), Value::Int(to)]) => substring(text, *from, Some(*to)),
        ("join", [Value::List(list)]) => join(&items(list), ""),
        ("join", [Value::List(list), Value::Text(separator)]) => join(&items(list), separator),
        ("jsonpatch.escapeKey", [Value::Text(text)]) => Ok(Value::text(text.replace('~', "~0").replace('/', "~1"))),
        ("strings.quote", [Value::Text(text)]) => Ok(Value::text(crate::field::quoted(text))),
        ("format", [Value::Text(text), Value::List(list)]) => super::clauses::format(text, &items(list)),
        ("size", [value]) => Ok(Value::Int(i64::try_from(value.size()).unwrap_or(i64::MAX))),
        _ => no_overload(),
    }
}

fn matching<'a>(name: &str, text: &str, pattern: &str, rest: &[Value<'a>]) -> Result<'a> {
    let Ok(compiled) = pattern::compile(pattern) else {
        return error(format!("error parsing regexp: `{pattern}`"));
    };
    Ok(match (name, rest) {
        ("matches", []) => Value::Bool(compiled.is_match(text)),
        ("find", []) => Value::text(compiled.find(text).map_or("", |found| found.as_str()).to_owned()),
        ("findAll", rest) => {
            let most = match rest {
                [Value::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            let found = compiled.find_iter(text).take(most);
            Value::list(found.map(|found| Value::text(found.as_str().to_owned())).collect())
        }
        _ => return no_overload(),
    })
}

fn char_at<'a>(text: &str, at: i64) -> Result<'a> {
    let index = usize::try_from(at).ok();
    match index.map(|index| (text.chars().nth(index), text.chars().count() == index)) {
        Some((Some(c), _)) => Ok(Value::text(c.to_string())),
        Some((None, true)) => Ok(Value::text("")),
        Some((None, false)) | None => error(format!("index out of range: {at}")),
    }
}

/// Where a text stands within another, in characters.
fn position<'a>(first: bool, text: &str, other: &str, rest: &[Value<'a>]) -> Result<'a> {
    let text: Vec<char> = text.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let offset = match rest {
        [Value::Int(offset)] => match usize::try_from(*offset) {
            Ok(offset) if offset <= text.len() => Some(offset),
            _ => return error(format!("index out of range: {offset}")),
        },
        _ => None,
    };
    let at = |index: usize| text.get(index..).is_some_and(|tail| tail.starts_with(&other));
    let last = text.len().saturating_sub(other.len());
    let found = if first {
        (offset.unwrap_or(0)..=last).find(|index| at(*index))
    } else {
        (0..=offset.unwrap_or(last).min(last)).rev().find(|index| at(*index))
    };
    let found = found.filter(|_| other.len() <= text.len());
    Ok(Value::Int(
        found.map_or(-1, |index| i64::try_from(index).unwrap_or(i64::MAX)),
    ))
}

fn split<'a>(text: &str, separator: &str, most: i64) -> Value<'a> {
    let own = |part: &str| Value::text(part.to_owned());
    let most = match usize::try_from(most) {
        Ok(0) => return Value::list(Vec::new()),
        Ok(1) => return Value::list(vec![own(text)]),
        Ok(most) => most,
        Err(_) => usize::MAX,
    };
    if separator.is_empty() {
        let chars: Vec<char> = text.chars().collect();
        let cut = most.min(chars.len()).saturating_sub(1);
        let mut out: Vec<Value<'a>> = chars.iter().take(cut).map(|c| own(&c.to_string())).collect();
        let rest: String = chars.iter().skip(cut).collect();
        if most >= chars.len() {
            out.extend(rest.chars().map(|c| own(&c.to_string())));
        } else {
            out.push(own(&rest));
        }
        return Value::list(out);
    }
    Value::list(text.splitn(most, separator).map(own).collect())
}

fn substring<'a>(text: &str, from: i64, to: Option<i64>) -> Result<'a> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let end = to.unwrap_or(length);
    for bound in [from, end] {
        if !(0..=length).contains(&bound) {
            return error(format!("index out of range: {bound}"));
        }
    }
    if from > end {
        return error(format!("invalid substring range. start: {from}, end: {end}"));
    }
    let (skip, take) = (usize::try_from(from), usize::try_from(end - from));
    let part = text
        .chars()
        .skip(skip.unwrap_or_default())
        .take(take.unwrap_or_default());
    Ok(Value::text(part.collect::<String>()))
}

fn join<'a>(items: &[Value<'a>], separator: &str) -> Result<'a> {
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Text(text) => parts.push(text.as_ref()),
            _ => return no_overload(),
        }
    }
    Ok(Value::text(parts.join(separator)))
}
