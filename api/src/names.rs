//! Names that carry an invariant: each has one door, `parse`, and a private field.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not a DNS label: {detail}")]
pub struct NameError {
    /// What the name was to name.
    pub what: &'static str,
    /// The text that was refused.
    pub value: String,
    /// The rule it breaks.
    pub detail: &'static str,
}

/// Checks an RFC 1123 DNS label: 1 to 63 of `a-z`, `0-9`, `-`, with an alphanumeric at both ends.
fn check_label(what: &'static str, value: &str) -> Result<(), NameError> {
    let fail = |detail| {
        Err(NameError {
            what,
            value: value.to_owned(),
            detail,
        })
    };
    if value.is_empty() {
        return fail("it is empty");
    }
    if value.len() > 63 {
        return fail("it is longer than 63 characters");
    }
    if !value
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return fail("only lower-case letters, digits and '-' are allowed");
    }
    if value.starts_with('-') || value.ends_with('-') {
        return fail("it must start and end with a letter or a digit");
    }
    Ok(())
}

macro_rules! label_name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the name; refuses what is not a DNS label.
            ///
            /// # Errors
            /// [`NameError`] with the rule that is broken.
            pub fn parse(value: &str) -> Result<Self, NameError> {
                check_label($what, value)?;
                Ok(Self(value.to_owned()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(value: String) -> Result<Self, NameError> {
                check_label($what, &value)?;
                Ok(Self(value))
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(value: &str) -> Result<Self, NameError> {
                Self::parse(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

label_name!(
    /// Name of a member cluster; a DNS label, because it becomes one in cluster names of the zone.
    ClusterName,
    "cluster name"
);
label_name!(
    /// Name of a region; a DNS label, because it becomes one in regional names of the zone.
    RegionName,
    "region name"
);

/// Which object is meant: kind and name, and the uid where one incarnation is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, for example `apps/v1`.
    pub api_version: String,
    /// Kind, for example `Deployment`.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid; empty where any incarnation is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// Groups below `k8s.io` whose kinds Kubernetes builds in. Others of that suffix are definitions like any other, such as those
/// of `gateway.networking.k8s.io`.
const BUILT_IN_GROUPS: [&str; 19] = [
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "metrics",
    "networking",
    "node",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
];

/// Whether Kubernetes builds in the kinds of a group: those of the core, of groups without a dot, and of its own domain.
#[must_use]
pub fn is_built_in(group: &str) -> bool {
    match group.strip_suffix(".k8s.io") {
        Some(own) => BUILT_IN_GROUPS.contains(&own),
        None => !group.contains('.'),
    }
}

impl ObjectRef {
    /// The API group, empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Name of the Placement of this object: `deployment-web` for kinds that Kubernetes builds in, `KIND.GROUP-NAME` for
    /// others, in lower case; shortened with a hash where it would be longer than a Kubernetes name may be.
    #[must_use]
    pub fn placement_name(&self) -> String {
        let group = self.group();
        let kind = self.kind.to_lowercase();
        let full = if is_built_in(group) {
            format!("{kind}-{}", self.name)
        } else {
            format!("{kind}.{group}-{}", self.name)
        };
        if full.len() <= 253 {
            return full;
        }
        let kept: String = full.chars().take(236).collect();
        format!(
            "{}-{:016x}",
            kept.trim_end_matches(['-', '.']),
            fnv1a_64(full.as_bytes())
        )
    }

    /// Namespace and name of the Placement of this object.
    #[must_use]
    pub fn placement_key(&self) -> PlacementKey {
        let namespace = if self.namespace.is_empty() {
            crate::well_known::SYSTEM_NAMESPACE
        } else {
            &self.namespace
        };
        PlacementKey {
            namespace: namespace.to_owned(),
            name: self.placement_name(),
        }
    }
}

/// FNV-1a, 64 bit: stable across builds and machines, which `std`'s hasher does not promise.
fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Namespace and name of a Placement; the identity of a federated object everywhere between hub and members.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PlacementKey {
    /// Namespace of the Placement.
    pub namespace: String,
    /// Name of the Placement.
    pub name: String,
}

impl fmt::Display for PlacementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl PlacementKey {
    /// Reads `NAMESPACE/NAME`, as the annotation in members carries it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        (!namespace.is_empty() && !name.is_empty() && !name.contains('/')).then(|| Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_checked() {
        for good in ["a", "us-1", "eu-west", "0"] {
            assert!(ClusterName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", &"x".repeat(64)] {
            assert!(ClusterName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn placement_names() {
        let object = |api_version: &str, kind: &str, name: &str| ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
            uid: String::new(),
        };
        assert_eq!(
            object("apps/v1", "Deployment", "web").placement_name(),
            "deployment-web"
        );
        assert_eq!(object("v1", "Service", "web").placement_name(), "service-web");
        assert_eq!(
            object("networking.k8s.io/v1", "Ingress", "a").placement_name(),
            "ingress-a"
        );
        assert_eq!(
            object("example.com/v1", "Widget", "a").placement_name(),
            "widget.example.com-a"
        );
        let long = object("v1", "ConfigMap", &"n".repeat(253)).placement_name();
        assert!(long.len() <= 253, "{}", long.len());
        assert_ne!(long, object("v1", "ConfigMap", &"n".repeat(252)).placement_name());
    }
}
