//! Formats of names, keys and addresses: each function returns what is wrong with a text, and nothing for a good one.

use std::net::IpAddr;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const PATH: &str =
    "Invalid path (e.g. 'acme.io/path', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/// A DNS label of 63 characters.
#[must_use]
pub fn dns_label(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 63);
    if !is_label(text) {
        let dotted = text.split('.').all(is_label);
        faults.push(if dotted {
            "must not contain dots".to_owned()
        } else {
            LABEL.to_owned()
        });
    }
    faults
}

/// A DNS label of 63 characters that begins with a letter.
#[must_use]
pub fn dns_1035_label(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 63);
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        faults.push(LABEL_1035.to_owned());
    }
    faults
}

/// Labels joined by dots, 253 characters.
#[must_use]
pub fn dns_subdomain(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 253);
    if !text.split('.').all(is_label) {
        faults.push(SUBDOMAIN.to_owned());
    }
    faults
}

/// `*.` and labels joined by dots.
#[must_use]
pub fn wildcard(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 253);
    if !text
        .strip_prefix("*.")
        .is_some_and(|rest| rest.split('.').all(is_label))
    {
        faults.push(WILDCARD.to_owned());
    }
    faults
}

/// A DNS name, a slash, and a path.
#[must_use]
pub fn domain_prefixed(text: &str) -> Vec<String> {
    let Some((host, path)) = text
        .split_once('/')
        .filter(|(host, path)| !host.is_empty() && !path.is_empty())
    else {
        return vec!["must be a domain-prefixed path (such as \"acme.io/foo\")".to_owned()];
    };
    let mut faults: Vec<String> = dns_subdomain(host)
        .into_iter()
        .map(|fault| format!("prefix part {fault}"))
        .collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/%-._~!$&'()*+,;=:".contains(c);
    if !path.chars().all(allowed) {
        faults.push(PATH.to_owned());
    }
    faults
}

/// A label key: an optional `subdomain/` and a name of 63 characters.
#[must_use]
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                faults.extend(
                    dns_subdomain(prefix)
                        .into_iter()
                        .map(|fault| format!("prefix part {}", fault.replace("253 characters", "253 bytes"))),
                );
            }
            name
        }
        _ => {
            let tail = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {QUALIFIED} {tail}")];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else {
        faults.extend(
            max_bytes(name, 63)
                .into_iter()
                .map(|fault| format!("name part {fault}")),
        );
    }
    if !is_word(name) {
        faults.push(format!("name part {QUALIFIED}"));
    }
    faults
}

/// A label's value: empty, or a word of 63 characters.
#[must_use]
pub fn label_value(text: &str) -> Vec<String> {
    let mut faults = max_bytes(text, 63);
    if !text.is_empty() && !is_word(text) {
        faults.push(LABEL_VALUE.to_owned());
    }
    faults
}

/// A key of a ConfigMap or Secret.
#[must_use]
pub fn config_key(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 253);
    if text.is_empty()
        || !text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
    {
        faults.push(CONFIG_KEY.to_owned());
    }
    if text == "." || text == ".." {
        faults.push(format!("must not be '{text}'"));
    } else if text.starts_with("..") {
        faults.push("must not start with '..'".to_owned());
    }
    faults
}

/// A name of an environment variable: printable ASCII without `=`.
#[must_use]
pub fn env_name(text: &str) -> Vec<String> {
    let printable = |c: char| (' '..='~').contains(&c) && c != '=';
    match text {
        "" => vec!["environment variable name must be non-empty".to_owned()],
        text if text.chars().all(printable) => Vec::new(),
        _ => vec![
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
                .to_owned(),
        ],
    }
}

/// The number of a port.
#[must_use]
pub fn port_number(number: i64) -> Vec<String> {
    if (1..=65535).contains(&number) {
        Vec::new()
    } else {
        vec!["must be between 1 and 65535, inclusive".to_owned()]
    }
}

/// The name of a port.
#[must_use]
pub fn port_name(text: &str) -> Vec<String> {
    let mut faults = max_length(text, 15);
    if text.is_empty()
        || !text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.chars().any(|c| c.is_ascii_lowercase()) {
        faults.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        faults.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        faults.push("must not begin or end with a hyphen".to_owned());
    }
    faults
}

/// A percentage such as `25%`.
#[must_use]
pub fn percent(text: &str) -> Vec<String> {
    match text.strip_suffix('%') {
        Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => Vec::new(),
        Some(_) | None => vec![PERCENT.to_owned()],
    }
}

/// An IP address.
#[must_use]
pub fn ip(text: &str) -> Vec<String> {
    match text.parse::<IpAddr>() {
        Ok(_) => Vec::new(),
        Err(_) => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()],
    }
}

/// A network in CIDR form.
#[must_use]
pub fn cidr(text: &str) -> Vec<String> {
    let good = text.split_once('/').is_some_and(|(address, length)| {
        let most = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        let digits = !length.is_empty() && length.chars().all(|c| c.is_ascii_digit());
        digits && length.parse::<u32>().is_ok_and(|n| n <= most)
    });
    if good {
        Vec::new()
    } else {
        vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()]
    }
}

fn max_length(text: &str, most: usize) -> Vec<String> {
    if text.len() > most {
        vec![format!("must be no more than {most} characters")]
    } else {
        Vec::new()
    }
}

/// Labels are counted in bytes, names in characters: both are ASCII where they are good.
fn max_bytes(text: &str, most: usize) -> Vec<String> {
    if text.len() > most {
        vec![format!("must be no more than {most} bytes")]
    } else {
        Vec::new()
    }
}

fn is_label(text: &str) -> bool {
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_made_of(text, edge, |c| edge(c) || c == b'-')
}

fn is_word(text: &str) -> bool {
    is_made_of(
        text,
        |c| c.is_ascii_alphanumeric(),
        |c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'),
    )
}

fn is_made_of(text: &str, edge: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => edge(*first) && edge(*last) && bytes.iter().all(|c| inner(*c)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_texts() {
        type Rule = fn(&str) -> Vec<String>;
        let long = "a".repeat(64);
        let rows: [(Rule, &[&str], &[&str]); 9] = [
            (
                dns_label,
                &["a", "a-1", "1a"],
                &["", "-a", "a-", "A", "a.b", "a_b", "ä", &long],
            ),
            (
                dns_subdomain,
                &["a", "a.b-c.1", "example.com"],
                &["", "a..b", ".a", "A.b", "a_b"],
            ),
            (
                qualified_name,
                &["a", "A_b.c-d", "example.com/A"],
                &["", "/a", "a/", "a/b/c", "A.b/c d", "-a", "Ex.com/a", &long],
            ),
            (label_value, &["", "a", "A_b.c-1"], &["-a", "a ", "a/b", &long]),
            (
                config_key,
                &["a", ".a", "A_b-c.d"],
                &["", ".", "..", "..a", "a b", "a/b"],
            ),
            (env_name, &["A", "my.env", "1X", "a b"], &["", "A=B", "\u{7f}", "ä"]),
            (
                port_name,
                &["http", "a1", "a-b"],
                &["", "80", "a--b", "-a", "a-", "HTTP", "much-too-long-name"],
            ),
            (ip, &["1.2.3.4", "::1"], &["", "1.2.3", "1.2.3.256", "a", "01.2.3.4"]),
            (
                cidr,
                &["10.0.0.0/8", "2001:db8::/32", "1.2.3.4/0"],
                &["", "10.0.0.0", "10.0.0.0/33", "a/8", "10.0.0.0/+8", "::/129"],
            ),
        ];
        for (index, (rule, good, bad)) in rows.iter().enumerate() {
            for text in *good {
                assert_eq!(rule(text), Vec::<String>::new(), "row {index}: {text}");
            }
            for text in *bad {
                assert!(!rule(text).is_empty(), "row {index}: {text}");
            }
        }
        assert!(percent("25%").is_empty() && !percent("25").is_empty() && !percent("%").is_empty());
        assert!(port_number(65535).is_empty() && !port_number(0).is_empty() && !port_number(65536).is_empty());
    }
}
