//! Credentials that the server hands out by itself: tokens in Secrets that ask for one, certificates for approved requests; and the
//! end of those whose time is over.
//!
//! Decided: when to look (at a change of what concerns it, and now and then). In: the cache of Secrets, service accounts and
//! requests. Out: writes to them. Every replica does so on its own: who comes second finds it written. Absent: who may ask, and what
//! a credential proves ([`crate::auth`]).

pub(crate) mod authority;
pub(crate) mod certificates;
mod clusters;
mod der;
mod expiry;
pub(crate) mod request;
mod token_secrets;

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use machinery::status::Status;

use crate::auth::bootstrap_tokens;
use crate::cache::{CachedObject, Event, EventType, Expired, KindCache, WatchCursor};
use crate::kinds::certificates::GROUP;
use crate::server::Shared;
use crate::store::KindKey;
use crate::write::{DeleteOptions, Engine, Intent, Part};

pub use authority::{Authority, AuthorityError};

/// How often all are looked at without a change.
const RESYNC: Duration = Duration::from_secs(30);
const MANAGER: &str = "meridian-apiserver";

/// Namespace and name.
type Place = (Arc<str>, Arc<str>);

/// What is followed.
struct Watched {
    secrets: Arc<KindCache>,
    accounts: Arc<KindCache>,
    requests: Arc<KindCache>,
}

struct Cursors {
    secrets: WatchCursor,
    accounts: WatchCursor,
    requests: WatchCursor,
}

impl Watched {
    fn cursors(&self) -> Result<Cursors, Expired> {
        let from = |kind: &Arc<KindCache>| kind.watch(kind.revision());
        Ok(Cursors {
            secrets: from(&self.secrets)?,
            accounts: from(&self.accounts)?,
            requests: from(&self.requests)?,
        })
    }
}

/// Spares most Secrets the reading.
fn is_credential(secret: &CachedObject) -> bool {
    [token_secrets::TYPE, bootstrap_tokens::SECRET_TYPE]
        .iter()
        .any(|kind| secret.bytes.windows(kind.len()).any(|part| part == kind.as_bytes()))
}

fn place(object: &CachedObject) -> Place {
    (object.key.namespace.clone(), object.key.name.clone())
}

/// Notes which Secrets are credentials; whether any of these changed.
fn note(known: &mut BTreeSet<Place>, events: &[Arc<Event>]) -> bool {
    let mut concerned = false;
    for event in events {
        concerned |= if event.event_type == EventType::Deleted {
            known.remove(&place(&event.object))
        } else {
            is_credential(&event.object) && {
                known.insert(place(&event.object));
                true
            }
        };
    }
    concerned
}

/// Hands out and takes back for as long as the server lives.
pub(crate) async fn keep(server: Weak<Shared>) {
    let Some((watched, shutdown)) = server.upgrade().map(|server| {
        let kind = |group, plural| server.engine.durable.cache.kind(&KindKey::new(group, plural));
        let watched = Watched {
            secrets: kind("", "secrets"),
            accounts: kind("", "serviceaccounts"),
            requests: kind(GROUP, "certificatesigningrequests"),
        };
        (watched, server.shutdown.clone())
    }) else {
        return;
    };
    shutdown.run_until_cancelled(follow(server, watched)).await;
}

async fn follow(server: Weak<Shared>, watched: Watched) {
    let mut known = BTreeSet::new();
    let mut cursors = None;
    loop {
        let mut at = match cursors.take() {
            Some(at) => at,
            None => {
                let Ok(at) = watched.cursors() else {
                    tokio::time::sleep(RESYNC.mul_f64(rand::random_range(0.01..0.02))).await;
                    continue;
                };
                let all = watched.secrets.snapshot();
                known = all
                    .iter()
                    .filter(|secret| is_credential(secret))
                    .map(|secret| place(secret))
                    .collect();
                at
            }
        };
        {
            let Some(server) = server.upgrade() else { return };
            tend(&server, &watched, &known).await;
        }
        loop {
            let told = tokio::select! {
                events = at.secrets.next() => events.map(|events| note(&mut known, &events)),
                events = at.accounts.next() => events.map(|_| !known.is_empty()),
                events = at.requests.next() => events.map(|_| true),
                () = tokio::time::sleep(RESYNC) => Ok(true),
            };
            match told {
                Ok(false) => {}
                Ok(true) => {
                    cursors = Some(at);
                    break;
                }
                // The past was lost: begin anew.
                Err(_) => break,
            }
        }
    }
}

/// Looks at every credential once. One that cannot be written stands in no other's way.
async fn tend(server: &Shared, watched: &Watched, known: &BTreeSet<Place>) {
    let now = Timestamp::now();
    for (namespace, name) in known {
        let Some(secret) = watched.secrets.get(namespace, name) else {
            continue;
        };
        let value = secret.value();
        let done = if expiry::secret(&value, now) || clusters::is_used_up(server, &value) {
            delete(&server.engine, ("", "secrets"), &secret).await
        } else {
            token_secrets::complete(server, &watched.accounts, &secret, &value).await
        };
        told("Secret", &secret, done);
    }
    for request in watched.requests.snapshot().iter() {
        let value = request.value();
        let done = if expiry::request(&value, now) {
            delete(&server.engine, (GROUP, "certificatesigningrequests"), request).await
        } else if clusters::is_undecided(&value) {
            clusters::decide(server, watched, request, &value, now).await
        } else {
            certificates::sign(server, request, &value, now).await
        };
        told("CertificateSigningRequest", request, done);
    }
}

fn told(kind: &str, object: &CachedObject, done: Result<(), Status>) {
    match done {
        Ok(()) => {}
        Err(status) if matches!(status.reason, "Conflict" | "NotFound") => {}
        Err(status) => {
            tracing::warn!(kind, key = %object.key, %status, "a credential could not be written; it is tried again");
        }
    }
}

/// A write of our own to one object.
fn intent(engine: &Engine, (group, plural): (&str, &str), object: &CachedObject, part: Part) -> Result<Intent, Status> {
    let kind = engine
        .catalog
        .resource(group, "v1", plural)
        .ok_or_else(Status::resource_not_found)?;
    let place = (&*object.key.namespace, &*object.key.name);
    Ok(Intent::internal(&kind, place, part, MANAGER))
}

async fn delete(engine: &Engine, kind: (&str, &str), object: &CachedObject) -> Result<(), Status> {
    let options = DeleteOptions {
        uid: Some(object.uid.to_string()),
        ..DeleteOptions::default()
    };
    let intent = intent(engine, kind, object, Part::Object)?;
    engine.delete(&intent, &options).await.map(|_| ())
}
