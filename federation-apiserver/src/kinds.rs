//! What is served, as data: one [`Kind`] a row, from the tables of a [`Profile`] and from CustomResourceDefinitions.
//!
//! Decided: names, scope, verbs, subresources and the strategy of each kind. In: tables, and definitions as `machinery` reads
//! them. Out: [`Registry`], which the HTTP surface, discovery, OpenAPI and the write steps read; a new one whenever the
//! definitions change. Absent: schemas, defaults, validation and printer columns (`machinery`), and any code that is for one
//! kind only.

mod admission;
pub(crate) mod certificates;
mod conversion;
pub(crate) mod custom;
pub mod discovery;
mod federation;
pub(crate) mod kubernetes;
pub mod openapi;
mod rbac;
mod registry;
mod reviews;
mod shown;
mod surroundings;
mod workloads;

use std::borrow::Cow;

use machinery::schema::{self, Schema};
use machinery::versions::{self, Second};

use crate::store::KindKey;
pub use custom::{CustomKind, Incarnation};
pub use registry::{Catalog, Registry};

/// All verbs of an ordinary kind.
pub const ALL_VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Which kinds a server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The hub: what users federate, and Meridian's own kinds.
    Hub,
    /// A simulated member: what a small Kubernetes cluster has.
    Member,
}

/// When `metadata.generation` grows on the main resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationRule {
    /// The kind has no generation.
    Untracked,
    /// With `spec`.
    Spec,
    /// With `spec` or annotations.
    SpecOrAnnotations,
    /// With anything outside `metadata` and `status`.
    Content,
    /// With anything outside `metadata`.
    AllButMetadata,
}

/// The scale subresource of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// JSON pointer to the wanted replicas.
    pub replicas: Cow<'static, str>,
    /// JSON pointer to the observed replicas.
    pub status_replicas: Cow<'static, str>,
    /// JSON pointer to the label selector of the pods: an object, or its text.
    pub selector: Option<Cow<'static, str>>,
}

/// What a review is about: an object that is answered when it is posted, and never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Who the client is.
    Who,
    /// Whether the client may do something.
    OwnAccess,
    /// What the client may do.
    OwnRules,
    /// Whether somebody may do something, in one namespace or anywhere.
    Access,
    /// Whose a token is.
    Token,
}

/// How writes of a kind differ from the plain case.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// The kind has a `status` that only its subresource writes.
    pub status: bool,
    /// When generation grows.
    pub generation: GenerationRule,
    /// Its scale subresource.
    pub scale: Option<ScalePaths>,
    /// PUT on a missing name creates.
    pub create_on_update: bool,
    /// PUT without `resourceVersion` is allowed.
    pub unconditional_update: bool,
    /// DELETE answers the object, not a Status.
    pub delete_returns_object: bool,
    /// Kept in memory only: last-known truth that is sent again after a restart.
    pub ephemeral: bool,
    /// Answered and not kept at all.
    pub review: Option<Review>,
    /// Never written.
    pub read_only: bool,
}

const PLAIN: Strategy = Strategy {
    status: false,
    generation: GenerationRule::Untracked,
    scale: None,
    create_on_update: false,
    unconditional_update: true,
    delete_returns_object: false,
    ephemeral: false,
    review: None,
    read_only: false,
};

/// One served kind.
#[derive(Clone, Debug)]
pub struct Kind {
    /// API group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Kind of a list of its objects.
    pub list_kind: String,
    /// Resource name in paths.
    pub plural: String,
    /// Singular resource name.
    pub singular: String,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
    /// Objects live in namespaces.
    pub namespaced: bool,
    /// Verbs that are served.
    pub verbs: &'static [&'static str],
    /// Fields that a field selector may name, besides `metadata.name` and `metadata.namespace`.
    pub fields: Vec<String>,
    /// Whether Kubernetes builds it in: then protobuf and strategic merge patch are served.
    pub built_in: bool,
    /// How its writes differ.
    pub strategy: Strategy,
    /// Identity in store and cache; the same for all versions of a kind.
    pub key: KindKey,
    /// What a CustomResourceDefinition says of it; none for the kinds of this table.
    pub custom: Option<CustomKind>,
    /// How its objects are spelled where they are stored in another version that Kubernetes builds in; none for most.
    pub second: Option<&'static Second>,
}

impl Kind {
    /// `apiVersion` of its objects.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// What its objects look like; none where nothing is known of them.
    #[must_use]
    pub fn schema(&self) -> Option<&Schema> {
        match &self.custom {
            Some(custom) => Some(custom.version.schema()),
            None => schema::of(&self.api_version(), &self.kind),
        }
    }

    /// Resource and group as kube-apiserver writes them in errors: `deployments.apps`.
    #[must_use]
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Whether a verb is served.
    #[must_use]
    pub fn serves(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }

    /// Whether it is the kind that holds other objects.
    #[must_use]
    pub fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }
}

/// A row as the tables write it; what is left out is derived.
struct Row {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    namespaced: bool,
    fields: &'static [&'static str],
    built_in: bool,
    strategy: Strategy,
}

impl Row {
    fn into_kind(self) -> Kind {
        let api_version = match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        };
        let second = versions::second(&api_version, self.kind);
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Kind {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            kind: self.kind.to_owned(),
            list_kind: format!("{}List", self.kind),
            plural: self.plural.to_owned(),
            singular: self.singular.to_owned(),
            short_names: owned(self.short_names),
            categories: owned(self.categories),
            namespaced: self.namespaced,
            verbs: match self.strategy.review {
                Some(_) => reviews::VERBS,
                None if self.kind == "Namespace" => kubernetes::NAMESPACE_VERBS,
                None if self.group == kubernetes::METRICS => kubernetes::USAGE_VERBS,
                None if self.strategy.read_only => kubernetes::READING_VERBS,
                None => ALL_VERBS,
            },
            fields: match second {
                Some(second) => second.fields.iter().map(|(shown, _)| (*shown).to_owned()).collect(),
                None => owned(self.fields),
            },
            built_in: self.built_in,
            strategy: self.strategy,
            key: match second {
                Some(second) => KindKey::new(group_of(second.stored_api_version), self.plural),
                None => KindKey::new(self.group, self.plural),
            },
            custom: None,
            second,
        }
    }
}

/// The group of an `apiVersion`.
fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_serve_what_they_say() {
        let hub = Registry::of(Profile::Hub);
        assert!(hub.resource("apps", "v1", "deployments").is_some());
        assert!(
            hub.resource("federation.meridian.dev", "v1alpha1", "placements")
                .is_some()
        );
        assert!(
            hub.resource("", "v1", "nodes")
                .is_some_and(|nodes| !nodes.serves("create"))
        );
        let review = hub
            .resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
            .unwrap();
        assert_eq!(review.verbs, ["create"]);
        let member = Registry::of(Profile::Member);
        assert!(member.resource("", "v1", "nodes").is_some());
        assert!(
            member
                .resource("federation.meridian.dev", "v1alpha1", "placements")
                .is_none()
        );
    }

    #[test]
    fn names_are_unique() {
        for profile in [Profile::Hub, Profile::Member] {
            let registry = Registry::of(profile);
            let mut seen = std::collections::BTreeSet::new();
            for kind in registry.kinds() {
                for name in kind.short_names.iter().chain([&kind.plural]) {
                    assert!(
                        seen.insert((&kind.group, &kind.version, name)),
                        "{name} twice in {:?}",
                        kind.group
                    );
                }
            }
        }
    }
}
