//! Rules about each place of an OpenAPI schema: keywords that are not supported, and what list and map types demand.

use serde_json::Value;

use super::rules::Scope;
use super::{At, Leniency, lists, rules};
use crate::custom::read::{flag, text};
use crate::field::{self, Path};
use crate::status::Cause;

/// Calls a function with a schema and all schemas below it.
pub(super) fn each(schema: &Value, see: &mut dyn FnMut(&Value)) {
    if !schema.is_object() {
        return;
    }
    see(schema);
    for key in ["items", "additionalProperties", "additionalItems", "not"] {
        match schema.get(key) {
            Some(Value::Array(several)) => several.iter().for_each(|one| each(one, see)),
            Some(one) => each(one, see),
            None => {}
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        crate::custom::read::list(schema, key)
            .iter()
            .for_each(|one| each(one, see));
    }
    for key in ["properties", "patternProperties", "definitions", "dependencies"] {
        let map = schema.get(key).and_then(Value::as_object);
        map.into_iter()
            .flat_map(serde_json::Map::values)
            .for_each(|one| each(one, see));
    }
}

/// Whether something holds of a schema or of any below it.
pub(super) fn has(schema: &Value, wanted: &impl Fn(&Value) -> bool) -> bool {
    let mut found = false;
    each(schema, &mut |one| found |= wanted(one));
    found
}

/// What the way to a place says about it.
#[derive(Clone)]
struct Way<'a> {
    root: bool,
    inside_metadata: bool,
    /// Why there may be no default.
    no_defaults: Option<String>,
    /// The first place above whose old and new values do not correspond.
    uncorrelated: Option<Path>,
    /// What rules see here; none where no rule is asked.
    scope: Option<Scope<'a>>,
}

/// The faults of schemas, and those of rules, which are told after them.
#[derive(Default)]
struct Found {
    schema: Vec<Cause>,
    rules: Vec<Cause>,
}

impl Found {
    fn merge(&mut self, other: Self) {
        self.schema.extend(other.schema);
        self.rules.extend(other.rules);
    }
}

struct Judge {
    atomic_sets: bool,
    sound_keys: bool,
    known_types: bool,
    rules: rules::Budget,
}

/// The faults of a schema and all below it. `rules_apply`: the schema is structural, so its rules can be asked.
pub(super) fn judge(root: &At<'_>, lenient: Leniency<'_>, rules_apply: bool) -> Vec<Cause> {
    let mut judge = Judge {
        atomic_sets: !lenient.any_schema(|schema| lists::non_atomic_item(schema).is_some()),
        sound_keys: !lenient.any_schema(|schema| {
            !lists::keys(&At {
                value: schema,
                path: Path::whole(),
            })
            .is_empty()
        }),
        known_types: !lenient.any_schema(|schema| !is_known_type(text(schema, "type"))),
        rules: rules::Budget::new(root.value, lenient),
    };
    let way = Way {
        root: true,
        inside_metadata: false,
        no_defaults: None,
        uncorrelated: None,
        scope: rules_apply.then(|| Scope::root(root.value)),
    };
    let mut found = judge.walk(root, &way);
    found.schema.append(&mut found.rules);
    found.schema.extend(judge.rules.exceeded(&root.path));
    found.schema
}

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

fn is_known_type(type_: &str) -> bool {
    type_.is_empty() || TYPES.contains(&type_)
}

impl Judge {
    fn walk<'s>(&mut self, at: &At<'s>, way: &Way<'s>) -> Found {
        let mut found = Found::default();
        let schema = at.value;
        self.keywords(at, way, &mut found.schema);
        if flag(schema, "uniqueItems") {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            found
                .schema
                .push(field::forbidden(&at.path.child("uniqueItems"), detail));
        }
        self.below(at, way, &mut found);
        if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
            let path = at.path.child("x-kubernetes-preserve-unknown-fields");
            found
                .schema
                .push(field::invalid(&path, &Value::from(false), "must be true or undefined"));
        }
        lists::judge(at, self.atomic_sets, &mut found.schema);
        if self.sound_keys {
            found.schema.extend(lists::keys(at));
        }
        found.schema.extend(rules::forms(at));
        if found.schema.is_empty()
            && let Some(scope) = &way.scope
        {
            found
                .rules
                .extend(self.rules.judge(at, scope, way.uncorrelated.as_ref()));
        }
        found
    }

    fn below<'s>(&mut self, at: &At<'s>, way: &Way<'s>, found: &mut Found) {
        let schema = at.value;
        let deeper = Way {
            root: false,
            ..way.clone()
        };
        let additional = at.get("additionalProperties");
        if additional.is_set() {
            let many = super::parts::schemas(schema, "properties").is_some();
            if many && additional.value != &Value::Bool(true) {
                let detail = "additionalProperties and properties are mutual exclusive";
                found.schema.push(field::forbidden(&additional.path, detail));
            }
            if additional.value.is_object() {
                let mut inner = Way {
                    scope: way.scope.as_ref().map(|scope| scope.below(additional.value)),
                    ..deeper.clone()
                };
                if way.inside_metadata {
                    inner.no_defaults = Some("inside additionalProperties applying to object metadata".to_owned());
                }
                found.merge(self.walk(&additional, &inner));
            }
        }
        let embedded = way.root || flag(schema, "x-kubernetes-embedded-resource");
        for (key, property) in at
            .get("properties")
            .entries()
            .filter(|(_, property)| property.value.is_object())
        {
            let mut inner = Way {
                scope: way.scope.as_ref().map(|scope| scope.below(property.value)),
                ..deeper.clone()
            };
            if text(schema, "x-kubernetes-map-type") == "atomic" {
                inner.uncorrelated.get_or_insert_with(|| at.path.clone());
            }
            if embedded && matches!(key, "metadata" | "kind" | "apiVersion") {
                inner.inside_metadata = true;
                if way.root {
                    inner.no_defaults = Some(format!("in top-level {key}"));
                }
            }
            found.merge(self.walk(&property, &inner));
        }
        let unruled = Way {
            scope: None,
            ..deeper.clone()
        };
        let not = at.get("not");
        if not.value.is_object() {
            found.merge(self.walk(&not, &unruled));
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for one in at.get(key).items() {
                found.merge(self.walk(&one, &unruled));
            }
        }
        for (_, one) in at.get("definitions").entries() {
            found.merge(self.walk(&one, &unruled));
        }
        let items = at.get("items");
        let mut inner = Way {
            scope: way.scope.as_ref().map(|scope| scope.below(items.value)),
            ..deeper
        };
        if text(schema, "x-kubernetes-list-type") != "map" {
            inner.uncorrelated.get_or_insert_with(|| at.path.clone());
        }
        if items.value.is_object() {
            found.merge(self.walk(&items, &inner));
        }
        for one in items.items() {
            found.merge(self.walk(&one, &inner));
        }
    }

    fn keywords(&self, at: &At<'_>, way: &Way<'_>, faults: &mut Vec<Cause>) {
        let schema = at.value;
        let type_ = at.get("type");
        if self.known_types && !is_known_type(type_.text()) {
            faults.push(field::not_supported(&type_.path, type_.value, &TYPES));
        }
        if at.get("default").is_set()
            && let Some(reason) = &way.no_defaults
        {
            let detail = format!("must not be set {reason}");
            faults.push(field::forbidden(&at.path.child("default"), &detail));
        }
        for key in [
            "id",
            "additionalItems",
            "patternProperties",
            "definitions",
            "dependencies",
            "$ref",
        ] {
            let said = match schema.get(key) {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => key == "$ref" || !text.is_empty(),
                Some(Value::Object(map)) => !map.is_empty() || matches!(key, "additionalItems" | "dependencies"),
                Some(_) => true,
            };
            if said {
                faults.push(field::forbidden(
                    &at.path.child(key),
                    &format!("{key} is not supported"),
                ));
            }
        }
        if type_.text() == "null" {
            let detail = "type cannot be set to null, use nullable as an alternative";
            faults.push(field::forbidden(&type_.path, detail));
        }
        if at.get("items").value.is_array() {
            let detail = "items must be a schema object and not an array";
            faults.push(field::forbidden(&at.path.child("items"), detail));
        }
        if way.inside_metadata && flag(schema, "x-kubernetes-embedded-resource") {
            let detail = "must not be used inside of resource meta";
            faults.push(field::forbidden(
                &at.path.child("x-kubernetes-embedded-resource"),
                detail,
            ));
        }
    }
}
