//! How a server answers, whatever the question: what its flags say.

use super::cookies::CookieSecrets;
use super::identity::Identity;
use super::limit::Limiter;
use crate::dnssec::Signers;

/// What is made of client subnets in queries (RFC 7871).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubnetUse {
    /// The client's place is its subnet.
    #[default]
    Use,
    /// They are checked and repeated, and clients are placed by who asks: for zones whose clients' networks are nobody's
    /// business.
    Echo,
    /// As if this server did not know them.
    Ignore,
}

/// How a server answers.
#[derive(Debug, Default)]
pub struct Settings {
    /// What it says of itself.
    pub identity: Identity,
    /// Secrets of its cookies; it gives none where absent.
    pub cookies: Option<CookieSecrets>,
    /// Limits of its answers.
    pub limiter: Option<Limiter>,
    /// What is made of client subnets.
    pub subnet: SubnetUse,
    /// Keys of the zones that are signed.
    pub signers: Signers,
}
