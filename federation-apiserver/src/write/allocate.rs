//! Cluster addresses and node ports of Services: each given once, kept by updates, checked where they are asked for.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use machinery::field::{self, Path};
use machinery::status::{Cause, Status};
use serde_json::{Map, Value, json};

use super::claims::{Claim, Reservation, ServiceRange, Taken, lock};
use super::{Draft, Engine, Intent, Part};
use crate::cache::ObjectName;

/// Ports for NodePort and LoadBalancer Services.
const NODE_PORTS: RangeInclusive<u16> = 30000..=32767;

/// Fields that only some types have; a Service that changes its type loses them unless it speaks of them anew.
const TYPE_FIELDS: &[(&str, &[&str])] = &[
    ("externalTrafficPolicy", &["NodePort", "LoadBalancer"]),
    ("allocateLoadBalancerNodePorts", &["LoadBalancer"]),
    ("loadBalancerClass", &["LoadBalancer"]),
];

/// Gives a Service the address and the ports it needs, or checks those it asks for.
pub(super) fn claim(engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    if !(intent.kind.group.is_empty() && intent.kind.kind == "Service") || intent.part == Part::Status {
        return Ok(());
    }
    let old = draft.old.clone();
    let Some(spec) = draft.value.get_mut("spec").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    if let Some(old) = old.as_ref().and_then(|o| o.get("spec")).and_then(Value::as_object) {
        carry_over(old, spec);
    }
    if let Some(cause) = unlike(old.as_deref(), spec) {
        return Err(Status::invalid("", "Service", &intent.name, vec![cause]));
    }
    let owner = ObjectName {
        namespace: intent.namespace.as_str().into(),
        name: intent.name.as_str().into(),
    };
    // Before the look: what comes during it may be in it, and is then looked at twice.
    let seen = engine.backend(&intent.kind).cache.revision();
    let mut taken = lock(&engine.claims.taken);
    taken.refresh(&engine.cache_of(&intent.kind));
    let mut claiming = Claiming {
        range: engine.claims.range,
        taken: &mut taken,
        owner,
        claims: Vec::new(),
    };
    let given = claiming.address(spec).and_then(|()| claiming.ports(spec));
    let claims = claiming.claims;
    drop(taken);
    draft.reserved = Some(Reservation {
        taken: engine.claims.taken.clone(),
        claims,
        seen,
    });
    given.map_err(|cause| Status::invalid("", "Service", &intent.name, vec![cause]))
}

/// The fault of addresses that do not begin with the one address, where that one is not what changed.
fn unlike(old: Option<&Value>, spec: &Map<String, Value>) -> Option<Cause> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (one, all) = (text(spec.get("clusterIP")), spec.get("clusterIPs")?);
    let first = text(all.get(0));
    let before = old.map(|old| text(old.pointer("/spec/clusterIP")));
    let stays = before.is_none_or(|before| before == one);
    let differs = stays && !one.is_empty() && !first.is_empty() && one != first;
    let path = Path::root("spec").child("clusterIPs");
    differs.then(|| field::invalid(&path, all, "first value must match `clusterIP`"))
}

/// An update that does not speak of what was given keeps it, as long as its type needs it; and drops it otherwise.
fn carry_over(old: &Map<String, Value>, new: &mut Map<String, Value>) {
    let unset = |spec: &Map<String, Value>, key: &str| {
        spec.get(key)
            .is_none_or(|v| v.is_null() || v.as_str() == Some("") || v.as_u64() == Some(0))
    };
    let external = |spec: &Map<String, Value>| spec.get("type").and_then(Value::as_str) == Some("ExternalName");
    if external(new) {
        if !external(old) && new.get("clusterIP") == old.get("clusterIP") {
            for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                new.remove(key);
            }
        }
    } else if !external(old) && unset(new, "clusterIP") {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let Some(value) = old.get(key).filter(|_| unset(new, key)) {
                new.insert(key.to_owned(), value.clone());
            }
        }
    }
    for (key, types) in TYPE_FIELDS {
        let kind = new.get("type").and_then(Value::as_str).unwrap_or_default();
        if !types.contains(&kind) && new.get(*key) == old.get(*key) {
            new.remove(*key);
        }
    }
    let needs_ports = |spec: &Map<String, Value>| {
        matches!(
            spec.get("type").and_then(Value::as_str),
            Some("NodePort" | "LoadBalancer")
        )
    };
    if !needs_ports(old) {
        return;
    }
    let needs = needs_ports(new);
    let before = old.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a.get("port") == b.get("port") && a.get("protocol") == b.get("protocol");
    for port in new.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let was = before
            .iter()
            .find(|b| same(b, port))
            .and_then(|b| b.get("nodePort"))
            .cloned();
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

    fn address(&mut self, spec: &mut Map<String, Value>) -> Result<(), Cause> {
        if spec.get("type").and_then(Value::as_str) == Some("ExternalName") {
            return Ok(());
        }
        let path = Path::root("spec").child("clusterIPs");
        let first = || {
            spec.get("clusterIPs")
                .and_then(Value::as_array)
                .and_then(|a| a.first())
                .and_then(Value::as_str)
        };
        let asked = spec
            .get("clusterIP")
            .and_then(Value::as_str)
            .filter(|a| !a.is_empty())
            .or_else(first);
        let given = match asked {
            Some("None") => "None".to_owned(),
            Some(asked) => {
                let refuse = |why: &str| {
                    Err(field::invalid(
                        &path,
                        &json!([asked]),
                        &format!("failed to allocate IP {asked}: {why}"),
                    ))
                };
                // What is no IPv4 address is judged by validation, which names the field.
                let Ok(address) = asked.parse::<Ipv4Addr>() else {
                    return Ok(());
                };
                let known = self.taken.by_services.get(&Claim::Address(address)) == Some(&self.owner);
                if !known && !self.range.usable().contains(&u32::from(address)) {
                    let range = format!("{}/{}", Ipv4Addr::from(self.range.first()), self.range.prefix);
                    return refuse(&format!(
                        "the provided IP is not in the valid range. The range of valid IPs is {range}"
                    ));
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
                let free = self
                    .taken
                    .any_free(&self.range.usable(), &self.owner, |n| Claim::Address(Ipv4Addr::from(n)));
                let Some(claim @ Claim::Address(address)) = free else {
                    return Err(field::invalid(
                        &path,
                        &Value::Null,
                        "failed to allocate a serviceIP: range is full",
                    ));
                };
                self.take(claim);
                address.to_string()
            }
        };
        spec.entry("ipFamilyPolicy").or_insert_with(|| json!("SingleStack"));
        spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
        spec.insert("clusterIPs".to_owned(), json!([given]));
        spec.insert("clusterIP".to_owned(), Value::from(given));
        Ok(())
    }

    fn ports(&mut self, spec: &mut Map<String, Value>) -> Result<(), Cause> {
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
            let Some(port) = port.as_object_mut().filter(|_| usable) else {
                continue;
            };
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

    fn port(&mut self, asked: Option<&Value>, wanted: bool, path: &Path) -> Result<Option<u16>, Cause> {
        let asked = asked.and_then(Value::as_u64).filter(|p| *p > 0);
        match asked {
            Some(asked) => {
                let port = u16::try_from(asked)
                    .ok()
                    .filter(|p| NODE_PORTS.contains(p))
                    .ok_or_else(|| {
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
                    Err(field::invalid(
                        path,
                        &Value::from(asked),
                        "provided port is already allocated",
                    ))
                }
            }
            None if wanted => {
                let range = u32::from(*NODE_PORTS.start())..=u32::from(*NODE_PORTS.end());
                let port = |n: u32| Claim::Port(u16::try_from(n).unwrap_or_default());
                let Some(claim @ Claim::Port(port)) = self.taken.any_free(&range, &self.owner, port) else {
                    return Err(field::invalid(
                        path,
                        &Value::from(0),
                        "failed to allocate a nodePort: range is full",
                    ));
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
        ObjectName {
            namespace: "a".into(),
            name: name.into(),
        }
    }

    fn give(taken: &mut Taken, name: &str, spec: Value) -> Result<Value, String> {
        let mut spec = spec;
        let mut claiming = Claiming {
            range: ServiceRange::default(),
            taken,
            owner: owner(name),
            claims: Vec::new(),
        };
        let object = spec.as_object_mut().unwrap();
        claiming
            .address(object)
            .and_then(|()| claiming.ports(object))
            .map_err(|cause| cause.message)?;
        Ok(spec)
    }

    #[test]
    fn addresses_and_ports_are_given_once() {
        let mut taken = Taken::default();
        let first = give(
            &mut taken,
            "x",
            json!({"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 81}]}),
        )
        .unwrap();
        let address = first["clusterIP"].as_str().unwrap().to_owned();
        assert_eq!(first["clusterIPs"], json!([address]));
        assert_ne!(first["ports"][0]["nodePort"], first["ports"][1]["nodePort"]);
        let error = give(&mut taken, "y", json!({"clusterIP": address})).unwrap_err();
        assert!(error.contains("already allocated"), "{error}");
        let port = &first["ports"][0]["nodePort"];
        let error = give(
            &mut taken,
            "y",
            json!({"type": "NodePort", "ports": [{"port": 1, "nodePort": port}]}),
        )
        .unwrap_err();
        assert!(error.contains("provided port is already allocated"), "{error}");
        assert!(
            give(&mut taken, "y", json!({"clusterIP": "8.8.8.8"}))
                .unwrap_err()
                .contains("not in the valid range")
        );
        assert_eq!(
            give(&mut taken, "y", json!({"clusterIP": "None"})).unwrap()["clusterIPs"],
            json!(["None"])
        );
        assert_eq!(
            give(&mut taken, "y", json!({"type": "ExternalName"})).unwrap(),
            json!({"type": "ExternalName"})
        );
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
        check(
            json!({"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}),
            old.clone(),
        );
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
