//! The decisions of a federation as pure functions.
//!
//! Decided here: where an object goes and how many replicas each cluster gets ([`decide`]), how many fit ([`room`]), what exactly one cluster
//! should hold ([`render`]), what the members' reports mean for the Placement and the hub object ([`placement_status`],
//! [`fold`]), whether a cluster is manageable ([`health`]) or has failed ([`failure`]), and in which order replicas move
//! ([`moves`]). In: API values and, where time matters, the time as an
//! argument. Out: API values with their reasons. Absent: I/O, clocks, randomness, async; the same inputs give the same
//! bytes everywhere, which is what lets `plan` and `explain` tell the truth.

pub mod affinity;
pub mod ailing;
pub mod decide;
pub mod decision;
pub mod export;
pub mod failure;
pub mod federated_kinds;
pub mod fold;
pub mod health;
pub mod history;
pub mod inputs;
pub mod moves;
pub mod needs;
pub mod placement_status;
pub mod plan;
pub mod removals;
pub mod render;
pub mod rollout;
pub mod room;
pub mod selectors;
pub mod serving;
pub mod ties;
mod tolerations;

pub use decide::decide;
pub use decision::{Decision, Fates};
pub use fold::fold;
pub use inputs::{FederatedObject, Inputs};
pub use render::{RenderError, Rendered, render};
pub use ties::{Autoscaler, Ties};
