//! DNS queries over UDP and TCP, against a small federation.

use std::net::IpAddr;
use std::sync::LazyLock;

use dns::snapshot::{
    ClusterFacts, Input, PlacementFacts, PortFacts, RegionFacts, RowFacts, ServiceFacts, Snapshot, Zone,
};
use dns::wire::{Ask, CookieSecrets, Identity, Rcode, Settings, Transport, answer, parse};
use hickory_proto::op::Message;

/// Two clusters in two regions that both serve one Service.
static SNAPSHOT: LazyLock<Option<Snapshot>> = LazyLock::new(|| {
    let address = Some(IpAddr::from([127, 0, 0, 53]));
    let zone = Zone::new("meridian.internal", "fed", None, address).ok()?;
    Some(dns::snapshot::compile(&zone, &input(), 1))
});

fn input() -> Input {
    let mut input = Input::default();
    let mut placed = PlacementFacts::default();
    for (number, (cluster, region)) in [("us-1", "us-east"), ("eu-1", "eu-west")].into_iter().enumerate() {
        let host = u8::try_from(number).unwrap_or(0);
        let facts = ClusterFacts {
            region: Some(region.to_owned()),
            fresh: true,
            zones: vec![format!("{region}-1a")],
            ..ClusterFacts::default()
        };
        input.clusters.insert(cluster.to_owned(), facts);
        let facts = RegionFacts {
            cidrs: vec![format!("10.{number}.0.0/16"), format!("2001:db8:{number}::/48")],
            ..RegionFacts::default()
        };
        input.regions.insert(region.to_owned(), facts);
        placed.clusters.push(cluster.to_owned());
        placed.rows.push(RowFacts {
            cluster: cluster.to_owned(),
            addresses: vec![
                IpAddr::from([192, 0, 2, host]),
                IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host)]),
            ],
            ready_endpoints: Some(1),
        });
    }
    let port = PortFacts {
        name: "http".into(),
        protocol: "TCP".into(),
        port: 80,
        app_protocol: "https".into(),
    };
    let service = ServiceFacts {
        ports: vec![port],
        ..ServiceFacts::default()
    };
    input.services.insert("shop/web".to_owned(), service);
    input.placements.insert("shop/web".to_owned(), placed);
    input
}

/// An answer echoes its query, fits its transport, and is a message that another implementation reads.
pub(crate) fn query(packet: &[u8]) {
    let Some(snapshot) = SNAPSHOT.as_ref() else { return };
    let settings = Settings {
        identity: Identity::new("fuzz", "fuzz"),
        cookies: Some(CookieSecrets::one([7; 16])),
        ..Settings::default()
    };
    for (transport, most) in [
        (Transport::Udp, 1232),
        (Transport::Tcp, 65_535),
        (Transport::Https, 65_535),
    ] {
        let mut out = Vec::new();
        let source = IpAddr::from([10, 0, 0, 1]);
        let ask = Ask {
            packet,
            source,
            transport,
            entropy: 7,
            millis: 1_700_000_000_000,
            age: 100,
        };
        let Some(outcome) = answer(snapshot, &settings, &ask, &mut out) else {
            continue;
        };
        assert!(out.len() <= most, "{} bytes", out.len());
        assert_eq!(out.get(..2), packet.get(..2), "the id is the query's");
        assert!(out.get(2).is_some_and(|flags| flags & 0x80 != 0), "it is a response");
        if let Ok(query) = parse(packet) {
            assert_eq!(
                out.get(12..12 + query.question.len()),
                Some(query.question),
                "the question is echoed"
            );
            if outcome.rcode != Rcode::FormErr {
                let read = Message::from_vec(&out);
                // RFC 7871 lets a client that tells nothing of its address name family 0, and the answer repeats it; hickory
                // does not know it.
                let nameless = query
                    .edns
                    .and_then(|edns| edns.subnet)
                    .is_some_and(|subnet| subnet.client().is_none());
                assert!(read.is_ok() || nameless, "{read:?} of {out:?}");
            }
        }
        let mut again = Vec::new();
        answer(snapshot, &settings, &ask, &mut again);
        assert_eq!(out, again, "the same query has the same answer");
    }
}
