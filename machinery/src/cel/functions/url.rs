//! URLs: absolute ones, and absolute paths.

use std::rc::Rc;

use super::super::eval::{Result, error, no_overload};
use super::super::value::{Map, Value};

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("isURL", [Value::Text(text)]) => Ok(Value::Bool(read(text).is_some())),
        ("url", [Value::Text(text)]) => match read(text) {
            Some(url) => Ok(Value::Url(Rc::new(url))),
            None => error(format!(
                "URL parse error during conversion from string: parse {}: invalid URI for request",
                crate::field::quoted(text)
            )),
        },
        (name, [Value::Url(url)]) => {
            let (hostname, port) = split_port(&url.host);
            Ok(Value::text(match name {
                "getScheme" => url.scheme.clone(),
                "getHost" => url.host.clone(),
                "getHostname" => hostname.to_owned(),
                "getPort" => port.to_owned(),
                "getEscapedPath" => url.path.clone(),
                "getQuery" => return Ok(query(&url.query)),
                _ => return no_overload(),
            }))
        }
        _ => no_overload(),
    }
}

fn read(text: &str) -> Option<Url> {
    if text.is_empty() || text.chars().any(char::is_control) || text.contains(' ') {
        return None;
    }
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if !text.starts_with('/') => {
            let first = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
            let all = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            (first && all).then_some((scheme.to_ascii_lowercase(), rest))?
        }
        _ if text.starts_with('/') => (String::new(), text),
        _ => return None,
    };
    if !rest.starts_with('/') && scheme.is_empty() {
        return None;
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = match before.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
        None => ("", before),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (_, port) = split_port(host);
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Url {
        scheme,
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    })
}

/// Host and port; the brackets of an address go.
fn split_port(host: &str) -> (&str, &str) {
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').unwrap_or(""));
    }
    host.rsplit_once(':').unwrap_or((host, ""))
}

fn query<'a>(text: &str) -> Value<'a> {
    let mut entries: Vec<(String, Vec<Value<'a>>)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescaped(key), Value::text(unescaped(value)));
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => entries.push((key, vec![value])),
        }
    }
    let entries = entries
        .into_iter()
        .map(|(key, values)| (Value::text(key), Value::list(values)));
    Value::Map(Map::Own(Rc::new(entries.collect())))
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let code = |rest: &std::str::Bytes<'_>| {
            let digits: Vec<u8> = rest.clone().take(2).collect();
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        };
        match byte {
            b'+' => out.push(b' '),
            b'%' => match code(&bytes) {
                Some(octet) => {
                    out.push(octet);
                    bytes.nth(1);
                }
                None => out.push(b'%'),
            },
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
