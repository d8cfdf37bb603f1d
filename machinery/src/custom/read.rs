//! A stored CustomResourceDefinition to a [`Definition`].

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value;

use super::columns::PrinterColumn;
use super::rules::Rules;
use super::structural::Structural;
use super::{Definition, Names, Scale, Version, conversion, path, publish};
use crate::schema::from_structural;

/// Why an object is no CustomResourceDefinition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A field that every definition has is not there.
    #[error("the CustomResourceDefinition has no {0}")]
    Missing(&'static str),
}

pub(super) fn definition(crd: &Value) -> Result<Definition, DefinitionError> {
    let spec = crd.get("spec").ok_or(DefinitionError::Missing("spec"))?;
    let group = some(text(spec, "group"), "spec.group")?;
    let names = names(spec.get("names").unwrap_or(&Value::Null))?;
    let namespaced = text(spec, "scope") == "Namespaced";
    let declared = spec
        .get("versions")
        .and_then(Value::as_array)
        .filter(|versions| !versions.is_empty())
        .ok_or(DefinitionError::Missing("spec.versions"))?;
    let mut versions: Vec<Arc<Version>> = declared
        .iter()
        .map(|version| Arc::new(read_version(version, declared, &group, &names, namespaced)))
        .collect();
    versions.sort_by(|a, b| compare(&b.name, &a.name));
    Ok(Definition {
        group,
        names,
        namespaced,
        versions,
        hooked: conversion::read(spec),
    })
}

fn names(names: &Value) -> Result<Names, DefinitionError> {
    let kind = some(text(names, "kind"), "spec.names.kind")?;
    let or = |key: &str, other: String| {
        Some(text(names, key).to_owned())
            .filter(|t| !t.is_empty())
            .unwrap_or(other)
    };
    Ok(Names {
        plural: some(text(names, "plural"), "spec.names.plural")?,
        singular: or("singular", kind.to_lowercase()),
        list_kind: or("listKind", format!("{kind}List")),
        short_names: texts(names, "shortNames"),
        categories: texts(names, "categories"),
        kind,
    })
}

fn read_version(version: &Value, all: &[Value], group: &str, names: &Names, namespaced: bool) -> Version {
    let name = text(version, "name").to_owned();
    let nothing = Value::Null;
    let declared = version.pointer("/schema/openAPIV3Schema").unwrap_or(&nothing);
    let selectable: Vec<String> = list(version, "selectableFields")
        .iter()
        .map(|field| text(field, "jsonPath").trim_start_matches('.').to_owned())
        .collect();
    let published = publish::kind(declared, group, &name, &names.kind, &selectable);
    let columns = list(version, "additionalPrinterColumns");
    let structural = Structural::root(declared);
    Version {
        served: flag(version, "served"),
        storage: flag(version, "storage"),
        deprecation: deprecation(version, all, group, &names.kind),
        status: version.pointer("/subresources/status").is_some_and(|s| !s.is_null()),
        scale: version
            .pointer("/subresources/scale")
            .filter(|s| !s.is_null())
            .map(scale),
        selectable,
        columns: if columns.is_empty() {
            vec![PrinterColumn::age()]
        } else {
            columns.iter().map(PrinterColumn::read).collect()
        },
        group: group.to_owned(),
        names: names.clone(),
        namespaced,
        rules: Rules::read(&structural, true),
        structural,
        schema: from_structural(&published),
        published,
        name,
    }
}

fn scale(scale: &Value) -> Scale {
    let pointer = |key: &str| path::pointer(text(scale, key));
    Scale {
        replicas: pointer("specReplicasPath"),
        status_replicas: pointer("statusReplicasPath"),
        selector: Some(pointer("labelSelectorPath")).filter(|pointer| !pointer.is_empty()),
    }
}

/// What clients of a deprecated version are told.
fn deprecation(version: &Value, all: &[Value], group: &str, kind: &str) -> Option<String> {
    if !flag(version, "deprecated") {
        return None;
    }
    if let Some(said) = version.get("deprecationWarning").and_then(Value::as_str) {
        return Some(said.to_owned());
    }
    let name = text(version, "name");
    let newer = all
        .iter()
        .filter(|other| flag(other, "served") && !flag(other, "deprecated"))
        .map(|other| text(other, "name"))
        .filter(|other| compare(name, other) == Ordering::Less)
        .max_by(|a, b| compare(a, b));
    Some(match newer {
        Some(newer) => format!("{group}/{name} {kind} is deprecated; use {group}/{newer} {kind}"),
        None => format!("{group}/{name} {kind} is deprecated"),
    })
}

/// Kubernetes' order of versions: stable before beta before alpha, each by its numbers; other names are the least, the
/// first in the alphabet the greatest of them.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

/// Stage (2 stable, 1 beta, 0 alpha), major and minor number of `v2beta1`.
fn parts(name: &str) -> Option<(u8, u64, u64)> {
    let rest = name.strip_prefix('v')?;
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        plain.then(|| text.parse().ok()).flatten()
    };
    for (word, stage) in [("beta", 1), ("alpha", 0)] {
        if let Some((major, minor)) = rest.split_once(word) {
            return Some((stage, number(major)?, if minor.is_empty() { 0 } else { number(minor)? }));
        }
    }
    Some((2, number(rest)?, 0))
}

fn some(text: &str, field: &'static str) -> Result<String, DefinitionError> {
    if text.is_empty() {
        return Err(DefinitionError::Missing(field));
    }
    Ok(text.to_owned())
}

/// Text of a field, empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Texts of a list.
pub(crate) fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Items of a list.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Whether true is said.
pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_by_priority() {
        let mut names = [
            "foo10",
            "v1",
            "v11alpha2",
            "foo1",
            "v3beta1",
            "v12alpha1",
            "v10",
            "v2",
            "v10beta3",
            "v11beta2",
        ];
        names.sort_by(|a, b| compare(b, a));
        assert_eq!(
            names,
            [
                "v10",
                "v2",
                "v1",
                "v11beta2",
                "v10beta3",
                "v3beta1",
                "v12alpha1",
                "v11alpha2",
                "foo1",
                "foo10"
            ]
        );
    }
}
