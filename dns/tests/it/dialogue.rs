//! Dialogues: files of a world, then questions with the answers expected, rule by rule. Each runs in memory; those without
//! probe states run again over UDP and TCP. `DIALOGUES=write` writes what is answered into the files, for review.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dns::snapshot::{Input, compile};
use dns::wire::{Ask, Transport, answer};
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::fixture;
use crate::server::Running;

/// One exchange of a file: the question's line and the answer's lines.
struct Exchange {
    question: String,
    expected: String,
}

struct Dialogue {
    path: PathBuf,
    world: String,
    exchanges: Vec<(Vec<String>, Exchange)>,
}

fn dialogues() -> Vec<Dialogue> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Dialogue {
    let text = std::fs::read_to_string(&path).unwrap();
    let (world, talk) = text.split_once("\n---\n").unwrap();
    let mut exchanges: Vec<(Vec<String>, Exchange)> = Vec::new();
    let mut comments = Vec::new();
    for line in talk.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            comments.push(line.to_owned());
        } else if let Some(question) = line.strip_prefix("? ") {
            let exchange = Exchange {
                question: question.into(),
                expected: String::new(),
            };
            exchanges.push((std::mem::take(&mut comments), exchange));
        } else {
            let expected = &mut exchanges.last_mut().unwrap().1.expected;
            expected.push_str(line);
            expected.push('\n');
        }
    }
    Dialogue {
        path,
        world: world.to_owned(),
        exchanges,
    }
}

/// The time of every question in memory.
const MILLIS: u64 = 1_700_000_000_000;

/// `NAME TYPE [class=CH] [subnet=CIDR] [from=IP] [size=N|plain] [do] [cookie=HEX] [nsid] [keepalive] [option=N]`.
fn question(line: &str) -> (Vec<u8>, IpAddr, Transport) {
    let mut words = line.split_whitespace();
    let (name, type_) = (words.next().unwrap(), words.next().unwrap());
    let mut message = Message::query();
    message.metadata.id = 7;
    let type_ = match type_.strip_prefix("TYPE") {
        Some(number) => RecordType::from(number.parse::<u16>().unwrap()),
        None => RecordType::from_str(type_).unwrap(),
    };
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), type_));
    let mut edns = Some(Edns::new());
    let (mut source, mut transport) = (IpAddr::from([127, 0, 0, 1]), Transport::Udp);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("subnet", cidr) => {
                let subnet = ClientSubnet::from_str(cidr).unwrap();
                edns.as_mut().unwrap().options_mut().insert(EdnsOption::Subnet(subnet));
            }
            ("from", address) => source = address.parse().unwrap(),
            ("size", size) => drop(edns.as_mut().unwrap().set_max_payload(size.parse().unwrap())),
            ("plain", _) => edns = None,
            ("class", class) => {
                message.queries[0].set_query_class(DNSClass::from_str(class).unwrap());
            }
            ("do", _) => drop(edns.as_mut().unwrap().set_dnssec_ok(true)),
            ("cookie", hex) => {
                let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
                option(&mut edns, 10, bytes.collect());
            }
            ("nsid", _) => option(&mut edns, 3, vec![]),
            ("keepalive", _) => option(&mut edns, 11, vec![]),
            ("option", code) => option(&mut edns, code.parse().unwrap(), vec![1, 2, 3]),
            ("tcp", _) => transport = Transport::Tcp,
            (other, _) => panic!("{other}"),
        }
    }
    message.edns = edns;
    (message.to_vec().unwrap(), source, transport)
}

fn option(edns: &mut Option<Edns>, code: u16, data: Vec<u8>) {
    let options = edns.as_mut().unwrap().options_mut();
    options.insert(EdnsOption::try_from((EdnsCode::from(code), data.as_slice())).unwrap());
}

/// An option of an answer, in words.
fn said(option: &EdnsOption) -> String {
    match option {
        // hickory keeps the fields to itself, but encodes them: family, source, scope.
        EdnsOption::Subnet(subnet) => format!("scope={}", Vec::<u8>::try_from(subnet).unwrap()[3]),
        EdnsOption::NSID(id) => format!("nsid={}", String::from_utf8_lossy(id.as_ref())),
        // The server's part is of the time and the address.
        EdnsOption::Unknown(10, data) => format!("cookie={}+{}", data[..8].escape_ascii(), data.len() - 8),
        EdnsOption::Unknown(11, data) => format!("keepalive={}", u16::from_be_bytes([data[0], data[1]])),
        EdnsOption::Unknown(15, data) => {
            let text = String::from_utf8_lossy(&data[2..]).replace(' ', "_");
            format!("ede={}{text}", u16::from_be_bytes([data[0], data[1]]))
        }
        other => panic!("{other:?}"),
    }
}

fn record(record: &Record) -> String {
    let data = match &record.data {
        // The serial is the snapshot's version.
        RData::SOA(soa) => format!("{} {} negative={}", soa.mname, soa.rname, soa.minimum),
        data => data.to_string(),
    };
    format!("{} {} {} {data}", record.name, record.ttl, record.record_type())
}

/// An answer as the files have it.
fn rendered(query: &[u8], reply: &[u8]) -> String {
    let (asked, message) = (Message::from_vec(query).unwrap(), Message::from_vec(reply).unwrap());
    assert_eq!(message.metadata.id, 7);
    assert_eq!(
        asked.queries[0].name().to_ascii(),
        message.queries[0].name().to_ascii(),
        "the question keeps its case"
    );
    assert_eq!(asked.edns.is_some(), message.edns.is_some(), "OPT if and only if asked");
    let mut text = format!("{:?}", message.metadata.response_code).to_uppercase();
    for (flag, set) in [
        ("aa", message.metadata.authoritative),
        ("tc", message.metadata.truncation),
    ] {
        if set {
            write!(text, " {flag}").unwrap();
        }
    }
    assert!(!message.metadata.recursion_available && !message.metadata.authentic_data);
    if let Some(edns) = &message.edns {
        assert_eq!(edns.max_payload(), 1232);
        assert_eq!(
            edns.flags().dnssec_ok,
            asked.edns.as_ref().unwrap().flags().dnssec_ok,
            "the DO bit is repeated"
        );
        for (_, option) in edns.options().as_ref() {
            write!(text, " {}", said(option)).unwrap();
        }
    }
    text.push('\n');
    let sections = [
        ("", &message.answers),
        ("authority ", &message.authorities),
        ("additional ", &message.additionals),
    ];
    for (label, records) in sections {
        let (chain, mut lines): (Vec<String>, Vec<String>) =
            records.iter().map(record).partition(|line| line.contains(" CNAME "));
        lines.sort();
        for line in chain.into_iter().chain(lines) {
            writeln!(text, "{label}{line}").unwrap();
        }
    }
    text
}

#[test]
fn in_memory() {
    let write = std::env::var("DIALOGUES").is_ok_and(|value| value == "write");
    for dialogue in dialogues() {
        let snapshot = fixture::snapshot(&dialogue.world);
        let mut text = format!("{}\n---\n", dialogue.world);
        for (
            comments,
            Exchange {
                question: line,
                expected,
            },
        ) in &dialogue.exchanges
        {
            let (query, source, transport) = question(line);
            let mut out = Vec::new();
            let ask = Ask {
                packet: &query,
                source,
                transport,
                entropy: 0,
                millis: MILLIS,
                age: 0,
            };
            answer(&snapshot, &fixture::settings(), &ask, &mut out).unwrap();
            let got = rendered(&query, &out);
            for comment in comments {
                writeln!(text, "{comment}").unwrap();
            }
            write!(text, "? {line}\n{got}\n").unwrap();
            if !write {
                assert_eq!(&got, expected, "{}: {line}", dialogue.path.display());
            }
        }
        if write {
            std::fs::write(&dialogue.path, text.trim_end().to_owned() + "\n").unwrap();
        }
    }
}

/// The same world for a server that would probe it: with probes off, states cannot change under the test.
fn unprobed(mut input: Input) -> Input {
    let off = || {
        Some(api::dns_policy::Probe {
            disabled: true,
            ..Default::default()
        })
    };
    let names: std::collections::BTreeSet<String> = input
        .services
        .keys()
        .map(|key| key.split_once('/').unwrap().0.to_owned())
        .collect();
    for policy in input.policies.values_mut() {
        policy.probe = off();
    }
    for namespace in names {
        // Sorts last, so that it applies where nothing else does.
        let policy = api::DnsPolicySpec {
            probe: off(),
            ..Default::default()
        };
        input.policies.insert(format!("{namespace}/zzz"), policy);
    }
    input
}

#[tokio::test]
async fn over_sockets() {
    for dialogue in dialogues()
        .into_iter()
        .filter(|dialogue| !dialogue.world.contains("\nprobe "))
    {
        let input = unprobed(fixture::input(&dialogue.world));
        let version = compile(&fixture::zone(), &input, 1).version;
        let server = Running::start(&input, version, SocketAddr::from(([127, 0, 0, 53], 0))).await;
        for (
            _,
            Exchange {
                question: line,
                expected,
            },
        ) in &dialogue.exchanges
        {
            let (query, source, transport) = question(line);
            if source != IpAddr::from([127, 0, 0, 1]) {
                continue;
            }
            let reply = match transport {
                Transport::Udp => server.ask_udp(&query).await,
                Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
                    server.ask_tcp(&[&query]).await.remove(0)
                }
            };
            assert_eq!(
                &rendered(&query, &reply),
                expected,
                "{}: {line}",
                dialogue.path.display()
            );
        }
        server.stop().await;
    }
}
