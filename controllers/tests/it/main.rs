//! The controllers against the real API server over the memory store, with members that are played by a loop: it takes each
//! cluster's manifests and reports what a well-behaved syncer would.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod drain;
mod hub;
mod lifecycle;
mod placing;
mod policies;
mod quota;
