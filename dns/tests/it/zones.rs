//! Zones of master files over sockets: what stands in them, how they change, that a broken one costs nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dns::{DnsConfig, DnsError, DnsServer, DnsState, ZoneFile};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fixture;

const PATIENCE: Duration = Duration::from_secs(5);

const ZONE: &str = "$TTL 1h
@ SOA ns1 hostmaster 1 1d 2h 4w 30
@ NS ns1
@ NS ns.elsewhere.net.
@ MX 10 mail
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
www A 192.0.2.1
www A 192.0.2.2
Alias CNAME www
far CNAME www.example.net.
gone CNAME nothing
loop CNAME pool
pool CNAME loop
a.b.c A 192.0.2.3
*.wild TXT wild
*.wild A 192.0.2.4
there.wild TXT there
x.y.wild TXT deep
*.alias CNAME www
sub NS ns.sub
sub NS ns1
sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.54
old DNAME new
host.new A 192.0.2.5
to-sub CNAME x.sub
";

struct Running {
    address: SocketAddr,
    state: DnsState,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), DnsError>>,
}

impl Running {
    async fn start(files: &[(&str, &Path)]) -> Self {
        let server = DnsServer::bind(config(files)).await.unwrap();
        let (address, state, stop) = (server.local_addr(), server.state(), CancellationToken::new());
        let task = tokio::spawn(server.serve(stop.clone()));
        Self {
            address,
            state,
            stop,
            task,
        }
    }

    /// What is answered: code, flags, and the records of each section.
    async fn ask(&self, name: &str, type_: RecordType) -> String {
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(name).unwrap(), type_));
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&query.to_vec().unwrap(), self.address).await.unwrap();
        let mut buffer = vec![0; 4096];
        let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
        let reply = Message::from_vec(&buffer[..length]).unwrap();
        let code = match reply.metadata.response_code {
            ResponseCode::NoError => "NOERROR".to_owned(),
            ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        let mut lines = vec![format!(
            "{code}{}",
            if reply.metadata.authoritative { " aa" } else { "" }
        )];
        for (label, records) in [
            ("", &reply.answers),
            ("authority ", &reply.authorities),
            ("additional ", &reply.additionals),
        ] {
            let line = |record: &hickory_proto::rr::Record| {
                let data = if record.record_type() == RecordType::SOA {
                    String::new()
                } else {
                    format!(" {}", record.data)
                };
                format!("{label}{} {} {}{data}", record.name, record.ttl, record.record_type())
            };
            // Aliases stand in their order, sets in rotation.
            let chain = |line: &String| line.contains(" CNAME ") || line.contains("DNAME");
            let (mut section, mut set): (Vec<String>, Vec<String>) = records.iter().map(line).partition(chain);
            set.sort();
            section.extend(set);
            lines.extend(section);
        }
        lines.join("\n")
    }

    async fn until(&self, name: &str, type_: RecordType, words: &str) {
        let deadline = tokio::time::Instant::now() + 2 * PATIENCE;
        loop {
            let answer = self.ask(name, type_).await;
            if answer.contains(words) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{name}: {answer}, not {words}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

fn config(files: &[(&str, &Path)]) -> DnsConfig {
    let file = |(origin, path): &(&str, &Path)| -> ZoneFile { format!("{origin}={}", path.display()).parse().unwrap() };
    DnsConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        zone: "meridian.internal".into(),
        federation: "fed".into(),
        ns_name: None,
        snapshot_path: None,
        hub: None,
        zone_files: files.iter().map(file).collect(),
        secure: dns::SecureAddresses::default(),
        certificate: None,
        transfers: dns::Transfers::default(),
        settings: fixture::settings(),
    }
}

fn written(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn every_kind_of_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, "zone", ZONE);
    let child = written(
        &directory,
        "child",
        "$TTL 9\n@ SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.77\n",
    );
    let server = Running::start(&[("Example.org", &path), ("deep.example.org", &child)]).await;
    assert!(server.state.ready(), "zones of files need no hub");
    use RecordType::{A, AAAA, ANY, CNAME, MX, NS, SOA, TXT};
    let nothing = "authority example.org. 30 SOA";
    for (name, type_, expected) in [
        (
            "www.example.org",
            A,
            "NOERROR aa\nwww.example.org. 3600 A 192.0.2.1\nwww.example.org. 3600 A 192.0.2.2",
        ),
        (
            "WWW.example.ORG",
            AAAA,
            &format!("NOERROR aa\n{}", nothing.replace("example.org", "example.ORG")),
        ),
        ("example.org", SOA, "NOERROR aa\nexample.org. 3600 SOA"),
        (
            "example.org",
            MX,
            "NOERROR aa\nexample.org. 3600 MX 10 mail.example.org.",
        ),
        (
            "example.org",
            NS,
            "NOERROR aa\nexample.org. 3600 NS ns.elsewhere.net.\nexample.org. 3600 NS ns1.example.org.\n\
             additional ns1.example.org. 3600 A 192.0.2.53\nadditional ns1.example.org. 3600 AAAA 2001:db8::53",
        ),
        (
            "www.example.org",
            ANY,
            "NOERROR aa\nwww.example.org. 3600 HINFO RFC8482 ",
        ),
        ("none.example.org", A, &format!("NXDOMAIN aa\n{nothing}")),
        ("b.c.example.org", A, &format!("NOERROR aa\n{nothing}")),
        // Aliases.
        (
            "alias.example.org",
            A,
            "NOERROR aa\nalias.example.org. 3600 CNAME www.example.org.\nwww.example.org. 3600 A 192.0.2.1\nwww.example.org. 3600 A 192.0.2.2",
        ),
        (
            "alias.example.org",
            CNAME,
            "NOERROR aa\nalias.example.org. 3600 CNAME www.example.org.",
        ),
        (
            "far.example.org",
            A,
            "NOERROR aa\nfar.example.org. 3600 CNAME www.example.net.",
        ),
        (
            "gone.example.org",
            A,
            &format!("NXDOMAIN aa\ngone.example.org. 3600 CNAME nothing.example.org.\n{nothing}"),
        ),
        (
            "alias.example.org",
            TXT,
            &format!("NOERROR aa\nalias.example.org. 3600 CNAME www.example.org.\n{nothing}"),
        ),
        // Wildcards: only from the closest encloser, blocked by what is there.
        (
            "q.wild.example.org",
            TXT,
            "NOERROR aa\nq.wild.example.org. 3600 TXT wild",
        ),
        (
            "p.q.wild.example.org",
            A,
            "NOERROR aa\np.q.wild.example.org. 3600 A 192.0.2.4",
        ),
        ("q.wild.example.org", MX, &format!("NOERROR aa\n{nothing}")),
        ("there.wild.example.org", A, &format!("NOERROR aa\n{nothing}")),
        ("below.there.wild.example.org", TXT, &format!("NXDOMAIN aa\n{nothing}")),
        ("y.wild.example.org", TXT, &format!("NOERROR aa\n{nothing}")),
        ("z.y.wild.example.org", TXT, &format!("NXDOMAIN aa\n{nothing}")),
        (
            "*.wild.example.org",
            TXT,
            "NOERROR aa\n*.wild.example.org. 3600 TXT wild",
        ),
        ("wild.example.org", TXT, &format!("NOERROR aa\n{nothing}")),
        (
            "x.alias.example.org",
            A,
            "NOERROR aa\nx.alias.example.org. 3600 CNAME www.example.org.\nwww.example.org. 3600 A 192.0.2.1\nwww.example.org. 3600 A 192.0.2.2",
        ),
        // Delegations: no authority, glue, the DS set from above.
        (
            "x.sub.example.org",
            A,
            "NOERROR\nauthority sub.example.org. 3600 NS ns.sub.example.org.\nauthority sub.example.org. 3600 NS ns1.example.org.\n\
             additional ns.sub.example.org. 3600 A 192.0.2.54\nadditional ns1.example.org. 3600 A 192.0.2.53\nadditional ns1.example.org. 3600 AAAA 2001:db8::53",
        ),
        (
            "ns.sub.example.org",
            A,
            "NOERROR\nauthority sub.example.org. 3600 NS ns.sub.example.org.\nauthority sub.example.org. 3600 NS ns1.example.org.\n\
             additional ns.sub.example.org. 3600 A 192.0.2.54\nadditional ns1.example.org. 3600 A 192.0.2.53\nadditional ns1.example.org. 3600 AAAA 2001:db8::53",
        ),
        // DNAME.
        (
            "host.old.example.org",
            A,
            "NOERROR aa\nold.example.org. 3600 DNAME new.example.org.\nhost.old.example.org. 3600 CNAME host.new.example.org.\nhost.new.example.org. 3600 A 192.0.2.5",
        ),
        ("old.example.org", A, &format!("NOERROR aa\n{nothing}")),
        // A zone below another one on the same server.
        (
            "a.deep.example.org",
            A,
            "NOERROR aa\na.deep.example.org. 9 A 192.0.2.77",
        ),
        (
            "x.deep.example.org",
            A,
            "NXDOMAIN aa\nauthority deep.example.org. 1 SOA",
        ),
        ("example.net", A, "REFUSED"),
        ("org", A, "REFUSED"),
        ("web.shop.fed.svc.meridian.internal", A, "REFUSED"),
    ] {
        let answer = server.ask(name, type_).await;
        let same = if type_ == NS || type_ == SOA || !answer.contains("DNAME") {
            answer == expected
        } else {
            // hickory does not know DNAME's data.
            answer.lines().skip(2).eq(expected.lines().skip(2))
        };
        assert!(same, "{name} {type_}:\n{answer}\nnot\n{expected}");
    }
    let looped = server.ask("loop.example.org", A).await;
    assert!(
        looped.ends_with(
            "loop.example.org. 3600 CNAME pool.example.org.\npool.example.org. 3600 CNAME loop.example.org."
        ),
        "{looped}"
    );
    let referred = server.ask("to-sub.example.org", A).await;
    assert!(
        referred.starts_with(
            "NOERROR aa\nto-sub.example.org. 3600 CNAME x.sub.example.org.\nauthority sub.example.org. 3600 NS"
        ),
        "{referred}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_changed_file_is_served_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let head = "$TTL 60\n@ SOA ns x 1 1 1 1 5\n@ NS ns\nns A 192.0.2.53\n";
    let path = written(&directory, "zone", &format!("{head}$INCLUDE hosts\n"));
    let hosts = written(&directory, "hosts", "a A 192.0.2.1\n");
    let server = Running::start(&[("example.org", &path)]).await;
    server.until("a.example.org", RecordType::A, "192.0.2.1").await;
    std::fs::write(&hosts, "a A 192.0.2.2\n").unwrap();
    server.until("a.example.org", RecordType::A, "192.0.2.2").await;
    // As editors do it: a new file in the old one's place.
    let new = written(&directory, "new", &format!("{head}$INCLUDE hosts\nb A 192.0.2.3\n"));
    std::fs::rename(&new, &path).unwrap();
    server.until("b.example.org", RecordType::A, "192.0.2.3").await;
    // What is broken, empty or gone changes nothing; what comes after it is served.
    let version = server.state.version();
    for broken in ["@ SOA nonsense\n", "", "\u{0}"] {
        std::fs::write(&path, broken).unwrap();
        server.until("b.example.org", RecordType::A, "192.0.2.3").await;
    }
    std::fs::remove_file(&path).unwrap();
    server.until("a.example.org", RecordType::A, "192.0.2.2").await;
    std::fs::write(&path, format!("{head}c A 192.0.2.4\n")).unwrap();
    server.until("c.example.org", RecordType::A, "192.0.2.4").await;
    server.until("b.example.org", RecordType::A, "NXDOMAIN").await;
    assert!(server.state.ready() && server.state.version() >= version);
    server.stop().await;
}

#[tokio::test]
async fn a_mounted_config_map_turns_over() {
    let directory = tempfile::tempdir().unwrap();
    let zone = |address: &str| format!("$TTL 60\n@ SOA ns x 1 1 1 1 5\n@ NS ns\nns A {address}\n");
    for (version, address) in [("..1", "192.0.2.1"), ("..2", "192.0.2.2")] {
        std::fs::create_dir(directory.path().join(version)).unwrap();
        std::fs::write(directory.path().join(version).join("zone"), zone(address)).unwrap();
    }
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, directory.path().join(name)).unwrap();
    link("..1", "..data");
    link("..data/zone", "zone");
    let server = Running::start(&[("example.org", &directory.path().join("zone"))]).await;
    server.until("ns.example.org", RecordType::A, "192.0.2.1").await;
    link("..2", "..data_tmp");
    std::fs::rename(directory.path().join("..data_tmp"), directory.path().join("..data")).unwrap();
    server.until("ns.example.org", RecordType::A, "192.0.2.2").await;
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_was_never_good_is_servfail_until_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("zone");
    let other = written(&directory, "other", "@ 60 SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.9\n");
    let server = Running::start(&[("example.org", &path), ("example.net", &other)]).await;
    assert!(!server.state.ready());
    assert_eq!(server.ask("ns.example.org", RecordType::A).await, "SERVFAIL");
    assert!(
        server.ask("a.example.net", RecordType::A).await.contains("192.0.2.9"),
        "others are served"
    );
    std::fs::write(&path, "@ 60 SOA ns b 1 1 1 1 1\n@ NS ns\nns A 192.0.2.8\n").unwrap();
    server.until("ns.example.org", RecordType::A, "192.0.2.8").await;
    assert!(server.state.ready());
    server.stop().await;
}

#[tokio::test]
async fn no_zone_is_served_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, "zone", ZONE);
    let error = DnsServer::bind(config(&[("example.org", &path), ("EXAMPLE.org.", &path)]))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("example.org. is named twice"), "{error}");
}
