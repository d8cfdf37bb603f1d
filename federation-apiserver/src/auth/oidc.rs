//! Tokens of other issuers: OpenID Connect, as kube-apiserver understands it.
//!
//! Decided: whether an issuer's token is for us and holds, and which user its claims make ([`Issuer::user`]). In: a token, the
//! issuer's settings ([`config`]) and public keys ([`keys`]). Out: a user, or why there is none. Absent: logging in; clients bring
//! their tokens.

pub mod config;
mod expressions;
mod fetch;
pub mod file;
mod keys;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::UserInfo;
use super::claims::{CREDENTIAL_ID, listed};
use super::jwt::{Algorithm, Unproved};
pub use config::{IssuerConfig, Mapping, OidcError};
use expressions::Expressions;
use keys::KeySet;

/// Clocks differ: how far ahead `nbf` may be.
const NOT_BEFORE_LEEWAY: i64 = 300;

/// An issuer that is trusted.
#[derive(Debug)]
pub struct Issuer {
    config: IssuerConfig,
    algorithms: Vec<Algorithm>,
    keys: Arc<KeySet>,
    expressions: Expressions,
}

impl Issuer {
    /// An issuer by its settings. Nothing is asked of it before the first token comes.
    ///
    /// # Errors
    /// The settings contradict themselves or name a certificate that cannot be read.
    pub fn new(config: IssuerConfig) -> Result<Self, OidcError> {
        config.check()?;
        let algorithms = config.algorithms.iter().map(|name| {
            Algorithm::parse(name).ok_or_else(|| OidcError::Setting(format!("signing algorithm {name:?} is not known")))
        });
        Ok(Self {
            algorithms: algorithms.collect::<Result<_, _>>()?,
            keys: Arc::new(KeySet::new(&config)?),
            expressions: Expressions::compile(&config)?,
            config,
        })
    }

    /// Whether a token says that it is of this issuer.
    pub(crate) fn is_of(&self, token: &Unproved<'_>) -> bool {
        token.claims.get("iss").and_then(Value::as_str) == Some(&self.config.url)
    }

    /// Who holds a token; an error tells why nobody does.
    pub(crate) async fn user(&self, token: &Unproved<'_>, now: Timestamp) -> Result<UserInfo, String> {
        let claims = &token.claims;
        if !self.algorithms.contains(&token.algorithm) {
            return Err("oidc: the token is signed with an algorithm that is not allowed".to_owned());
        }
        // What is out of date asks nothing of the issuer.
        self.judge(claims, now)?;
        if !self.keys.prove(token).await? {
            return Err("oidc: verify token: failed to verify signature".to_owned());
        }
        self.expressions.judge_claims(claims)?;
        let user = self.mapped(claims)?;
        self.expressions.judge_user(&user)?;
        Ok(user)
    }

    /// Whether the claims hold now and are for us.
    fn judge(&self, claims: &Value, now: Timestamp) -> Result<(), String> {
        let second = |key: &str| claims.get(key).and_then(Value::as_f64);
        let now = now.as_second();
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds of our age are far below the limit of exact numbers"
        )]
        let (at, soon) = (now as f64, (now + NOT_BEFORE_LEEWAY) as f64);
        match second("exp") {
            Some(until) if until > at => {}
            Some(_) => return Err("oidc: verify token: oidc: token is expired".to_owned()),
            None => return Err("oidc: verify token: the token does not say when it expires".to_owned()),
        }
        if second("nbf").is_some_and(|from| from > soon) {
            return Err("oidc: verify token: the token is not valid yet".to_owned());
        }
        let audiences = texts(claims.get("aud"));
        if !self.config.audiences.iter().any(|ours| audiences.contains(ours)) {
            let (wanted, got) = (listed(&self.config.audiences), listed(&audiences));
            return Err(format!("oidc: verify token: expected audience in {wanted} got {got}"));
        }
        for (claim, wanted) in &self.config.required_claims {
            match claims.get(claim) {
                Some(Value::String(found)) if found == wanted => {}
                Some(_) => return Err(format!("oidc: required claim {claim} value does not match")),
                None => return Err(format!("oidc: required claim {claim} not present in ID token")),
            }
        }
        Ok(())
    }

    /// The user that the claims make.
    fn mapped(&self, claims: &Value) -> Result<UserInfo, String> {
        let name = match &self.expressions.username {
            Some(expression) => expressions::text(expression, claims, "username")?,
            None => self.name(claims)?,
        };
        let groups = match &self.expressions.groups {
            Some(expression) => expressions::texts(expression, claims, "groups")?,
            None => self.groups(claims)?,
        };
        let mut user = UserInfo::new(name, groups);
        if let Some(expression) = &self.expressions.uid {
            user.uid = expressions::text(expression, claims, "uid")?;
        } else if let Some(claim) = &self.config.uid_claim {
            let uid = claims.get(claim).and_then(Value::as_str);
            user.uid = uid
                .ok_or_else(|| format!("oidc: parse uid claim {claim:?}: claim not present"))?
                .to_owned();
        }
        user.extra = self.expressions.extra(claims)?;
        if let Some(id) = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty()) {
            user.extra.insert(CREDENTIAL_ID.to_owned(), vec![format!("JTI={id}")]);
        }
        Ok(user)
    }

    fn name(&self, claims: &Value) -> Result<String, String> {
        let Mapping { claim, prefix } = &self.config.username;
        let name = match claims.get(claim) {
            Some(Value::String(name)) if !name.is_empty() => name,
            Some(Value::String(_)) => return Err(format!("oidc: empty username in claim {claim:?}")),
            Some(_) => return Err(format!("oidc: parse username claims {claim:?}: it is no text")),
            None => return Err(format!("oidc: parse username claims {claim:?}: claim not present")),
        };
        if claim == "email"
            && claims
                .get("email_verified")
                .is_some_and(|verified| verified != &Value::Bool(true))
        {
            return Err("oidc: email not verified".to_owned());
        }
        Ok(format!("{prefix}{name}"))
    }

    fn groups(&self, claims: &Value) -> Result<Vec<String>, String> {
        let mut groups = Vec::new();
        if let Some(Mapping { claim, prefix }) = &self.config.groups {
            match claims.get(claim) {
                None | Some(Value::String(_)) => {}
                Some(Value::Array(list)) if list.iter().all(Value::is_string) => {}
                Some(_) => return Err(format!("oidc: parse groups claim {claim:?}: it is no list of texts")),
            }
            groups.extend(
                texts(claims.get(claim))
                    .into_iter()
                    .map(|group| format!("{prefix}{group}")),
            );
        }
        Ok(groups)
    }
}

/// A text or a list of texts.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issuer() -> Issuer {
        let mut config = IssuerConfig::new("https://issuer.example");
        config.audiences = vec!["hub".to_owned()];
        config.username = Mapping::new("email", "oidc:");
        config.groups = Some(Mapping::new("groups", "oidc:"));
        config.required_claims = [("hd".to_owned(), "example".to_owned())].into();
        Issuer::new(config).unwrap()
    }

    fn claims() -> Value {
        json!({"iss": "https://issuer.example", "aud": ["hub", "other"], "exp": 2_000, "email": "a@example",
            "email_verified": true, "groups": ["devs"], "hd": "example", "jti": "1"})
    }

    #[test]
    fn claims_make_a_user() {
        let user = issuer().mapped(&claims()).unwrap();
        assert_eq!(user.name, "oidc:a@example");
        assert_eq!(user.groups, ["oidc:devs", "system:authenticated"]);
        assert_eq!(user.extra[CREDENTIAL_ID], ["JTI=1"]);
        let with = |key: &str, value: Value| {
            let mut claims = claims();
            claims[key] = value;
            issuer().mapped(&claims)
        };
        assert_eq!(with("groups", json!("one")).unwrap().groups[0], "oidc:one");
        assert_eq!(
            with("email_verified", json!(false)).unwrap_err(),
            "oidc: email not verified"
        );
        assert_eq!(
            with("email_verified", json!("true")).unwrap_err(),
            "oidc: email not verified"
        );
        for (key, value) in [
            ("email", json!("")),
            ("email", json!(1)),
            ("email", Value::Null),
            ("groups", json!({})),
        ] {
            assert!(with(key, value.clone()).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn claims_that_do_not_hold() {
        let at = |second| Timestamp::from_second(second).unwrap();
        issuer().judge(&claims(), at(1_999)).unwrap();
        assert_eq!(
            issuer().judge(&claims(), at(2_000)).unwrap_err(),
            "oidc: verify token: oidc: token is expired"
        );
        let with = |key: &str, value: Value| {
            let mut claims = claims();
            claims[key] = value;
            issuer().judge(&claims, at(1_000))
        };
        for (key, value) in [
            ("aud", json!("other")),
            ("aud", json!([])),
            ("exp", Value::Null),
            ("nbf", json!(1_301)),
            ("hd", json!("elsewhere")),
            ("hd", json!(["example"])),
        ] {
            assert!(with(key, value.clone()).is_err(), "{key} {value}");
        }
        assert!(with("aud", json!("hub")).is_ok() && with("nbf", json!(1_300)).is_ok());
    }
}
