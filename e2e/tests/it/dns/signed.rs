//! Signed zones, looked at by delv, which believes nothing that is not proven.

use std::process::Command;

use e2e::federation::output;
use e2e::tools;

use super::server::{Server, refused, run};

const ZONE: &str = "$TTL 60
@ SOA ns1 hostmaster 1 3600 600 86400 5
@ NS ns1
ns1 A 127.0.0.1
WWW A 192.0.2.1
www A 192.0.2.2
@ MX 10 Mail
alias CNAME www
gone CNAME nothing
*.wild TXT \"from the wildcard\"
a.b.c A 192.0.2.3
old DNAME new
host.new A 192.0.2.5
sub NS ns.sub
ns.sub A 192.0.2.54
safe NS ns.safe
safe DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.safe A 192.0.2.55
";

/// A file that tells delv the DS record of a zone.
fn anchor(dir: &std::path::Path, zone: &str, ds: &str) -> String {
    let line = ds
        .lines()
        .find(|line| line.starts_with(&format!("{zone}. IN DS ")))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, tag, algorithm, digest, hex] = words[..] else {
        panic!("{line}")
    };
    let path = dir.join("anchor");
    let text = format!("trust-anchors {{ {zone}. static-ds {tag} {algorithm} {digest} \"{hex}\"; }};\n");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn every_answer_of_a_signed_zone_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone");
    std::fs::write(&path, ZONE).unwrap();
    let server = Server::meridian(dir.path(), &[("example.org", path)], &["--dnssec", "example.org"]);
    let mut command = Command::new(tools::meridian().unwrap());
    command.arg("ds").arg("--data-dir").arg(dir.path().join("data"));
    let ds = output(command).unwrap();
    let anchors = anchor(dir.path(), "example.org", &ds);
    let delv = |words: &[&str]| {
        let port = server.port.to_string();
        let fixed = ["@127.0.0.1", "-p", &port, "-a", &anchors, "+root=example.org"];
        run("delv", &fixed, words).unwrap_or_else(|error| error.0)
    };
    let validated = "; fully validated";
    let nothing = "; negative response, fully validated";
    for (words, proof, wanted) in [
        (&["www.example.org"][..], validated, "192.0.2.2"),
        (&["example.org", "DNSKEY"], validated, "257 3 13"),
        (&["example.org", "SOA"], validated, "hostmaster.example.org."),
        (&["example.org", "NS"], validated, "ns1.example.org."),
        (&["example.org", "MX"], validated, "10 mail.example.org."),
        (&["alias.example.org"], validated, "192.0.2.1"),
        (&["x.wild.example.org", "TXT"], validated, "from the wildcard"),
        (&["host.old.example.org"], validated, "192.0.2.5"),
        (&["safe.example.org", "DS"], validated, "DS\t1 13 2"),
        (&["www.example.org", "AAAA"], nothing, ""),
        (&["example.org", "TXT"], nothing, ""),
        (&["b.c.example.org"], nothing, ""),
        (&["missing.example.org"], nothing, ""),
        (&["x.wild.example.org"], nothing, ""),
        (&["sub.example.org", "DS"], nothing, ""),
    ] {
        let answer = delv(words);
        assert!(answer.contains(proof) && answer.contains(wanted), "{words:?}: {answer}");
    }
    // Missing names: NOERROR with NXNAME for who knows only signatures, NXDOMAIN for who asks without.
    let signed = server.dig(&["+dnssec", "missing.example.org"]).unwrap();
    assert!(
        signed.contains("NOERROR") && signed.contains("RRSIG NSEC TYPE128"),
        "{signed}"
    );
    let plain = server.dig(&["missing.example.org"]).unwrap();
    assert!(plain.contains("NXDOMAIN") && !plain.contains("NSEC"), "{plain}");
    // Referrals prove whether what is below is signed.
    let insecure = server.dig(&["+dnssec", "+norecurse", "x.sub.example.org"]).unwrap();
    assert!(
        insecure.contains("NSEC") && insecure.contains("192.0.2.54") && !insecure.contains("flags: qr aa"),
        "{insecure}"
    );
    let secure = server.dig(&["+dnssec", "+norecurse", "x.safe.example.org"]).unwrap();
    assert!(
        secure.contains("\tDS\t") && secure.contains("\tRRSIG\tDS ") && !secure.contains("NSEC"),
        "{secure}"
    );
    // The key outlives the server.
    server.stop();
    let path = dir.path().join("zone");
    let server = Server::meridian(dir.path(), &[("example.org", path)], &["--dnssec", "example.org"]);
    let mut command = Command::new(tools::meridian().unwrap());
    command
        .args(["ds", "example.org"])
        .arg("--data-dir")
        .arg(dir.path().join("data"));
    assert_eq!(output(command).unwrap(), ds);
    server.stop();
}

#[test]
fn a_zone_that_is_not_served_is_not_signed() {
    let said = refused(&["--dnssec", "example.net"]);
    assert!(
        said.contains("--dnssec example.net: this server has no such zone"),
        "{said}"
    );
}
