//! Bodies in JSON and YAML, and what strict decoding says of them.

use machinery::{decode, schema};
use serde_json::Value;

use crate::size;

/// Kinds that a body is taken for: one with lists and quantities, one that is open, one of the federation.
const KINDS: [(&str, &str); 4] = [
    ("apps/v1", "Deployment"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("federation.meridian.dev/v1alpha1", "PropagationPolicy"),
];
/// Bytes that the names of duplicate or unknown fields may add to an answer, whatever was sent.
const NAMED_MAX: usize = 64 << 10;

fn survives_as_json(value: &Value) {
    let again = decode::json(value.to_string().as_bytes());
    assert!(
        again
            .as_ref()
            .is_ok_and(|again| again.value == *value && again.duplicates.is_empty()),
        "{value} became {again:?}"
    );
}

fn is_short(names: &[String]) {
    assert!(
        names.iter().map(String::len).sum::<usize>() <= NAMED_MAX,
        "{} names",
        names.len()
    );
}

/// JSON is read as serde_json reads it, within the depth, and written as it was read.
pub(crate) fn json(bytes: &[u8]) {
    let Ok(decoded) = decode::json(bytes) else { return };
    assert!(size::depth(&decoded.value) <= decode::MAX_DEPTH, "too deep");
    is_short(&decoded.duplicates);
    let theirs: Option<Value> = serde_json::from_slice(bytes).ok();
    assert_eq!(theirs.as_ref(), Some(&decoded.value));
    survives_as_json(&decoded.value);
}

/// YAML gives a value of bounded size that JSON can say, and the server's own YAML of it reads as the same value.
pub(crate) fn yaml(bytes: &[u8]) {
    let Ok(decoded) = decode::yaml(bytes) else { return };
    assert!(size::depth(&decoded.value) <= decode::MAX_DEPTH, "too deep");
    is_short(&decoded.duplicates);
    assert!(
        size::bytes(&decoded.value) <= bytes.len() * 8 + decode::ALIASED_BYTES_MAX + 4096,
        "aliases made {} bytes of {}",
        size::bytes(&decoded.value),
        bytes.len()
    );
    survives_as_json(&decoded.value);
    let written = serde_saphyr::to_string(&decoded.value).unwrap_or_default();
    let again = decode::yaml(written.as_bytes());
    assert!(
        again.as_ref().is_ok_and(|again| again.value == decoded.value),
        "{} was written as {written:?} and became {again:?}",
        decoded.value
    );
}

/// What is unknown is named within bounds and gone, and what is left has nothing unknown.
pub(crate) fn strict(bytes: &[u8]) {
    let Ok(decoded) = decode::json(bytes) else { return };
    for (api_version, kind) in KINDS {
        let Some(schema) = schema::of(api_version, kind) else {
            continue;
        };
        let mut value = decoded.value.clone();
        if decode::check_types(schema, &value).is_err() {
            continue;
        }
        let unknown = decode::prune_unknown(schema, &mut value);
        is_short(&unknown);
        let told = decode::strict_error(&unknown, &decoded.duplicates);
        assert_eq!(told.is_none(), unknown.is_empty() && decoded.duplicates.is_empty());
        let once = value.clone();
        assert_eq!(decode::prune_unknown(schema, &mut value), Vec::<String>::new());
        assert_eq!(decode::check_types(schema, &once).map_err(|e| e.to_string()), Ok(()));
        machinery::default::apply(api_version, kind, &mut value);
        let faults = machinery::validate::create(api_version, kind, &value);
        assert!(faults.len() <= bytes.len() + 1000, "{} faults", faults.len());
    }
}
