//! The swagger document in protobuf (`openapi.v2.Document`), the only form in which client-go and `kubectl explain
//! --output plaintext-openapiv2` ask for it.
//!
//! In: the JSON document. Out: bytes. Only what our documents hold is spelled; the numbers are those of the public
//! OpenAPIv2 message definitions.

use serde_json::Value;

/// A protobuf message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    /// Text of a key, if it is there.
    fn text(&mut self, field: u64, value: &Value, key: &str) {
        if let Some(text) = value.get(key).and_then(Value::as_str) {
            self.bytes(field, text.as_bytes());
        }
    }

    /// Texts of a list, if it is there.
    fn texts(&mut self, field: u64, value: &Value, key: &str) {
        for text in value
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            self.bytes(field, text.as_bytes());
        }
    }

    /// A number of 64 bits with a fraction, if it is there.
    fn double(&mut self, field: u64, value: &Value, key: &str) {
        if let Some(number) = value.get(key).and_then(Value::as_f64) {
            self.varint(field << 3 | 1);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A count, if it is there.
    fn count(&mut self, field: u64, value: &Value, key: &str) {
        if let Some(number) = value.get(key).and_then(Value::as_u64) {
            self.varint(field << 3);
            self.varint(number);
        }
    }

    fn flag(&mut self, field: u64, value: &Value, key: &str) {
        if value.get(key) == Some(&Value::Bool(true)) {
            self.varint(field << 3);
            self.varint(1);
        }
    }

    /// The keys that begin with `x-`, each as a NamedAny.
    fn extensions(&mut self, field: u64, value: &Value) {
        for (key, value) in value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.starts_with("x-"))
        {
            self.message(field, &named(key, &any(value)));
        }
    }
}

/// `{name, value}` of a map entry.
fn named(name: &str, value: &Message) -> Message {
    let mut out = Message::default();
    out.bytes(1, name.as_bytes());
    out.message(2, value);
    out
}

/// A value of any form, as YAML; JSON is YAML.
fn any(value: &Value) -> Message {
    let mut out = Message::default();
    out.bytes(2, value.to_string().as_bytes());
    out
}

/// One message inside another, at a field.
fn inside(field: u64, message: &Message) -> Message {
    let mut out = Message::default();
    out.message(field, message);
    out
}

/// Spells a document made by [`super::v2_document`].
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, document, "swagger");
    if let Some(info) = document.get("info") {
        let mut message = Message::default();
        message.text(1, info, "title");
        message.text(2, info, "version");
        out.message(2, &message);
    }
    let mut paths = Message::default();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        paths.message(2, &named(path, &path_item(item)));
    }
    out.message(8, &paths);
    let mut definitions = Message::default();
    for (name, schema) in document
        .get("definitions")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        definitions.message(1, &named(name, &self::schema(schema)));
    }
    out.message(9, &definitions);
    let mut security = Message::default();
    for (name, definition) in document
        .get("securityDefinitions")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let mut key = Message::default();
        key.text(1, definition, "type");
        key.text(2, definition, "name");
        key.text(3, definition, "in");
        key.text(4, definition, "description");
        security.message(1, &named(name, &inside(2, &key)));
    }
    out.message(13, &security);
    out.0
}

fn path_item(item: &Value) -> Message {
    let mut out = Message::default();
    for (method, field) in [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)] {
        if let Some(value) = item.get(method) {
            out.message(field, &operation(value));
        }
    }
    parameters(&mut out, 9, item);
    out
}

fn operation(value: &Value) -> Message {
    let mut out = Message::default();
    out.texts(1, value, "tags");
    out.text(3, value, "description");
    out.text(5, value, "operationId");
    out.texts(6, value, "produces");
    out.texts(7, value, "consumes");
    parameters(&mut out, 8, value);
    let mut responses = Message::default();
    for (code, response) in value.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let mut message = Message::default();
        message.text(1, response, "description");
        if let Some(value) = response.get("schema") {
            message.message(2, &inside(1, &schema(value)));
        }
        responses.message(1, &named(code, &inside(1, &message)));
    }
    out.message(9, &responses);
    out.texts(10, value, "schemes");
    out.extensions(13, value);
    out
}

fn parameters(out: &mut Message, field: u64, holder: &Value) {
    for value in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        let place = value.get("in").and_then(Value::as_str).unwrap_or_default();
        let mut message = Message::default();
        let parameter = if place == "body" {
            message.text(2, value, "name");
            message.text(3, value, "in");
            message.flag(4, value, "required");
            if let Some(value) = value.get("schema") {
                message.message(5, &schema(value));
            }
            inside(1, &message)
        } else {
            message.flag(1, value, "required");
            message.text(2, value, "in");
            message.text(3, value, "description");
            message.text(4, value, "name");
            // The two places number the rest differently.
            let (type_, unique, kind) = if place == "path" { (5, 19, 4) } else { (6, 20, 3) };
            message.text(type_, value, "type");
            message.flag(unique, value, "uniqueItems");
            inside(2, &inside(kind, &message))
        };
        out.message(field, &inside(1, &parameter));
    }
}

fn schema(value: &Value) -> Message {
    let mut out = Message::default();
    out.text(1, value, "$ref");
    out.text(2, value, "format");
    out.text(3, value, "title");
    out.text(4, value, "description");
    if let Some(default) = value.get("default") {
        out.message(5, &any(default));
    }
    for (field, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.double(field, value, key);
    }
    out.flag(8, value, "exclusiveMaximum");
    out.flag(10, value, "exclusiveMinimum");
    out.count(11, value, "maxLength");
    out.count(12, value, "minLength");
    out.text(13, value, "pattern");
    for (field, key) in [
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ] {
        out.count(field, value, key);
    }
    out.texts(19, value, "required");
    for word in value.get("enum").and_then(Value::as_array).into_iter().flatten() {
        out.message(20, &any(word));
    }
    match value.get("additionalProperties") {
        Some(Value::Bool(true)) => {
            let mut anything = Message::default();
            anything.varint(2 << 3);
            anything.varint(1);
            out.message(21, &anything);
        }
        Some(inner @ Value::Object(_)) => out.message(21, &inside(1, &schema(inner))),
        Some(_) | None => {}
    }
    if value.get("type").is_some() {
        let mut name = Message::default();
        name.text(1, value, "type");
        out.message(22, &name);
    }
    if let Some(items) = value.get("items") {
        out.message(23, &inside(1, &schema(items)));
    }
    if let Some(fields) = value.get("properties").and_then(Value::as_object) {
        let mut properties = Message::default();
        for (name, field) in fields {
            properties.message(1, &named(name, &schema(field)));
        }
        out.message(25, &properties);
    }
    out.extensions(31, value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_small_document() {
        let bytes = encode(
            &json!({"swagger": "2.0", "info": {"title": "t", "version": "1"}, "definitions": {
            "D": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/definitions/D"}}, "x-y": [1]}}}),
        );
        // A field of bytes: tag (one byte, or two from field 16), length, content.
        let put = |tag: &[u8], parts: &[&[u8]]| {
            let content = parts.concat();
            [tag, &[u8::try_from(content.len()).unwrap()], &content].concat()
        };
        let a = put(
            &[10],
            &[&put(&[10], &[b"a"]), &put(&[18], &[&put(&[10], &[b"#/definitions/D"])])],
        );
        let d = [
            put(&[154, 1], &[b"a"]),
            put(&[178, 1], &[&put(&[10], &[b"object"])]),
            put(&[202, 1], &[&a]),
            put(
                &[250, 1],
                &[&put(&[10], &[b"x-y"]), &put(&[18], &[&put(&[18], &[b"[1]"])])],
            ),
        ]
        .concat();
        let expected = [
            put(&[10], &[b"2.0"]),
            put(&[18], &[&put(&[10], &[b"t"]), &put(&[18], &[b"1"])]),
            put(&[66], &[]),
            put(&[74], &[&put(&[10], &[&put(&[10], &[b"D"]), &put(&[18], &[&d])])]),
            put(&[106], &[]),
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn long_lengths_are_varints() {
        let long = "x".repeat(300);
        let bytes = encode(&json!({"swagger": long}));
        assert_eq!(bytes.get(..3), Some(&[10, 0xac, 2][..]));
    }
}
