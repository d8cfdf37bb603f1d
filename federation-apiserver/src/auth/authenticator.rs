//! Whose bearer token is this? Every way to tell, in order: the token file, service accounts, bootstrap tokens, issuers of others.
//!
//! In: a token, the audiences it should be for. Out: the user and the audiences it is for, or what was wrong with it. Absent:
//! certificates (TLS proves them), impersonation.

use std::sync::Arc;

use jiff::Timestamp;

use super::bootstrap_tokens::BootstrapTokens;
use super::oidc::Issuer;
use super::service_accounts::AccountTokens;
use super::{TokenStore, UserInfo, jwt};

/// What every refusal begins with; what a client learns is only that it is refused.
const INVALID: &str = "invalid bearer token";

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proved {
    pub(crate) user: UserInfo,
    /// For which of the wanted audiences.
    pub(crate) audiences: Vec<String>,
}

/// Proves tokens.
#[derive(Debug)]
pub(crate) struct Authenticator {
    pub(crate) tokens: Arc<TokenStore>,
    pub(crate) accounts: AccountTokens,
    pub(crate) bootstrap: BootstrapTokens,
    pub(crate) issuers: Vec<Issuer>,
}

impl Authenticator {
    /// Who holds a token, for this server.
    pub(crate) async fn user(&self, token: &str) -> Result<UserInfo, String> {
        let proved = self.review(token, self.accounts.audiences()).await?;
        Ok(proved.user)
    }

    /// Who holds a token, for any of these audiences; an error tells why nobody does, in the words of a `TokenReview`.
    pub(crate) async fn review(&self, token: &str, wanted: &[String]) -> Result<Proved, String> {
        let now = Timestamp::now();
        // Tokens that name no audience are for this server.
        let own = || {
            let both = wanted
                .iter()
                .filter(|audience| self.accounts.audiences().contains(audience));
            both.cloned().collect::<Vec<_>>()
        };
        let known = || self.tokens.user(token).or_else(|| self.bootstrap.user(token, now));
        if let Some(user) = known() {
            let audiences = own();
            return if audiences.is_empty() {
                Err(INVALID.to_owned())
            } else {
                Ok(Proved { user, audiences })
            };
        }
        let Some(apart) = jwt::take_apart(token) else {
            return Err(INVALID.to_owned());
        };
        let refuse = |why: String| format!("[{INVALID}, {why}]");
        if self.accounts.is_ours(&apart) {
            let (user, audiences) = self.accounts.user(token, &apart, wanted, now).map_err(refuse)?;
            return Ok(Proved { user, audiences });
        }
        let Some(issuer) = self.issuers.iter().find(|issuer| issuer.is_of(&apart)) else {
            return Err(INVALID.to_owned());
        };
        let user = issuer.user(&apart, now).await.map_err(refuse)?;
        let audiences = own();
        if audiences.is_empty() {
            return Err(INVALID.to_owned());
        }
        Ok(Proved { user, audiences })
    }
}
