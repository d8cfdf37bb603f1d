//! DNS messages: a query's bytes in, an answer's bytes out, by hand over precompiled records.
//!
//! In: a packet, where it came from, a [`Snapshot`](crate::snapshot::Snapshot), a random number. Out: bytes to send, or
//! nothing for what must not be answered. Absent: sockets, clocks, allocation beyond the caller's buffer. Every byte of the
//! packet is hostile: nothing panics, and work is bounded by the packet's length.

mod answer;
mod chase;
mod cookies;
mod identity;
mod limit;
mod options;
mod query;
mod reply;
mod seal;
mod settings;
mod subnet;

pub use answer::{Ask, Outcome, Wish, answer, wish};
pub use cookies::{Cookie, CookieSecrets, CookieSecretsError};
pub use identity::Identity;
pub use limit::{Limiter, RateLimit, Verdict};
pub use options::Edns;
pub(crate) use query::lifetime;
pub use query::{LowerName, Query, Rcode, Rejected, parse};
pub use reply::Transport;
pub use settings::{Settings, SubnetUse};
pub use subnet::{Subnet, SubnetError};
