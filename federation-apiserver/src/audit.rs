//! What is written down of requests: who did what to which object, and how it ended, as `audit.k8s.io/v1` events, one JSON a line.
//!
//! Decided: whether and how much is written ([`policy`]), what an event says ([`trail`]), where it goes ([`log`]). In: requests and
//! their answers. Out: lines. Requests never wait for the log: what does not fit into its buffer is counted and dropped. Bodies
//! of Secrets, of requests for tokens and of members' manifests are written at no level.

mod event;
mod log;
mod notes;
mod policy;
mod trail;

use http::request::Parts;

use crate::auth::UserInfo;
use crate::http::path::Target;

pub use log::{LogConfig, LogError};
pub(crate) use notes::{following, note};
pub use policy::{Level, Policy, PolicyError, Stage};
pub(crate) use trail::Trail;

use log::Log;
use policy::Attributes;

/// Writes down.
#[derive(Debug)]
pub struct Audit {
    policy: Policy,
    log: Log,
}

impl Audit {
    /// Writes by a policy to a log.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub fn new(policy: Policy, log: &LogConfig) -> Result<Self, LogError> {
        Ok(Self {
            policy,
            log: Log::open(log)?,
        })
    }

    /// Begins to follow a request; none where nothing of it is written. `user` is none where nobody could be told.
    pub(crate) fn begin(
        self: &std::sync::Arc<Self>,
        parts: &Parts,
        target: &Target,
        verb: &str,
        user: Option<&UserInfo>,
        id: &str,
    ) -> Option<Trail> {
        let nobody = UserInfo {
            groups: Vec::new(),
            name: String::new(),
            ..UserInfo::anonymous()
        };
        let user = user.unwrap_or(&nobody);
        let attributes = match target {
            Target::Resource(path) => Attributes {
                user: &user.name,
                groups: &user.groups,
                verb,
                resource: Some(path),
                path: parts.uri.path(),
            },
            Target::Discovery(_) | Target::Page(_) => Attributes {
                user: &user.name,
                groups: &user.groups,
                verb,
                resource: None,
                path: parts.uri.path(),
            },
        };
        let judged = self.policy.judge(&attributes);
        (judged.level != Level::None).then(|| Trail::begin(self.clone(), judged, &attributes, parts, user, id))
    }
}
