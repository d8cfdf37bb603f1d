//! Zones for secondaries: whole transfers (RFC 5936), IXFR answered with them (RFC 1995 4), NOTIFY of changes (RFC 1996), and the signatures of
//! who asks (TSIG, RFC 8945).
//!
//! In: a zone as it is served, keys, who may ask. Out: messages. A secondary cannot know where clients are: of names that answer by place it gets
//! what clients of no known place are answered. Absent: being a secondary; differences between versions.

mod content;
mod keys;
mod notify;
mod signed;
mod stream;

use std::net::SocketAddr;

use ipnet::IpNet;

pub use keys::{TransferKeyError, TransferKeys};
pub(crate) use notify::run as notify;
pub(crate) use signed::answer_signed;
pub(crate) use stream::{Request, Transfer};

/// Who is given zones, and who is told of their changes.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    /// Who signs with one of these keys may have any zone.
    pub keys: TransferKeys,
    /// So may who asks from here, signed or not.
    pub allow: Vec<IpNet>,
    /// Who is told that a zone changed; signed with the first key.
    pub notify: Vec<SocketAddr>,
}

impl Transfers {
    /// Whether nobody is given anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.allow.is_empty()
    }
}
