//! A write, step by step.
//!
//! Decided: what a create, an update, a patch, an apply or a delete makes of the current object, as a list of steps a reader
//! can see ([`CREATE`], [`UPDATE`]). In: an [`Intent`] and a decoded body. Out: one conditional commit, or none where nothing
//! changes, and the bytes to answer. Absent: HTTP, authorization (done before, but for what only
//! the objects tell), and what is valid for a kind (`machinery`).

mod admission;
mod allocate;
mod apply;
mod body;
mod bootstrap;
mod certificates;
mod change;
pub mod claims;
mod commit;
mod compare;
mod create;
mod current;
mod delete;
mod escalate;
mod generation;
mod identity;
mod last_applied;
mod managers;
mod owned_values;
mod ownership;
mod parts;
mod prepare;
mod shape;
mod spoken;
mod steps;
mod track;
mod update;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use machinery::status::Status;
use serde_json::Value;

pub(crate) use admission::Admission;
pub(crate) use certificates::CLIENT_SIGNER;
pub(crate) use change::{Change, Patch};
pub(crate) use commit::{Backend, Engine};
pub(crate) use current::Present;
pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use parts::scale_of;

use crate::auth::UserInfo;
use crate::cache::CachedObject;
use crate::kinds::Kind;
use admission::quota::Charge;
use claims::Reservation;
use steps::{Step, run};
use update::unchanged_kind;

/// Which part of an object a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The object itself; its status is left alone.
    Object,
    /// Its `status`.
    Status,
    /// Its replicas, through `autoscaling/v1` Scale.
    Scale,
    /// A namespace's `spec.finalizers`.
    Finalize,
    /// What was decided about a request for a certificate.
    Approval,
}

/// What happens to fields that are unknown or there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// They are dropped in silence.
    Ignore,
    /// They are dropped with a warning.
    Warn,
    /// They are an error.
    Strict,
}

/// Options of a write.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Do everything but commit.
    pub(crate) dry_run: bool,
    /// Who owns what is applied; empty where none was named.
    pub(crate) field_manager: String,
    /// What happens to unknown fields.
    pub(crate) validation: FieldValidation,
    /// Apply takes fields over from other managers.
    pub(crate) force: bool,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    /// The kind, in the version in which the steps see objects.
    pub(crate) kind: Arc<Kind>,
    /// The version in which the client speaks: another one only of kinds that Kubernetes builds in twice. What is invalid
    /// is told of the stored one, everything else of this one, as kube-apiserver does it.
    pub(crate) spoken: Arc<Kind>,
    /// Namespace; empty for cluster-scoped kinds.
    pub(crate) namespace: String,
    /// Name; empty where the body names it.
    pub(crate) name: String,
    /// Which part.
    pub(crate) part: Part,
    /// How.
    pub(crate) options: Options,
    /// Who asks.
    pub(crate) user: UserInfo,
}

impl Intent {
    /// A write of our own to one object.
    pub(crate) fn internal(kind: &Arc<Kind>, (namespace, name): (&str, &str), part: Part, manager: &str) -> Self {
        Self {
            kind: kind.clone(),
            spoken: kind.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            part,
            options: Options {
                dry_run: false,
                field_manager: manager.to_owned(),
                validation: FieldValidation::Ignore,
                force: false,
            },
            user: UserInfo::internal("apiserver"),
        }
    }

    /// 404 for the object that is meant.
    pub(crate) fn not_found(&self) -> Status {
        Status::not_found(&self.spoken.group, &self.spoken.plural, &self.name)
    }

    /// 409 for an object that changed meanwhile.
    pub(crate) fn modified(&self) -> Status {
        Status::modified(&self.spoken.group, &self.spoken.plural, &self.name)
    }

    /// 403 for the object that is meant.
    pub(crate) fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(&self.spoken.group, &self.spoken.plural, &self.name, why)
    }
}

/// An object on its way through the steps.
#[derive(Debug)]
pub(crate) struct Draft {
    /// As it will be; null where it is deleted.
    pub(crate) value: Value,
    /// As it is, with `resourceVersion`; none while it is created.
    pub(crate) old: Option<Arc<Value>>,
    /// Its `managedFields` were made by an apply; otherwise `track` makes them.
    pub(crate) applied: bool,
    /// The client wants ownership of fields to begin anew.
    pub(crate) clears_ownership: bool,
    /// Keys that were there twice in the body.
    pub(crate) duplicates: Vec<String>,
    /// What the client is to be told.
    pub(crate) warnings: Vec<String>,
    /// The time of the write.
    pub(crate) now: Timestamp,
    /// Addresses and ports that were taken for it, held until the commit is visible.
    pub(crate) reserved: Option<Reservation>,
    /// What was charged to quotas for it.
    charged: Vec<Charge>,
}

impl Draft {
    /// A draft at the beginning.
    fn of(value: Value, old: Option<Arc<Value>>, duplicates: Vec<String>) -> Self {
        Self {
            value,
            old,
            applied: false,
            clears_ownership: false,
            duplicates,
            warnings: Vec::new(),
            now: Timestamp::now(),
            reserved: None,
            charged: Vec::new(),
        }
    }
}

/// What a write came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// JSON to answer: the object, or a Status for a finished deletion.
    pub(crate) body: Bytes,
    /// The object did not exist before.
    pub(crate) created: bool,
    /// What the client is to be told.
    pub(crate) warnings: Vec<String>,
}

/// A create, in order. What changes the object comes before it is judged; quotas, which are charged, come last of all.
const CREATE: &[Step] = &[
    Step::Always(admission::namespace::kind_is_open),
    Step::Always(shape::prune_and_check),
    Step::Always(identity::name_new),
    Step::Always(identity::stamp_new),
    Step::Always(parts::drop_status),
    Step::Always(prepare::new_object),
    Step::Always(body::fill_defaults),
    Step::Always(track::ownership),
    // What admission adds belongs to nobody.
    Step::Always(admission::namespace::is_open),
    Step::Admission(admission::limits::fill),
    Step::Admission(admission::accounts::complete),
    Step::Admission(admission::priority::complete),
    Step::Admission(admission::classes::choose),
    Step::Awaited(admission::mutations::change),
    Step::Awaited(admission::webhooks::change),
    Step::Always(prepare::quality),
    Step::Always(escalate::nothing_beyond_own_rights),
    Step::Always(allocate::claim),
    Step::Always(body::judge_new),
    Step::Always(certificates::admit),
    Step::Admission(admission::limits::judge),
    Step::Admission(admission::priority::judge),
    Step::Awaited(admission::policies::judge),
    Step::Awaited(admission::webhooks::judge),
    Step::Awaited(admission::quota::charge),
];

/// An update or a patch of an object or a part of it, in order.
const UPDATE: &[Step] = &[
    Step::Always(track::note_clearing),
    Step::Always(shape::prune_and_check),
    Step::Always(identity::keep_stamps),
    Step::Always(parts::keep_the_rest),
    Step::Always(prepare::changed_object),
    Step::Always(body::fill_defaults),
    Step::Always(track::ownership),
    Step::Admission(admission::priority::complete),
    Step::Awaited(admission::mutations::change),
    Step::Awaited(admission::webhooks::change),
    Step::Always(escalate::nothing_beyond_own_rights),
    Step::Always(allocate::claim),
    Step::Always(generation::count),
    Step::Always(body::judge_changed),
    Step::Always(certificates::admit),
    Step::Admission(admission::limits::judge),
    Step::Admission(admission::priority::judge),
    Step::Awaited(admission::policies::judge),
    Step::Awaited(admission::webhooks::judge),
    Step::Awaited(admission::quota::charge),
];

/// A deletion, before anything is marked or removed.
const DELETE: &[Step] = &[
    Step::Awaited(admission::webhooks::change),
    Step::Awaited(admission::policies::judge),
    Step::Awaited(admission::webhooks::judge),
];

/// The current object with its value, as writes begin with.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) cached: Arc<CachedObject>,
    pub(crate) value: Arc<Value>,
}
