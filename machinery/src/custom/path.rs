//! JSON paths: the simple ones of scale subresources and field selectors, and those of printer columns.
//!
//! In: a path as `kubectl` knows them, without its braces, and a value. Out: what the path finds, in order. Fields,
//! quoted keys, indexes, slices, unions, wildcards, descent and filters are known; a path that cannot be read finds nothing.

use serde_json::Value;

/// The JSON pointer of a simple path; empty for none.
pub(crate) fn pointer(path: &str) -> String {
    let parts = path.split('.').filter(|part| !part.is_empty());
    parts
        .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// What stands at a simple path, as a field selector spells it.
pub(super) fn plain(object: &Value, path: &str) -> String {
    match object.pointer(&pointer(path)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A path that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    Descend,
    Slice(Option<i64>, Option<i64>, i64),
    Index(i64),
    Union(Vec<Vec<Step>>),
    Filter(Vec<Step>, Option<(Comparison, Operand)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Literal(Value),
    Path(Vec<Step>),
}

impl JsonPath {
    /// Reads a path; none where it is not one.
    pub(super) fn read(path: &str) -> Option<Self> {
        let mut rest = path;
        let steps = steps(&mut rest, &[])?;
        rest.is_empty().then_some(Self(steps))
    }

    /// What the path finds.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        walk(&self.0, vec![value])
    }
}

fn steps(rest: &mut &str, ends: &[char]) -> Option<Vec<Step>> {
    let mut out = Vec::new();
    while let Some(c) = rest.chars().next() {
        if ends.contains(&c) {
            break;
        }
        match c {
            '.' if rest.starts_with("..") => {
                out.push(Step::Descend);
                *rest = rest.get(2..)?;
                if !rest.starts_with(['.', '[']) {
                    name(rest, ends, &mut out);
                }
            }
            '.' => {
                *rest = rest.get(1..)?;
                name(rest, ends, &mut out);
            }
            '[' => {
                *rest = rest.get(1..)?;
                out.push(bracket(rest)?);
            }
            '@' | '$' if out.is_empty() => *rest = rest.get(1..)?,
            _ if out.is_empty() => name(rest, ends, &mut out),
            _ => return None,
        }
    }
    Some(out)
}

/// A field after a dot; a backslash keeps what follows from ending it.
fn name(rest: &mut &str, ends: &[char], out: &mut Vec<Step>) {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    let mut end = rest.len();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            text.extend(chars.next().map(|(_, c)| c));
        } else if matches!(c, '.' | '[') || ends.contains(&c) || c == ' ' {
            end = at;
            break;
        } else {
            text.push(c);
        }
    }
    *rest = rest.get(end..).unwrap_or_default();
    match text.as_str() {
        "" => {}
        "*" => out.push(Step::Wildcard),
        _ => out.push(Step::Field(text)),
    }
}

/// What stands in brackets, which are closed here.
fn bracket(rest: &mut &str) -> Option<Step> {
    if let Some(tail) = rest.strip_prefix("?(") {
        *rest = tail;
        let step = filter(rest)?;
        *rest = rest.strip_prefix(")]")?;
        return Some(step);
    }
    let close = closing(rest)?;
    let (inside, tail) = rest.split_at(close);
    *rest = tail.get(1..)?;
    let parts = split(inside);
    if let [one] = parts.as_slice() {
        return part(one.trim());
    }
    let union: Option<Vec<Vec<Step>>> = parts.iter().map(|one| Some(vec![part(one.trim())?])).collect();
    Some(Step::Union(union?))
}

/// Where the bracket closes that is open at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ']') => return Some(at),
            _ => {}
        }
    }
    None
}

fn split(text: &str) -> Vec<&str> {
    let mut quote = None;
    text.split(|c| {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        quote.is_none() && c == ','
    })
    .collect()
}

fn part(text: &str) -> Option<Step> {
    if text == "*" {
        return Some(Step::Wildcard);
    }
    if let Some(quoted) = unquoted(text) {
        return Some(Step::Field(quoted));
    }
    if let Ok(index) = text.parse::<i64>() {
        return Some(Step::Index(index));
    }
    let bounds: Vec<&str> = text.split(':').collect();
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse::<i64>().ok().map(Some),
    };
    match bounds.as_slice() {
        [from, to] => Some(Step::Slice(number(from)?, number(to)?, 1)),
        [from, to, step] => Some(Step::Slice(number(from)?, number(to)?, number(step)?.unwrap_or(1))),
        _ => None,
    }
}

fn unquoted(text: &str) -> Option<String> {
    let inner = ['\'', '"'].iter().find_map(|quote| {
        let inner = text.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (text.len() >= 2).then_some(inner)
    })?;
    Some(inner.replace("\\'", "'").replace("\\\"", "\""))
}

fn filter(rest: &mut &str) -> Option<Step> {
    let left = steps(rest, &[')', '=', '!', '<', '>', ' '])?;
    *rest = rest.trim_start();
    let operators = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let Some((sign, comparison)) = operators.into_iter().find(|(sign, _)| rest.starts_with(sign)) else {
        return Some(Step::Filter(left, None));
    };
    *rest = rest.get(sign.len()..)?.trim_start();
    let operand = if rest.starts_with(['\'', '"']) {
        let quote = rest.chars().next()?;
        let end = rest.get(1..)?.find(quote)? + 2;
        let (text, tail) = rest.split_at(end);
        *rest = tail;
        Operand::Literal(Value::from(unquoted(text)?))
    } else if rest.starts_with(['@', '$']) {
        Operand::Path(steps(rest, &[')', ' '])?)
    } else {
        let end = rest.find(')')?;
        let (text, tail) = rest.split_at(end);
        *rest = tail;
        Operand::Literal(serde_json::from_str(text.trim()).ok()?)
    };
    *rest = rest.trim_start();
    Some(Step::Filter(left, Some((comparison, operand))))
}

fn walk<'a>(steps: &[Step], mut here: Vec<&'a Value>) -> Vec<&'a Value> {
    for step in steps {
        here = here.into_iter().flat_map(|value| one(step, value)).collect();
    }
    here
}

fn one<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), value) => value.get(name).into_iter().collect(),
        (Step::Wildcard, Value::Array(items)) => items.iter().collect(),
        (Step::Wildcard, Value::Object(map)) => map.values().collect(),
        (Step::Descend, value) => descend(value),
        (Step::Index(index), Value::Array(items)) => at(items, *index).into_iter().collect(),
        (Step::Slice(from, to, step), Value::Array(items)) => slice(items, *from, *to, *step),
        (Step::Union(parts), value) => parts.iter().flat_map(|part| walk(part, vec![value])).collect(),
        (Step::Filter(left, comparison), Value::Array(items)) => items
            .iter()
            .filter(|item| passes(left, comparison.as_ref(), item))
            .collect(),
        _ => Vec::new(),
    }
}

fn descend(value: &Value) -> Vec<&Value> {
    let mut out = vec![value];
    match value {
        Value::Array(items) => items.iter().for_each(|item| out.extend(descend(item))),
        Value::Object(map) => map.values().for_each(|item| out.extend(descend(item))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    out
}

fn at(items: &[Value], index: i64) -> Option<&Value> {
    let length = i64::try_from(items.len()).ok()?;
    let index = if index < 0 { length + index } else { index };
    items.get(usize::try_from(index).ok()?)
}

fn slice(items: &[Value], from: Option<i64>, to: Option<i64>, step: i64) -> Vec<&Value> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let bound = |at: i64| if at < 0 { length + at } else { at }.clamp(0, length);
    let (from, to) = (bound(from.unwrap_or(0)), bound(to.unwrap_or(length)));
    let Ok(step) = usize::try_from(step.max(1)) else {
        return Vec::new();
    };
    let position = |at: i64| usize::try_from(at).unwrap_or_default();
    items
        .get(position(from)..position(to).max(position(from)))
        .unwrap_or_default()
        .iter()
        .step_by(step)
        .collect()
}

fn passes(left: &[Step], comparison: Option<&(Comparison, Operand)>, item: &Value) -> bool {
    let found = walk(left, vec![item]);
    let (Some(left), Some((comparison, operand))) = (found.first(), comparison) else {
        return !found.is_empty() && comparison.is_none();
    };
    let right = match operand {
        Operand::Literal(value) => Some(value),
        Operand::Path(steps) => walk(steps, vec![item]).first().copied(),
    };
    let Some(right) = right else { return false };
    let order = match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (a, b) => (a == &b).then_some(std::cmp::Ordering::Equal),
    };
    match comparison {
        Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::NotEqual => !order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_find_what_kubectl_finds() {
        let value = json!({"a": {"b c": 1, "d.e": 2}, "l": [{"n": "x", "v": 1}, {"n": "y", "v": 2}, {"n": "z"}]});
        for (path, found) in [
            (".a['b c']", json!([1])),
            (r".a.d\.e", json!([2])),
            (".l[0].n", json!(["x"])),
            (".l[-1].n", json!(["z"])),
            (".l[-1:].n", json!(["z"])),
            (".l[0:2].n", json!(["x", "y"])),
            (".l[*].n", json!(["x", "y", "z"])),
            (".l[?(@.n==\"y\")].v", json!([2])),
            (".l[?(@.v>1)].n", json!(["y"])),
            (".l[?(@.v)].n", json!(["x", "y"])),
            (".l[0,2].n", json!(["x", "z"])),
            ("..n", json!(["x", "y", "z"])),
            (".nope.nope", json!([])),
            (".", json!([value])),
        ] {
            let ours: Vec<Value> = JsonPath::read(path)
                .unwrap()
                .find(&value)
                .into_iter()
                .cloned()
                .collect();
            assert_eq!(Value::from(ours), found, "{path}");
        }
        for path in [".a[", ".a[?(", ".l[x]", ".l[?(@.a==)]"] {
            assert!(JsonPath::read(path).is_none(), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_path_may_come(path in r"[.\[\]@?()'=:*,a0\\-]{0,16}") {
            if let Some(path) = JsonPath::read(&path) {
                let _ = path.find(&json!({"a": [{"a": 1}, 0]}));
            }
        }
    }
}
