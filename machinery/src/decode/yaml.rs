//! YAML to the same value that JSON would give. YAML 1.1 words for booleans and octal numbers are understood, because the
//! manifests that people have are written so; aliases, depth and sizes are bounded.

use serde::de::DeserializeSeed;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::json::{Place, Reading};
use super::trail::Trail;
use super::{ALIASED_BYTES_MAX, DecodeError, Decoded, MAX_DEPTH};

/// Values that aliases may stand for, all together.
const MAX_REPLAYED: usize = 100_000;

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(DecodeError::NotText)?;
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_documents: 1,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_nodes: 1_000_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
            max_replay_stack_depth: 32,
        },
    };
    let mut reading = Reading {
        duplicates: Trail::default(),
        // An escape may be shorter than what it stands for, by less than half.
        text_left: text.len() * 2 + ALIASED_BYTES_MAX,
    };
    let value = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        Place {
            reading: &mut reading,
            depth: 0,
        }
        .deserialize(deserializer)
    })
    .map_err(|error| DecodeError::Yaml(error.to_string()))?;
    Ok(Decoded {
        value,
        duplicates: reading.duplicates.into_names(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_manifest_reads_as_its_json() {
        let text = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {app: web, on-call: \"yes\"}
data:
  number: \"1\"
  text: |
    two
    lines
  empty: ''
list: [1, 2.5, yes, off, null, ~, 0644, 0x10, -3]
";
        let value = decode(text.as_bytes()).unwrap().value;
        assert_eq!(
            value,
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "a", "labels": {"app": "web", "on-call": "yes"}},
                "data": {"number": "1", "text": "two\nlines\n", "empty": ""},
                "list": [1, 2.5, true, false, null, null, 420, 16, -3],
            })
        );
    }

    #[test]
    fn keys_are_text_whatever_they_look_like() {
        let value = decode(b"data: {1: a, true: b, 1.5: c, yes: d}\nempty:\n")
            .unwrap()
            .value;
        assert_eq!(
            value,
            json!({"data": {"1": "a", "true": "b", "1.5": "c", "yes": "d"}, "empty": null})
        );
    }

    #[test]
    fn anchors_are_followed_within_measure() {
        let value = decode(b"a: &x {p: 1}\nb: *x\nc: {<<: *x, q: 2}\n").unwrap().value;
        assert_eq!(value, json!({"a": {"p": 1}, "b": {"p": 1}, "c": {"p": 1, "q": 2}}));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let all = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{all}]\n"));
        }
        assert!(decode(bomb.as_bytes()).is_err());
        let text = "x".repeat(1 << 20);
        let repeated = |times: usize| format!("a: &a {text}\nb: [{}]\nc: {{*a : 1}}\n", vec!["*a"; times].join(", "));
        assert!(decode(repeated(2).as_bytes()).is_ok());
        let told = decode(repeated(500).as_bytes()).unwrap_err().to_string();
        assert!(told.contains("aliases repeat too much text"), "{told}");
    }

    #[test]
    fn duplicates_and_bad_text() {
        let decoded = decode(b"metadata:\n  name: a\n  name: b\n").unwrap();
        assert_eq!(
            (decoded.value, decoded.duplicates),
            (json!({"metadata": {"name": "b"}}), vec!["metadata.name".to_owned()])
        );
        for body in [
            &b"a: [1"[..],
            b"a: b: c",
            b"---\na: 1\n---\nb: 2\n",
            b"\xff",
            b"a: *nope",
        ] {
            assert!(decode(body).is_err(), "{:?}", String::from_utf8_lossy(body));
        }
        assert!(decode("[".repeat(3000).as_bytes()).is_err());
        let deep = |depth: usize| (0..depth).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
        assert!(decode(deep(99).as_bytes()).is_ok());
        assert!(decode(deep(5000).as_bytes()).is_err());
    }
}
