//! Admission: what other objects of the server say to a write, in the order of kube-apiserver's plugins.
//!
//! Decided here: which writes each step is about, and where it reads. In: a draft on its way through the lists of `write.rs`.
//! Out: the draft completed, or a refusal. What is right of one object is decided by `machinery::admission`. Absent: what is
//! about no other object (validation).

pub(super) mod accounts;
pub(super) mod classes;
mod compiled;
pub(super) mod limits;
pub(super) mod mutations;
pub(super) mod namespace;
pub(super) mod policies;
pub(super) mod priority;
pub(super) mod quota;
mod review;
pub(super) mod webhooks;

use std::sync::Arc;

use machinery::admission::matching::GROUP;
use serde_json::Value;

use super::{Draft, Intent, Part};
use crate::cache::{Cache, CachedObject, KindCache};
use crate::kinds::Profile;
use crate::store::KindKey;
use mutations::Mutations;
use policies::Policies;
use quota::Turns;
use webhooks::Webhooks;

/// How metrics call webhooks that change objects.
const MUTATING: &str = "admit";
/// How metrics call webhooks that judge.
const VALIDATING: &str = "validating";

/// What admission reads, at hand without a search.
pub(crate) struct Admission {
    /// Pods run here, and not in a member of a federation.
    runs_pods: bool,
    accounts: Arc<KindCache>,
    ingress_classes: Arc<KindCache>,
    limit_ranges: Arc<KindCache>,
    mutating_webhooks: Webhooks,
    mutations: Mutations,
    namespaces: Arc<KindCache>,
    policies: Policies,
    priority_classes: Arc<KindCache>,
    quotas: Arc<KindCache>,
    storage_classes: Arc<KindCache>,
    turns: Turns,
    validating_webhooks: Webhooks,
}

impl Admission {
    /// Admission over the cache of durable kinds.
    pub(crate) fn new(cache: &Cache, profile: Profile) -> Self {
        let of = |group: &str, plural: &str| cache.kind(&KindKey::new(group, plural));
        Self {
            runs_pods: profile == Profile::Member,
            accounts: of("", "serviceaccounts"),
            ingress_classes: of("networking.k8s.io", "ingressclasses"),
            limit_ranges: of("", "limitranges"),
            mutating_webhooks: Webhooks::new(of(GROUP, "mutatingwebhookconfigurations"), MUTATING),
            mutations: Mutations::new(
                of(GROUP, "mutatingadmissionpolicies"),
                of(GROUP, "mutatingadmissionpolicybindings"),
            ),
            namespaces: of("", "namespaces"),
            policies: Policies::new(
                of(GROUP, "validatingadmissionpolicies"),
                of(GROUP, "validatingadmissionpolicybindings"),
            ),
            priority_classes: of("scheduling.k8s.io", "priorityclasses"),
            quotas: of("", "resourcequotas"),
            storage_classes: of("storage.k8s.io", "storageclasses"),
            turns: Turns::default(),
            validating_webhooks: Webhooks::new(of(GROUP, "validatingwebhookconfigurations"), VALIDATING),
        }
    }
}

/// Whether a write is about the whole object of a built-in kind.
fn is_of(intent: &Intent, group: &str, kind: &str) -> bool {
    intent.part == Part::Object && intent.kind.group == group && intent.kind.kind == kind && intent.kind.built_in
}

/// Whether it creates.
fn creates(draft: &Draft) -> bool {
    draft.old.is_none()
}

/// All objects of a kind.
fn values(cache: &KindCache) -> Vec<Arc<Value>> {
    cache.snapshot().iter().map(|object| object.value()).collect()
}

/// The objects of a kind in a namespace.
fn within(cache: &KindCache, namespace: &str) -> Vec<Arc<CachedObject>> {
    cache.snapshot().in_namespace(namespace).cloned().collect()
}
