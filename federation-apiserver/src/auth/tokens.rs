//! Bearer tokens from a file, `token,user,uid,"group1,group2"` a line, read again when the file changes.
//!
//! Tokens are compared by their hashes, so that the time a comparison takes says nothing about them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::UserInfo;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

type Tokens = HashMap<[u8; 32], UserInfo>;

/// Tokens that can be exchanged while requests read them.
#[derive(Debug, Default)]
pub struct TokenStore {
    tokens: ArcSwap<Tokens>,
}

/// The token file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It could not be read.
    #[error("read the token file {path}; check that it exists and that this process may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is malformed.
    #[error("token file line {line}: {detail}; each line is token,user,uid[,\"group1,group2\"]")]
    Malformed {
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        detail: &'static str,
    },
}

impl TokenStore {
    /// Replaces all tokens by those of a text.
    ///
    /// # Errors
    /// The first malformed line; then the tokens stay as they were.
    pub fn load(&self, text: &str) -> Result<(), TokenError> {
        self.tokens.store(Arc::new(parse(text)?));
        Ok(())
    }

    /// The user of a token.
    #[must_use]
    pub fn user(&self, token: &str) -> Option<UserInfo> {
        self.tokens.load().get(&hash(token)).cloned()
    }

    /// Reads the file once.
    ///
    /// # Errors
    /// Unreadable file or malformed line.
    pub async fn read(&self, path: &Path) -> Result<(), TokenError> {
        let text = tokio::fs::read_to_string(path)
            .await
            .map_err(|source| TokenError::Read {
                path: path.to_owned(),
                source,
            })?;
        self.load(&text)
    }

    /// Reads the file again whenever its modification time changes, until `shutdown`. A malformed file changes nothing.
    pub async fn follow(self: Arc<Self>, path: PathBuf, shutdown: CancellationToken) {
        let mut seen: Option<SystemTime> = None;
        loop {
            let modified = tokio::fs::metadata(&path).await.and_then(|m| m.modified()).ok();
            if modified.is_some() && modified != seen {
                match self.read(&path).await {
                    Ok(()) => tracing::info!(path = %path.display(), "token file read"),
                    Err(error) => tracing::warn!(%error, "token file not used; the tokens read before stay valid"),
                }
                seen = modified;
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn parse(text: &str) -> Result<Tokens, TokenError> {
    let mut tokens = Tokens::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fail = |detail| TokenError::Malformed {
            line: index + 1,
            detail,
        };
        let mut fields = line.splitn(4, ',').map(|f| f.trim().trim_matches('"'));
        let (Some(token), Some(user)) = (fields.next(), fields.next()) else {
            return Err(fail("too few fields"));
        };
        if token.is_empty() || user.is_empty() {
            return Err(fail("token and user must not be empty"));
        }
        let uid = fields.next().unwrap_or_default();
        let groups = fields
            .next()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|g| !g.is_empty());
        let mut info = UserInfo::new(user, groups);
        info.uid = uid.to_owned();
        if tokens.insert(hash(token), info).is_some() {
            return Err(fail("the token is there twice"));
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let store = TokenStore::default();
        store
            .load("# people\nsecret,alice,1,\"system:masters,dev\"\nother,bob,2\n")
            .unwrap();
        let alice = store.user("secret").unwrap();
        assert_eq!((alice.name.as_str(), alice.uid.as_str()), ("alice", "1"));
        assert!(alice.in_group("system:masters") && alice.in_group("dev") && alice.in_group("system:authenticated"));
        assert!(store.user("wrong").is_none());
        assert!(store.load("only-a-token").is_err());
        assert!(store.user("secret").is_some(), "a malformed file changes nothing");
    }
}
