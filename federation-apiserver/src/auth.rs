//! Who asks, and whether they may.
//!
//! Decided: the identity of a request (client certificate, bearer token, in-process caller, nobody) and one yes or no with its
//! reason. In: certificates, tokens, roles in the watch cache, what is asked. Out: [`UserInfo`], [`Decision`]. Absent: which roles
//! there are at first ([`crate::roles`]), certificates (the binary and [`crate::credentials`] issue them).

pub(crate) mod authenticator;
pub mod authorizer;
pub(crate) mod bootstrap_tokens;
pub mod certificate;
pub(crate) mod claims;
pub(crate) mod jwt;
pub mod oidc;
pub(crate) mod service_accounts;
pub mod signing;
pub mod tokens;

use std::collections::BTreeMap;

pub(crate) use authenticator::Authenticator;
pub(crate) use authorizer::Authorizer;
pub use authorizer::{Asked, Decision};
pub use signing::{KeyError, SigningKey};
pub use tokens::{TokenError, TokenStore};

/// Group of everybody who proved who they are.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Group of everybody else.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Group that may read everything but Secrets.
pub const VIEWERS_GROUP: &str = "system:meridian:viewers";
/// User of requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// User name.
    pub name: String,
    /// Uid, empty where the credential carries none.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// What else the credential says, such as its own name.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// Somebody who proved who they are.
    #[must_use]
    pub fn new(name: impl Into<String>, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if !groups.iter().any(|g| g == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self {
            name: name.into(),
            uid: String::new(),
            groups,
            extra: BTreeMap::new(),
        }
    }

    /// A part of Meridian itself, in the same process; allowed everything.
    #[must_use]
    pub fn internal(part: &str) -> Self {
        Self::new(format!("system:meridian:{part}"), [api::well_known::MASTERS_GROUP])
    }

    /// Whether it is a part of Meridian itself.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("system:meridian:") && self.in_group(api::well_known::MASTERS_GROUP)
    }

    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            uid: String::new(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            extra: BTreeMap::new(),
        }
    }

    /// As `authentication.k8s.io/v1` writes it.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        let mut value = serde_json::Map::new();
        let mut put = |key: &str, content: serde_json::Value| value.insert(key.to_owned(), content);
        put("username", self.name.as_str().into());
        if !self.uid.is_empty() {
            put("uid", self.uid.as_str().into());
        }
        if !self.groups.is_empty() {
            put("groups", serde_json::json!(self.groups));
        }
        if !self.extra.is_empty() {
            put("extra", serde_json::json!(self.extra));
        }
        serde_json::Value::Object(value)
    }

    /// Whether it belongs to a group.
    #[must_use]
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// The member cluster whose syncer this is.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        if !self.in_group(api::well_known::CLUSTERS_GROUP) {
            return None;
        }
        self.name.strip_prefix(api::well_known::CLUSTER_USER_PREFIX)
    }
}
