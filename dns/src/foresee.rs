//! What clients of each region would be answered, were the hub to say what is given here. For plans.
//!
//! In: objects of the hub as it has them or would have them, and the clusters whose data path is thought to be dead. Out: for
//! each Service and region the clusters that answer, by the compiler and the choice that serve queries. Absent: sockets, and
//! what probes see right now: an address that nobody thinks dead is thought to live.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::DynamicObject;

use crate::choose::{Candidate, Choice};
use crate::follow::{Facts, Kind, read};
use crate::snapshot::{Input, ProbeState, Zone, ZoneError, compile};

/// What the hub says, of what names depend on.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Services of all namespaces.
    pub services: Vec<DynamicObject>,
    /// Placements; those of other kinds do no harm.
    pub placements: Vec<DynamicObject>,
    /// Clusters.
    pub clusters: Vec<DynamicObject>,
    /// Regions.
    pub regions: Vec<DynamicObject>,
    /// DNSPolicies of all namespaces.
    pub policies: Vec<DynamicObject>,
}

/// By name and region (empty for clients of no known place): which clusters answer, sorted.
pub type Answers = BTreeMap<(String, String), BTreeSet<String>>;

/// What clients would be answered. What cannot be read is left out, as the server leaves it out.
///
/// # Errors
/// [`ZoneError`] where the zone or the federation's name is none.
pub fn foresee(zone: &str, federation: &str, said: &Said, dead: &BTreeSet<String>) -> Result<Answers, ZoneError> {
    let zone = Zone::new(zone, federation, None, None)?;
    let mut input = Input::default();
    let kinds = [
        (Kind::Service, &said.services),
        (Kind::Placement, &said.placements),
        (Kind::Cluster, &said.clusters),
        (Kind::Region, &said.regions),
        (Kind::DnsPolicy, &said.policies),
    ];
    for (kind, objects) in kinds {
        for seen in objects.iter().filter_map(|object| read(kind, object).ok()) {
            match seen.facts {
                Facts::Service(facts) => drop(input.services.insert(seen.key, facts)),
                Facts::Placement(facts) => drop(input.placements.insert(seen.key, facts)),
                Facts::Cluster(facts) => drop(input.clusters.insert(seen.key, facts)),
                Facts::Region(facts) => drop(input.regions.insert(seen.key, facts)),
                Facts::DnsPolicy(facts) => drop(input.policies.insert(seen.key, *facts)),
                Facts::Import(facts) => drop(input.imports.insert(seen.key, facts)),
                Facts::NotOurs => {}
            }
        }
    }
    let alive = compile(&zone, &input, 1);
    for service in alive.services.values() {
        for (target, _) in &service.targets {
            let of_dead = |one: &&Candidate| one.address == target.ip() && dead.contains(&one.cluster);
            if service.candidates.iter().any(|one| of_dead(&one)) {
                input.probes.insert(*target, ProbeState::Down);
            }
        }
    }
    let snapshot = compile(&zone, &input, 2);
    let mut answers = Answers::new();
    let places = snapshot.regions.iter().map(|region| region.name.clone());
    let places: Vec<String> = std::iter::once(String::new()).chain(places).collect();
    for service in snapshot.services.values() {
        for (place, choice) in places.iter().zip(&service.choices) {
            let clusters = |choice: &Choice| -> Vec<String> {
                let members = choice.groups.iter().flat_map(|group| &group.members);
                let found = members.filter_map(|index| service.candidates.get(*index));
                found.map(|candidate| candidate.cluster.clone()).collect()
            };
            let all = [clusters(&choice.v4), clusters(&choice.v6)].concat();
            answers.insert((service.name.to_string(), place.clone()), all.into_iter().collect());
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn objects(values: Vec<Value>) -> Vec<DynamicObject> {
        values
            .into_iter()
            .map(|value| serde_json::from_value(value).unwrap())
            .collect()
    }

    fn said(clusters: &[(&str, &str, &str)]) -> Said {
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        let member = |(name, region, _): &(&str, &str, &str)| json!({"metadata": {"name": name}, "spec": {"region": region}, "status": ready});
        let row = |(name, _, address): &(&str, &str, &str)| json!({"name": name, "applied": true, "addresses": [address], "readyEndpoints": 1});
        let target = |(name, _, _): &(&str, &str, &str)| json!({"name": name});
        let resource = json!({"apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "web"});
        Said {
            services: objects(vec![json!({"metadata": {"name": "web", "namespace": "shop"},
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]}})]),
            placements: objects(vec![json!({"metadata": {"name": "service-web", "namespace": "shop"},
                "spec": {"resource": resource, "clusters": clusters.iter().map(target).collect::<Vec<_>>()},
                "status": {"clusters": clusters.iter().map(row).collect::<Vec<_>>()}})]),
            clusters: objects(clusters.iter().map(member).collect()),
            regions: objects(vec![
                json!({"metadata": {"name": "us"}, "spec": {"cidrs": ["198.51.100.0/24"], "fallbacks": ["eu"]}}),
                json!({"metadata": {"name": "eu"}, "spec": {"cidrs": ["203.0.113.0/24"]}}),
            ]),
            policies: vec![],
        }
    }

    #[test]
    fn clients_of_a_dead_cluster_go_where_the_server_would_send_them() {
        let said = said(&[
            ("us-1", "us", "192.0.2.1"),
            ("eu-1", "eu", "192.0.2.2"),
            ("ap-1", "ap", "192.0.2.3"),
        ]);
        let answered = |dead: &[&str], region: &str| {
            let dead = dead.iter().map(|name| (*name).to_owned()).collect();
            let answers = foresee("meridian.internal", "fed", &said, &dead).unwrap();
            let found = answers.iter().find(|((_, place), _)| place == region);
            found
                .map(|(_, clusters)| clusters.iter().cloned().collect::<Vec<_>>().join(" "))
                .unwrap()
        };
        assert_eq!(answered(&[], "us"), "us-1");
        assert_eq!(answered(&["us-1"], "us"), "eu-1", "its region's fallback");
        assert_eq!(answered(&["us-1", "eu-1"], "us"), "ap-1");
        assert_eq!(answered(&["us-1"], "eu"), "eu-1", "nobody else is moved");
        assert!(foresee("not a zone", "fed", &said, &BTreeSet::new()).is_err());
    }
}
