//! Durations and times.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;
use crate::zones;

const SECOND: i64 = 1_000_000_000;

/// Bytes of base64; of what is none, the text's own.
pub(in crate::cel) fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// A duration in Go's form, such as `1h30m`, in nanoseconds.
pub(in crate::cel) fn parse_duration(text: &str) -> Option<i64> {
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
    let mut total: f64 = 0.0;
    let mut exact: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit: i64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        exact += whole * i128::from(unit);
        if !fraction.is_empty() {
            total += format!("0.{fraction}").parse::<f64>().ok()? * unit as f64;
        }
        rest = tail;
    }
    // Fractions are of nanoseconds at the least; a cast of floats saturates.
    exact += total.round() as i128;
    i64::try_from(if negative { -exact } else { exact }).ok()
}

/// A duration as the format `duration` takes it, which knows days and weeks too.
pub(in crate::cel) fn lenient_duration(text: &str) -> Option<i64> {
    if let Some(nanoseconds) = parse_duration(text) {
        return Some(nanoseconds);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut any = false;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (_, tail) = rest.split_at(start);
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = match unit.to_lowercase().as_str() {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" | "hr" => 3600 * SECOND,
            "d" => 86_400 * SECOND,
            "w" | "wk" => 7 * 86_400 * SECOND,
            word if word.starts_with("nano") => 1,
            word if word.starts_with("micro") => 1_000,
            word if word.starts_with("milli") => 1_000_000,
            word if word.starts_with("sec") => SECOND,
            word if word.starts_with("min") => 60 * SECOND,
            word if word.starts_with("hour") => 3600 * SECOND,
            word if word.starts_with("day") => 86_400 * SECOND,
            word if word.starts_with("week") => 7 * 86_400 * SECOND,
            _ => 0,
        };
        any |= unit > 0;
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = tail;
    }
    any.then_some(total)
}

/// A time of RFC 3339, or a date.
pub(in crate::cel) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

/// A duration as Go prints seconds: `3.5s`.
pub(super) fn duration_text(nanoseconds: i64) -> String {
    let seconds = nanoseconds as f64 / SECOND as f64;
    format!("{seconds}s")
}

pub(super) fn arithmetic<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    let duration = |nanoseconds: Option<i64>| match nanoseconds {
        Some(nanoseconds) => Ok(Value::Duration(nanoseconds)),
        None => error("duration overflow"),
    };
    let shifted = |time: &Timestamp, by: Option<i64>| {
        let by = by.map(jiff::SignedDuration::from_nanos);
        match by.and_then(|by| time.checked_add(by).ok()) {
            Some(time) => Ok(Value::Timestamp(time)),
            None => error("timestamp overflow"),
        }
    };
    match (name, args) {
        ("_+_", [Value::Duration(a), Value::Duration(b)]) => duration(a.checked_add(*b)),
        ("_-_", [Value::Duration(a), Value::Duration(b)]) => duration(a.checked_sub(*b)),
        ("_+_", [Value::Timestamp(time), Value::Duration(by)] | [Value::Duration(by), Value::Timestamp(time)]) => {
            shifted(time, Some(*by))
        }
        ("_-_", [Value::Timestamp(time), Value::Duration(by)]) => shifted(time, by.checked_neg()),
        ("_-_", [Value::Timestamp(a), Value::Timestamp(b)]) => {
            duration(i64::try_from(a.as_nanosecond() - b.as_nanosecond()).ok())
        }
        _ => no_overload(),
    }
}

/// A part of a time or of a duration.
pub(super) fn part<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match args {
        [Value::Duration(nanoseconds)] => {
            let unit = match name {
                "getHours" => 3600 * SECOND,
                "getMinutes" => 60 * SECOND,
                "getSeconds" => SECOND,
                "getMilliseconds" => 1_000_000,
                _ => return no_overload(),
            };
            Ok(Value::Int(nanoseconds / unit))
        }
        [Value::Timestamp(time)] => of_time(name, time.to_zoned(TimeZone::UTC).datetime()),
        [Value::Timestamp(time), Value::Text(zone)] => match self::zone(zone) {
            Some(zone) => of_time(name, time.to_zoned(zone).datetime()),
            None => error(format!("unknown time zone {zone}")),
        },
        _ => no_overload(),
    }
}

/// A time zone by its name, or by its distance from UTC.
fn zone(text: &str) -> Option<TimeZone> {
    if !text.contains(':') {
        return zones::named(text);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i16>().ok()?, minutes.parse::<i16>().ok()?);
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
}

fn of_time<'a>(name: &str, time: DateTime) -> Result<'a> {
    let number = match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month()) - 1,
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDate" => i64::from(time.day()),
        "getDayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.millisecond()),
        _ => return no_overload(),
    };
    Ok(Value::Int(number))
}
