//! One process among several that may work: whoever holds a Lease of the hub does.
//!
//! In: a Lease, who asks, the passing of time here. Out: work that runs while the Lease is held, and is ended before another may
//! hold it. Time is only measured here, from when a Lease was seen to change: clocks of other machines do not matter
//! (as client-go's leader election has it). Absent: what the work is.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Namespace of the Leases.
const NAMESPACE: &str = "kube-system";
/// How long a Lease holds after it was last renewed.
const HOLDS_FOR: Duration = Duration::from_secs(6);
/// Work ends when the Lease could not be renewed for this long: well before another may take it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(4);
/// How often a Lease is renewed, or looked at by who waits for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// No answer of the hub takes longer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Who may work, and by which Lease.
#[derive(Clone)]
pub struct Candidate {
    /// The hub.
    pub client: Client,
    /// Name of the Lease.
    pub lease: &'static str,
    /// Who asks: stays the same when a process starts again, so that it goes on at once.
    pub identity: String,
}

/// What is known of the Lease.
struct Seen {
    lease: Lease,
    /// When it was first seen like this.
    since: Instant,
}

/// What to do about a Lease.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Write it: it is free, expired, or ours.
    Take,
    /// Another holds it.
    Wait,
}

fn next(spec: &LeaseSpec, identity: &str, unchanged_for: Duration) -> Next {
    match spec.holder_identity.as_deref() {
        None | Some("") => Next::Take,
        Some(holder) if holder == identity => Next::Take,
        Some(_) => {
            let holds_for = spec
                .lease_duration_seconds
                .and_then(|seconds| u64::try_from(seconds).ok());
            let holds_for = holds_for.map_or(HOLDS_FOR, Duration::from_secs);
            if unchanged_for > holds_for {
                Next::Take
            } else {
                Next::Wait
            }
        }
    }
}

/// The Lease as its next holder writes it.
fn taken(mut lease: Lease, identity: &str, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    let now = MicroTime(now);
    if spec.holder_identity.as_deref() != Some(identity) {
        spec.acquire_time = Some(now.clone());
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = i32::try_from(HOLDS_FOR.as_secs()).ok();
    spec.renew_time = Some(now);
    lease
}

/// Runs work whenever and for as long as this candidate leads, until shutdown. Work is told to end by its token; it is
/// begun again when the Lease is won again. Returns what the work returned, where it ended by itself.
pub async fn lead<F, T>(
    candidate: Candidate,
    shutdown: CancellationToken,
    mut work: impl FnMut(CancellationToken) -> F,
) -> Option<T>
where
    F: Future<Output = T>,
{
    let leases: Api<Lease> = Api::namespaced(candidate.client.clone(), NAMESPACE);
    let mut seen: Option<Seen> = None;
    loop {
        let won = acquire(&leases, &candidate, &mut seen);
        shutdown.run_until_cancelled(won).await?;
        tracing::info!(lease = candidate.lease, identity = candidate.identity, "leading");
        metrics::gauge!("leader_election_master_status", "name" => candidate.lease).set(1.0);
        let stop = shutdown.child_token();
        let mut running = std::pin::pin!(work(stop.clone()));
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            () = keep(&leases, &candidate, &mut seen) => None,
            () = shutdown.cancelled() => None,
        };
        metrics::gauge!("leader_election_master_status", "name" => candidate.lease).set(0.0);
        if let Some(ended) = ended {
            release(&leases, &candidate, seen.as_ref()).await;
            return Some(ended);
        }
        stop.cancel();
        let ended = running.await;
        if shutdown.is_cancelled() {
            release(&leases, &candidate, seen.as_ref()).await;
            return Some(ended);
        }
        tracing::warn!(
            lease = candidate.lease,
            "no longer leading: the Lease could not be renewed"
        );
    }
}

/// Waits until the Lease is ours.
async fn acquire(leases: &Api<Lease>, candidate: &Candidate, seen: &mut Option<Seen>) {
    loop {
        match attempt(leases, candidate, seen).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::debug!(lease = candidate.lease, %error, "the Lease cannot be had yet"),
        }
        tokio::time::sleep(LOOK_EVERY.mul_f64(rand::random_range(0.8..1.2))).await;
    }
}

/// Renews the Lease for as long as that works. Ends in time also where the hub does not answer.
async fn keep(leases: &Api<Lease>, candidate: &Candidate, seen: &mut Option<Seen>) {
    let mut until = Instant::now() + GIVE_UP_AFTER;
    loop {
        let renew = async {
            tokio::time::sleep(LOOK_EVERY * 2).await;
            let begun = Instant::now();
            (begun, attempt(leases, candidate, seen).await)
        };
        match tokio::time::timeout_at(until, renew).await {
            Ok((begun, Ok(true))) => until = begun + GIVE_UP_AFTER,
            Ok((_, Err(error))) => tracing::debug!(lease = candidate.lease, %error, "the Lease could not be renewed"),
            // Somebody took it though it had not expired by our count, or there was no word in time.
            Ok((_, Ok(false))) | Err(_) => return,
        }
    }
}

/// Looks at the Lease and takes or renews it where that may be. Whether it is ours now.
async fn attempt(leases: &Api<Lease>, candidate: &Candidate, seen: &mut Option<Seen>) -> Result<bool, LeaseError> {
    let Some(lease) = within(leases.get_opt(candidate.lease)).await? else {
        let fresh = Lease {
            metadata: ObjectMeta {
                name: Some(candidate.lease.to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            spec: None,
        };
        let lease = taken(fresh, &candidate.identity, Timestamp::now());
        return wrote(within(leases.create(&PostParams::default(), &lease)).await, seen);
    };
    let version = |lease: &Lease| lease.metadata.resource_version.clone();
    let known = seen.take().filter(|known| version(&known.lease) == version(&lease));
    let known = known.unwrap_or_else(|| Seen {
        lease,
        since: Instant::now(),
    });
    let spec = known.lease.spec.clone().unwrap_or_default();
    let lease = known.lease.clone();
    let unchanged_for = known.since.elapsed();
    *seen = Some(known);
    match next(&spec, &candidate.identity, unchanged_for) {
        Next::Wait => Ok(false),
        Next::Take => {
            let lease = taken(lease, &candidate.identity, Timestamp::now());
            wrote(
                within(leases.replace(candidate.lease, &PostParams::default(), &lease)).await,
                seen,
            )
        }
    }
}

fn wrote(written: Result<Lease, LeaseError>, seen: &mut Option<Seen>) -> Result<bool, LeaseError> {
    match written {
        Ok(lease) => {
            *seen = Some(Seen {
                lease,
                since: Instant::now(),
            });
            Ok(true)
        }
        Err(error) if error.is_conflict() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lets the Lease go, so that the next need not wait until it expires.
async fn release(leases: &Api<Lease>, candidate: &Candidate, seen: Option<&Seen>) {
    let Some(mut lease) = seen.map(|seen| seen.lease.clone()) else {
        return;
    };
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
    }
    if let Err(error) = within(leases.replace(candidate.lease, &PostParams::default(), &lease)).await {
        tracing::debug!(lease = candidate.lease, %error, "the Lease was not let go; it expires");
    }
}

/// The hub did not do what was asked about a Lease.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the hub refused: {0}")]
    Refused(#[source] Box<kube::Error>),
    #[error("no answer within 2 s")]
    Timeout,
}

impl LeaseError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Refused(error) => matches!(&**error, kube::Error::Api(status) if status.code == 409),
            Self::Timeout => false,
        }
    }
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, LeaseError> {
    match tokio::time::timeout(DEADLINE, request).await {
        Ok(answer) => answer.map_err(|error| LeaseError::Refused(Box::new(error))),
        Err(_) => Err(LeaseError::Timeout),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use federation_apiserver::store::MemoryStore;
    use federation_apiserver::{ApiServer, Profile, ServerConfig, UserInfo};
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn who_may_take_a_lease() {
        let held = |by: &str| LeaseSpec {
            holder_identity: Some(by.to_owned()),
            lease_duration_seconds: Some(6),
            ..LeaseSpec::default()
        };
        let seconds = Duration::from_secs;
        assert_eq!(next(&LeaseSpec::default(), "a", seconds(0)), Next::Take);
        assert_eq!(next(&held(""), "a", seconds(0)), Next::Take);
        assert_eq!(next(&held("a"), "a", seconds(0)), Next::Take);
        assert_eq!(next(&held("b"), "a", seconds(6)), Next::Wait);
        assert_eq!(next(&held("b"), "a", seconds(7)), Next::Take);
    }

    #[tokio::test]
    async fn one_leads_and_the_next_follows_when_it_lets_go() {
        let server = ApiServer::new(Arc::new(MemoryStore::default()), ServerConfig::new(Profile::Hub))
            .await
            .unwrap();
        let (sender, mut leaders) = mpsc::channel(8);
        let start = |identity: &str| {
            let candidate = Candidate {
                client: Client::new(server.local(UserInfo::internal("leadership")), "default"),
                lease: "meridian-test",
                identity: identity.to_owned(),
            };
            let (stop, told, who) = (CancellationToken::new(), sender.clone(), identity.to_owned());
            let token = stop.clone();
            let task = tokio::spawn(lead(candidate, token, move |stop| {
                let (told, who) = (told.clone(), who.clone());
                async move {
                    told.send(who).await.unwrap();
                    stop.cancelled().await;
                }
            }));
            (stop, task)
        };
        let (first_stop, first) = start("a");
        assert_eq!(leaders.recv().await.as_deref(), Some("a"));
        let (second_stop, second) = start("b");
        assert!(leaders.try_recv().is_err(), "one at a time");
        first_stop.cancel();
        first.await.unwrap();
        assert_eq!(leaders.recv().await.as_deref(), Some("b"));
        second_stop.cancel();
        second.await.unwrap();
    }
}
