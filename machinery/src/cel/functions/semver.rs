//! Semantic versions.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;

/// A version; what is built does not count.
#[derive(Clone, Debug)]
pub(crate) struct Semver {
    numbers: [u64; 3],
    pre: Vec<String>,
}

impl PartialEq for Semver {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Semver {}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Semver {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        if numbers.is_ne() {
            return numbers;
        }
        match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let part = |a: &String, b: &String| match (a.parse::<u64>(), b.parse::<u64>()) {
                    (Ok(a), Ok(b)) => a.cmp(&b),
                    (Ok(_), Err(_)) => Ordering::Less,
                    (Err(_), Ok(_)) => Ordering::Greater,
                    (Err(_), Err(_)) => a.cmp(b),
                };
                let differing = self.pre.iter().zip(&other.pre).map(|(a, b)| part(a, b));
                differing
                    .into_iter()
                    .find(|order| order.is_ne())
                    .unwrap_or_else(|| self.pre.len().cmp(&other.pre.len()))
            }
        }
    }
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("isSemver", [Value::Text(text)]) => Ok(Value::Bool(read(text, false).is_some())),
        ("isSemver", [Value::Text(text), Value::Bool(lenient)]) => Ok(Value::Bool(read(text, *lenient).is_some())),
        ("semver", [Value::Text(text), rest @ ..]) => {
            let lenient = matches!(rest, [Value::Bool(true)]);
            match read(text, lenient) {
                Some(version) => Ok(Value::Semver(Rc::new(version))),
                None => error("No Major.Minor.Patch elements found"),
            }
        }
        (name, [Value::Semver(own)]) => {
            let [major, minor, patch] = own.numbers;
            let number = match name {
                "major" => major,
                "minor" => minor,
                "patch" => patch,
                _ => return no_overload(),
            };
            Ok(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)))
        }
        (name, [Value::Semver(own), Value::Semver(other)]) => Ok(match name {
            "isGreaterThan" => Value::Bool(own > other),
            "isLessThan" => Value::Bool(own < other),
            "compareTo" => Value::Int(own.cmp(other) as i64),
            _ => return no_overload(),
        }),
        _ => no_overload(),
    }
}

/// Reads a version; leniently, with a `v` before it, parts that are missing and zeros that lead.
fn read(text: &str, lenient: bool) -> Option<Semver> {
    let text = if lenient {
        text.trim().strip_prefix('v').unwrap_or(text.trim())
    } else {
        text
    };
    let (text, build) = text
        .split_once('+')
        .map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text
        .split_once('-')
        .map_or((text, None), |(core, pre)| (core, Some(pre)));
    let mut numbers = [0; 3];
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 || (parts.len() < 3 && !lenient) {
        return None;
    }
    for (place, part) in numbers.iter_mut().zip(&parts) {
        let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain || (part.len() > 1 && part.starts_with('0') && !lenient) {
            return None;
        }
        *place = part.parse().ok()?;
    }
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let words = |text: &str| {
        let parts: Vec<&str> = text.split('.').collect();
        parts
            .iter()
            .all(word)
            .then(|| parts.iter().map(|part| (*part).to_owned()).collect())
    };
    let pre: Vec<String> = pre.map_or(Some(Vec::new()), words)?;
    if pre
        .iter()
        .any(|part| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    if let Some(build) = build {
        let _: Vec<String> = words(build)?;
    }
    Some(Semver { numbers, pre })
}
