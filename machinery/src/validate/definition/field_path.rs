//! Paths to fields by a schema: of selectable fields, and of the `fieldPath` of rules.

use crate::custom::structural::{Additional, Structural};

/// Follows a path such as `.spec.a['b c']` and returns how it is told and the schema found there.
///
/// # Errors
/// What is wrong with the path.
pub(crate) fn find<'a>(path: &str, schema: &'a Structural, brackets: bool) -> Result<(String, &'a Structural), String> {
    let mut here = schema;
    let mut told = String::new();
    let mut rest = path;
    while let Some((token, tail)) = next(rest) {
        rest = tail;
        let name = match token {
            "." => {
                let (name, tail) = next(rest).ok_or("unexpected end of JSON path")?;
                rest = tail;
                name.to_owned()
            }
            "[" if brackets => {
                let (quoted, tail) = next(rest).ok_or("unexpected end of JSON path")?;
                let inner = quoted
                    .strip_prefix('\'')
                    .and_then(|text| text.strip_suffix('\''))
                    .filter(|_| quoted.len() >= 2)
                    .ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                let (close, tail) = next(tail).ok_or("unexpected end of JSON path")?;
                if close != "]" {
                    return Err(format!("expected ] but got {close}"));
                }
                rest = tail;
                unescape(inner)?
            }
            "[" => return Err("array notation is not allowed".to_owned()),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        here = step(here, &name, &mut told)?;
    }
    Ok((told, here))
}

fn step<'a>(here: &'a Structural, name: &str, told: &mut String) -> Result<&'a Structural, String> {
    let nowhere = || "does not refer to a valid field".to_owned();
    if here.properties.is_empty() {
        let Additional::Schema(values) = &here.additional else {
            return Err(nowhere());
        };
        told.push_str(&format!("[{name}]"));
        return Ok(values);
    }
    if !told.is_empty() {
        told.push('.');
    }
    told.push_str(name);
    here.properties.get(name).ok_or_else(nowhere)
}

/// The next delimiter, quoted text, or name.
fn next(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    let end = match first {
        '.' | '[' | ']' => 1,
        '\'' => {
            let mut before = '\'';
            let close = text.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == '\'' && before != '\\';
                before = *c;
                closes
            });
            close.map_or(text.len(), |(at, _)| at + 1)
        }
        _ => text.find(['.', '[', ']']).unwrap_or(text.len()),
    };
    Some(text.split_at(end))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            Some(c) => return Err(format!("invalid string literal: invalid escape char \\{c}")),
            None => '\\',
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_fields() {
        let schema = Structural::read(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"a": {"type": "string"}, "b c": {"type": "integer"},
                "m": {"type": "object", "additionalProperties": {"type": "string"}}}}}}));
        for (path, brackets, told) in [
            (".spec.a", false, Ok("spec.a")),
            (".spec['b c']", true, Ok("spec.b c")),
            (".spec.m['x']", true, Ok("spec.m[x]")),
            (".spec['b c']", false, Err("array notation is not allowed")),
            (".spec.z", true, Err("does not refer to a valid field")),
            ("spec", true, Err("expected [ or . but got: spec")),
            (".", true, Err("unexpected end of JSON path")),
            (".spec[0]", true, Err("expected single quoted string but got 0")),
        ] {
            let found = find(path, &schema, brackets).map(|(told, _)| told);
            assert_eq!(found.as_deref().map_err(String::as_str), told, "{path}");
        }
    }
}
