//! Compiling what changed gives what compiling everything gives.

use std::net::IpAddr;

use dns::snapshot::{
    Compiler, Dirty, Found, Input, NodeKind, PlacementFacts, RowFacts, ServiceFacts, Snapshot, compile,
};
use proptest::prelude::*;

use crate::fixture;

const BASE: &str = "\
cluster us-1 us-east us-east-1a us-east-1b
cluster eu-1 eu-west eu-west-1a
region us-east 10.0.0.0/8 >eu-west
region eu-west 172.16.0.0/12 >us-east
";

/// What happens to one of a few Services.
#[derive(Clone, Debug)]
enum Change {
    Put {
        service: u8,
        us: Option<u8>,
        eu: Option<u8>,
    },
    Remove {
        service: u8,
    },
    Probe {
        octet: u8,
    },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0_u8..4, prop::option::of(0_u8..3), prop::option::of(0_u8..3)).prop_map(|(service, us, eu)| Change::Put {
            service,
            us,
            eu
        }),
        (0_u8..4).prop_map(|service| Change::Remove { service }),
        (0_u8..3).prop_map(|octet| Change::Probe { octet }),
    ]
}

fn key(service: u8) -> String {
    format!("{}/s{service}", if service < 2 { "a" } else { "b" })
}

fn apply(input: &mut Input, change: &Change) -> Dirty {
    match change {
        Change::Put { service, us, eu } => {
            let key = key(*service);
            let ports = fixture::input("service x/y http/TCP/80")
                .services
                .remove("x/y")
                .unwrap()
                .ports;
            input.services.insert(
                key.clone(),
                ServiceFacts {
                    ports,
                    ..ServiceFacts::default()
                },
            );
            let row = |cluster: &str, endpoints: &Option<u8>| {
                endpoints.map(|count| RowFacts {
                    cluster: cluster.into(),
                    addresses: vec![IpAddr::from([192, 0, 2, *service])],
                    ready_endpoints: Some(i64::from(count)),
                })
            };
            let rows: Vec<RowFacts> = row("eu-1", eu).into_iter().chain(row("us-1", us)).collect();
            let clusters = rows.iter().map(|row| row.cluster.clone()).collect();
            input.placements.insert(key.clone(), PlacementFacts { clusters, rows });
            Dirty {
                services: [key].into(),
                ..Dirty::default()
            }
        }
        Change::Remove { service } => {
            input.services.remove(&key(*service));
            Dirty {
                services: [key(*service)].into(),
                ..Dirty::default()
            }
        }
        Change::Probe { octet } => {
            let target = std::net::SocketAddr::from(([192, 0, 2, *octet], 80));
            if input.probes.remove(&target).is_none() {
                input.probes.insert(target, dns::snapshot::ProbeState::Down);
            }
            Dirty {
                services: [key(*octet)].into(),
                ..Dirty::default()
            }
        }
    }
}

/// Every name of both snapshots is the same in both.
fn same(a: &Snapshot, b: &Snapshot) {
    assert_eq!(a.services, b.services);
    assert_eq!(a.federation.table.len(), b.federation.table.len());
    for suffix in ["", "us-east.", "eu-west.", "us-east-1b.us-east.", "eu-west-1a.eu-west."] {
        for service in 0..4 {
            let (namespace, name) = key(service)
                .split_once('/')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap();
            for prefix in ["", "us-1.", "eu-1.", "_http._tcp.", "_tcp."] {
                for text in [
                    format!("{prefix}{name}.{namespace}.fed.svc.{suffix}meridian.internal"),
                    format!("{namespace}.fed.svc.{suffix}meridian.internal"),
                    format!("svc.{suffix}meridian.internal"),
                ] {
                    let wire = dns::snapshot::WireName::parse(&text).unwrap();
                    let word = |snapshot: &Snapshot| match snapshot.federation.table.find(wire.as_bytes()) {
                        Found::Node(node) => match &node.kind {
                            NodeKind::Alias { target, .. } => format!("alias {target}"),
                            NodeKind::Data(sets) => format!("{sets:?}"),
                            other => panic!("{other:?}"),
                        },
                        Found::Empty => "empty".into(),
                        Found::Missing => "missing".into(),
                    };
                    assert_eq!(word(a), word(b), "{text}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_changed_is_enough(changes in prop::collection::vec(change(), 1..20)) {
        let mut input = fixture::input(BASE);
        let mut compiler = Compiler::new(fixture::zone());
        compiler.rebuild(&input, &Dirty::everything(), 1);
        let mut last = None;
        for (version, change) in changes.iter().enumerate() {
            let dirty = apply(&mut input, change);
            last = Some(compiler.rebuild(&input, &dirty, version as u64));
        }
        same(&last.unwrap(), &compile(&fixture::zone(), &input, 0));
    }
}
