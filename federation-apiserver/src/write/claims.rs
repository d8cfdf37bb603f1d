//! Who has which address and port.
//!
//! What is taken is read from the cache at every claim, by following its history, so that only changed Services are looked
//! into; what is being written right now is held by a [`Reservation`] until the cache shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Revision;
use serde_json::Value;

use crate::cache::{EventType, KindCache, ObjectName, WatchCursor};
use crate::store::ObjectKey;

/// Random draws before the range is searched in order.
const DRAWS_MAX: usize = 64;
/// The addresses that Services get.
#[derive(Clone, Copy, Debug)]
pub struct ServiceRange {
    /// First address.
    pub base: Ipv4Addr,
    /// Prefix length, 8 to 28.
    pub prefix: u8,
}

impl Default for ServiceRange {
    fn default() -> Self {
        Self {
            base: Ipv4Addr::new(10, 96, 0, 0),
            prefix: 12,
        }
    }
}

impl ServiceRange {
    pub(super) fn first(self) -> u32 {
        u32::from(self.base) & self.mask()
    }

    fn mask(self) -> u32 {
        u32::MAX << (32 - u32::from(self.prefix.clamp(8, 28)))
    }

    /// Addresses that can be given: not the network's, not the broadcast's.
    pub(super) fn usable(self) -> RangeInclusive<u32> {
        self.first() + 1..=self.first() + (!self.mask() - 1)
    }
}

/// Something that only one Service may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    Address(Ipv4Addr),
    Port(u16),
}

/// What is taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// How far the cache's history was followed.
    followed: Option<WatchCursor>,
    by_service: BTreeMap<ObjectName, Vec<Claim>>,
    pub(super) by_services: BTreeMap<Claim, ObjectName>,
    /// Claims of writes that the cache does not show yet.
    pub(super) pending: BTreeSet<Claim>,
}

/// Who has which address and port.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(super) range: ServiceRange,
    pub(super) taken: Arc<Mutex<Taken>>,
}

/// Claims held until it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(super) taken: Arc<Mutex<Taken>>,
    pub(super) claims: Vec<Claim>,
    /// The revision up to which Services were looked at.
    pub(super) seen: Revision,
}

impl Reservation {
    /// What the claims rest on; none where nothing new is claimed.
    pub(super) fn based_on(&self) -> Option<Revision> {
        (!self.claims.is_empty()).then_some(self.seen)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        for claim in &self.claims {
            taken.pending.remove(claim);
        }
    }
}

pub(super) fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // Every change of the table is whole by itself, so a poisoned lock guards valid state.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claims {
    pub(crate) fn new(range: ServiceRange) -> Self {
        Self {
            range,
            taken: Arc::default(),
        }
    }
}

impl Taken {
    /// Catches up with the cache.
    pub(super) fn refresh(&mut self, services: &Arc<KindCache>) {
        if let Some(Ok(events)) = self.followed.as_mut().map(WatchCursor::ready) {
            for event in events {
                let claims = match event.event_type {
                    EventType::Added | EventType::Modified => claims_of(&event.object.value()),
                    EventType::Deleted => vec![],
                };
                self.holds(&event.object.key, claims);
            }
            return;
        }
        let snapshot = services.snapshot();
        self.by_service.clear();
        self.by_services.clear();
        for object in snapshot.iter() {
            self.holds(&object.key, claims_of(&object.value()));
        }
        // Where the history has moved past the snapshot meanwhile, the next claim begins anew.
        self.followed = services.watch(snapshot.revision).ok();
    }

    fn holds(&mut self, service: &ObjectKey, claims: Vec<Claim>) {
        let name = ObjectName {
            namespace: service.namespace.clone(),
            name: service.name.clone(),
        };
        for claim in self.by_service.remove(&name).into_iter().flatten() {
            if self.by_services.get(&claim) == Some(&name) {
                self.by_services.remove(&claim);
            }
        }
        self.by_services
            .extend(claims.iter().map(|claim| (*claim, name.clone())));
        if !claims.is_empty() {
            self.by_service.insert(name, claims);
        }
    }

    /// Whether a claim is free for a Service.
    pub(super) fn free(&self, claim: Claim, owner: &ObjectName) -> bool {
        !self.pending.contains(&claim) && self.by_services.get(&claim).is_none_or(|by| by == owner)
    }

    pub(super) fn any_free(
        &self,
        range: &RangeInclusive<u32>,
        owner: &ObjectName,
        claim: impl Fn(u32) -> Claim,
    ) -> Option<Claim> {
        let untaken =
            |number: u32| Some(claim(number)).filter(|c| self.free(*c, owner) && !self.by_services.contains_key(c));
        (0..DRAWS_MAX)
            .find_map(|_| untaken(rand::random_range(range.clone())))
            .or_else(|| range.clone().find_map(untaken))
    }
}

fn claims_of(service: &Value) -> Vec<Claim> {
    let spec = service.get("spec");
    let text = |key: &str| spec.and_then(|s| s.get(key)).and_then(Value::as_str);
    let addresses = text("clusterIP").and_then(|a| a.parse().ok()).map(Claim::Address);
    let ports = spec
        .and_then(|s| s.get("ports"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let ports = ports
        .filter_map(|p| p.get("nodePort"))
        .chain(spec.and_then(|s| s.get("healthCheckNodePort")));
    let ports = ports
        .filter_map(Value::as_u64)
        .filter_map(|p| u16::try_from(p).ok())
        .filter(|p| *p > 0);
    let mut claims: Vec<Claim> = addresses.into_iter().chain(ports.map(Claim::Port)).collect();
    claims.dedup();
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cache::{HistoryConfig, canonical};
    use crate::store::{Committed, KindKey, Op};

    fn commit(revision: Revision, name: &str, op: Op, address: &str) -> Committed {
        Committed {
            key: ObjectKey::new(&KindKey::new("", "services"), "shop", name),
            uid: name.into(),
            op,
            revision,
            created_revision: revision,
            body: canonical(&json!({"metadata": {"name": name}, "spec": {"clusterIP": address}})),
        }
    }

    #[test]
    fn what_is_taken_follows_the_cache() {
        let first = Revision::FIRST;
        let services = KindCache::detached(KindKey::new("", "services"), first, HistoryConfig::default());
        let owner = |name: &str| ObjectName {
            namespace: "shop".into(),
            name: name.into(),
        };
        let claim = |last: u8| Claim::Address(Ipv4Addr::new(10, 96, 0, last));
        services.apply(&[commit(first.next(), "a", Op::Created, "10.96.0.1")]);
        let mut taken = Taken::default();
        taken.refresh(&services);
        assert!(!taken.free(claim(1), &owner("b")) && taken.free(claim(1), &owner("a")));

        let (second, third) = (first.next().next(), first.next().next().next());
        services.apply(&[commit(second, "a", Op::Updated, "10.96.0.2")]);
        services.apply(&[commit(third, "b", Op::Created, "10.96.0.1")]);
        taken.refresh(&services);
        assert_eq!(taken.by_services.get(&claim(1)), Some(&owner("b")));
        assert_eq!(taken.by_services.get(&claim(2)), Some(&owner("a")));

        services.apply(&[commit(third.next(), "a", Op::Deleted, "10.96.0.2")]);
        taken.refresh(&services);
        assert!(taken.free(claim(2), &owner("b")));

        services.reset(third.next().next(), &[]);
        taken.refresh(&services);
        assert!(taken.by_services.is_empty(), "a history that began anew is read anew");
    }
}
