//! A write, step by step.
//!
//! Decided: what a create, an update, a patch, an apply or a delete makes of the current object, as a list of steps a reader
//! can see ([`CREATE`], [`UPDATE`]). In: an [`Intent`] and a decoded body. Out: one conditional commit, or none where nothing
//! changes, and the bytes to answer. Absent: HTTP, authorization (done before, but for what only
//! the objects tell), and what is valid for a kind (`machinery`).

mod admit;
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
mod managers;
mod owned_values;
mod ownership;
mod parts;
mod prepare;
mod shape;
mod track;
mod update;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use machinery::status::Status;
use serde_json::Value;

pub(crate) use certificates::CLIENT_SIGNER;
pub(crate) use change::{Change, Patch};
pub(crate) use commit::{Backend, Engine};
pub(crate) use current::Present;
pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use parts::scale_of;

use crate::auth::UserInfo;
use crate::cache::CachedObject;
use crate::kinds::Kind;
use claims::Reservation;

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
    /// The kind.
    pub(crate) kind: Arc<Kind>,
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
    /// 404 for the object that is meant.
    pub(crate) fn not_found(&self) -> Status {
        Status::not_found(&self.kind.group, &self.kind.plural, &self.name)
    }

    /// 409 for an object that changed meanwhile.
    pub(crate) fn modified(&self) -> Status {
        Status::modified(&self.kind.group, &self.kind.plural, &self.name)
    }

    /// 403 for the object that is meant.
    pub(crate) fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(&self.kind.group, &self.kind.plural, &self.name, why)
    }
}

/// An object on its way through the steps.
#[derive(Debug)]
pub(crate) struct Draft {
    /// As it will be.
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

/// One step: changes the draft, or refuses the write.
type Step = fn(&Engine, &Intent, &mut Draft) -> Result<(), Status>;

/// A create, in order.
const CREATE: &[Step] = &[
    admit::kind_is_open,
    shape::prune_and_check,
    identity::name_new,
    identity::stamp_new,
    parts::drop_status,
    prepare::new_object,
    body::fill_defaults,
    track::ownership,
    admit::namespace_is_open,
    escalate::nothing_beyond_own_rights,
    allocate::claim,
    body::judge_new,
    certificates::admit,
];

/// An update or a patch of an object or a part of it, in order.
const UPDATE: &[Step] = &[
    track::note_clearing,
    shape::prune_and_check,
    identity::keep_stamps,
    parts::keep_the_rest,
    prepare::changed_object,
    body::fill_defaults,
    escalate::nothing_beyond_own_rights,
    track::ownership,
    allocate::claim,
    generation::count,
    body::judge_changed,
    certificates::admit,
];

fn run(steps: &[Step], engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    steps.iter().try_for_each(|step| step(engine, intent, draft))
}

/// The current object with its value, as writes begin with.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) cached: Arc<CachedObject>,
    pub(crate) value: Arc<Value>,
}
