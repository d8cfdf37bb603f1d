//! Certificates of syncers that run in their members: who gets one without anybody's word, and the end of the token that it was
//! asked for with.
//!
//! In: a request, who made it, the Clusters there are. Out: approval or denial, written to it; bootstrap tokens that are used up.
//! A token is good for one certificate: it is marked before the request is approved, and goes once the cluster has been heard.

use api::SyncMode;
use api::well_known::{
    BOOTSTRAP_CLUSTER_PREFIX, CLUSTER_SIGNER, CLUSTER_USER_PREFIX, CLUSTERS_GROUP, GROUP as OURS, SPENT_ANNOTATION,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use machinery::status::Status;
use serde_json::{Value, json};

use super::request::Request;
use super::{Watched, intent};
use crate::auth::bootstrap_tokens;
use crate::cache::CachedObject;
use crate::kinds::certificates::GROUP;
use crate::server::Shared;
use crate::store::KindKey;
use crate::write::{Change, Part, Patch};

/// How long a token that is used up stays, so that its holder can fetch the certificate, where the cluster is not heard.
const FETCH_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// A sign of life so much later than the approval is of the new certificate.
const HEARD_AFTER: SignedDuration = SignedDuration::from_secs(5);
const TOKEN_USER_PREFIX: &str = "system:bootstrap:";
const TOKEN_NAME_PREFIX: &str = "bootstrap-token-";

/// What is done about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is approved, because of this.
    Approve(&'static str),
    /// It is denied.
    Deny(String),
    /// A person decides.
    Leave,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn conditions(request: &Value) -> &[Value] {
    let all = request.pointer("/status/conditions").and_then(Value::as_array);
    all.map(Vec::as_slice).unwrap_or_default()
}

/// Whether a request to our signer waits for a word.
pub(super) fn is_undecided(request: &Value) -> bool {
    text(request, "/spec/signerName") == CLUSTER_SIGNER && conditions(request).is_empty()
}

/// The cluster that a certificate would speak for; an error tells why it would be none.
pub(super) fn of_subject(asked: &Request) -> Result<&str, String> {
    let [name] = asked.common_names.as_slice() else {
        return Err("the subject must have one common name".to_owned());
    };
    let cluster = name.strip_prefix(CLUSTER_USER_PREFIX).filter(|name| !name.is_empty());
    let cluster = cluster.ok_or_else(|| format!("the common name must begin with {CLUSTER_USER_PREFIX}"))?;
    if asked.organizations != [CLUSTERS_GROUP] {
        return Err(format!("the one organization must be {CLUSTERS_GROUP}"));
    }
    if asked.names.is_some() {
        return Err("alternative names are not signed".to_owned());
    }
    Ok(cluster)
}

/// What becomes of a request. `is_member` tells whether a pull member has a name, `is_spent` whether a token was used for another request.
fn judge(request: &Value, is_member: impl Fn(&str) -> bool, is_spent: impl Fn(&str) -> bool) -> Verdict {
    let requester = text(request, "/spec/username");
    let groups = request.pointer("/spec/groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups.into_iter().flatten().filter_map(Value::as_str).collect();
    let of_token = groups
        .iter()
        .find_map(|group| group.strip_prefix(BOOTSTRAP_CLUSTER_PREFIX));
    let token = requester.strip_prefix(TOKEN_USER_PREFIX);
    let renews = groups
        .contains(&CLUSTERS_GROUP)
        .then(|| requester.strip_prefix(CLUSTER_USER_PREFIX));
    let (may, why) = match (token, of_token, renews.flatten()) {
        (Some(_), Some(cluster), _) => (cluster, "asked for with a bootstrap token of the cluster"),
        (None, _, Some(cluster)) => (cluster, "asked for with a certificate of the cluster"),
        _ => return Verdict::Leave,
    };
    let pem = STANDARD.decode(text(request, "/spec/request")).unwrap_or_default();
    let asked = Request::read(&pem);
    match asked.as_ref().map_err(Clone::clone).and_then(of_subject) {
        Err(fault) => Verdict::Deny(fault),
        Ok(cluster) if cluster != may => Verdict::Deny(format!("{requester} may ask for the cluster {may} alone")),
        Ok(cluster) if !is_member(cluster) => Verdict::Deny(format!(
            "there is no Cluster {cluster} with syncMode Pull; next: meridian join {cluster} --mode pull"
        )),
        Ok(cluster) if token.is_some_and(is_spent) => Verdict::Deny(format!(
            "the bootstrap token was used already; next: meridian join {cluster} --mode pull, for another"
        )),
        Ok(_) => Verdict::Approve(why),
    }
}

/// Approves or denies a request, where that is ours to do.
pub(super) async fn decide(
    server: &Shared,
    watched: &Watched,
    object: &CachedObject,
    request: &Value,
    now: Timestamp,
) -> Result<(), Status> {
    let name = &*object.key.name;
    let is_member = |cluster: &str| mode(server, cluster) == Some(SyncMode::Pull);
    let secret_of = |token: &str| {
        let name = format!("{TOKEN_NAME_PREFIX}{token}");
        watched.secrets.get(bootstrap_tokens::NAMESPACE, &name)
    };
    // A token whose Secret is gone proves nothing any more.
    let is_spent =
        |token: &str| secret_of(token).is_none_or(|secret| spent_for(&secret.value()).is_some_and(|for_| for_ != name));
    let (kind, reason, message) = match judge(request, is_member, is_spent) {
        Verdict::Leave => return Ok(()),
        Verdict::Approve(why) => ("Approved", "ClusterApproved", why.to_owned()),
        Verdict::Deny(why) => ("Denied", "ClusterDenied", why),
    };
    let token = text(request, "/spec/username").strip_prefix(TOKEN_USER_PREFIX);
    if kind == "Approved"
        && let Some(secret) = token.and_then(secret_of)
        && spent_for(&secret.value()).is_none()
    {
        // First, and under its version: of two requests with one token, one is approved.
        let until = now.checked_add(FETCH_WITHIN).unwrap_or(now);
        let until = bootstrap_tokens::expires(&secret.value()).map_or(until, |end| end.min(until));
        let patch = json!({
            "metadata": {"resourceVersion": secret.revision.to_string(), "annotations": {SPENT_ANNOTATION: name}},
            "data": {"expiration": STANDARD.encode(until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())},
        });
        let intent = intent(&server.engine, ("", "secrets"), &secret, Part::Object)?;
        server
            .engine
            .update(&intent, &Change::Patch(Patch::Merge(patch)))
            .await?;
    }
    tracing::info!(request = name, kind, message, "a syncer's certificate was decided on");
    let patch = json!({
        "metadata": {"resourceVersion": object.revision.to_string()},
        "status": {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message}]},
    });
    let kind = (GROUP, "certificatesigningrequests");
    let intent = intent(&server.engine, kind, object, Part::Approval)?;
    server
        .engine
        .update(&intent, &Change::Patch(Patch::Merge(patch)))
        .await
        .map(drop)
}

fn spent_for(secret: &Value) -> Option<&str> {
    secret
        .get("metadata")?
        .get("annotations")?
        .get(SPENT_ANNOTATION)?
        .as_str()
}

fn mode(server: &Shared, cluster: &str) -> Option<SyncMode> {
    let found = server
        .engine
        .durable
        .cache
        .kind(&KindKey::new(OURS, "clusters"))
        .get("", cluster)?;
    let cluster: api::Cluster = serde_json::from_slice(&found.bytes).ok()?;
    cluster
        .metadata
        .deletion_timestamp
        .is_none()
        .then_some(cluster.spec.sync_mode)
}

/// Whether a Secret is a token that was used, and whose cluster has been heard since.
pub(super) fn is_used_up(server: &Shared, secret: &Value) -> bool {
    let Some(spent_for) = spent_for(secret) else {
        return false;
    };
    let requests = server
        .engine
        .durable
        .cache
        .kind(&KindKey::new(GROUP, "certificatesigningrequests"));
    let Some(request) = requests.get("", spent_for) else {
        return false;
    };
    let request = request.value();
    let groups = request.pointer("/spec/groups").and_then(Value::as_array);
    let mut groups = groups.into_iter().flatten().filter_map(Value::as_str);
    let Some(cluster) = groups.find_map(|group| group.strip_prefix(BOOTSTRAP_CLUSTER_PREFIX)) else {
        return false;
    };
    let beats = server.engine.ephemeral.cache.kind(&KindKey::new(OURS, "heartbeats"));
    let beat = beats.get("", cluster).map(|beat| beat.value());
    let heard = beat.and_then(|beat| text(&beat, "/spec/received").parse::<Timestamp>().ok());
    is_heard(&request, heard)
}

/// Whether a cluster was heard with the certificate that a request got.
fn is_heard(request: &Value, heard: Option<Timestamp>) -> bool {
    let approved = conditions(request)
        .iter()
        .find(|condition| text(condition, "/type") == "Approved");
    let approved = approved.and_then(|condition| text(condition, "/lastUpdateTime").parse::<Timestamp>().ok());
    match (approved.and_then(|at| at.checked_add(HEARD_AFTER).ok()), heard) {
        (Some(from), Some(heard)) => heard >= from && !text(request, "/status/certificate").is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn asked(names: &[&str], groups: &[&str], alternative: Vec<String>) -> String {
        let mut params = CertificateParams::new(alternative).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for name in names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        let request = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
        request.pem().unwrap()
    }

    fn request(user: &str, groups: &[&str], pem: &str) -> Value {
        json!({"spec": {"signerName": CLUSTER_SIGNER, "username": user, "groups": groups, "request": STANDARD.encode(pem)}})
    }

    const SYNCER: &str = "system:meridian:cluster:eu-1";
    const TOKEN: (&str, [&str; 2]) = (
        "system:bootstrap:abcdef",
        ["system:bootstrappers", "system:bootstrappers:meridian:eu-1"],
    );

    fn verdict(user: &str, groups: &[&str], pem: &str, spent: bool) -> Verdict {
        judge(&request(user, groups, pem), |cluster| cluster == "eu-1", |_| spent)
    }

    #[test]
    fn a_token_or_a_certificate_of_the_cluster_is_enough() {
        let own = asked(&[SYNCER], &[CLUSTERS_GROUP], Vec::new());
        assert!(matches!(verdict(TOKEN.0, &TOKEN.1, &own, false), Verdict::Approve(_)));
        assert!(matches!(
            verdict(SYNCER, &[CLUSTERS_GROUP], &own, true),
            Verdict::Approve(_)
        ));
        // Somebody else's word is needed for somebody else.
        assert_eq!(verdict("alice", &["devs"], &own, false), Verdict::Leave);
        assert_eq!(
            verdict(SYNCER, &["devs"], &own, false),
            Verdict::Leave,
            "a name without its group is no syncer"
        );
        assert_eq!(
            verdict(TOKEN.0, &["system:bootstrappers"], &own, false),
            Verdict::Leave,
            "another kind of token"
        );
    }

    #[test]
    fn what_is_denied() {
        let other = asked(&["system:meridian:cluster:us-1"], &[CLUSTERS_GROUP], Vec::new());
        let masters = asked(&[SYNCER], &[CLUSTERS_GROUP, "system:masters"], Vec::new());
        let person = asked(&["alice"], &[CLUSTERS_GROUP], Vec::new());
        let twice = asked(&[SYNCER, "alice"], &[CLUSTERS_GROUP], Vec::new());
        let server = asked(&[SYNCER], &[CLUSTERS_GROUP], vec!["kubernetes.default".to_owned()]);
        for pem in [&other, &masters, &person, &server, "nonsense"] {
            assert!(
                matches!(verdict(TOKEN.0, &TOKEN.1, pem, false), Verdict::Deny(_)),
                "{pem}"
            );
            assert!(
                matches!(verdict(SYNCER, &[CLUSTERS_GROUP], pem, false), Verdict::Deny(_)),
                "{pem}"
            );
        }
        // rcgen keeps one name of each type; whatever an encoder does, two are refused.
        let two = Request {
            common_names: vec![SYNCER.to_owned(), "alice".to_owned()],
            ..Request::read(twice.as_bytes()).unwrap()
        };
        assert!(of_subject(&two).is_err());
        let own = asked(&[SYNCER], &[CLUSTERS_GROUP], Vec::new());
        let spent = verdict(TOKEN.0, &TOKEN.1, &own, true);
        assert!(
            matches!(&spent, Verdict::Deny(why) if why.contains("used already")),
            "{spent:?}"
        );
        let gone = judge(&request(TOKEN.0, &TOKEN.1, &own), |_| false, |_| false);
        assert!(
            matches!(&gone, Verdict::Deny(why) if why.contains("no Cluster eu-1")),
            "{gone:?}"
        );
    }

    #[test]
    fn a_token_is_used_up_when_the_cluster_was_heard_with_its_certificate() {
        let request = |certificate: &str| {
            json!({"status": {"certificate": certificate, "conditions": [
                {"type": "Approved", "lastUpdateTime": "2026-06-01T00:00:00Z"}]}})
        };
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert!(is_heard(&request("x"), at("2026-06-01T00:00:05Z")));
        assert!(!is_heard(&request("x"), at("2026-06-01T00:00:04Z")));
        assert!(!is_heard(&request(""), at("2026-06-01T00:01:00Z")));
        assert!(!is_heard(&request("x"), None));
    }
}
