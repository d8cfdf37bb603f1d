//! Which issuers are trusted, and what their claims mean.

use std::collections::BTreeMap;

/// The algorithm that is allowed where none is named.
const DEFAULT_ALGORITHM: &str = "RS256";

/// An issuer cannot be trusted as it was described.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// A setting is missing or contradicts another.
    #[error("trust an issuer of tokens: {0}")]
    Setting(String),
    /// The file cannot be read.
    #[error("read the authentication configuration; its form is that of apiserver.config.k8s.io/v1")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificates to trust the issuer's server by.
    #[error("read the certificates by which the issuer's server is trusted")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A claim and what is put before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The claim.
    pub claim: String,
    /// What stands before its text in a user or group name.
    pub prefix: String,
}

impl Mapping {
    /// A claim with its prefix.
    #[must_use]
    pub fn new(claim: &str, prefix: &str) -> Self {
        Self {
            claim: claim.to_owned(),
            prefix: prefix.to_owned(),
        }
    }
}

/// An issuer and what its claims mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// `iss` of its tokens, an https URL.
    pub url: String,
    /// Where its configuration is, if that is not below its URL.
    pub discovery_url: Option<String>,
    /// PEM of the authorities by which its server is trusted; the system's where there is none.
    pub authority_pem: Option<String>,
    /// Audiences that we are to it.
    pub audiences: Vec<String>,
    /// The user name.
    pub username: Mapping,
    /// The groups.
    pub groups: Option<Mapping>,
    /// The claim of the uid.
    pub uid_claim: Option<String>,
    /// Claims that must be there with these texts.
    pub required_claims: BTreeMap<String, String>,
    /// Signature algorithms that count.
    pub algorithms: Vec<String>,
    /// What is said in CEL instead, or besides.
    pub expressions: ExpressionConfig,
}

/// A rule in CEL and what is said where it does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleConfig {
    /// The rule.
    pub expression: String,
    /// What is said.
    pub message: String,
}

/// What is said of claims in CEL; empty texts are not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpressionConfig {
    /// The user name.
    pub username: String,
    /// The groups.
    pub groups: String,
    /// The uid.
    pub uid: String,
    /// Extras by their keys.
    pub extra: BTreeMap<String, String>,
    /// What must hold of the claims.
    pub claim_rules: Vec<RuleConfig>,
    /// What must hold of the user.
    pub user_rules: Vec<RuleConfig>,
}

impl IssuerConfig {
    /// An issuer as flags describe it at first.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            discovery_url: None,
            authority_pem: None,
            audiences: Vec::new(),
            username: Mapping::new("sub", &format!("{url}#")),
            groups: None,
            uid_claim: None,
            required_claims: BTreeMap::new(),
            algorithms: vec![DEFAULT_ALGORITHM.to_owned()],
            expressions: ExpressionConfig::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), OidcError> {
        let refuse = |what: &str| Err(OidcError::Setting(format!("issuer {:?}: {what}", self.url)));
        if !self.url.starts_with("https://") {
            return refuse("its URL must begin with https://");
        }
        if self
            .discovery_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://"))
        {
            return refuse("its discovery URL must begin with https://");
        }
        if self.audiences.iter().all(String::is_empty) {
            return refuse("name the client id, or at least one audience");
        }
        if self.username.claim.is_empty() && self.expressions.username.is_empty() {
            return refuse("name the claim of the user name");
        }
        Ok(())
    }
}
