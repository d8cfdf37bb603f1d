//! The controllers against the real API server over the memory store, with members that are played by a loop: it takes each
//! cluster's manifests and reports what a well-behaved syncer would.

mod hub;
mod lifecycle;
mod placing;
