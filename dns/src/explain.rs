//! Why a client gets an answer: the steps of the chain in words, and the answer itself, made by the code that serves it.

use std::net::IpAddr;

use hickory_proto::op::Message;

use crate::choose::{Candidate, Family, Usable};
use crate::snapshot::{CompiledService, Found, Level, NameError, Node, NodeKind, Snapshot, Standing, WireName, types};
use crate::wire::{Ask, Settings, Transport, answer};

/// Why a client gets an answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The name that was asked for.
    pub name: String,
    /// The client.
    pub client: IpAddr,
    /// The client's region; none where its place is unknown.
    pub region: Option<String>,
    /// Prefix length around the client within which everyone is in that place.
    pub scope: u8,
    /// Version of the snapshot.
    pub version: u64,
    /// How the answer was reached, one sentence a step.
    pub steps: Vec<String>,
    /// Response code.
    pub rcode: String,
    /// Records that are answered to A and AAAA questions (SRV for names that begin with an underscore), as text.
    pub answers: Vec<String>,
}

/// Explains what a client at an address is answered for a name.
///
/// # Errors
/// [`NameError`] where the name is none.
pub fn explain(snapshot: &Snapshot, name: &str, client: IpAddr) -> Result<Explanation, NameError> {
    let wire_name = WireName::parse(name)?;
    let located = snapshot.map.locate(client);
    let region = usize::from(located.place)
        .checked_sub(1)
        .and_then(|index| snapshot.regions.get(index));
    let mut steps = vec![match region {
        Some(region) => format!("client {client}: region {} (its /{})", region.name, located.scope),
        None => format!("client {client}: no region's networks hold it (its /{})", located.scope),
    }];
    walk(snapshot, &wire_name, usize::from(located.place), &mut steps);
    let mut answers: Vec<String> = Vec::new();
    let mut rcode = String::new();
    // Names that begin with an underscore are SRV names (RFC 2782).
    let types: &[u16] = if name.starts_with('_') {
        &[types::SRV]
    } else {
        &[types::A, types::AAAA]
    };
    for type_ in types {
        let (code, records) = ask(snapshot, &wire_name, *type_, client);
        rcode = code;
        for record in records {
            // Both questions go through the same alias.
            if !answers.contains(&record) {
                answers.push(record);
            }
        }
    }
    let region = region.map(|region| region.name.clone());
    Ok(Explanation {
        name: wire_name.to_string(),
        client,
        region,
        scope: located.scope,
        version: snapshot.version,
        steps,
        rcode,
        answers,
    })
}

/// Asks the snapshot as a client would, and reads the answer with a parser that is not ours.
fn ask(snapshot: &Snapshot, name: &WireName, type_: u16, client: IpAddr) -> (String, Vec<String>) {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name.as_bytes());
    query.extend_from_slice(&type_.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    let mut out = Vec::new();
    let ask = Ask {
        packet: &query,
        source: client,
        transport: Transport::Tcp,
        entropy: 0,
        millis: 0,
        age: 0,
    };
    let Some(outcome) = answer(snapshot, &Settings::default(), &ask, &mut out) else {
        return ("no answer".into(), Vec::new());
    };
    let records = Message::from_vec(&out)
        .map(|message| message.answers)
        .unwrap_or_default();
    (
        outcome.rcode.as_str().into(),
        records.iter().map(ToString::to_string).collect(),
    )
}

/// The node chain from a name, in words.
fn walk(snapshot: &Snapshot, name: &WireName, place: usize, steps: &mut Vec<String>) {
    let Some(zone) = snapshot.zones.find(name.as_bytes()) else {
        steps.push(format!(
            "{name} is in no zone of this server, such as {}: refused",
            snapshot.zone.apex
        ));
        return;
    };
    if zone.standing != Standing::Served {
        steps.push("nothing is known yet, neither from the hub nor from disk: server failure".into());
        return;
    }
    let mut name = name.clone();
    loop {
        let node = match zone.table.find(name.as_bytes()) {
            Found::Node(node) => node,
            Found::Empty => return steps.push(format!("{name} has nothing itself, but names below it: no data")),
            Found::Missing => {
                return steps.push(format!("{name}: no Service, region, zone or cluster gives this name"));
            }
        };
        let service = node.service.as_ref().and_then(|key| snapshot.services.get(key));
        match (&node.kind, service) {
            (NodeKind::Alias { target, .. }, _) => {
                steps.push(format!(
                    "{name} ({}): no address there may be answered, so it leads to {target}",
                    words(node)
                ));
                name = target.clone();
            }
            (NodeKind::Data(_), Some(service)) => return data(service, node, &name, place, steps),
            (NodeKind::Cut { .. } | NodeKind::Redirect { .. }, _) => {
                return steps.push(format!("{name} leads to another zone"));
            }
            (NodeKind::Data(_), None) => return steps.push(format!("{name} is a name of the zone itself")),
        }
    }
}

fn words(node: &Node) -> String {
    match &node.level {
        Level::Zone => "the zone".into(),
        Level::Global => "the global name".into(),
        Level::Region(region) => format!("the name in region {region}"),
        Level::AvailabilityZone(az, region) => format!("the name in zone {az} of region {region}"),
        Level::Cluster(cluster) => format!("the name in cluster {cluster}"),
        Level::ClusterSet => "the name for clusters".into(),
    }
}

fn data(service: &CompiledService, node: &Node, name: &WireName, place: usize, steps: &mut Vec<String>) {
    let policy = service
        .policy
        .as_ref()
        .map_or("no DNSPolicy applies".into(), |policy| format!("DNSPolicy {policy}"));
    steps.push(format!(
        "{name} is {} of Service {}; {policy}; steering {:?}",
        words(node),
        service.key,
        service.steer.steering
    ));
    for candidate in &service.candidates {
        let region = candidate.region.as_deref().unwrap_or("no region");
        steps.push(format!(
            "{} of cluster {} ({region}): {}",
            candidate.address,
            candidate.cluster,
            candidate.said()
        ));
    }
    if service.candidates.is_empty() {
        steps.push("no cluster has given an address of this Service".into());
    }
    let choice = service.choices.get(place);
    let families = [
        (Family::V4, "IPv4", &service.usable_v4, choice.map(|choice| &choice.v4)),
        (Family::V6, "IPv6", &service.usable_v6, choice.map(|choice| &choice.v6)),
    ];
    for (family, label, usable, choice) in families {
        if !service
            .candidates
            .iter()
            .any(|candidate| Family::of(candidate.address) == family)
        {
            continue;
        }
        steps.push(format!("{label}: {}", usable.belief));
        if let (Level::Global | Level::ClusterSet, Some(choice)) = (&node.level, choice) {
            steps.push(format!(
                "{label}: {}: {}",
                choice.because,
                listed(service, usable, choice)
            ));
        }
    }
}

fn listed(service: &CompiledService, usable: &Usable, choice: &crate::choose::Choice) -> String {
    let address = |index: &usize| {
        service
            .candidates
            .get(*index)
            .map(|c: &Candidate| c.address.to_string())
    };
    let groups: Vec<String> = choice
        .groups
        .iter()
        .map(|group| group.members.iter().filter_map(address).collect::<Vec<_>>().join(", "))
        .collect();
    if groups.is_empty() {
        format!("{} usable", usable.members.len())
    } else {
        groups.join(" or ")
    }
}
