//! What the server answers from: an immutable, versioned compilation of what the hub said.
//!
//! In: an [`Input`] of plain values. Out: a [`Snapshot`] with a table from lower-case wire names to nodes whose answers
//! are wire bytes, one variant a region, and the map from client networks to regions.
//! Absent: the network, the clock and the disk. Compiling is incremental (only Services that changed), yet the result
//! depends on the input alone.

mod clusterset;
mod compile;
mod https;
mod input;
mod map;
mod names;
mod node;
mod policy;
mod records;
mod served;
mod service;
mod table;

pub use compile::{Compiler, Dirty, Snapshot, Zone, ZoneError, compile};
pub use input::{
    ClusterFacts, ImportFacts, Input, OverrideFacts, PlacementFacts, PortFacts, ProbeState, RegionFacts, RowFacts,
    ServiceFacts,
};
pub use map::{ClientMap, Located, PlaceIndex};
pub use names::{NameError, WireName};

pub use node::{Answers, Level, NameServer, Node, NodeKind, RrGroup, Variant};
pub use served::{Served, Standing, Zones};
pub use service::{CompiledService, RegionChoice};
pub use table::{Found, Table};

pub(crate) use names::parents;
pub(crate) use records::{RECORD_HEAD, raw as raw_record, types};
pub(crate) use served::{Look, any};

/// The OPT pseudo type, for the wire.
pub(crate) const OPT: u16 = types::OPT;
