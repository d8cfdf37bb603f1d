//! Who has which address and port.
//!
//! What is taken is read from the cache at every claim, by comparing versions, so that only changed Services are looked into;
//! what is being written right now is held by a [`Reservation`] until the cache shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Revision;
use serde_json::Value;

use crate::cache::{ObjectName, Snapshot};

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
    seen: BTreeMap<ObjectName, (Revision, Vec<Claim>)>,
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
    pub(super) fn refresh(&mut self, services: &Snapshot) {
        let mut seen = std::mem::take(&mut self.seen);
        for (name, object) in &services.objects {
            let claims = match seen.remove(name) {
                Some((revision, claims)) if revision == object.revision => claims,
                older => {
                    for claim in older.into_iter().flat_map(|(_, claims)| claims) {
                        self.by_services.remove(&claim);
                    }
                    let claims = claims_of(&object.value());
                    self.by_services
                        .extend(claims.iter().map(|claim| (*claim, name.clone())));
                    claims
                }
            };
            self.seen.insert(name.clone(), (object.revision, claims));
        }
        for claim in seen.into_values().flat_map(|(_, claims)| claims) {
            self.by_services.remove(&claim);
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
