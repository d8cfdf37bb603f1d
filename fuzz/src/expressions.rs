//! CEL, and the schemas of CustomResourceDefinitions whose rules are written in it.

use machinery::custom::Definition;
use machinery::decode;
use machinery::expression::{Expression, Gives};
use machinery::validate;
use serde_json::{Value, json};

use crate::size;

const DEFINITION: &str = "apiextensions.k8s.io/v1";

fn definition(schema: &Value) -> Value {
    json!({
        "apiVersion": DEFINITION, "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]},
    })
}

/// An expression has faults or a value, alone and as a rule.
pub(crate) fn cel(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let object = json!({"text": "abc", "list": ["a", "b"], "number": 3, "map": {"a": "b"}, "yes": true});
    for gives in [Gives::Bool, Gives::Text, Gives::Texts] {
        if let Ok(expression) = Expression::compile(source, "self", gives)
            && let Ok(value) = expression.eval(&object)
        {
            // What a run may cost bounds what it may build.
            assert!(size::bytes(&value) <= 64 << 20, "{} bytes", size::bytes(&value));
        }
    }
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object",
        "x-kubernetes-validations": [{"rule": source, "message": "no"}],
        "properties": {
            "text": {"type": "string", "maxLength": 20},
            "list": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 9}},
            "number": {"type": "integer"},
            "map": {"type": "object", "maxProperties": 9, "additionalProperties": {"type": "string", "maxLength": 9}},
            "yes": {"type": "boolean"}}}}});
    judge(&schema, &json!({"spec": object}));
}

/// A schema and an object of it, as a JSON array of the two: the schema has faults, or prunes, defaults and judges.
pub(crate) fn structural(bytes: &[u8]) {
    let Ok(decoded) = decode::json(bytes) else { return };
    if let Value::Array(parts) = decoded.value
        && let [schema, object] = parts.as_slice()
    {
        judge(schema, object);
    }
}

fn judge(schema: &Value, object: &Value) {
    let mut crd = definition(schema);
    let Some(known) = machinery::schema::of(DEFINITION, "CustomResourceDefinition") else {
        return;
    };
    if decode::check_types(known, &crd).is_err() {
        return;
    }
    decode::prune_unknown(known, &mut crd);
    machinery::default::apply(DEFINITION, "CustomResourceDefinition", &mut crd);
    if !validate::create(DEFINITION, "CustomResourceDefinition", &crd).is_empty() {
        return;
    }
    // What passed can be served.
    let definition = Definition::read(&crd);
    assert!(definition.is_ok(), "{definition:?}");
    let Some(version) = definition.ok().and_then(|definition| definition.version("v1").cloned()) else {
        return;
    };
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), "example.com/v1".into());
    fields.insert("kind".to_owned(), "Thing".into());
    let metadata = json!({"name": "a", "namespace": "b"});
    fields.entry("metadata").or_insert(metadata);
    if version.check_types(&object).is_err() {
        return;
    }
    version.prune(&mut object);
    let once = object.clone();
    assert_eq!(version.prune(&mut object), Vec::<String>::new());
    assert_eq!(object, once, "pruned twice");
    version.fill_defaults(&mut object);
    let once = object.clone();
    version.fill_defaults(&mut object);
    assert_eq!(object, once, "defaulted twice");
    let faults = version.create(&object);
    let still = version.update(&object, &once).faults;
    // Rules about a change may say no though nothing changed.
    let of_changes = schema.to_string().contains("oldSelf");
    assert!(
        still.len() <= faults.len() || of_changes,
        "what did not change is forgiven: {still:?}, {faults:?}"
    );
    assert!(version.openapi().is_object());
}
