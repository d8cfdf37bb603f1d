//! The DNS server's tests that need more than one module: dialogues in memory and over sockets, hostile packets, restarts.

mod dialogue;
mod fixture;
mod follow;
mod hostile;
mod hub;
mod incremental;
mod server;
