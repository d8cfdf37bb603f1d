//! The formats that a schema may demand of text, and the numeric formats.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

/// A format that is known for its type; others are not demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// As written.
    pub(crate) name: String,
    /// Without dashes.
    key: String,
}

const OF_TEXT: &[&str] = &[
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];

/// Whether a format is known for a type.
pub(crate) fn is_known(type_: &str, format: &str) -> bool {
    match type_ {
        "" | "string" => OF_TEXT.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

impl Format {
    pub(crate) fn read(type_: &str, format: &str, int_or_string: bool) -> Option<Self> {
        // `x-kubernetes-int-or-string` counts as two types.
        let type_ = if int_or_string { "" } else { type_ };
        (!format.is_empty() && is_known(type_, format)).then(|| Self {
            name: format.to_owned(),
            key: format.replace('-', ""),
        })
    }

    /// Whether a text is of the format; of numeric formats every text is.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self.key.as_str() {
            "bsonobjectid" => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
            "uri" => is_uri(text),
            "email" => is_email(text),
            "hostname" => is_hostname(text),
            "ipv4" => is_ipv4(text),
            "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
            "cidr" => is_cidr(text),
            "mac" => is_mac(text),
            "uuid" => is_uuid(text, &[], &[]),
            "uuid3" => is_uuid(text, b"3", &[]),
            "uuid4" => is_uuid(text, b"4", b"89ab"),
            "uuid5" => is_uuid(text, b"5", b"89ab"),
            "isbn" => is_isbn10(text) || is_isbn13(text),
            "isbn10" => is_isbn10(text),
            "isbn13" => is_isbn13(text),
            "creditcard" => is_credit_card(text),
            "ssn" => SSN.as_ref().is_none_or(|p| p.is_match(text)),
            "hexcolor" => {
                let digits = text.strip_prefix('#').unwrap_or(text);
                matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }
            "rgbcolor" => RGB.as_ref().is_none_or(|p| p.is_match(text)),
            "byte" => !text.is_empty() && STANDARD.decode(text).is_ok(),
            "date" => is_date(text),
            "duration" => is_duration(text),
            "datetime" => is_date_time(text),
            "k8sshortname" => text.len() <= 63 && is_label(text),
            "k8slongname" => text.len() <= 253 && text.split('.').all(is_label),
            _ => true,
        }
    }
}

// The texts are constant and a test compiles them.
static SSN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").ok());
static RGB: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let part = r"\s*(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])\s*";
    Regex::new(&format!(r"^rgb\({part},{part},{part}\)$")).ok()
});
static HOSTNAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let letter = r"a-zA-Z0-9\p{S}\p{L}";
    Regex::new(&format!(
        r"^([{letter}]((-?[{letter}]{{0,62}})?)|([{letter}](([{letter}-]{{0,61}}[{letter}])?)(\.)){{1,}}([a-zA-Z\p{{L}}]){{2,63}})$"
    ))
    .ok()
});
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"([0-9]+)\s*([A-Za-zµ]+)").ok());
static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})$").ok());
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$").ok()
});

fn is_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_date(text: &str) -> bool {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    shape && (text.parse::<jiff::civil::Date>().is_ok())
}

fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else {
        return false;
    };
    let Some(found) = TIME.as_ref().and_then(|p| p.captures(time)) else {
        return false;
    };
    let part = |i: usize| found.get(i).map_or("", |m| m.as_str());
    is_date(date) && part(1) <= "23" && part(2) <= "59" && part(3) <= "59"
}

/// Go's durations, or a number and a unit of time in words.
fn is_duration(text: &str) -> bool {
    if is_go_duration(text) {
        return true;
    }
    let mut any = false;
    for found in DURATION.as_ref().into_iter().flat_map(|p| p.captures_iter(text)) {
        let (number, unit) = (&found[1], found[2].to_lowercase());
        if number.parse::<i64>().is_err() {
            return false;
        }
        let exact = ["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"].contains(&unit.as_str());
        let words = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
        any |= exact || words.iter().any(|word| unit.starts_with(word));
    }
    any
}

fn is_go_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    let mut nanoseconds = 0_f64;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        if !number.bytes().any(|b| b.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let Some(factor) = unit_of(unit) else { return false };
        let number = if number.ends_with('.') {
            format!("{number}0")
        } else {
            format!("0{number}")
        };
        nanoseconds += number.parse::<f64>().unwrap_or(f64::INFINITY) * factor;
        rest = tail;
    }
    !text.is_empty() && nanoseconds < 9.223_372_036_854_775e18
}

fn unit_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 6e10,
        "h" => 3.6e12,
        _ => return None,
    })
}

/// An absolute URI, or an absolute path.
fn is_uri(text: &str) -> bool {
    let clean = !text.is_empty() && text.chars().all(|c| !c.is_control());
    let escapes = text.split('%').skip(1).all(|tail| {
        let digits: Vec<u8> = tail.bytes().take(2).collect();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
    });
    let scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && !rest.is_empty()
    });
    clean && escapes && (text.starts_with('/') || scheme) && !authority(text).contains(' ')
}

fn authority(uri: &str) -> &str {
    let after = uri.split_once("://").map_or("", |(_, rest)| rest);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

/// `local@domain`, with or without a name before it in angle brackets.
fn is_email(text: &str) -> bool {
    let address = match text.trim().strip_suffix('>').and_then(|t| t.split_once('<')) {
        Some((_, address)) => address,
        None => text.trim(),
    };
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    let dotted = |text: &str| text.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']');
    (dotted(local) || quoted) && (dotted(domain) || literal)
}

fn is_hostname(text: &str) -> bool {
    HOSTNAME.as_ref().is_none_or(|p| p.is_match(text))
        && text.len() <= 255
        && text.split('.').all(|part| part.len() <= 63)
}

/// Zeros that lead an octet are of no account.
fn without_zeros(text: &str) -> String {
    let octet = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    text.split('.').map(octet).collect::<Vec<_>>().join(".")
}

fn is_ipv4(text: &str) -> bool {
    text.contains('.') && (without_zeros(text).parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let most = if without_zeros(address).parse::<Ipv4Addr>().is_ok() {
        32
    } else if address.parse::<Ipv6Addr>().is_ok() {
        128
    } else {
        return false;
    };
    length.bytes().all(|b| b.is_ascii_digit()) && length.parse::<u32>().is_ok_and(|n| n <= most)
}

fn is_mac(text: &str) -> bool {
    let hex = |part: &str, digits: usize| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
    let pairs = |separator: char| {
        let parts: Vec<&str> = text.split(separator).collect();
        matches!(parts.len(), 6 | 8 | 20) && parts.iter().all(|part| hex(part, 2))
    };
    let groups: Vec<&str> = text.split('.').collect();
    pairs(':') || pairs('-') || (matches!(groups.len(), 3 | 4 | 10) && groups.iter().all(|part| hex(part, 4)))
}

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12, dashes between them as one likes.
fn is_uuid(text: &str, version: &[u8], variant: &[u8]) -> bool {
    let mut rest = text.as_bytes();
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0
            && let Some(tail) = rest.strip_prefix(b"-")
        {
            rest = tail;
        }
        let Some((group, tail)) = rest.split_at_checked(length) else {
            return false;
        };
        let head = group.first().map(u8::to_ascii_lowercase).unwrap_or_default();
        let wanted = match index {
            2 => version,
            3 => variant,
            _ => &[],
        };
        if !group.iter().all(u8::is_ascii_hexdigit) || !(wanted.is_empty() || wanted.contains(&head)) {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

fn digit(c: char) -> u32 {
    c.to_digit(10).unwrap_or_default()
}

fn is_isbn10(text: &str) -> bool {
    let text = bare(text);
    let shape = text.len() == 10
        && text.chars().take(9).all(|c| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit() || c == 'X');
    let value = |c: char| if c == 'X' { 10 } else { digit(c) };
    shape
        && (1..)
            .zip(text.chars())
            .map(|(i, c): (u32, char)| i * value(c))
            .sum::<u32>()
            % 11
            == 0
}

fn is_isbn13(text: &str) -> bool {
    let text = bare(text);
    let shape = text.len() == 13 && text.chars().all(|c| c.is_ascii_digit());
    let weighed = [1, 3]
        .into_iter()
        .cycle()
        .zip(text.chars())
        .map(|(weight, c)| weight * digit(c));
    shape && weighed.sum::<u32>() % 10 == 0
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !CARD.as_ref().is_none_or(|p| p.is_match(&digits)) {
        return false;
    }
    let doubled = |(i, c): (usize, char)| match (i % 2, digit(c) * 2) {
        (1, twice) if twice > 9 => twice - 9,
        (1, twice) => twice,
        _ => digit(c),
    };
    digits.chars().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile() {
        for pattern in [&SSN, &RGB, &HOSTNAME, &DURATION, &TIME, &CARD] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn formats_of_text() {
        for (format, good, bad) in [
            ("date", &["2026-01-31"][..], &["2026-02-30", "2026-1-1", ""][..]),
            (
                "date-time",
                &["2026-01-31T10:00:00Z", "2026-01-31t10:00:00.5+01:00"],
                &["2026-01-31T25:00:00Z", "2026-01-31"],
            ),
            (
                "duration",
                &["1h30m", "1.5s", "-2m", "3 days", "0", "22 ns"],
                &["x", "", "1", "1y"],
            ),
            (
                "uuid",
                &[
                    "3b241101-e2bb-4255-8caf-4136c566a962",
                    "3B241101e2bb42558caf4136c566a962",
                ],
                &["3b241101"],
            ),
            (
                "uuid4",
                &["3b241101-e2bb-4255-8caf-4136c566a962"],
                &["3b241101-e2bb-3255-8caf-4136c566a962"],
            ),
            ("ipv4", &["1.2.3.4", "010.1.1.1"], &["1.2.3", "::1", "1.2.3.400"]),
            ("ipv6", &["::1", "fe80::1"], &["1.2.3.4", "x"]),
            ("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33"]),
            ("mac", &["00:11:22:33:44:55", "0011.2233.4455"], &["00:11"]),
            ("byte", &["YQ==", "YWJj"], &["Y", "%"]),
            (
                "uri",
                &["https://a.b/c?d", "/a", "mailto:a@b"],
                &["a b", "", "a", "%zz"],
            ),
            ("email", &["a@b.c", "A B <a@b.c>"], &["a", "a@", "@b"]),
            ("hostname", &["a.example", "a", "1a.b-c.de"], &["-a", "a..b", ""]),
            ("hexcolor", &["#fff", "00ff00"], &["#ffff", "x"]),
            ("rgbcolor", &["rgb(1,2,255)"], &["rgb(1,2,256)", "1,2,3"]),
            ("isbn", &["0321751043", "978-0321751041"], &["0321751044"]),
            ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112"]),
            ("ssn", &["123-45-6789"], &["12-345-6789"]),
            ("k8s-short-name", &["a-b"], &["a.b", "A"]),
            ("k8s-long-name", &["a.b"], &["a..b"]),
            ("password", &["anything"], &[]),
        ] {
            let known = Format::read("string", format, false).unwrap();
            for text in good {
                assert!(known.accepts(text), "{format} {text}");
            }
            for text in bad {
                assert!(!known.accepts(text), "{format} {text}");
            }
        }
        assert!(Format::read("string", "colour", false).is_none());
        assert!(Format::read("integer", "date", false).is_none());
        assert!(Format::read("object", "date", false).is_none());
    }
}
