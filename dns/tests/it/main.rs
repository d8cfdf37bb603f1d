//! The DNS server's tests that need more than one module: dialogues in memory and over sockets, hostile packets, restarts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod abuse;
mod dialogue;
mod fixture;
mod follow;
mod hostile;
mod hub;
mod incremental;
mod operators;
mod server;
mod signed;
mod transfer;
mod zones;
