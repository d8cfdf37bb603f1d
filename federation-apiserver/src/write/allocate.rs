//! Cluster addresses and node ports of Services: each given once.
//!
//! What is taken is read from the cache at every claim, by comparing versions, so that only changed Services are looked into;
//! what is being written right now is held by a [`Reservation`] until the cache shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Revision;
use machinery::field::{self, Path};
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::{Draft, Engine, Intent, Part};
use crate::cache::{ObjectName, Snapshot};

/// Random draws before the range is searched in order.
const DRAWS_MAX: usize = 64;
/// Ports for NodePort and LoadBalancer Services.
const NODE_PORTS: RangeInclusive<u16> = 30000..=32767;

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
        Self { base: Ipv4Addr::new(10, 96, 0, 0), prefix: 12 }
    }
}

impl ServiceRange {
    fn first(self) -> u32 {
        u32::from(self.base) & self.mask()
    }

    fn mask(self) -> u32 {
        u32::MAX << (32 - u32::from(self.prefix.clamp(8, 28)))
    }

    /// Addresses that can be given: not the network's, not the broadcast's.
    fn usable(self) -> RangeInclusive<u32> {
        self.first() + 1..=self.first() + (!self.mask() - 1)
    }
}

/// Something that only one Service may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Address(Ipv4Addr),
    Port(u16),
}

/// What is taken.
#[derive(Debug, Default)]
struct Taken {
    seen: BTreeMap<ObjectName, (Revision, Vec<Claim>)>,
    by_services: BTreeMap<Claim, ObjectName>,
    /// Claims of writes that the cache does not show yet.
    pending: BTreeSet<Claim>,
}

/// Who has which address and port.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    range: ServiceRange,
    taken: Arc<Mutex<Taken>>,
}

/// Claims held until it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    taken: Arc<Mutex<Taken>>,
    claims: Vec<Claim>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        for claim in &self.claims {
            taken.pending.remove(claim);
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // Every change of the table is whole by itself, so a poisoned lock guards valid state.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claims {
    pub(crate) fn new(range: ServiceRange) -> Self {
        Self { range, taken: Arc::default() }
    }
}

impl Taken {
    fn refresh(&mut self, services: &Snapshot) {
        let mut seen = std::mem::take(&mut self.seen);
        for (name, object) in &services.objects {
            let claims = match seen.remove(name) {
                Some((revision, claims)) if revision == object.revision => claims,
                older => {
                    for claim in older.into_iter().flat_map(|(_, claims)| claims) {
                        self.by_services.remove(&claim);
                    }
                    let claims = claims_of(&object.value());
                    self.by_services.extend(claims.iter().map(|claim| (*claim, name.clone())));
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
    fn free(&self, claim: Claim, owner: &ObjectName) -> bool {
        !self.pending.contains(&claim) && self.by_services.get(&claim).is_none_or(|by| by == owner)
    }

    fn any_free(&self, range: &RangeInclusive<u32>, owner: &ObjectName, claim: impl Fn(u32) -> Claim) -> Option<Claim> {
        let untaken = |number: u32| Some(claim(number)).filter(|c| self.free(*c, owner) && !self.by_services.contains_key(c));
        (0..DRAWS_MAX)
            .find_map(|_| untaken(rand::random_range(range.clone())))
            .or_else(|| range.clone().find_map(untaken))
    }
}

fn claims_of(service: &Value) -> Vec<Claim> {
    let spec = service.get("spec");
    let text = |key: &str| spec.and_then(|s| s.get(key)).and_then(Value::as_str);
    let addresses = text("clusterIP").and_then(|a| a.parse().ok()).map(Claim::Address);
    let ports = spec.and_then(|s| s.get("ports")).and_then(Value::as_array).into_iter().flatten();
    let ports = ports.filter_map(|p| p.get("nodePort")).chain(spec.and_then(|s| s.get("healthCheckNodePort")));
    let ports = ports.filter_map(Value::as_u64).filter_map(|p| u16::try_from(p).ok()).filter(|p| *p > 0);
    let mut claims: Vec<Claim> = addresses.into_iter().chain(ports.map(Claim::Port)).collect();
    claims.dedup();
    claims
}

/// Gives a Service the address and the ports it needs, or checks those it asks for.
pub(super) fn claim(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !(intent.kind.group.is_empty() && intent.kind.kind == "Service") || intent.part == Part::Status {
        return Ok(());
    }
    let old = draft.old.clone();
    let Some(spec) = draft.value.get_mut("spec").and_then(Value::as_object_mut) else { return Ok(()) };
    if let Some(old) = old.as_ref().and_then(|o| o.get("spec")).and_then(Value::as_object) {
        carry_over(old, spec);
    }
    let owner = ObjectName { namespace: intent.namespace.as_str().into(), name: intent.name.as_str().into() };
    let snapshot = engine.cache_of(&intent.kind).snapshot();
    let mut taken = lock(&engine.claims.taken);
    taken.refresh(&snapshot);
    let mut claiming = Claiming { range: engine.claims.range, taken: &mut taken, owner, claims: Vec::new() };
    let given = claiming.address(spec).and_then(|()| claiming.ports(spec));
    let claims = claiming.claims;
    drop(taken);
    draft.reserved = Some(Reservation { taken: engine.claims.taken.clone(), claims });
    given.map_err(|cause| Status::invalid("", "Service", &intent.name, vec![cause]))
}

/// An update that does not speak of what was given keeps it, as long as its type needs it; and drops it otherwise.
fn carry_over(old: &Map<String, Value>, new: &mut Map<String, Value>) {
    let unset = |spec: &Map<String, Value>, key: &str| {
        spec.get(key).is_none_or(|v| v.is_null() || v.as_str() == Some("") || v.as_u64() == Some(0))
    };
    let external = |spec: &Map<String, Value>| spec.get("type").and_then(Value::as_str) == Some("ExternalName");
    if external(new) {
        if !external(old) && new.get("clusterIP") == old.get("clusterIP") {
            new.remove("clusterIP");
            new.remove("clusterIPs");
        }
    } else if !external(old) && unset(new, "clusterIP") {
        for key in ["clusterIP", "clusterIPs"] {
            if let Some(value) = old.get(key) {
                new.insert(key.to_owned(), value.clone());
            }
        }
    }
    let needs_ports = |spec: &Map<String, Value>| {
        matches!(spec.get("type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer"))
    };
    if !needs_ports(old) {
        return;
    }
    let needs = needs_ports(new);
    let before = old.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a.get("port") == b.get("port") && a.get("protocol") == b.get("protocol");
    for port in new.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let was = before.iter().find(|b| same(b, port)).and_then(|b| b.get("nodePort")).cloned();
        let Some(port) = port.as_object_mut() else { continue };
        match was {
            Some(was) if needs && unset(port, "nodePort") => {
                port.insert("nodePort".to_owned(), was);
            }
            Some(was) if !needs && port.get("nodePort") == Some(&was) => {
                port.remove("nodePort");
            }
            Some(_) | None => {}
        }
    }
    if let (Some(was), true) = (old.get("healthCheckNodePort"), unset(new, "healthCheckNodePort"))
        && needs_health_port(new)
    {
        new.insert("healthCheckNodePort".to_owned(), was.clone());
    } else if !needs_health_port(new) && new.get("healthCheckNodePort") == old.get("healthCheckNodePort") {
        new.remove("healthCheckNodePort");
    }
}

fn needs_health_port(spec: &Map<String, Value>) -> bool {
    let text = |key: &str| spec.get(key).and_then(Value::as_str);
    text("type") == Some("LoadBalancer") && text("externalTrafficPolicy") == Some("Local")
}

struct Claiming<'a> {
    range: ServiceRange,
    taken: &'a mut Taken,
    owner: ObjectName,
    claims: Vec<Claim>,
}

impl Claiming<'_> {
    fn take(&mut self, claim: Claim) {
        self.taken.pending.insert(claim);
        self.claims.push(claim);
    }

    /// Whether the claim is this Service's already, or is taken for it now; false where somebody else has it.
    fn take_or_have(&mut self, claim: Claim) -> bool {
        if self.claims.contains(&claim) || self.taken.by_services.get(&claim) == Some(&self.owner) {
            return true;
        }
        let free = self.taken.free(claim, &self.owner);
        if free {
            self.take(claim);
        }
        free
    }

    fn address(&mut self, spec: &mut Map<String, Value>) -> Result<(), machinery::status::Cause> {
        if spec.get("type").and_then(Value::as_str) == Some("ExternalName") {
            return Ok(());
        }
        let path = Path::root("spec").child("clusterIPs");
        let first = || spec.get("clusterIPs").and_then(Value::as_array).and_then(|a| a.first()).and_then(Value::as_str);
        let asked = spec.get("clusterIP").and_then(Value::as_str).filter(|a| !a.is_empty()).or_else(first);
        let given = match asked {
            Some("None") => "None".to_owned(),
            Some(asked) => {
                let refuse = |why: &str| {
                    Err(field::invalid(&path, &json!([asked]), &format!("failed to allocate IP {asked}: {why}")))
                };
                // What is no IPv4 address is judged by validation, which names the field.
                let Ok(address) = asked.parse::<Ipv4Addr>() else { return Ok(()) };
                let known = self.taken.by_services.get(&Claim::Address(address)) == Some(&self.owner);
                if !known && !self.range.usable().contains(&u32::from(address)) {
                    let range = format!("{}/{}", Ipv4Addr::from(self.range.first()), self.range.prefix);
                    return refuse(&format!("the provided IP is not in the valid range. The range of valid IPs is {range}"));
                }
                let asked = asked.to_owned();
                if !self.take_or_have(Claim::Address(address)) {
                    return Err(field::invalid(
                        &path,
                        &json!([asked]),
                        &format!("failed to allocate IP {asked}: provided IP is already allocated"),
                    ));
                }
                asked
            }
            None => {
                let free = self.taken.any_free(&self.range.usable(), &self.owner, |n| Claim::Address(Ipv4Addr::from(n)));
                let Some(claim @ Claim::Address(address)) = free else {
                    return Err(field::invalid(&path, &Value::Null, "failed to allocate a serviceIP: range is full"));
                };
                self.take(claim);
                address.to_string()
            }
        };
        spec.insert("clusterIPs".to_owned(), json!([given]));
        spec.insert("clusterIP".to_owned(), Value::from(given));
        Ok(())
    }

    fn ports(&mut self, spec: &mut Map<String, Value>) -> Result<(), machinery::status::Cause> {
        let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default();
        let wanted = match kind {
            "NodePort" => true,
            "LoadBalancer" => spec.get("allocateLoadBalancerNodePorts").and_then(Value::as_bool) != Some(false),
            _ => false,
        };
        let usable = matches!(kind, "NodePort" | "LoadBalancer");
        let health = needs_health_port(spec);
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for (index, port) in ports.into_iter().flatten().enumerate() {
            let path = Path::root("spec").child("ports").index(index).child("nodePort");
            let Some(port) = port.as_object_mut().filter(|_| usable) else { continue };
            if let Some(number) = self.port(port.get("nodePort"), wanted, &path)? {
                port.insert("nodePort".to_owned(), Value::from(number));
            }
        }
        if health {
            let path = Path::root("spec").child("healthCheckNodePort");
            if let Some(number) = self.port(spec.get("healthCheckNodePort"), true, &path)? {
                spec.insert("healthCheckNodePort".to_owned(), Value::from(number));
            }
        }
        Ok(())
    }

    fn port(
        &mut self,
        asked: Option<&Value>,
        wanted: bool,
        path: &Path,
    ) -> Result<Option<u16>, machinery::status::Cause> {
        let asked = asked.and_then(Value::as_u64).filter(|p| *p > 0);
        match asked {
            Some(asked) => {
                let port = u16::try_from(asked).ok().filter(|p| NODE_PORTS.contains(p)).ok_or_else(|| {
                    let range = format!("{}-{}", NODE_PORTS.start(), NODE_PORTS.end());
                    field::invalid(
                        path,
                        &Value::from(asked),
                        &format!("provided port is not in the valid range. The range of valid ports is {range}"),
                    )
                })?;
                if self.take_or_have(Claim::Port(port)) {
                    Ok(Some(port))
                } else {
                    Err(field::invalid(path, &Value::from(asked), "provided port is already allocated"))
                }
            }
            None if wanted => {
                let range = u32::from(*NODE_PORTS.start())..=u32::from(*NODE_PORTS.end());
                let port = |n: u32| Claim::Port(u16::try_from(n).unwrap_or_default());
                let Some(claim @ Claim::Port(port)) = self.taken.any_free(&range, &self.owner, port) else {
                    return Err(field::invalid(path, &Value::from(0), "failed to allocate a nodePort: range is full"));
                };
                self.take(claim);
                Ok(Some(port))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> ObjectName {
        ObjectName { namespace: "a".into(), name: name.into() }
    }

    fn give(taken: &mut Taken, name: &str, spec: Value) -> Result<Value, String> {
        let mut spec = spec;
        let mut claiming =
            Claiming { range: ServiceRange::default(), taken, owner: owner(name), claims: Vec::new() };
        let object = spec.as_object_mut().unwrap();
        claiming.address(object).and_then(|()| claiming.ports(object)).map_err(|cause| cause.message)?;
        Ok(spec)
    }

    #[test]
    fn addresses_and_ports_are_given_once() {
        let mut taken = Taken::default();
        let first = give(&mut taken, "x", json!({"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 81}]})).unwrap();
        let address = first["clusterIP"].as_str().unwrap().to_owned();
        assert_eq!(first["clusterIPs"], json!([address]));
        assert_ne!(first["ports"][0]["nodePort"], first["ports"][1]["nodePort"]);
        let error = give(&mut taken, "y", json!({"clusterIP": address})).unwrap_err();
        assert!(error.contains("already allocated"), "{error}");
        let port = &first["ports"][0]["nodePort"];
        let error = give(&mut taken, "y", json!({"type": "NodePort", "ports": [{"port": 1, "nodePort": port}]})).unwrap_err();
        assert!(error.contains("provided port is already allocated"), "{error}");
        assert!(give(&mut taken, "y", json!({"clusterIP": "8.8.8.8"})).unwrap_err().contains("not in the valid range"));
        assert_eq!(give(&mut taken, "y", json!({"clusterIP": "None"})).unwrap()["clusterIPs"], json!(["None"]));
        assert_eq!(give(&mut taken, "y", json!({"type": "ExternalName"})).unwrap(), json!({"type": "ExternalName"}));
    }

    #[test]
    fn updates_carry_over() {
        let old = json!({"type": "NodePort", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30001}]});
        let check = |new: Value, want: Value| {
            let mut new = new;
            carry_over(old.as_object().unwrap(), new.as_object_mut().unwrap());
            assert_eq!(new, want);
        };
        check(json!({"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}), old.clone());
        check(
            json!({"type": "ClusterIP", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30001}]}),
            json!({"type": "ClusterIP", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                "ports": [{"port": 80, "protocol": "TCP"}]}),
        );
        check(
            json!({"type": "ExternalName", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "ports": []}),
            json!({"type": "ExternalName", "ports": []}),
        );
    }
}
