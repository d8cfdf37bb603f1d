//! Hostile packets: nothing panics, nothing answers a response, answers are well formed whatever was asked.

use std::net::IpAddr;
use std::sync::LazyLock;

use dns::snapshot::Snapshot;
use dns::wire::{Ask, Transport, answer};
use hickory_proto::op::Message;
use proptest::prelude::*;

use crate::fixture;

const WORLD: &str = "\
cluster us-1 us-east us-east-1a
cluster eu-1 eu-west
region us-east 10.0.0.0/8
service shop/web http/TCP/80
at shop/web us-1 192.0.2.1 2001:db8::1 endpoints=1
at shop/web eu-1 192.0.2.2 endpoints=1
";

fn ask(packet: &[u8]) -> Option<Vec<u8>> {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| fixture::snapshot(WORLD));
    let mut out = Vec::new();
    let ask = Ask {
        packet,
        source: IpAddr::from([10, 0, 0, 1]),
        transport: Transport::Udp,
        entropy: 0,
        millis: 1_700_000_000_000,
        age: 0,
    };
    answer(&SNAPSHOT, &fixture::settings(), &ask, &mut out).map(|_| out)
}

/// A whole query, to be damaged.
fn query() -> Vec<u8> {
    let mut bytes = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let name = dns::snapshot::WireName::parse("web.shop.fed.svc.us-east.meridian.internal").unwrap();
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 1]);
    bytes.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 1]);
    bytes
}

#[track_caller]
fn check_rcode(packet: &[u8], rcode: u8) {
    let reply = ask(packet).unwrap();
    assert_eq!(reply[3] & 15, rcode);
    assert_eq!(&reply[..2], &packet[..2]);
    Message::from_vec(&reply).unwrap();
}

#[test]
fn what_is_no_query_is_dropped_or_refused() {
    let good = query();
    let with = |at: usize, byte: u8| {
        let mut packet = good.clone();
        packet[at] = byte;
        packet
    };
    check_rcode(&good, 0);
    assert!(ask(&good[..11]).is_none(), "short packets are dropped");
    assert!(ask(&with(2, 0x81)).is_none(), "responses are dropped");
    check_rcode(&with(2, 0x29), 4); // opcode UPDATE
    let update = Message::from_vec(&ask(&with(2, 0x29)).unwrap());
    assert!(
        update.is_ok_and(|message| message.edns.is_some()),
        "OPT if asked, whatever the opcode"
    );
    check_rcode(&with(5, 0), 1); // no question
    check_rcode(&with(5, 2), 1); // two questions (RFC 9619)
    check_rcode(&with(12, 0xC0), 1); // a pointer where nothing is to point to
    check_rcode(&with(11, 2), 1); // a record that is not there
    let class = good.len() - 22 - 1;
    check_rcode(&with(class, 3), 5); // CHAOS
    let type_ = class - 2;
    check_rcode(&with(type_, 252), 5); // AXFR
    check_rcode(&with(type_, 250), 4); // TSIG as a question
    let version = good.len() - 22 + 6;
    let badvers = ask(&with(version, 1)).unwrap();
    assert_eq!(badvers[3] & 15, 0);
    assert_eq!(
        Message::from_vec(&badvers).unwrap().edns.unwrap().rcode_high(),
        1,
        "BADVERS"
    );
    let mut twice = good.clone();
    twice[11] = 2;
    twice.extend_from_slice(&good[good.len() - 22..]);
    check_rcode(&twice, 1); // two OPT records
    let scope = good.len() - 4;
    check_rcode(&with(scope, 8), 1); // a scope in a query
    check_rcode(&with(good.len() - 5, 23), 1); // a bit beyond the prefix: 10.1.1/23
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes(packet in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(reply) = ask(&packet) {
            prop_assert!(reply.len() >= 12 && reply.len() <= 1232);
            prop_assert!(packet.len() >= 12 && packet[2] & 0x80 == 0 && reply[2] & 0x80 != 0);
        }
    }

    #[test]
    fn damaged_queries(at in 0_usize..90, byte in any::<u8>(), cut in 0_usize..120) {
        let mut packet = query();
        if let Some(slot) = packet.get_mut(at) {
            *slot = byte;
        }
        packet.truncate(cut.max(12));
        if let Some(reply) = ask(&packet) {
            prop_assert!(reply.len() <= 1232);
            prop_assert!(Message::from_vec(&reply).is_ok() || at < 90);
        }
    }
}
