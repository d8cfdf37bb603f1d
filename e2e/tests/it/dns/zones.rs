//! Zones of master files from outside: answers, transports, who the server says it is, changes, broken files.

use std::io::Write;
use std::process::{Command, Stdio};

use super::server::Server;

const ZONE: &str = "$TTL 1h
@ SOA ns1 hostmaster 2026010101 1d 2h 4w 30
@ NS ns1
ns1 A 127.0.0.1
@ MX 10 @
www A 192.0.2.1
www AAAA 2001:db8::1
alias CNAME www
*.wild TXT \"from the wildcard\"
sub NS ns.sub
ns.sub A 192.0.2.54
raw TYPE65280 \\# 2 beef
old DNAME wild
big TXT ";

#[test]
fn zones_of_files_need_no_hub() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("example.org.zone");
    // Longer than a datagram may be.
    let zone = format!("{ZONE}{}\n", format!("\"{}\" ", "x".repeat(250)).repeat(8));
    std::fs::write(&path, &zone).unwrap();
    let broken = dir.path().join("broken.zone");
    std::fs::write(&broken, "@ SOA nonsense\n").unwrap();
    let zones = [("example.org", path.clone()), ("broken.example", broken.clone())];
    let server = Server::meridian(dir.path(), &zones, &["--dns-id", "ns-7", "--dns-version", ""]);

    let short = |words: &[&str]| server.dig(&[&["+short"], words].concat()).unwrap().trim().to_owned();
    let long = |words: &[&str]| server.dig(words).unwrap();
    for (words, wanted) in [
        (&["www.example.org"][..], "192.0.2.1"),
        (&["www.example.org", "AAAA"], "2001:db8::1"),
        (&["alias.example.org"], "www.example.org.\n192.0.2.1"),
        (&["example.org", "MX"], "10 example.org."),
        (&["a.b.wild.example.org", "TXT"], "\"from the wildcard\""),
        (
            &["x.old.example.org", "TXT"],
            "wild.example.org.\nx.wild.example.org.\n\"from the wildcard\"",
        ),
        (&["raw.example.org", "TYPE65280"], "\\# 2 BEEF"),
        (&["+tcp", "www.example.org"], "192.0.2.1"),
        (
            &["example.org", "SOA"],
            "ns1.example.org. hostmaster.example.org. 2026010101 86400 7200 2419200 30",
        ),
        (&["id.server", "TXT", "CH"], "\"ns-7\""),
    ] {
        assert_eq!(short(words), wanted, "{words:?}");
    }
    for (words, wanted) in [
        (&["none.example.org"][..], &["NXDOMAIN", "qr aa", "30\tIN\tSOA"][..]),
        (
            &["x.sub.example.org"],
            &["NOERROR", "ANSWER: 0", "ns.sub.example.org.\t3600\tIN\tA\t192.0.2.54"],
        ),
        (&["example.net"], &["REFUSED", "EDE: 20"]),
        (&["version.bind", "TXT", "CH"], &["REFUSED"]),
        (&["+nsid", "www.example.org"], &["NSID:", "ns-7"]),
        (&["+cookie", "www.example.org"], &["(good)"]),
        (
            &["+ignore", "+bufsize=4096", "big.example.org", "TXT"],
            &["flags: qr aa tc", "ANSWER: 0"],
        ),
        (&["+ednsopt=65001:00", "www.example.org"], &["NOERROR", "ANSWER: 1"]),
        (&["+edns=1", "+noednsneg", "www.example.org"], &["BADVERS"]),
        (
            &["+tcp", "+keepalive", "www.example.org"],
            &["TCP KEEPALIVE: 10.0 secs"],
        ),
        (&["+opcode=notify", "example.org", "SOA"], &["NOTIMP"]),
        (&["www.broken.example"], &["SERVFAIL", "EDE: 24"]),
    ] {
        let output = long(words);
        for word in wanted {
            assert!(output.contains(word), "{words:?}: no {word:?} in {output}");
        }
    }
    assert!(
        !long(&["x.sub.example.org"]).contains("flags: qr aa"),
        "no authority over a delegation"
    );
    assert!(short(&["big.example.org", "TXT"]).len() > 2000, "by TCP it is whole");
    let keepalive = server
        .kdig(&["+tcp", "+keepopen", "www.example.org", "alias.example.org"])
        .unwrap();
    assert!(
        keepalive.matches("192.0.2.1").count() == 2,
        "two on one connection: {keepalive}"
    );

    // Changes; a broken one costs nothing and is said.
    std::fs::write(&path, zone.replace("192.0.2.1\n", "192.0.2.9\n")).unwrap();
    server.until(&["+short", "www.example.org"], "192.0.2.9");
    std::fs::write(&path, zone.replace("www A 192.0.2.1", "www A 192.0.2")).unwrap();
    e2e::eventually("the error in the log", std::time::Duration::from_secs(10), || {
        let said = server.said();
        let line = format!("{}:6: ", path.display());
        if said.contains(&line) && said.contains("last good version is served on") {
            Ok(())
        } else {
            Err(said)
        }
    });
    assert_eq!(short(&["www.example.org"]), "192.0.2.9");
    assert!(
        get(&server, "/readyz").starts_with("HTTP/1.1 503"),
        "broken.example was never good"
    );
    std::fs::write(&broken, "@ 60 SOA a b 1 1 1 1 1\n@ NS a\na A 192.0.2.8\n").unwrap();
    server.until(&["+short", "a.broken.example"], "192.0.2.8");
    assert!(get(&server, "/readyz").starts_with("HTTP/1.1 200"));
    let metrics = get(&server, "/metrics");
    for wanted in [
        "meridian_dns_zone_file_good{zone=\"example.org.\"} 0",
        "meridian_dns_zone_file_good{zone=\"broken.example.\"} 1",
        "meridian_dns_zone_serial{zone=\"example.org.\"} 2026010101",
    ] {
        assert!(metrics.contains(wanted), "{wanted}: {metrics}");
    }
    server.stop();
}

/// One page of the metrics server.
fn get(server: &Server, path: &str) -> String {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.metrics.unwrap())).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn floods_are_limited_and_cookies_pass() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone");
    std::fs::write(&path, ZONE.replace("big TXT ", "")).unwrap();
    let words = ["--dns-rate-limit", "5", "--dns-rate-limit-exempt", "192.0.2.0/24"];
    let server = Server::meridian(dir.path(), &[("example.org", path)], &words);
    // Forty questions that differ in nothing but their id, from one client that knows no cookies and takes no TC for a hint.
    let ask = |words: &[&str]| -> usize {
        let mut all = vec!["+short", "+ignore", "+nocookie", "+timeout=1"];
        all.extend(words);
        let question = "www.example.org\n".repeat(40);
        let file = dir.path().join("questions");
        std::fs::write(&file, question).unwrap();
        let mut command = Command::new("dig");
        command
            .args(["@127.0.0.1", "-p", &server.port.to_string(), "+tries=1"])
            .args(&all);
        command.arg("-f").arg(&file);
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).matches("192.0.2.1").count()
    };
    let by_tcp = ask(&["+tcp"]);
    assert_eq!(by_tcp, 40, "streams are not limited");
    let mut parts = Vec::new();
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| server.dig(&["+ignore", "+nocookie", "+short", "+timeout=1", "www.example.org"])))
            .collect();
        parts.extend(asked.into_iter().map(|one| one.join().unwrap().is_ok()));
    });
    assert!(parts.iter().any(|answered| *answered), "some are answered");
    let limited = ask(&[]);
    assert!(limited < 40, "{limited} of 40 answers in a second");
    server.stop();
}
