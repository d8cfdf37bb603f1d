//! Rules about ConfigMaps and Secrets.

use serde_json::Value;

use crate::field::{self, Path};
use crate::status::Cause;

use super::at::{At, same};
use super::format;

const MAX: usize = 1024 * 1024;
const FROZEN: &str = "field is immutable when `immutable` is set";

pub(super) fn config_map(object: &Value, faults: &mut Vec<Cause>) {
    let (data, binary) = (At::root(object, "data"), At::root(object, "binaryData"));
    let mut size = 0;
    for (key, value) in data.entries() {
        check_key(key, &value.path, faults);
        if binary.value.get(key).is_some() {
            faults.push(field::invalid(
                &value.path,
                &Value::from(key),
                "duplicate of key present in binaryData",
            ));
        }
        size += value.text().len();
    }
    for (key, value) in binary.entries() {
        check_key(key, &value.path, faults);
        size += decoded_length(value.text());
    }
    if size > MAX {
        faults.push(field::too_long(&Path::whole(), MAX));
    }
}

pub(super) fn secret(object: &Value, faults: &mut Vec<Cause>) {
    let data = At::root(object, "data");
    let mut size = 0;
    for (key, value) in data.entries() {
        check_key(key, &value.path, faults);
        size += decoded_length(value.text());
    }
    if size > MAX {
        faults.push(field::too_long(&data.path, MAX));
    }
    let has = |key: &str| data.value.get(key).is_some();
    let missing = |key: &str| field::required(&data.path.key(key), "");
    match At::root(object, "type").text() {
        "kubernetes.io/service-account-token" => {
            let name = At::root(object, "metadata")
                .get("annotations")
                .entry("kubernetes.io/service-account.name");
            if name.text().is_empty() {
                faults.push(field::required(&name.path, ""));
            }
        }
        "kubernetes.io/dockercfg" => docker(&data, ".dockercfg", faults),
        "kubernetes.io/dockerconfigjson" => docker(&data, ".dockerconfigjson", faults),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            faults.extend([missing("username"), missing("password")]);
        }
        "kubernetes.io/ssh-auth" if data.entry("ssh-privatekey").text().is_empty() => {
            faults.push(missing("ssh-privatekey"))
        }
        "kubernetes.io/tls" => {
            faults.extend(
                ["tls.crt", "tls.key"]
                    .iter()
                    .filter(|key| !has(key))
                    .map(|key| missing(key)),
            );
        }
        // Any other type is the user's own.
        _ => {}
    }
}

fn docker(data: &At<'_>, key: &str, faults: &mut Vec<Cause>) {
    use base64::Engine;
    let content = data.entry(key);
    if !content.is_set() {
        faults.push(field::required(&content.path, ""));
        return;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(content.text())
        .unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        // The error names a line and a column, never the content.
        faults.push(field::invalid(
            &content.path,
            &Value::from("<secret contents redacted>"),
            &error.to_string(),
        ));
    }
}

pub(super) fn update_config_map(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    frozen(new, old, &["data", "binaryData"], faults);
}

pub(super) fn update_secret(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let (now, then) = (At::root(new, "type"), At::root(old, "type"));
    if now.value != then.value {
        faults.push(field::invalid(&now.path, now.value, "field is immutable"));
    }
    frozen(new, old, &["data"], faults);
}

fn frozen(new: &Value, old: &Value, bags: &[&str], faults: &mut Vec<Cause>) {
    if !At::root(old, "immutable").is_true() {
        return;
    }
    if !At::root(new, "immutable").is_true() {
        faults.push(field::forbidden(&Path::root("immutable"), FROZEN));
    }
    for bag in bags {
        let (now, then) = (At::root(new, bag), At::root(old, bag));
        if !same(now.value, then.value) {
            faults.push(field::forbidden(&now.path, FROZEN));
        }
    }
}

fn check_key(key: &str, path: &Path, faults: &mut Vec<Cause>) {
    faults.extend(
        format::config_key(key)
            .iter()
            .map(|detail| field::invalid(path, &Value::from(key), detail)),
    );
}

/// Bytes that base64 text stands for.
fn decoded_length(text: &str) -> usize {
    text.len() / 4 * 3
        - text
            .bytes()
            .rev()
            .take_while(|b| *b == b'=')
            .count()
            .min(2)
            .min(text.len() / 4 * 3)
}
