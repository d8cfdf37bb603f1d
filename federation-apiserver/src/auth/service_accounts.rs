//! Tokens of service accounts: issued for a request, proved against the account and the object they are bound to as these are now.
//!
//! In: the key ring, the watch cache. Out: tokens, users. Two forms are proved: bound tokens with an expiry, and the older ones that
//! live in Secrets and end with these.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::{Value, json};

use super::UserInfo;
use super::claims::{Claims, Private, Reference, groups, shared, subject};
use super::jwt::Unproved;
use super::signing::KeyRing;
use crate::cache::{Cache, CachedObject, KindCache};
use crate::store::KindKey;

/// Issuer that the tokens in Secrets name.
pub(crate) const SECRET_ISSUER: &str = "kubernetes/serviceaccount";
/// Group of token requests and reviews.
const AUTHENTICATION: &str = "authentication.k8s.io";
/// Seconds that a token lives where the request does not say, and bounds of what it may say.
const SECONDS: i64 = 3_600;
const SECONDS_MIN: i64 = 600;
const SECONDS_MAX: i64 = 1 << 32;
/// An object that is being deleted counts for a little longer, as for kube-apiserver.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Who issues, for whom, and with which keys.
#[derive(Debug)]
pub(crate) struct AccountTokens {
    issuer: String,
    audiences: Vec<String>,
    keys: KeyRing,
    accounts: Arc<KindCache>,
    secrets: Arc<KindCache>,
    pods: Arc<KindCache>,
    nodes: Arc<KindCache>,
}

/// A token that was issued.
pub(crate) struct Issued {
    pub(crate) token: String,
    /// Name of the token itself, for the audit.
    pub(crate) id: String,
    pub(crate) expires: Timestamp,
    /// Seconds and audiences as they came to be.
    pub(crate) seconds: i64,
    pub(crate) audiences: Vec<String>,
    pub(crate) account_uid: String,
}

impl AccountTokens {
    pub(crate) fn new(cache: &Cache, keys: KeyRing, issuer: String, audiences: Vec<String>) -> Self {
        let kind = |plural| cache.kind(&KindKey::new("", plural));
        Self {
            audiences: if audiences.is_empty() {
                vec![issuer.clone()]
            } else {
                audiences
            },
            issuer,
            keys,
            accounts: kind("serviceaccounts"),
            secrets: kind("secrets"),
            pods: kind("pods"),
            nodes: kind("nodes"),
        }
    }

    /// Who issues.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Audiences of this server.
    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Public keys as a JSON Web Key Set.
    pub(crate) fn jwks(&self) -> Value {
        self.keys.jwks()
    }

    /// Issues a token for a `TokenRequest`'s spec.
    pub(crate) fn issue(&self, namespace: &str, name: &str, spec: &Value, now: Timestamp) -> Result<Issued, Status> {
        let account = self
            .accounts
            .get(namespace, name)
            .ok_or_else(|| Status::not_found("", "serviceaccounts", name))?;
        let asked = spec.get("audiences").and_then(Value::as_array).into_iter().flatten();
        let asked: Vec<String> = asked.filter_map(Value::as_str).map(str::to_owned).collect();
        let audiences = if asked.is_empty() {
            self.audiences.clone()
        } else {
            asked
        };
        let seconds = seconds(spec)?;
        let mut kubernetes = Private {
            namespace: namespace.to_owned(),
            serviceaccount: Reference {
                name: name.to_owned(),
                uid: account.uid.to_string(),
            },
            ..Private::default()
        };
        if let Some(bound) = spec.get("boundObjectRef").filter(|bound| bound.is_object()) {
            self.bind(bound, name, &mut kubernetes)?;
        }
        let expires = now + SignedDuration::from_secs(seconds);
        let id = uuid::Uuid::new_v4().to_string();
        let claims = Claims {
            aud: audiences.clone(),
            exp: expires.as_second(),
            iat: now.as_second(),
            iss: self.issuer.clone(),
            jti: id.clone(),
            kubernetes,
            nbf: now.as_second(),
            sub: subject(namespace, name),
        };
        Ok(Issued {
            token: self.sign(&json!(claims))?,
            id,
            expires,
            seconds,
            audiences,
            account_uid: account.uid.to_string(),
        })
    }

    /// The token that goes into a Secret: it ends with the Secret, and not before.
    pub(crate) fn for_secret(&self, namespace: &str, secret: &str, account: &Reference) -> Result<String, Status> {
        let flat = |key: &str| format!("kubernetes.io/serviceaccount/{key}");
        self.sign(&json!({
            "iss": SECRET_ISSUER,
            (flat("namespace")): namespace,
            (flat("secret.name")): secret,
            (flat("service-account.name")): account.name,
            (flat("service-account.uid")): account.uid,
            "sub": subject(namespace, &account.name),
        }))
    }

    fn sign(&self, claims: &Value) -> Result<String, Status> {
        let signed = self.keys.signer().map(|key| key.sign(claims));
        match signed {
            Some(Ok(token)) => Ok(token),
            Some(Err(error)) => {
                tracing::error!(%error, "a token could not be signed");
                Err(Status::internal("the token could not be signed"))
            }
            None => Err(Status::internal("no key that signs tokens is known")),
        }
    }

    /// Binds a token to an object that is there.
    fn bind(&self, bound: &Value, account: &str, claims: &mut Private) -> Result<(), Status> {
        let text = |key: &str| bound.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, api_version, name) = (text("kind"), text("apiVersion"), text("name"));
        let namespace = claims.namespace.clone();
        let found = |cache: &KindCache, plural: &str, namespace: &str| {
            cache
                .get(namespace, name)
                .ok_or_else(|| Status::not_found("", plural, name))
        };
        let object = match (api_version, kind) {
            ("v1", "Secret") => found(&self.secrets, "secrets", &namespace)?,
            ("v1", "Node") => found(&self.nodes, "nodes", "")?,
            ("v1", "Pod") => {
                let pod = found(&self.pods, "pods", &namespace)?;
                let value = pod.value();
                let spec = |key: &str| value.pointer(key).and_then(Value::as_str).unwrap_or_default();
                if spec("/spec/serviceAccountName") != account {
                    return Err(Status::bad_request(format!(
                        "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
                    )));
                }
                let node = spec("/spec/nodeName");
                if !node.is_empty() {
                    let uid = self.nodes.get("", node).map(|node| node.uid.to_string());
                    claims.node = Some(Reference {
                        name: node.to_owned(),
                        uid: uid.unwrap_or_default(),
                    });
                }
                pod
            }
            _ => {
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                let what = format!("{group}/{version}, Kind={kind}");
                return Err(Status::bad_request(format!(
                    "cannot bind token to object of type {what}"
                )));
            }
        };
        let uid = text("uid");
        if !uid.is_empty() && *object.uid != *uid {
            let why = format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Status::conflict("", kind, name, &why));
        }
        let reference = Some(Reference {
            name: name.to_owned(),
            uid: object.uid.to_string(),
        });
        match kind {
            "Secret" => claims.secret = reference,
            "Pod" => claims.pod = reference,
            _ => claims.node = reference,
        }
        Ok(())
    }

    /// Whether a token says that it is one of these; then nobody else proves it.
    pub(crate) fn is_ours(&self, token: &Unproved<'_>) -> bool {
        let issuer = token.claims.get("iss").and_then(Value::as_str);
        issuer == Some(&self.issuer) || issuer == Some(SECRET_ISSUER)
    }

    /// Who holds a token, and for which of the wanted audiences; an error tells why nobody does.
    pub(crate) fn user(
        &self,
        text: &str,
        token: &Unproved<'_>,
        wanted: &[String],
        now: Timestamp,
    ) -> Result<(UserInfo, Vec<String>), String> {
        let key = self.keys.key(&token.key_id);
        if !key.is_some_and(|key| token.proved_by(key.public())) {
            return Err("the signature of the service account token is of no key of this server".to_owned());
        }
        if token.claims.get("iss").and_then(Value::as_str) == Some(SECRET_ISSUER) {
            return self.user_of_secret(text, &token.claims, wanted, now);
        }
        let claims = Claims::read(&token.claims)?;
        let audiences = claims.judge(wanted, now)?;
        self.still_bound(&claims.kubernetes, now)?;
        Ok((claims.user(), audiences))
    }

    fn still_bound(&self, claims: &Private, now: Timestamp) -> Result<(), String> {
        let Private {
            namespace,
            node,
            pod,
            secret,
            serviceaccount,
        } = claims;
        let account = self.accounts.get(namespace, &serviceaccount.name);
        let account = account.ok_or_else(|| format!("serviceaccounts {:?} not found", serviceaccount.name))?;
        if leaving(&account, now) {
            return Err("service account token has been invalidated".to_owned());
        }
        if *account.uid != *serviceaccount.uid {
            return Err(format!(
                "service account UID ({}) does not match claim ({})",
                account.uid, serviceaccount.uid
            ));
        }
        // A token of a pod names the pod's node besides, which may be gone before the pod is.
        let node = node.as_ref().filter(|_| pod.is_none());
        for (what, cache, namespace, reference) in [
            ("secret", &self.secrets, namespace.as_str(), secret.as_ref()),
            ("pod", &self.pods, namespace.as_str(), pod.as_ref()),
            ("node", &self.nodes, "", node),
        ] {
            let Some(reference) = reference else { continue };
            let object = cache
                .get(namespace, &reference.name)
                .filter(|object| !leaving(object, now));
            let object = object.ok_or("service account token has been invalidated")?;
            if *object.uid != *reference.uid {
                return Err(format!(
                    "{what} UID ({}) does not match service account {what} ref claim ({})",
                    object.uid, reference.uid
                ));
            }
        }
        Ok(())
    }

    fn user_of_secret(
        &self,
        text: &str,
        claims: &Value,
        wanted: &[String],
        now: Timestamp,
    ) -> Result<(UserInfo, Vec<String>), String> {
        let claim = |key: &str| {
            let claim = claims
                .get(format!("kubernetes.io/serviceaccount/{key}"))
                .and_then(Value::as_str);
            claim
                .filter(|claim| !claim.is_empty())
                .ok_or_else(|| format!("{key} claim is missing"))
        };
        let (namespace, secret, account) = (
            claim("namespace")?,
            claim("secret.name")?,
            claim("service-account.name")?,
        );
        let bound = Private {
            namespace: namespace.to_owned(),
            serviceaccount: Reference {
                name: account.to_owned(),
                uid: claim("service-account.uid")?.to_owned(),
            },
            ..Private::default()
        };
        if claims.get("sub").and_then(Value::as_str) != Some(&subject(namespace, account)) {
            return Err("service account token subject does not match its claims".to_owned());
        }
        let held = self
            .secrets
            .get(namespace, secret)
            .filter(|secret| !leaving(secret, now));
        let held = held.ok_or("service account token has been invalidated")?;
        let kept = held
            .value()
            .pointer("/data/token")
            .and_then(Value::as_str)
            .map(str::to_owned);
        use base64::Engine as _;
        let kept = kept.and_then(|kept| base64::engine::general_purpose::STANDARD.decode(kept).ok());
        // A Secret that holds another token by now was renewed.
        if kept.as_deref() != Some(text.as_bytes()) {
            return Err("service account token does not match server's copy".to_owned());
        }
        self.still_bound(&bound, now)?;
        let audiences = shared(&self.audiences, wanted)?;
        let mut user = UserInfo::new(subject(namespace, account), groups(namespace));
        user.uid = bound.serviceaccount.uid;
        Ok((user, audiences))
    }
}

/// Whether an object has been going for longer than the leeway.
fn leaving(object: &CachedObject, now: Timestamp) -> bool {
    let value = object.value();
    let since = value.pointer("/metadata/deletionTimestamp").and_then(Value::as_str);
    since
        .and_then(|since| since.parse::<Timestamp>().ok())
        .is_some_and(|since| since < now - LEEWAY)
}

fn seconds(spec: &Value) -> Result<i64, Status> {
    let asked = match spec.get("expirationSeconds") {
        None | Some(Value::Null) => return Ok(SECONDS),
        Some(asked) => asked,
    };
    let refuse = |detail: &str| {
        let path = Path::root("spec").child("expirationSeconds");
        Err(Status::invalid(
            AUTHENTICATION,
            "TokenRequest",
            "",
            vec![field::invalid(&path, asked, detail)],
        ))
    };
    match asked.as_i64() {
        Some(seconds) if seconds < SECONDS_MIN => refuse("may not specify a duration less than 10 minutes"),
        Some(seconds) if seconds > SECONDS_MAX => refuse("may not specify a duration larger than 2^32 seconds"),
        Some(seconds) => Ok(seconds),
        None => refuse("must be a whole number of seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long() {
        let told = |text: &str| {
            let spec: Value = serde_json::from_str(text).unwrap();
            seconds(&spec).map_err(|status| status.message)
        };
        assert_eq!(told("{}"), Ok(3_600));
        assert_eq!(told(r#"{"expirationSeconds": null}"#), Ok(3_600));
        assert_eq!(told(r#"{"expirationSeconds": 600}"#), Ok(600));
        assert_eq!(
            told(r#"{"expirationSeconds": 599}"#).unwrap_err(),
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"
        );
        assert!(told(r#"{"expirationSeconds": 4294967297}"#).is_err());
    }
}
