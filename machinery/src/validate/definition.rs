//! Rules about CustomResourceDefinitions.
//!
//! What all versions share is judged once, at the paths `spec.validation`, `spec.subresources`,
//! `spec.additionalPrinterColumns` and `spec.selectableFields`, as kube-apiserver tells it, although no such fields exist
//! in `apiextensions.k8s.io/v1`.

mod approval;
mod conversion;
mod defaults;
pub(crate) mod field_path;
mod lists;
mod names;
mod parts;
mod rules;
mod schema;
mod structural;

use std::collections::BTreeSet;

use serde_json::Value;

use super::at::At;
use super::format;
use super::sets::immutable;
use crate::custom::read::{flag, list, text, texts};
use crate::field;
use crate::status::Cause;

/// What an update may leave as it was, though a new definition may not be so.
#[derive(Clone, Copy)]
pub(super) struct Leniency<'a> {
    old: Option<&'a Value>,
}

impl Leniency<'_> {
    fn any_schema(self, wrong: impl Fn(&Value) -> bool) -> bool {
        let versions = self
            .old
            .and_then(|old| old.pointer("/spec/versions"))
            .and_then(Value::as_array);
        versions
            .into_iter()
            .flatten()
            .filter_map(|version| version.pointer("/schema/openAPIV3Schema"))
            .any(|root| schema::has(root, &wrong))
    }

    /// Whether a schema of that text stood in the old definition.
    fn had_schema(self, root: &Value) -> bool {
        let versions = self
            .old
            .and_then(|old| old.pointer("/spec/versions"))
            .and_then(Value::as_array);
        versions
            .into_iter()
            .flatten()
            .any(|version| version.pointer("/schema/openAPIV3Schema") == Some(root))
    }

    fn is_established(self) -> bool {
        let status = self.old.and_then(|old| old.get("status")).unwrap_or(&Value::Null);
        list(status, "conditions")
            .iter()
            .any(|condition| text(condition, "type") == "Established" && text(condition, "status") == "True")
    }
}

pub(super) fn create(new: &Value, faults: &mut Vec<Cause>) {
    name(new, faults);
    all(new, Leniency { old: None }, faults);
}

pub(super) fn update(new: &Value, old: &Value, faults: &mut Vec<Cause>) {
    let lenient = Leniency { old: Some(old) };
    let (now, then) = (At::root(new, "spec"), At::root(old, "spec"));
    spec(&now, lenient, faults);
    if lenient.is_established() {
        immutable(&now.get("scope"), &then.get("scope"), faults);
        immutable(&now.get("names").get("kind"), &then.get("names").get("kind"), faults);
    }
    immutable(&now.get("group"), &then.get("group"), faults);
    immutable(
        &now.get("names").get("plural"),
        &then.get("names").get("plural"),
        faults,
    );
    rest(new, lenient, faults);
}

pub(super) fn update_status(new: &Value, faults: &mut Vec<Cause>) {
    names::formats(&At::root(new, "status").get("acceptedNames"), faults);
}

fn all(new: &Value, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    spec(&At::root(new, "spec"), lenient, faults);
    rest(new, lenient, faults);
}

fn rest(new: &Value, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let status = At::root(new, "status");
    names::formats(&status.get("acceptedNames"), faults);
    stored_versions(
        &status.get("storedVersions"),
        &At::root(new, "spec").get("versions"),
        faults,
    );
    approval::judge(new, lenient.old, faults);
    let preserve = At::root(new, "spec").get("preserveUnknownFields");
    let preserved = lenient.old.and_then(|old| old.pointer("/spec/preserveUnknownFields")) == Some(&Value::Bool(true));
    if preserve.is_true() && !preserved {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        faults.push(field::invalid(&preserve.path, preserve.value, detail));
    }
}

/// The name is that of the resource and the group.
fn name(new: &Value, faults: &mut Vec<Cause>) {
    let at = At::root(new, "metadata").get("name");
    let spec = At::root(new, "spec");
    let wanted = format!(
        "{}.{}",
        spec.get("names").get("plural").text(),
        spec.get("group").text()
    );
    if !at.text().is_empty() && at.text() != wanted {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        faults.push(field::invalid(&at.path, at.value, detail));
    }
}

fn spec(spec: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let group = spec.get("group");
    let wrong = format::dns_subdomain(group.text());
    if group.text().is_empty() {
        faults.push(field::required(&group.path, ""));
    } else if !wrong.is_empty() {
        faults.push(field::invalid(&group.path, group.value, &wrong.join(",")));
    } else if !group.text().contains('.') {
        faults.push(field::invalid(
            &group.path,
            group.value,
            "should be a domain with at least one dot",
        ));
    }
    one_of(&spec.get("scope"), &["Cluster", "Namespaced"], faults);
    versions(spec, lenient, faults);
    for key in ["plural", "singular", "kind", "listKind"] {
        let name = spec.get("names").get(key);
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        }
    }
    names::formats(&spec.get("names"), faults);
    shared_parts(spec, lenient, faults);
    conversion::judge(&spec.get("conversion"), lenient, faults);
}

fn versions(spec: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let versions = spec.get("versions");
    let all_had_schemas = lenient.old.is_none_or(|old| {
        let versions = old.pointer("/spec/versions").and_then(Value::as_array);
        versions
            .into_iter()
            .flatten()
            .all(|version| version.pointer("/schema/openAPIV3Schema").is_some())
    });
    let shared_schema = parts::shared(&versions, "schema").is_some_and(|schema| schema.value.is_object());
    if !shared_schema {
        for version in versions.items() {
            let schema = version.get("schema").get("openAPIV3Schema");
            if schema.value.is_object() {
                continue;
            }
            if all_had_schemas {
                faults.push(field::required(&schema.path, ""));
            } else if flag(version.value, "served") {
                faults.push(field::required(&schema.path, "because otherwise all fields are pruned"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut unique = true;
    for version in versions.items() {
        let name = version.get("name");
        unique &= seen.insert(name.text());
        let wrong = format::dns_1035_label(name.text());
        if !wrong.is_empty() {
            faults.push(field::invalid(&name.path, &Value::from(name.text()), &wrong.join(",")));
        }
        parts::version(&versions, &version, lenient, faults);
    }
    if !unique {
        faults.push(field::invalid(
            &versions.path,
            versions.value,
            "must contain unique version names",
        ));
    }
    if versions
        .items()
        .filter(|version| flag(version.value, "storage"))
        .count()
        != 1
    {
        let detail = "must have exactly one version marked as storage version";
        faults.push(field::invalid(&versions.path, versions.value, detail));
    }
    if let Some(first) = versions.items().next()
        && !format::dns_1035_label(first.get("name").text()).is_empty()
    {
        let wrong = format::dns_1035_label(first.get("name").text());
        let value = Value::from(first.get("name").text());
        if !first.get("name").text().is_empty() {
            faults.push(field::invalid(&spec.path.child("version"), &value, &wrong.join(",")));
        }
    }
}

/// What all versions have in common.
fn shared_parts(spec: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    let versions = spec.get("versions");
    let shared = |key: &str, name: &str| {
        parts::shared(&versions, key).map(|part| At {
            value: part.value,
            path: spec.path.child(name),
        })
    };
    let any_status = versions
        .items()
        .any(|version| version.get("subresources").get("status").is_set());
    if let Some(schema) = shared("schema", "validation") {
        parts::schema(&schema, any_status, lenient, faults);
    }
    if let Some(subresources) = shared("subresources", "subresources") {
        parts::subresources(&subresources, faults);
    }
    if let Some(columns) = shared("additionalPrinterColumns", "additionalPrinterColumns") {
        columns.items().for_each(|column| parts::column(&column, faults));
    }
    if let Some(fields) = shared("selectableFields", "selectableFields")
        && fields.len() > 0
    {
        match parts::shared(&versions, "schema").map(|schema| schema.get("openAPIV3Schema")) {
            Some(root) if root.value.is_object() => parts::selectable(&fields, root.value, lenient, faults),
            Some(_) | None => {
                let detail = "may only be set when validations.schema is included";
                faults.push(field::invalid(&fields.path, &Value::from(""), detail));
            }
        }
    }
}

fn stored_versions(stored: &At<'_>, versions: &At<'_>, faults: &mut Vec<Cause>) {
    if stored.len() == 0 {
        let value = if stored.is_set() {
            stored.value.clone()
        } else {
            Value::Null
        };
        faults.push(field::invalid(
            &stored.path,
            &value,
            "must have at least one stored version",
        ));
        return;
    }
    let names: Vec<&str> = stored.items().map(|name| name.text()).collect();
    for version in versions.items() {
        let name = version.get("name").text();
        if flag(version.value, "storage") && !names.contains(&name) {
            let detail = format!("must have the storage version {name}");
            faults.push(field::invalid(&stored.path, stored.value, &detail));
        }
    }
    for name in stored.items() {
        let text = name.text();
        if !versions.items().any(|version| version.get("name").text() == text) {
            let detail = format!(
                "missing from spec.versions; {text} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {text} and removes {text} from status.storedVersions"
            );
            faults.push(field::invalid(&name.path, name.value, &detail));
        }
    }
}

/// A word that must be there and be one of some.
fn one_of(at: &At<'_>, words: &[&str], faults: &mut Vec<Cause>) {
    if at.text().is_empty() {
        faults.push(field::required(&at.path, ""));
    } else if !words.contains(&at.text()) {
        faults.push(field::not_supported(&at.path, at.value, words));
    }
}

/// Status, reason and message of the condition on the approval of a definition, where its group needs one.
pub(crate) fn approval_condition(crd: &Value) -> Option<(&'static str, &'static str, String)> {
    approval::condition(crd)
}

/// What keeps the schemas of a definition from being structural, all in one text.
pub(crate) fn violations(crd: &Value) -> Option<String> {
    let mut found = Vec::new();
    for version in At::root(crd, "spec").get("versions").items() {
        let root = version.get("schema").get("openAPIV3Schema");
        if !root.value.is_object() {
            continue;
        }
        match structural::first_unsupported(root.value) {
            Some(words) => found.push(words),
            None => found.extend(
                structural::judge(&root)
                    .iter()
                    .map(|c| format!("{}: {}", c.field, c.message)),
            ),
        }
    }
    match found.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

/// What a client is to be warned of: formats that are not known, and so not demanded.
#[must_use]
pub(super) fn warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let before = old.map(formats).unwrap_or_default();
    formats(new)
        .into_iter()
        .filter(|format| !before.contains(format))
        .map(|format| format!("unrecognized format {}", field::quoted(&format)))
        .collect()
}

fn formats(crd: &Value) -> Vec<String> {
    let versions = At::root(crd, "spec").get("versions");
    let mut roots: Vec<&Value> = versions
        .items()
        .map(|version| version.get("schema").get("openAPIV3Schema").value)
        .collect();
    roots.dedup();
    let mut out = Vec::new();
    for root in roots {
        schema::each(root, &mut |schema| {
            let format = text(schema, "format");
            if !format.is_empty() && !crate::custom::format::is_known(text(schema, "type"), format) {
                out.push(format.to_owned());
            }
        });
    }
    out
}

/// The keys by which the items of a map list are told apart.
fn map_keys(schema: &Value) -> Vec<String> {
    texts(schema, "x-kubernetes-list-map-keys")
}
