//! The shared words of Meridian: the kinds of `federation.meridian.dev/v1alpha1`, well-known names, and small value types.
//!
//! In: JSON of our kinds, names as text. Out: Rust values with meanings and invariants. This crate parses and names;
//! it decides nothing, does no I/O and knows no clock. Everything else in the workspace may depend on it; it depends
//! on nothing of ours.

pub mod capacity;
pub mod cluster;
pub mod dns_policy;
pub mod heartbeat;
pub mod manifest;
pub mod metadata;
pub mod names;
pub mod overrides;
pub mod placement;
pub mod policy;
pub mod quantity;
pub mod reason;
pub mod region;
pub mod report;
pub mod resolution;
pub mod revision;
pub mod rollout;
pub mod selector;
pub mod well_known;

pub use cluster::{Cluster, ClusterSpec, ClusterStatus, SyncMode, Taint};
pub use dns_policy::{DnsPolicy, DnsPolicySpec};
pub use heartbeat::{Heartbeat, HeartbeatSpec};
pub use manifest::{Manifest, ManifestAction, ManifestSpec};
pub use metadata::{Condition, ConditionStatus, ObjectMeta, OwnerReference};
pub use names::{ClusterName, NameError, ObjectRef, PlacementKey, RegionName};
pub use overrides::{OverridePolicy, OverrideSpec};
pub use placement::{Placement, PlacementSpec, PlacementStatus};
pub use policy::{PolicySpec, PropagationPolicy};
pub use reason::Reason;
pub use region::{Region, RegionSpec};
pub use report::{Report, ReportBatch, ReportReply, ReportSpec, ReportState};
pub use resolution::{Resolution, ResolutionSpec};
pub use revision::Revision;
pub use rollout::{Rollout, RolloutPhase, RolloutState};
