//! DNS messages: a query's bytes in, an answer's bytes out, by hand over precompiled records.
//!
//! In: a packet, where it came from, a [`Snapshot`](crate::snapshot::Snapshot), a random number. Out: bytes to send, or
//! nothing for what must not be answered. Absent: sockets, clocks, allocation beyond the caller's buffer. Every byte of the
//! packet is hostile: nothing panics, and work is bounded by the packet's length.

mod answer;
mod query;
mod reply;
mod subnet;

pub use answer::{Outcome, Transport, answer};
pub use query::{Edns, LowerName, Query, Rcode, Rejected, parse};
pub use subnet::{Subnet, SubnetError};
