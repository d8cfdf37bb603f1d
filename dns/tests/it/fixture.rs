//! Worlds in a few words: the head of a dialogue file read into an `Input`.

use std::collections::BTreeMap;

use dns::snapshot::{
    ClusterFacts, ImportFacts, Input, OverrideFacts, PlacementFacts, PortFacts, ProbeState, RegionFacts, RowFacts,
    ServiceFacts, Snapshot, Zone, compile,
};

use dns::wire::{CookieSecrets, Identity, Settings};

/// The zone of every test.
pub(crate) fn zone() -> Zone {
    Zone::new("meridian.internal", "fed", None, Some("127.0.0.53".parse().unwrap())).unwrap()
}

/// How the servers of tests answer.
pub(crate) fn settings() -> Settings {
    Settings {
        identity: Identity::new("dns-test", "Meridian test"),
        cookies: Some(CookieSecrets::one(*b"0123456789abcdef")),
        ..Settings::default()
    }
}

/// A snapshot of a world.
pub(crate) fn snapshot(world: &str) -> Snapshot {
    compile(&zone(), &input(world), 1)
}

/// Reads a world:
/// `cluster NAME REGION|- [ZONE...] [stale] [drained] [shared=IP] [override=*|IP/Down|Up/UNTIL]`, `region NAME [CIDR...] [>FALLBACK...]`,
/// `service NS/NAME [PORT/PROTO/NUMBER...]`, `at NS/NAME CLUSTER [IP...] [endpoints=N]`, `leaving NS/NAME CLUSTER`,
/// `import NS/NAME [headless] [ip=IP...] [PORT/PROTO/NUMBER...]`, `policy NS/NAME JSON`, `probe IP:PORT up|down`.
pub(crate) fn input(world: &str) -> Input {
    let mut input = Input::default();
    for line in world
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let (verb, name) = (words.next().unwrap(), words.next().unwrap().to_owned());
        match verb {
            "cluster" => {
                let region = words.next().filter(|region| *region != "-").map(ToOwned::to_owned);
                let mut facts = ClusterFacts {
                    region,
                    fresh: true,
                    ..ClusterFacts::default()
                };
                for word in words {
                    if word == "stale" {
                        facts.fresh = false;
                    } else if word == "drained" {
                        facts.drained = true;
                    } else if let Some(text) = word.strip_prefix("override=") {
                        facts.overrides.push(said(text));
                    } else if let Some(address) = word.strip_prefix("shared=") {
                        facts.addresses.push(address.parse().unwrap());
                    } else {
                        facts.zones.push(word.to_owned());
                    }
                }
                input.clusters.insert(name, facts);
            }
            "region" => {
                let mut facts = RegionFacts::default();
                for word in words {
                    match word.strip_prefix('>') {
                        Some(fallback) => facts.fallbacks.push(fallback.to_owned()),
                        None => facts.cidrs.push(word.to_owned()),
                    }
                }
                input.regions.insert(name, facts);
            }
            "service" => {
                let ports = words.map(port);
                let facts = ServiceFacts {
                    labels: BTreeMap::new(),
                    ports: ports.collect(),
                };
                input.services.insert(name, facts);
            }
            "at" => {
                let cluster = words.next().unwrap().to_owned();
                let mut row = RowFacts {
                    cluster: cluster.clone(),
                    ..RowFacts::default()
                };
                for word in words {
                    match word.strip_prefix("endpoints=") {
                        Some(count) => row.ready_endpoints = Some(count.parse().unwrap()),
                        None => row.addresses.push(word.parse().unwrap()),
                    }
                }
                let placement: &mut PlacementFacts = input.placements.entry(name).or_default();
                placement.clusters.push(cluster);
                placement.rows.push(row);
            }
            "import" => {
                let mut facts = ImportFacts::default();
                for word in words {
                    match word.strip_prefix("ip=") {
                        Some(address) => facts.addresses.push(address.parse().unwrap()),
                        None if word == "headless" => facts.headless = true,
                        None => facts.ports.push(port(word)),
                    }
                }
                input.imports.insert(name, facts);
            }
            "leaving" => {
                let cluster = words.next().unwrap();
                input
                    .placements
                    .get_mut(&name)
                    .unwrap()
                    .clusters
                    .retain(|known| known != cluster);
            }
            "policy" => {
                let json = line.split_once(&name).unwrap().1;
                input.policies.insert(name, serde_json::from_str(json).unwrap());
            }
            "probe" => {
                let state = if words.next().unwrap() == "up" {
                    ProbeState::Up
                } else {
                    ProbeState::Down
                };
                input.probes.insert(name.parse().unwrap(), state);
            }
            other => panic!("{other}: {line}"),
        }
    }
    input
}

fn port(word: &str) -> PortFacts {
    let parts: Vec<&str> = word.split('/').collect();
    PortFacts {
        name: parts[0].into(),
        protocol: parts[1].into(),
        port: parts[2].parse().unwrap(),
        app_protocol: parts.get(3).copied().unwrap_or_default().into(),
    }
}

fn said(text: &str) -> OverrideFacts {
    let parts: Vec<&str> = text.split('/').collect();
    OverrideFacts {
        address: (parts[0] != "*").then(|| parts[0].parse().unwrap()),
        serving: serde_json::from_value(parts[1].into()).unwrap(),
        until: parts[2].parse().unwrap(),
        note: format!("until {}", parts[2]),
    }
}
