//! Who is connected: so many in all, so many from one client. Where all places are taken, the connection that has been idle the
//! longest makes room for a new one (RFC 9210 4.2): whoever hoards connections keeps nobody out.
//!
//! In: who comes, who is active, the time. Out: a [`Place`], whose token is cancelled when it is needed for another.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In all.
    pub(super) all: usize,
    /// From one address.
    pub(super) client: usize,
    /// How long a connection must have been idle to be ended for another.
    pub(super) idle: Duration,
}

/// The connections there are; cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: BTreeMap<u64, Connection>,
}

struct Connection {
    client: IpAddr,
    active: Instant,
    ended: CancellationToken,
}

/// A connection's place; it is free again when this is dropped.
pub(super) struct Place {
    number: u64,
    connections: Connections,
    /// Cancelled when the connection is to end.
    pub(super) ended: CancellationToken,
}

/// What became of a new connection.
enum Admitted {
    /// It has a place; true where another one was ended for it.
    In(Place, bool),
    /// There is no place for it.
    Out,
}

impl Connections {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            taken: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing panics while it holds the lock; were it so, the map would still be whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a place for a connection and counts what became of it; none where it is to be closed.
    pub(super) fn enter(&self, peer: SocketAddr, ended: CancellationToken, now: Instant) -> Option<Place> {
        match self.admit(peer.ip(), ended, now) {
            Admitted::In(place, made_room) => {
                metrics::counter!("meridian_dns_connections_ended_total").increment(u64::from(made_room));
                Some(place)
            }
            Admitted::Out => {
                metrics::counter!("meridian_dns_connections_refused_total").increment(1);
                tracing::debug!(%peer, "DNS has no place for one more connection of {peer}; it is closed");
                None
            }
        }
    }

    /// Finds a place for a connection; `ended` is its token.
    fn admit(&self, client: IpAddr, ended: CancellationToken, now: Instant) -> Admitted {
        let Bounds {
            all,
            client: of_client,
            idle,
        } = self.bounds;
        let mut taken = self.lock();
        let theirs = taken.places.values().filter(|other| other.client == client).count();
        // A client at its own bound gives up its own idlest, not another's.
        let (full, only) = if theirs >= of_client {
            (true, Some(client))
        } else {
            (taken.places.len() >= all, None)
        };
        let mut made_room = false;
        if full {
            let those = taken
                .places
                .iter()
                .filter(|(_, other)| only.is_none_or(|client| other.client == client));
            let idlest = those
                .min_by_key(|(_, other)| other.active)
                .map(|(number, other)| (*number, other.active));
            match idlest {
                Some((number, active)) if now.saturating_duration_since(active) >= idle => {
                    if let Some(other) = taken.places.remove(&number) {
                        other.ended.cancel();
                    }
                    made_room = true;
                }
                Some(_) | None => return Admitted::Out,
            }
        }
        let number = taken.next;
        taken.next += 1;
        taken.places.insert(
            number,
            Connection {
                client,
                active: now,
                ended: ended.clone(),
            },
        );
        let place = Place {
            number,
            connections: self.clone(),
            ended,
        };
        Admitted::In(place, made_room)
    }
}

impl Place {
    /// The connection was used.
    pub(super) fn active(&self, now: Instant) {
        if let Some(own) = self.connections.lock().places.get_mut(&self.number) {
            own.active = now;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(connections: &Connections, client: u8, now: Instant) -> Option<(Place, bool)> {
        match connections.admit(IpAddr::from([192, 0, 2, client]), CancellationToken::new(), now) {
            Admitted::In(place, made_room) => Some((place, made_room)),
            Admitted::Out => None,
        }
    }

    #[test]
    fn the_idlest_makes_room() {
        let connections = Connections::new(Bounds {
            all: 3,
            client: 2,
            idle: Duration::from_secs(1),
        });
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (first, _) = admit(&connections, 1, at(0)).unwrap();
        let (second, _) = admit(&connections, 1, at(100)).unwrap();
        assert!(
            admit(&connections, 1, at(200)).is_none(),
            "the client has all it may, and none is idle"
        );
        let (third, made_room) = admit(&connections, 2, at(200)).unwrap();
        assert!(!made_room);
        assert!(admit(&connections, 3, at(300)).is_none(), "full, and none is idle");
        first.active(at(1000));
        let (fourth, made_room) = admit(&connections, 3, at(1150)).unwrap();
        assert!(made_room && second.ended.is_cancelled() && !first.ended.is_cancelled() && !third.ended.is_cancelled());
        drop(second);
        drop(fourth);
        let (_fifth, made_room) = admit(&connections, 1, at(1150)).unwrap();
        assert!(!made_room, "a place came free");
        let (_sixth, made_room) = admit(&connections, 1, at(2050)).unwrap();
        assert!(
            made_room && first.ended.is_cancelled() && !third.ended.is_cancelled(),
            "its own, though the other is idler"
        );
    }
}
