//! What is served, as data: one [`Kind`] a row, chosen by a [`Profile`].
//!
//! Decided: names, scope, verbs, subresources and the strategy of each kind. In: nothing but tables. Out: [`Registry`], which
//! the HTTP surface, discovery, OpenAPI and the write steps read. Absent: schemas, defaults, validation and printer columns
//! (`machinery` looks them up by `apiVersion` and `kind`), and any code that is for one kind only.

pub mod discovery;
mod federation;
mod kubernetes;
pub mod openapi;
mod rbac;
mod reviews;
mod surroundings;
mod workloads;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::KindKey;

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
}

/// The scale subresource of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// JSON pointer to the wanted replicas.
    pub replicas: &'static str,
    /// JSON pointer to the observed replicas.
    pub status_replicas: &'static str,
    /// JSON pointer to the label selector of the pods.
    pub selector: &'static str,
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
}

/// How writes of a kind differ from the plain case.
#[derive(Clone, Copy, Debug)]
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
};

/// One served kind.
#[derive(Clone, Debug)]
pub struct Kind {
    /// API group, empty for core.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Resource name in paths.
    pub plural: &'static str,
    /// Singular resource name.
    pub singular: &'static str,
    /// Short names.
    pub short_names: &'static [&'static str],
    /// Categories, such as `all`.
    pub categories: &'static [&'static str],
    /// Objects live in namespaces.
    pub namespaced: bool,
    /// Verbs that are served.
    pub verbs: &'static [&'static str],
    /// Fields that a field selector may name, besides `metadata.name` and `metadata.namespace`.
    pub fields: &'static [&'static str],
    /// Whether Kubernetes builds it in: then protobuf and strategic merge patch are served.
    pub built_in: bool,
    /// How its writes differ.
    pub strategy: Strategy,
    /// Identity in store and cache.
    pub key: KindKey,
}

impl Kind {
    /// `apiVersion` of its objects.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Name of its list kind.
    #[must_use]
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }

    /// Resource and group as kube-apiserver writes them in errors: `deployments.apps`.
    #[must_use]
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
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
        Kind {
            group: self.group,
            version: self.version,
            kind: self.kind,
            plural: self.plural,
            singular: self.singular,
            short_names: self.short_names,
            categories: self.categories,
            namespaced: self.namespaced,
            verbs: match self.strategy.review {
                Some(_) => reviews::VERBS,
                None if self.kind == "Namespace" => kubernetes::NAMESPACE_VERBS,
                None if self.kind == "CustomResourceDefinition" => kubernetes::READ_VERBS,
                None => ALL_VERBS,
            },
            fields: self.fields,
            built_in: self.built_in,
            strategy: self.strategy,
            key: KindKey::new(self.group, self.plural),
        }
    }
}

/// The kinds of one server.
#[derive(Debug)]
pub struct Registry {
    kinds: Vec<Arc<Kind>>,
    by_resource: BTreeMap<(&'static str, &'static str), BTreeMap<&'static str, Arc<Kind>>>,
}

impl Registry {
    /// The kinds of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let mut rows = kubernetes::rows(profile);
        rows.extend(workloads::rows());
        rows.extend(surroundings::rows());
        match profile {
            Profile::Hub => rows.extend(federation::rows()),
            Profile::Member => {}
        }
        rows.extend(rbac::rows());
        rows.extend(reviews::rows());
        let kinds: Vec<_> = rows.into_iter().map(|row| Arc::new(row.into_kind())).collect();
        let mut by_resource: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for kind in &kinds {
            by_resource
                .entry((kind.group, kind.version))
                .or_default()
                .insert(kind.plural, Arc::clone(kind));
        }
        Self { kinds, by_resource }
    }

    /// All kinds, core first.
    #[must_use]
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    /// The kind of a path.
    #[must_use]
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.kinds_of(group, version)?.get(plural)
    }

    /// The kinds of a group and version.
    #[must_use]
    pub fn kinds_of(&self, group: &str, version: &str) -> Option<&BTreeMap<&'static str, Arc<Kind>>> {
        self.by_resource
            .iter()
            .find(|((g, v), _)| *g == group && *v == version)
            .map(|(_, kinds)| kinds)
    }

    /// The kind of an object, by `apiVersion` and `kind`.
    #[must_use]
    pub fn object_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.kinds
            .iter()
            .find(|k| k.group == group && k.version == version && k.kind == kind)
    }

    /// Groups and their versions in serving order; the core group is not among them.
    #[must_use]
    pub fn groups(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut groups: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
        for kind in self.kinds.iter().filter(|k| !k.group.is_empty()) {
            match groups.iter_mut().find(|(group, _)| *group == kind.group) {
                Some((_, versions)) => {
                    if !versions.contains(&kind.version) {
                        versions.push(kind.version);
                    }
                }
                None => groups.push((kind.group, vec![kind.version])),
            }
        }
        groups
    }
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
        assert!(hub.resource("", "v1", "pods").is_none());
        let review = hub
            .resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
            .unwrap();
        assert_eq!(review.verbs, ["create"]);
        let member = Registry::of(Profile::Member);
        assert!(member.resource("", "v1", "pods").is_some());
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
                    assert!(seen.insert((kind.group, *name)), "{name} twice in {:?}", kind.group);
                }
            }
        }
    }
}
