//! ResourceQuotas: what an object counts for, whether a quota has room for it, and what all objects of a namespace come to.
//!
//! In: quotas, objects with the names of their kinds, the time. Out: amounts, verdicts in kube-apiserver's words. Absent: when
//! usage is written down, and by whom (the server charges what it admits, a controller recalculates).

mod pods;
mod scopes;

use jiff::Timestamp;
use serde_json::Value;
use std::borrow::Borrow;

use super::resources::{Amounts, add, amounts};
use crate::quantity::Quantity;

/// Kinds that are counted under a name of their own besides `count/`.
const NAMED: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];
/// What of a storage class is counted stands before this.
const BY_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Whether objects of a kind can be counted at all: news about others is not.
#[must_use]
pub fn is_counted(group: &str, plural: &str) -> bool {
    !(plural == "events" && matches!(group, "" | "events.k8s.io"))
}

/// Whether a change of an object may change what it counts for.
#[must_use]
pub fn counts_changes(group: &str, plural: &str) -> bool {
    group.is_empty() && matches!(plural, "services" | "persistentvolumeclaims" | "pods")
}

/// `count/` and the kind, as quotas name it.
fn count_name(group: &str, plural: &str) -> String {
    if group.is_empty() {
        format!("count/{plural}")
    } else {
        format!("count/{plural}.{group}")
    }
}

/// Whether a resource of a quota is about objects of a kind.
#[must_use]
pub fn concerns(name: &str, group: &str, plural: &str) -> bool {
    if name == count_name(group, plural) {
        return true;
    }
    match (group, plural) {
        ("", "services") => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
        ("", "persistentvolumeclaims") => {
            let by_class = name.split_once(BY_CLASS).map(|(_, what)| what);
            matches!(name, "persistentvolumeclaims" | "requests.storage")
                || matches!(by_class, Some("persistentvolumeclaims" | "requests.storage"))
        }
        ("", "pods") => pods::is_resource(name),
        ("", plural) => name == plural && NAMED.contains(&plural),
        _ => false,
    }
}

/// What one object counts for.
#[must_use]
pub fn usage(group: &str, plural: &str, object: &Value, now: Timestamp) -> Amounts {
    let one = Quantity::count(1);
    let mut sum = Amounts::from([(count_name(group, plural), one)]);
    match (group, plural) {
        ("", "services") => service(object, &mut sum),
        ("", "persistentvolumeclaims") => claim(object, &mut sum),
        ("", "pods") => pods::usage(object, now, &mut sum),
        ("", plural) if NAMED.contains(&plural) => {
            sum.insert(plural.to_owned(), one);
        }
        _ => {}
    }
    sum
}

fn service(object: &Value, sum: &mut Amounts) {
    let text = object.pointer("/spec/type").and_then(Value::as_str).unwrap_or_default();
    let ports = object.pointer("/spec/ports").and_then(Value::as_array);
    let ports = ports.map(Vec::as_slice).unwrap_or_default();
    let allocates = object
        .pointer("/spec/allocateLoadBalancerNodePorts")
        .and_then(Value::as_bool)
        != Some(false);
    let (balancers, node_ports) = match text {
        "NodePort" => (0, ports.len()),
        "LoadBalancer" if allocates => (1, ports.len()),
        "LoadBalancer" => {
            let has_one = |port: &&Value| {
                port.get("nodePort")
                    .and_then(Value::as_i64)
                    .is_some_and(|port| port != 0)
            };
            (1, ports.iter().filter(has_one).count())
        }
        _ => (0, 0),
    };
    for (name, number) in [
        ("services", 1),
        ("services.loadbalancers", balancers),
        ("services.nodeports", node_ports),
    ] {
        sum.insert(name.to_owned(), Quantity::count(number));
    }
}

fn claim(object: &Value, sum: &mut Amounts) {
    let class = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get("volume.beta.kubernetes.io/storage-class"))
        .or_else(|| object.pointer("/spec/storageClassName"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut put = |name: &str, amount: Quantity| {
        sum.insert(name.to_owned(), amount);
        if !class.is_empty() {
            sum.insert(format!("{class}{BY_CLASS}{name}"), amount);
        }
    };
    put("persistentvolumeclaims", Quantity::count(1));
    let asked = object
        .pointer("/spec/resources/requests/storage")
        .and_then(Quantity::from_value);
    // A claim that grew and shrinks again holds what it was given until then.
    let given = object
        .pointer("/status/allocatedResources/storage")
        .and_then(Quantity::from_value);
    if let Some(most) = asked.max(given) {
        put("requests.storage", most);
    }
}

/// What of a ResourceQuota matters to one write.
#[derive(Clone, Debug)]
pub struct Quota {
    name: String,
    hard: Amounts,
    used: Amounts,
}

impl Quota {
    /// A quota as it stands, where it is about such an object.
    #[must_use]
    pub fn about(quota: &Value, group: &str, plural: &str, object: &Value) -> Option<Self> {
        let hard = amounts(quota.pointer("/status/hard"));
        let concerned = hard.keys().any(|name| concerns(name, group, plural));
        if !concerned || !scopes::holds(quota, group, plural, object) {
            return None;
        }
        let name = quota.pointer("/metadata/name").and_then(Value::as_str);
        Some(Self {
            name: name.unwrap_or_default().to_owned(),
            hard,
            used: amounts(quota.pointer("/status/used")),
        })
    }

    /// Whether what the quota counts can be counted of the object, and is counted already.
    ///
    /// # Errors
    /// The object does not say what it must, or nobody counted yet.
    pub fn is_ready(&self, group: &str, plural: &str, object: &Value) -> Result<(), String> {
        let restricted: Vec<&str> = self
            .hard
            .keys()
            .map(String::as_str)
            .filter(|name| concerns(name, group, plural))
            .collect();
        if (group, plural) == ("", "pods")
            && let Some(missing) = pods::unsaid(object, &restricted)
        {
            return Err(format!("failed quota: {}: must specify {missing}", self.name));
        }
        if restricted.iter().all(|name| self.used.contains_key(*name)) {
            return Ok(());
        }
        Err(format!(
            "status unknown for quota: {}, resources: {}",
            self.name,
            restricted.join(",")
        ))
    }

    /// Usage with the object; none where it changes nothing that this quota counts.
    ///
    /// # Errors
    /// There is no room.
    pub fn with(&self, more: &Amounts) -> Result<Option<Amounts>, String> {
        let asked: Amounts = more
            .iter()
            .filter(|(name, amount)| self.hard.contains_key(*name) && amount.is_positive())
            .map(|(name, amount)| (name.clone(), *amount))
            .collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let mut used = self.used.clone();
        add(&mut used, &asked);
        let over: Vec<&String> = asked
            .keys()
            .filter(|name| used.get(*name) > self.hard.get(*name))
            .collect();
        if over.is_empty() {
            return Ok(Some(used));
        }
        let told = |amounts: &Amounts| {
            let each = over.iter().map(|name| {
                let amount = amounts.get(*name).map(Quantity::canonical);
                format!("{name}={}", amount.unwrap_or_else(|| "0".to_owned()))
            });
            each.collect::<Vec<_>>().join(",")
        };
        Err(format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            self.name,
            told(&asked),
            told(&self.used),
            told(&self.hard)
        ))
    }
}

/// What an object counts for beyond what it counted for before.
#[must_use]
pub fn growth(new: Amounts, old: Option<&Amounts>) -> Amounts {
    let Some(old) = old else { return new };
    let grown = |(name, amount): (String, Quantity)| {
        let amount = old.get(&name).map_or(amount, |before| amount.less(*before));
        (name, amount)
    };
    new.into_iter().map(grown).collect()
}

/// Usage with something taken back.
#[must_use]
pub fn without(mut used: Amounts, gone: &Amounts) -> Amounts {
    for (name, amount) in gone {
        if let Some(before) = used.get_mut(name) {
            *before = before.less(*amount);
        }
    }
    used
}

/// A counted kind, by its group and plural, and its objects.
pub type Counted<'a, Objects> = (&'a str, &'a str, Objects);

/// The `status` of a quota, from all objects of its namespace. A resource of which `kinds` holds no kind is not counted.
#[must_use]
pub fn status<'a, Object: Borrow<Value>, Objects: IntoIterator<Item = Object>>(
    quota: &Value,
    kinds: impl IntoIterator<Item = Counted<'a, Objects>>,
    now: Timestamp,
) -> Value {
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or_default();
    let wanted = amounts(Some(&hard));
    let mut used = Amounts::new();
    for (group, plural, objects) in kinds {
        let names: Vec<&String> = wanted.keys().filter(|name| concerns(name, group, plural)).collect();
        if names.is_empty() || !is_counted(group, plural) {
            continue;
        }
        for name in &names {
            used.entry((*name).clone()).or_insert(Quantity::count(0));
        }
        for object in objects {
            let object = object.borrow();
            if scopes::holds(quota, group, plural, object) {
                let mut own = usage(group, plural, object, now);
                own.retain(|name, _| wanted.contains_key(name));
                add(&mut used, &own);
            }
        }
    }
    serde_json::json!({ "hard": hard, "used": written(&used) })
}

/// Amounts as JSON.
#[must_use]
pub fn written(amounts: &Amounts) -> Value {
    amounts
        .iter()
        .map(|(name, amount)| (name.clone(), Value::from(amount.canonical())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Whether every resource of `used` is at least what it was: nothing is given back.
#[must_use]
pub fn only_grows(before: &Value, after: &Value) -> bool {
    let (before, after) = (amounts(before.pointer("/status/used")), amounts(after.get("used")));
    before
        .iter()
        .all(|(name, amount)| after.get(name).is_none_or(|now| now >= amount))
}

#[cfg(test)]
mod tests;
