//! What reaches the engine of a syncer, from the hub and from the member, in one bounded queue.

use api::{Manifest, PlacementKey};
use kube::Client;

use crate::kinds::{KindId, ObjectId};
use crate::live::Live;

/// Most inputs that wait; whoever has more waits too, which slows the stream it reads.
pub(crate) const QUEUE: usize = 256;

/// News for the engine.
pub(crate) enum Input {
    /// The complete list of manifests. What is missing in it is nobody's wish any more, and no wish to delete.
    Manifests(Vec<Manifest>),
    /// One manifest is new or changed.
    Manifest(Box<Manifest>),
    /// One manifest is gone: nothing is to be done.
    ManifestGone(PlacementKey),
    /// The member answers, is the right one, and this client reaches it.
    MemberUp(Client),
    /// The same, and its store is older than it was: what was seen there says nothing of what is there now.
    MemberRestored(Client),
    /// The member does not answer, or is not the right one.
    MemberDown,
    /// News of a kind in the member, seen in the given session.
    Kind(u64, KindId, KindNews),
    /// News of endpoints in the member, seen in the given session.
    Endpoints(u64, EndpointNews),
}

/// News of our objects of one kind.
#[derive(Debug)]
pub(crate) enum KindNews {
    /// The complete list.
    Listed(Vec<Live>),
    /// One is new or changed.
    Changed(Live),
    /// One is gone.
    Gone { id: ObjectId, uid: String },
    /// The member cannot list the kind.
    Unserved {
        /// Why, and what to do.
        message: String,
        /// The member says that it has no such kind, and so no object of it.
        absent: bool,
    },
}

/// News of endpoint slices.
#[derive(Debug)]
pub(crate) enum EndpointNews {
    /// The complete list.
    Listed(Vec<Slice>),
    /// One is new or changed.
    Changed(Slice),
    /// One is gone.
    Gone(SliceId),
}

/// Which slice is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SliceId {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What counts of an endpoint slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) id: SliceId,
    pub(crate) service: String,
    pub(crate) family: String,
    pub(crate) ready: i64,
}
