//! Messages that are no JSON objects: times, durations, quantities, numbers that may be texts.

use jiff::Timestamp;
use serde_json::Value;

use super::ProtobufError;
use super::read::text;
use super::wire::{Fields, Wire, put_bytes, put_number};

type Result<T> = std::result::Result<T, ProtobufError>;

/// The last value of a bytes field; empty where absent.
pub(super) fn bytes_field(message: &[u8], wanted: u32) -> Result<&[u8]> {
    let mut found = &[][..];
    let mut fields = Fields::new(message);
    while let Some((number, wire)) = fields.next()? {
        if let (true, Wire::Bytes(bytes)) = (number == wanted, wire) {
            found = bytes;
        }
    }
    Ok(found)
}

fn number_field(message: &[u8], wanted: u32) -> Result<u64> {
    let mut found = 0;
    let mut fields = Fields::new(message);
    while let Some((number, wire)) = fields.next()? {
        if let (true, Wire::Varint(value)) = (number == wanted, wire) {
            found = value;
        }
    }
    Ok(found)
}

/// The low 32 bits of a varint, signed.
pub(super) fn low_32_bits(number: u64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// An empty message is the zero time, which is null in JSON.
pub(super) fn read_time(message: &[u8], micro: bool) -> Result<Value> {
    if message.is_empty() {
        return Ok(Value::Null);
    }
    let (seconds, nanos) = (
        number_field(message, 1)?.cast_signed(),
        low_32_bits(number_field(message, 2)?),
    );
    let time = Timestamp::new(seconds, if micro { nanos } else { 0 })
        .map_err(|error| ProtobufError::field(format!("not a time: {error}")))?;
    Ok(Value::from(if micro {
        format!("{time:.6}")
    } else {
        format!("{time:.0}")
    }))
}

pub(super) fn write_time(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().ok_or_else(|| ProtobufError::field("a time is a text"))?;
    let time: Timestamp = text
        .parse()
        .map_err(|error| ProtobufError::field(format!("not a time: {error}")))?;
    let mut out = Vec::new();
    put_number(&mut out, 1, time.as_second());
    put_number(&mut out, 2, i64::from(time.subsec_nanosecond()));
    Ok(out)
}

pub(super) fn read_quantity(message: &[u8]) -> Result<Value> {
    let text = text(bytes_field(message, 1)?)?;
    Ok(Value::from(if text.is_empty() { "0" } else { text }))
}

pub(super) fn write_quantity(value: &Value) -> Result<Vec<u8>> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(ProtobufError::field("a quantity is a text or a number"));
        }
    };
    let mut out = Vec::new();
    put_bytes(&mut out, 1, text.as_bytes());
    Ok(out)
}

pub(super) fn read_int_or_string(message: &[u8]) -> Result<Value> {
    if number_field(message, 1)? == 0 {
        return Ok(Value::from(low_32_bits(number_field(message, 2)?)));
    }
    Ok(Value::from(text(bytes_field(message, 3)?)?))
}

pub(super) fn write_int_or_string(value: &Value) -> Result<Vec<u8>> {
    let (number, text) = match (
        value.as_i64().and_then(|number| i32::try_from(number).ok()),
        value.as_str(),
    ) {
        (Some(number), _) => (number, None),
        (None, Some(text)) => (0, Some(text)),
        (None, None) => return Err(ProtobufError::field("it must be a number or a text")),
    };
    let mut out = Vec::new();
    put_number(&mut out, 1, i64::from(text.is_some()));
    put_number(&mut out, 2, i64::from(number));
    put_bytes(&mut out, 3, text.unwrap_or_default().as_bytes());
    Ok(out)
}

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

pub(super) fn read_duration(message: &[u8]) -> Result<Value> {
    Ok(Value::from(duration_text(number_field(message, 1)?.cast_signed())))
}

pub(super) fn write_duration(value: &Value) -> Result<Vec<u8>> {
    let text = value
        .as_str()
        .ok_or_else(|| ProtobufError::field("a duration is a text"))?;
    let nanos = parse_duration(text).ok_or_else(|| ProtobufError::field(format!("not a duration: {text:?}")))?;
    let mut out = Vec::new();
    put_number(&mut out, 1, nanos);
    Ok(out)
}

/// Go's text of a number of nanoseconds: `1h0m0s`, `1.5s`, `20ms`.
fn duration_text(nanos: i64) -> String {
    let (sign, left) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let decimal = |whole: u64, rest: u64, digits: usize, unit: &str| {
        let fraction = format!("{rest:0digits$}");
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            format!("{whole}{unit}")
        } else {
            format!("{whole}.{fraction}{unit}")
        }
    };
    let text = match left {
        0 => return "0s".to_owned(),
        1..=999 => format!("{left}ns"),
        1_000..=999_999 => decimal(left / 1_000, left % 1_000, 3, "\u{b5}s"),
        1_000_000..=999_999_999 => decimal(left / 1_000_000, left % 1_000_000, 6, "ms"),
        _ => {
            let (seconds, rest) = (left / 1_000_000_000, left % 1_000_000_000);
            let last = decimal(seconds % 60, rest, 9, "s");
            match (seconds / 3600, seconds / 60 % 60) {
                (0, 0) => last,
                (0, minutes) => format!("{minutes}m{last}"),
                (hours, minutes) => format!("{hours}h{minutes}m{last}"),
            }
        }
    };
    format!("{sign}{text}")
}

fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(length);
        let unit_length = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_length);
        let nanos = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() > 19 || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total += whole * nanos;
        let mut place = nanos;
        for digit in fraction.chars().filter_map(|c| c.to_digit(10)) {
            place /= 10;
            total += place * i128::from(digit);
        }
        if total > i128::from(i64::MAX) + 1 {
            return None;
        }
        rest = tail;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        let table = [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5\u{b5}s"),
            (20_000_000, "20ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanos, text) in table {
            assert_eq!(duration_text(nanos), text);
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
        }
        for text in ["", "1", "s", ".s", "1.2.3s", "1x", "99999999999999999999h", "2562048h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
