//! One rule of a role, and what it allows.

use serde::{Deserialize, Deserializer, Serialize};

use super::Asked;

/// A `PolicyRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Verbs, or `*`.
    #[serde(deserialize_with = "or_empty")]
    pub verbs: Vec<String>,
    /// API groups, or `*`.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// `a`, `a/b`, `*/b` or `*`.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names; all where there are none.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths, `*`, or paths that end in `*`.
    #[serde(
        rename = "nonResourceURLs",
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub non_resource_urls: Vec<String>,
}

/// A list that may be null.
fn or_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(from)?.unwrap_or_default())
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == wanted)
}

impl Rule {
    /// A rule about resources.
    #[must_use]
    pub fn on(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Self {
        Self {
            verbs: texts(verbs),
            api_groups: texts(groups),
            resources: texts(resources),
            ..Self::default()
        }
    }

    /// The same rule for some names only.
    #[must_use]
    pub fn named(self, names: &[&str]) -> Self {
        Self {
            resource_names: texts(names),
            ..self
        }
    }

    /// A rule about paths that are no resources.
    #[must_use]
    pub fn paths(paths: &[&str], verbs: &[&str]) -> Self {
        Self {
            verbs: texts(verbs),
            non_resource_urls: texts(paths),
            ..Self::default()
        }
    }

    /// Whether the rule allows what is asked.
    #[must_use]
    pub fn allows(&self, asked: Asked<'_>) -> bool {
        let verb_is = |verb| self.verbs.iter().any(|own| own == "*" || own == verb);
        match asked {
            Asked::Path { verb, path } => verb_is(verb) && self.non_resource_urls.iter().any(|own| reaches(own, path)),
            Asked::Resource {
                verb,
                group,
                resource,
                subresource,
                namespace: _,
                name,
            } => {
                verb_is(verb)
                    && self.api_groups.iter().any(|own| own == "*" || own == group)
                    && self.resources.iter().any(|own| names(own, resource, subresource))
                    && (self.resource_names.is_empty() || has(&self.resource_names, name))
            }
        }
    }
}

/// Whether a rule's resource names a resource and its subresource.
fn names(own: &str, resource: &str, subresource: &str) -> bool {
    if own == "*" {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    own.split_once('/')
        .is_some_and(|(of, sub)| sub == subresource && (of == resource || of == "*"))
}

/// Whether a rule's path reaches a path.
pub(super) fn reaches(own: &str, path: &str) -> bool {
    own == "*" || own == path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}
