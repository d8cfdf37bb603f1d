//! JSON to a value that remembers which fields were given twice, and where.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::trail::Trail;
use super::{DecodeError, Decoded, MAX_DEPTH};

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut reading = Reading {
        duplicates: Trail::default(),
        text_left: usize::MAX,
    };
    let value = Place {
        reading: &mut reading,
        depth: 0,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value))
    .map_err(|error| DecodeError::Json(error.to_string()))?;
    Ok(Decoded {
        value,
        duplicates: reading.duplicates.into_names(),
    })
}

/// Bytes of stack that must be left for one level of a value: without optimization the YAML reader takes tens of thousands.
const STACK_LEFT: usize = 256 << 10;
/// Bytes of stack to go on with where less is left.
const STACK_MORE: usize = 4 << 20;

/// What one body may still do: the places of its duplicates, and the bytes of text that it may yet make.
pub(super) struct Reading {
    pub(super) duplicates: Trail,
    /// Aliases repeat text without writing it.
    pub(super) text_left: usize,
}

impl Reading {
    fn take(&mut self, bytes: usize) -> bool {
        self.text_left.checked_sub(bytes).is_some_and(|left| {
            self.text_left = left;
            true
        })
    }
}

/// One value, read by whatever deserializer is at hand.
pub(super) struct Place<'a> {
    pub(super) reading: &'a mut Reading,
    pub(super) depth: usize,
}

impl Place<'_> {
    fn text<E: Error>(self, text: impl Into<String>) -> Result<String, E> {
        let text = text.into();
        if self.reading.take(text.len()) {
            Ok(text)
        } else {
            Err(E::custom("aliases repeat too much text"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || deserializer.deserialize_any(self))
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("numbers must be finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.text(value).map(Value::from)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.text(value).map(Value::from)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth = deeper(self.depth)?;
        let mut items = Vec::new();
        loop {
            let length = self.reading.duplicates.item(items.len());
            let item = access.next_element_seed(Place {
                reading: &mut *self.reading,
                depth,
            })?;
            self.reading.duplicates.leave(length);
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth = deeper(self.depth)?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if !self.reading.take(key.len()) {
                return Err(A::Error::custom("aliases repeat too much text"));
            }
            let length = self.reading.duplicates.field(&key);
            let value = access.next_value_seed(Place {
                reading: &mut *self.reading,
                depth,
            })?;
            if map.insert(key, value).is_some() {
                self.reading.duplicates.name();
            }
            self.reading.duplicates.leave(length);
        }
        Ok(Value::Object(map))
    }
}

fn deeper<E: Error>(depth: usize) -> Result<usize, E> {
    if depth >= MAX_DEPTH {
        return Err(E::custom(format!("exceeded max depth of {MAX_DEPTH}")));
    }
    Ok(depth + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn duplicates_have_paths_and_the_last_wins() {
        let decoded = decode(br#"{"a":1,"s":{"p":[{"x":1,"x":2},{"y":1}],"a":3},"a":2,"a":4}"#).unwrap();
        assert_eq!(decoded.value, json!({"a": 4, "s": {"p": [{"x": 2}, {"y": 1}], "a": 3}}));
        assert_eq!(decoded.duplicates, ["s.p[0].x", "a"]);
    }

    #[test]
    fn broken_and_bottomless_text_is_refused() {
        for body in [
            &b"{"[..],
            b"",
            b"{\"a\":1} x",
            b"nope",
            b"\xff\xfe",
            b"{\"a\":NaN}",
            b"[1,]",
        ] {
            assert!(decode(body).is_err(), "{body:?}");
        }
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(decode(deep.as_bytes()).is_err());
        let near = format!("{}{}", "[".repeat(99), "]".repeat(99));
        assert!(decode(near.as_bytes()).is_ok());
    }

    #[test]
    fn duplicates_below_a_huge_name_do_not_multiply_it() {
        let key = "k".repeat(1 << 20);
        let fields: Vec<String> = (0..1000).map(|i| format!("\"{i}\":0,\"{i}\":1")).collect();
        let body = format!("{{\"{key}\":{{{}}}}}", fields.join(","));
        let decoded = decode(body.as_bytes()).unwrap();
        assert_eq!(decoded.value[&key].as_object().unwrap().len(), 1000);
        assert!(decoded.duplicates.iter().map(String::len).sum::<usize>() < 1000);
    }

    proptest::proptest! {
        #[test]
        fn what_serde_json_reads_is_read_the_same(text in "[\\[\\]{}\",:a-c0-9. \\-]{0,60}") {
            let ours = decode(text.as_bytes()).ok().map(|d| d.value);
            let theirs = serde_json::from_str::<Value>(&text).ok();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
