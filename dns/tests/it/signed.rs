//! Signed zones, message by message: every set that is said with authority has its signature, and only for who asks.

use std::net::IpAddr;

use dns::snapshot::{Snapshot, WireName};
use dns::wire::{Ask, Settings, Transport, answer};
use dns::{Signers, ZoneKey};

use crate::fixture;

const WORLD: &str = "\
cluster us-1 us-east
cluster eu-1 eu-west
region us-east 10.0.0.0/8
service shop/web http/TCP/80 https/TCP/443
at shop/web us-1 192.0.2.1 2001:db8::1 endpoints=1
at shop/web eu-1 192.0.2.2 endpoints=1
";

const DO: u8 = 0x80;
const CO: u8 = 0x40;

fn settings() -> Settings {
    let key = ZoneKey::read(&ZoneKey::generate().unwrap()).unwrap();
    Settings {
        signers: Signers::new([(WireName::parse("meridian.internal").unwrap(), key)]),
        ..fixture::settings()
    }
}

/// Code, and the types of the records of the answer and authority sections, in their order.
fn ask(snapshot: &Snapshot, settings: &Settings, name: &str, type_: u16, flags: u8) -> (u8, Vec<u16>, Vec<u16>) {
    let mut packet = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    packet.extend_from_slice(WireName::parse(name).unwrap().as_bytes());
    packet.extend_from_slice(&type_.to_be_bytes());
    packet.extend_from_slice(&[0, 1, 0, 0, 41, 4, 208, 0, 0, flags, 0, 0, 0]);
    let mut out = Vec::new();
    let ask = Ask {
        packet: &packet,
        source: IpAddr::from([127, 0, 0, 1]),
        transport: Transport::Tcp,
        entropy: 5,
        millis: 1_700_000_000_000,
        age: 0,
    };
    answer(snapshot, settings, &ask, &mut out).unwrap();
    let count = |at: usize| usize::from(u16::from_be_bytes([out[at], out[at + 1]]));
    let mut at = 12 + WireName::parse(name).unwrap().as_bytes().len() + 4;
    let mut types = |count: usize| -> Vec<u16> {
        (0..count)
            .map(|_| {
                // Owners are pointers.
                let type_ = u16::from_be_bytes([out[at + 2], out[at + 3]]);
                at += 12 + usize::from(u16::from_be_bytes([out[at + 10], out[at + 11]]));
                type_
            })
            .collect()
    };
    let (answers, authorities) = (types(count(6)), types(count(8)));
    (out[3] & 15, answers, authorities)
}

#[test]
fn signatures_stand_behind_their_sets() {
    let (snapshot, settings) = (fixture::snapshot(WORLD), settings());
    let web = "web.shop.fed.svc.meridian.internal";
    let (a, ns, cname, soa, aaaa, srv, rrsig, nsec, dnskey, https) = (1, 2, 5, 6, 28, 33, 46, 47, 48, 65);
    for (name, type_, code, answers, authorities) in [
        (web, a, 0, vec![a, a, rrsig], vec![]),
        (web, aaaa, 0, vec![aaaa, rrsig], vec![]),
        (web, https, 0, vec![https, rrsig], vec![]),
        (web, 16, 0, vec![], vec![soa, rrsig, nsec, rrsig]),
        (
            "_http._tcp.web.shop.fed.svc.meridian.internal",
            srv,
            0,
            vec![srv, rrsig],
            vec![],
        ),
        (
            "web.shop.fed.svc.eu-west.meridian.internal",
            aaaa,
            0,
            vec![],
            vec![soa, rrsig, nsec, rrsig],
        ),
        ("svc.meridian.internal", a, 0, vec![], vec![soa, rrsig, nsec, rrsig]),
        ("none.meridian.internal", a, 0, vec![], vec![soa, rrsig, nsec, rrsig]),
        ("meridian.internal", dnskey, 0, vec![dnskey, rrsig], vec![]),
        ("meridian.internal", soa, 0, vec![soa, rrsig], vec![]),
        ("meridian.internal", ns, 0, vec![ns, rrsig], vec![]),
    ] {
        let got = ask(&snapshot, &settings, name, type_, DO);
        assert_eq!(got, (code, answers, authorities), "{name} {type_}");
        let (_, answers, authorities) = ask(&snapshot, &settings, name, type_, 0);
        let signs = |types: &[u16]| types.iter().any(|type_| [rrsig, nsec].contains(type_));
        assert!(
            !signs(&answers) && !signs(&authorities),
            "{name} {type_}: only for who asks"
        );
    }
    let down = fixture::snapshot(&WORLD.replace("192.0.2.2 endpoints=1", "192.0.2.2 endpoints=0"));
    let (_, answers, _) = ask(&down, &settings, "web.shop.fed.svc.eu-west.meridian.internal", a, DO);
    assert_eq!(answers, [cname, rrsig, a, rrsig]);
    // A zone without a key is as it was.
    let (_, answers, _) = ask(&snapshot, &settings, "dns-version.clusterset.local", 16, DO);
    assert_eq!(answers, [16]);
}

#[test]
fn missing_names_are_called_so_for_who_understands() {
    let (snapshot, settings) = (fixture::snapshot(WORLD), settings());
    let code = |flags| ask(&snapshot, &settings, "none.meridian.internal", 1, flags).0;
    assert_eq!([code(0), code(DO), code(DO | CO), code(CO)], [3, 0, 3, 3]);
}
