//! The kinds of one server: those of its profile, and those that CustomResourceDefinitions add.
//!
//! In: rows and definitions. Out: [`Registry`], an immutable value with the documents that tell of it, and [`Catalog`], which
//! holds the current one and says when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::discovery::Documents;
use super::openapi::OpenApi;
use super::{Kind, Profile, admission, certificates, federation, kubernetes, rbac, reviews, surroundings, workloads};
use crate::store::KindKey;

/// Kinds by their plural names.
type Resources = BTreeMap<String, Arc<Kind>>;

/// The kinds of one server at one time.
#[derive(Debug)]
pub struct Registry {
    kinds: Vec<Arc<Kind>>,
    /// By group, version and plural.
    by_resource: BTreeMap<String, BTreeMap<String, Resources>>,
    discovery: OnceLock<Documents>,
    openapi: OnceLock<OpenApi>,
}

impl Registry {
    /// The kinds of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let mut rows = kubernetes::rows(profile);
        rows.extend(workloads::rows());
        rows.extend(surroundings::rows());
        rows.extend(admission::rows());
        match profile {
            Profile::Hub => rows.extend(federation::rows()),
            Profile::Member => {}
        }
        rows.extend(certificates::rows());
        rows.extend(rbac::rows());
        rows.extend(reviews::rows());
        Self::from_kinds(rows.into_iter().map(|row| Arc::new(row.into_kind())).collect())
    }

    /// The same, made once for all servers of the process: nobody changes it, and its documents are large.
    #[must_use]
    pub fn shared(profile: Profile) -> Arc<Self> {
        static HUB: OnceLock<Arc<Registry>> = OnceLock::new();
        static MEMBER: OnceLock<Arc<Registry>> = OnceLock::new();
        let made = match profile {
            Profile::Hub => &HUB,
            Profile::Member => &MEMBER,
        };
        made.get_or_init(|| Arc::new(Self::of(profile))).clone()
    }

    fn from_kinds(kinds: Vec<Arc<Kind>>) -> Self {
        let mut by_resource: BTreeMap<String, BTreeMap<String, Resources>> = BTreeMap::new();
        for kind in &kinds {
            by_resource
                .entry(kind.group.clone())
                .or_default()
                .entry(kind.version.clone())
                .or_default()
                .insert(kind.plural.clone(), Arc::clone(kind));
        }
        Self {
            kinds,
            by_resource,
            discovery: OnceLock::new(),
            openapi: OnceLock::new(),
        }
    }

    /// The same without any custom kind, and with these instead. A kind of a group that is built in is left out: nobody can
    /// change what a group of ours means.
    #[must_use]
    pub fn with_custom(&self, custom: impl IntoIterator<Item = Arc<Kind>>) -> Self {
        let mut kinds: Vec<Arc<Kind>> = self
            .kinds
            .iter()
            .filter(|kind| kind.custom.is_none())
            .cloned()
            .collect();
        let built_in = kinds.len();
        for kind in custom {
            if !kinds.iter().take(built_in).any(|own| own.group == kind.group) {
                kinds.push(kind);
            }
        }
        Self::from_kinds(kinds)
    }

    /// All kinds, core first.
    #[must_use]
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    /// The kinds that definitions add.
    pub fn custom(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.iter().filter(|kind| kind.custom.is_some())
    }

    /// The kind of a path.
    #[must_use]
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_resource.get(group)?.get(version)?.get(plural)
    }

    /// The kind of an object, by `apiVersion` and `kind`.
    #[must_use]
    pub fn object_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kinds = self.by_resource.get(group)?.get(version)?;
        kinds.values().find(|candidate| candidate.kind == kind)
    }

    /// The kind under a key of the store; of several versions, the one in which objects are stored.
    #[must_use]
    pub fn stored_kind(&self, key: &KindKey) -> Option<Arc<Kind>> {
        let versions = self.by_resource.get(key.group())?.values();
        let mut versions = versions.filter_map(|resources| resources.get(key.plural()));
        let first = versions.clone().next();
        let is_stored = |kind: &&Arc<Kind>| match &kind.custom {
            Some(custom) => *custom.stored_api_version == kind.api_version(),
            None => kind.second.is_none(),
        };
        versions.find(is_stored).or(first).cloned()
    }

    /// The version of a kind in which writes are done: the stored one, of a kind that Kubernetes builds in twice.
    #[must_use]
    pub fn working_kind(&self, kind: &Arc<Kind>) -> Arc<Kind> {
        let stored = kind
            .second
            .and_then(|second| self.object_kind(second.stored_api_version, &kind.kind));
        stored.unwrap_or(kind).clone()
    }

    /// Whether anything of a group is served.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.by_resource.contains_key(group)
    }

    /// Groups and their versions in serving order; the core group is not among them.
    #[must_use]
    pub fn groups(&self) -> Vec<(&str, Vec<&str>)> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for kind in self.kinds.iter().filter(|k| !k.group.is_empty()) {
            match groups.iter_mut().find(|(group, _)| *group == kind.group) {
                Some((_, versions)) => {
                    if !versions.contains(&kind.version.as_str()) {
                        versions.push(&kind.version);
                    }
                }
                None => groups.push((&kind.group, vec![&kind.version])),
            }
        }
        // Definitions of one group may bring versions in any order; the preferred one is the first.
        for (_, versions) in &mut groups {
            versions.sort_by(|a, b| machinery::custom::compare_versions(b, a));
        }
        groups
    }

    /// Discovery documents; made at the first request that needs them.
    pub(crate) fn discovery(&self) -> &Documents {
        self.discovery.get_or_init(|| Documents::of(self))
    }

    /// OpenAPI documents; made at the first request that needs them, because they are large.
    pub(crate) fn openapi(&self) -> &OpenApi {
        self.openapi.get_or_init(|| OpenApi::of(self))
    }
}

/// The current registry of a server.
#[derive(Debug)]
pub struct Catalog {
    current: ArcSwap<Registry>,
    changed: watch::Sender<()>,
}

impl Catalog {
    /// A catalog that begins with a registry.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            current: ArcSwap::new(registry),
            changed: watch::Sender::new(()),
        }
    }

    /// What is served now. Whoever answers a request takes it once, so that the answer is of one piece.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// The kind of a path.
    #[must_use]
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        self.current.load().resource(group, version, plural).cloned()
    }

    /// Serves other kinds from now on.
    pub(crate) fn replace(&self, registry: Registry) {
        self.current.store(Arc::new(registry));
        self.changed.send_replace(());
    }

    /// Told of every replacement from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
