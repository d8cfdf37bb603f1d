//! Functions of lists.

use std::cmp::Ordering;

use super::super::eval::{Result, error, no_overload};
use super::super::value::{List, Value};
use super::{items, numbers};

/// Items of a list that a function makes.
const MADE_MAX: i64 = 1_000_000;

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("sets.contains", [Value::List(a), Value::List(b)]) => Ok(Value::Bool(contains(a, b))),
        ("sets.equivalent", [Value::List(a), Value::List(b)]) => Ok(Value::Bool(contains(a, b) && contains(b, a))),
        ("sets.intersects", [Value::List(a), Value::List(b)]) => {
            Ok(Value::Bool(a.iter().any(|item| b.iter().any(|one| one.same(&item)))))
        }
        ("lists.range", [Value::Int(count)]) => {
            if *count > MADE_MAX {
                return error(format!("lists.range() cannot make more than {MADE_MAX} items"));
            }
            Ok(Value::list((0..*count).map(Value::Int).collect()))
        }
        ("indexOf", [Value::List(list), item]) => Ok(at(list.iter().position(|one| one.same(item)))),
        ("lastIndexOf", [Value::List(list), item]) => Ok(at(items(list).iter().rposition(|one| one.same(item)))),
        ("isSorted", [Value::List(list)]) => {
            let items = items(list);
            let sorted = items
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if a.compare(b).is_some_and(Ordering::is_le)));
            Ok(Value::Bool(sorted))
        }
        ("sum", [Value::List(list)]) => {
            let mut all = items(list).into_iter();
            let Some(first) = all.next() else {
                return Ok(Value::Int(0));
            };
            all.try_fold(first, |sum, item| numbers::arithmetic("_+_", &[sum, item]))
        }
        ("min" | "max", [Value::List(list)]) => extreme(name, items(list)),
        ("distinct", [Value::List(list)]) => {
            let mut out: Vec<Value<'a>> = Vec::new();
            for item in list.iter() {
                if !out.iter().any(|known| known.same(&item)) {
                    out.push(item);
                }
            }
            Ok(Value::list(out))
        }
        ("reverse", [Value::List(list)]) => Ok(Value::list(items(list).into_iter().rev().collect())),
        ("sort", [Value::List(list)]) => {
            let mut items = items(list);
            items.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
            Ok(Value::list(items))
        }
        ("@sortByAssociatedKeys", [Value::List(list), Value::List(keys)]) => {
            let mut pairs: Vec<(Value<'a>, Value<'a>)> = keys.iter().zip(list.iter()).collect();
            pairs.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(Ordering::Equal));
            Ok(Value::list(pairs.into_iter().map(|(_, item)| item).collect()))
        }
        ("slice", [Value::List(list), Value::Int(from), Value::Int(to)]) => slice(&items(list), *from, *to),
        ("first", [Value::List(list)]) => Ok(Value::Optional(list.get(0).map(std::rc::Rc::new))),
        ("last", [Value::List(list)]) => {
            let last = list.len().checked_sub(1).and_then(|at| list.get(at));
            Ok(Value::Optional(last.map(std::rc::Rc::new)))
        }
        ("flatten", [Value::List(list)]) => Ok(Value::list(flat(list, 1))),
        ("flatten", [Value::List(list), Value::Int(depth)]) => match u8::try_from(*depth) {
            Ok(depth) => Ok(Value::list(flat(list, depth))),
            Err(_) => error("level must be non-negative"),
        },
        ("size", [value]) => Ok(Value::Int(i64::try_from(value.size()).unwrap_or(i64::MAX))),
        _ => no_overload(),
    }
}

fn contains(all: &List<'_>, some: &List<'_>) -> bool {
    some.iter().all(|item| all.iter().any(|one| one.same(&item)))
}

fn at<'a>(index: Option<usize>) -> Value<'a> {
    Value::Int(index.map_or(-1, |index| i64::try_from(index).unwrap_or(i64::MAX)))
}

fn extreme<'a>(name: &str, items: Vec<Value<'a>>) -> Result<'a> {
    let wanted = if name == "min" {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else {
        return error(format!("{name} called on empty list"));
    };
    for item in items {
        match item.compare(&best) {
            Some(order) if order == wanted => best = item,
            Some(_) => {}
            None => return no_overload(),
        }
    }
    Ok(best)
}

fn slice<'a>(items: &[Value<'a>], from: i64, to: i64) -> Result<'a> {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    match range.and_then(|(from, to)| items.get(from..to)) {
        Some(part) => Ok(Value::list(part.to_vec())),
        None => error(format!("cannot slice({from}, {to}), list is length {}", items.len())),
    }
}

fn flat<'a>(list: &List<'a>, depth: u8) -> Vec<Value<'a>> {
    list.iter()
        .flat_map(|item| match (&item, depth) {
            (Value::List(inner), 1..) => flat(inner, depth - 1),
            _ => vec![item],
        })
        .collect()
}
