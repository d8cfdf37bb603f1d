//! `format`: text with clauses such as `%s` and `%.2f` that values take the place of.

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;
use super::numbers;

/// Digits after the point where none are told.
const DIGITS: usize = 6;

/// A piece of a text with clauses.
pub(in crate::cel) enum Piece {
    Text(String),
    /// Its letter, and the digits that are wanted.
    Clause(char, Option<usize>),
}

/// Splits a text at its clauses.
pub(in crate::cel) fn pieces(text: &str) -> std::result::Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            plain.push(c);
            continue;
        }
        let mut digits = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut number = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            digits = Some(number.parse::<usize>().map_or(0, |digits| digits.min(100)));
        }
        match chars.next() {
            Some('%') => plain.push('%'),
            Some(letter @ ('s' | 'd' | 'f' | 'e' | 'x' | 'X' | 'o' | 'b')) => {
                out.push(Piece::Text(std::mem::take(&mut plain)));
                out.push(Piece::Clause(letter, digits));
            }
            Some(letter) => {
                return Err(format!(
                    "could not parse formatting clause: unrecognized formatting clause \"{letter}\""
                ));
            }
            None => return Err("unexpected end of string".to_owned()),
        }
    }
    out.push(Piece::Text(plain));
    Ok(out)
}

pub(super) fn format<'a>(text: &str, items: &[Value<'a>]) -> Result<'a> {
    let pieces = match pieces(text) {
        Ok(pieces) => pieces,
        Err(wrong) => return error(wrong),
    };
    let mut out = String::new();
    let mut items = items.iter().enumerate();
    for piece in pieces {
        let (letter, digits) = match piece {
            Piece::Text(text) => {
                out.push_str(&text);
                continue;
            }
            Piece::Clause(letter, digits) => (letter, digits.unwrap_or(DIGITS)),
        };
        let Some((_, item)) = items.next() else {
            return error("index out of range");
        };
        match (letter, item) {
            ('s', item) => out.push_str(&told(item)),
            ('d', Value::Int(number)) => out.push_str(&number.to_string()),
            ('d', Value::Uint(number)) => out.push_str(&number.to_string()),
            ('f', Value::Double(number)) => out.push_str(&format!("{number:.digits$}")),
            ('e', Value::Double(number)) => out.push_str(&scientific(*number, digits)),
            ('x', Value::Int(number)) => out.push_str(&format!("{number:x}")),
            ('X', Value::Int(number)) => out.push_str(&format!("{number:X}")),
            ('x', Value::Text(text)) => text.bytes().for_each(|b| out.push_str(&format!("{b:02x}"))),
            ('X', Value::Text(text)) => text.bytes().for_each(|b| out.push_str(&format!("{b:02X}"))),
            ('o', Value::Int(number)) => out.push_str(&format!("{number:o}")),
            ('b', Value::Int(number)) => out.push_str(&format!("{number:b}")),
            ('b', Value::Bool(said)) => out.push_str(if *said { "1" } else { "0" }),
            _ => return no_overload(),
        }
    }
    Ok(Value::text(out))
}

/// A power of ten, as it is written in English.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised = |c: char| match c {
        '-' => '\u{207b}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or_default()).unwrap_or(digit),
    };
    let exponent = if exponent.trim_start_matches('-').len() < 2 {
        exponent.replace(
            |c: char| c.is_ascii_digit(),
            &format!("0{}", exponent.trim_start_matches('-')),
        )
    } else {
        exponent.to_owned()
    };
    format!(
        "{mantissa}\u{202f}\u{d7}\u{202f}10{}",
        exponent.chars().map(raised).collect::<String>()
    )
}

fn told(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::List(list) => {
            let items: Vec<String> = list.iter().map(|item| quoted(&item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let mut entries: Vec<String> = map
                .keys()
                .iter()
                .map(|key| {
                    let value = map.get(key).map(|value| quoted(&value)).unwrap_or_default();
                    format!("{}:{value}", quoted(key))
                })
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Null => "null".to_owned(),
        other => match numbers::convert("string", other) {
            Ok(Value::Text(text)) => text.to_string(),
            _ => other.type_name().to_owned(),
        },
    }
}

/// A value within another: texts have quotes, and numbers six digits after the point.
fn quoted(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => crate::field::quoted(text),
        Value::Bytes(_) => format!("b{}", crate::field::quoted(&told(value))),
        Value::Double(number) => format!("{number:.DIGITS$}"),
        other => told(other),
    }
}
