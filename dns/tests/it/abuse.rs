//! Cookies and limits together: who may be a victim is limited, who proves its address is not.

use std::net::IpAddr;

use dns::wire::{
    Ask, CookieSecrets, Identity, Limiter, Outcome, RateLimit, Rcode, Settings, Transport, Verdict, answer,
};

use crate::fixture;

const WORLD: &str = "cluster us-1 us-east\nservice shop/web\nat shop/web us-1 192.0.2.1 endpoints=1\n";
const NAME: &str = "web.shop.fed.svc.meridian.internal";
const CLIENT: [u8; 8] = *b"abcdefgh";

fn settings(per_second: u32, slip: u32, dry_run: bool) -> Settings {
    Settings {
        identity: Identity::default(),
        cookies: Some(CookieSecrets::one([9; 16])),
        limiter: Limiter::new(RateLimit {
            per_second,
            slip,
            exempt: vec!["10.0.0.0/8".parse().unwrap()],
            dry_run,
        }),
        ..Settings::default()
    }
}

/// A query for a name's addresses with options; no question where the name is empty.
fn query(name: &str, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0, 7, 1, 0, 0, u8::from(!name.is_empty()), 0, 0, 0, 0, 0, 1];
    if !name.is_empty() {
        bytes.extend_from_slice(dns::snapshot::WireName::parse(name).unwrap().as_bytes());
        bytes.extend_from_slice(&[0, 1, 0, 1]);
    }
    let data: Vec<u8> = options
        .iter()
        .flat_map(|(code, data)| {
            let length = u16::try_from(data.len()).unwrap();
            [&code.to_be_bytes()[..], &length.to_be_bytes(), data].concat()
        })
        .collect();
    bytes.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0]);
    bytes.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
    bytes.extend(data);
    bytes
}

fn ask(settings: &Settings, packet: &[u8], source: &str, transport: Transport, entropy: u32) -> (Outcome, Vec<u8>) {
    let snapshot = fixture::snapshot(WORLD);
    let source: IpAddr = source.parse().unwrap();
    let ask = Ask {
        packet,
        source,
        transport,
        entropy,
        millis: 1_700_000_000_000,
        age: 0,
    };
    let mut out = Vec::new();
    let outcome = answer(&snapshot, settings, &ask, &mut out).unwrap();
    (outcome, out)
}

/// The server's part of the cookie in an answer, which is the last option of it.
fn cookie(reply: &[u8]) -> Vec<u8> {
    let at = reply.windows(8).position(|bytes| bytes == CLIENT).unwrap();
    assert_eq!(&reply[at - 4..at], [0, 10, 0, 24], "option 10 of 24 bytes");
    reply[at + 8..at + 24].to_vec()
}

#[test]
fn above_the_limit_answers_are_dropped_or_sent_empty() {
    let settings = settings(2, 2, false);
    let verdicts: Vec<(Verdict, usize)> = (1..=6)
        .map(|entropy| {
            let (outcome, reply) = ask(&settings, &query(NAME, &[]), "192.0.2.9", Transport::Udp, entropy);
            (
                outcome.verdict,
                usize::from(reply.get(2).is_some_and(|flags| flags & 2 != 0)),
            )
        })
        .collect();
    use Verdict::{Drop, Send, Truncate};
    assert_eq!(
        verdicts,
        [(Send, 0), (Send, 0), (Drop, 0), (Truncate, 1), (Drop, 0), (Truncate, 1)]
    );
    let (_, slipped) = ask(&settings, &query(NAME, &[]), "192.0.2.9", Transport::Udp, 2);
    assert_eq!(slipped[6..12], [0, 0, 0, 0, 0, 1], "nothing but the OPT record");
    for (source, transport) in [
        ("192.0.2.9", Transport::Tcp),
        ("10.1.2.3", Transport::Udp),
        ("192.0.3.9", Transport::Udp),
    ] {
        let (outcome, _) = ask(&settings, &query(NAME, &[]), source, transport, 1);
        assert_eq!(outcome.verdict, Send, "{source}");
    }
}

#[test]
fn a_flood_of_missing_names_is_one_thing() {
    let settings = settings(3, 0, false);
    let dropped = (0..10)
        .filter(|n| {
            let packet = query(&format!("x{n}.meridian.internal"), &[]);
            let (outcome, _) = ask(&settings, &packet, "192.0.2.9", Transport::Udp, 1);
            assert_eq!(outcome.rcode, Rcode::NxDomain);
            outcome.verdict == Verdict::Drop
        })
        .count();
    assert_eq!(dropped, 7);
}

#[test]
fn a_cookie_of_ours_is_not_limited_and_a_forged_one_is() {
    let settings = settings(1, 0, false);
    let (_, first) = ask(
        &settings,
        &query(NAME, &[(10, &CLIENT)]),
        "192.0.2.9",
        Transport::Udp,
        1,
    );
    let ours = [&CLIENT[..], &cookie(&first)].concat();
    let mut forged = ours.clone();
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..5 {
        let (outcome, reply) = ask(&settings, &query(NAME, &[(10, &ours)]), "192.0.2.9", Transport::Udp, 1);
        assert_eq!(outcome.verdict, Verdict::Send);
        assert_eq!(cookie(&reply), ours[8..], "it is kept while it is young");
        let (outcome, _) = ask(
            &settings,
            &query(NAME, &[(10, &forged)]),
            "192.0.2.9",
            Transport::Udp,
            1,
        );
        assert_eq!(outcome.verdict, Verdict::Drop);
        let (outcome, _) = ask(&settings, &query(NAME, &[(10, &ours)]), "192.0.2.10", Transport::Udp, 1);
        assert_eq!(outcome.verdict, Verdict::Drop, "it is another address's cookie");
    }
}

#[test]
fn cookies_without_a_question_and_malformed_options() {
    let settings = settings(0, 0, false);
    let rcode = |packet: &[u8]| {
        let (outcome, reply) = ask(&settings, packet, "192.0.2.9", Transport::Udp, 1);
        assert_eq!(u16::from(reply[3] & 15), outcome.rcode.number());
        assert_eq!(reply[11], 1, "an OPT record");
        (outcome.rcode, reply)
    };
    let (code, reply) = rcode(&query("", &[(10, &CLIENT)]));
    assert_eq!((code, reply[5]), (Rcode::NoError, 0));
    cookie(&reply);
    assert_eq!(rcode(&query("", &[])).0, Rcode::FormErr);
    for length in [0, 7, 9, 15, 41] {
        assert_eq!(
            rcode(&query(NAME, &[(10, &vec![1; length])])).0,
            Rcode::FormErr,
            "{length}"
        );
    }
    for length in [8, 16, 40] {
        assert_eq!(
            rcode(&query(NAME, &[(10, &vec![1; length])])).0,
            Rcode::NoError,
            "{length}"
        );
    }
    let subnet: (u16, &[u8]) = (8, &[0, 1, 24, 0, 10, 1, 1]);
    assert_eq!(rcode(&query(NAME, &[subnet])).0, Rcode::NoError);
    assert_eq!(
        rcode(&query(NAME, &[subnet, subnet])).0,
        Rcode::FormErr,
        "two client subnets"
    );
}

#[test]
fn a_trial_of_limits_limits_nobody() {
    let settings = settings(1, 2, true);
    let verdicts: Vec<Verdict> = (0..3)
        .map(|entropy| {
            let (outcome, reply) = ask(&settings, &query(NAME, &[]), "192.0.2.9", Transport::Udp, entropy);
            assert_eq!(reply[7], 1, "the answer is whole");
            outcome.verdict
        })
        .collect();
    assert_eq!(verdicts, [Verdict::Send, Verdict::Tried, Verdict::Tried]);
}

#[test]
fn client_subnets_may_be_kept_out() {
    use dns::wire::SubnetUse;
    let packet = query(NAME, &[(8, &[0, 1, 24, 0, 10, 1, 1])]);
    for (subnet, echoed) in [
        (SubnetUse::Use, true),
        (SubnetUse::Echo, true),
        (SubnetUse::Ignore, false),
    ] {
        let settings = Settings {
            subnet,
            ..Settings::default()
        };
        let (_, reply) = ask(&settings, &packet, "192.0.2.9", Transport::Udp, 1);
        let has = reply.ends_with(&[0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 1]);
        assert_eq!(has, echoed, "{subnet:?}");
    }
}

/// Seconds without the hub are told, but only from a minute on.
#[test]
fn old_answers_say_how_old_they_are() {
    let snapshot = fixture::snapshot(WORLD);
    let told = |age| {
        let mut out = Vec::new();
        let packet = query(NAME, &[]);
        let ask = Ask {
            packet: &packet,
            source: "192.0.2.9".parse().unwrap(),
            transport: Transport::Udp,
            entropy: 0,
            millis: 0,
            age,
        };
        answer(&snapshot, &Settings::default(), &ask, &mut out).unwrap();
        assert_eq!(out[7], 1, "it is an answer all the same");
        String::from_utf8_lossy(&out).contains("hub not heard for 75 s")
    };
    assert!(!told(59) && told(75));
}
