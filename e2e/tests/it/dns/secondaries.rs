//! Zones given to others: NSD as a secondary, and dig as whoever may and may not ask.

use super::server::{Server, two_ports};

const SECRET: &str = "c2VjcmV0IG9mIHNpeHRlZW4gYnl0ZXMgYW5kIG1vcmU=";

fn zone(serial: u32, address: &str) -> String {
    let mut text = format!(
        "$TTL 60\n@ SOA ns1 hostmaster {serial} 3600 600 86400 5\n@ NS ns1\n@ NS ns.sub\nns1 A 127.0.0.1\nwww A {address}\n\
         *.wild TXT wild\nalias CNAME www\nsub NS ns.sub\nns.sub A 192.0.2.54\nold DNAME wild\nraw TYPE65280 \\# 2 beef\n"
    );
    // More than one message.
    for n in 0..3000 {
        text.push_str(&format!("host-{n} A 198.51.100.{}\n", n % 250));
    }
    text
}

#[test]
fn a_secondary_follows_and_strangers_get_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let nsd = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone");
    std::fs::write(&path, zone(1, "192.0.2.1")).unwrap();
    let keys = dir.path().join("keys");
    std::fs::write(&keys, format!("hmac-sha256:secondary.test:{SECRET}\n")).unwrap();
    let (secondary_port, _) = two_ports();
    let secondary_address = format!("127.0.0.1:{secondary_port}");
    let keys = keys.display().to_string();
    let words = ["--transfer-key-file", &keys, "--dns-secondary", &secondary_address];
    let primary = Server::meridian(dir.path(), &[("example.org", path.clone())], &words);
    let configuration = format!(
        "key:\n  name: \"secondary.test\"\n  algorithm: hmac-sha256\n  secret: \"{SECRET}\"\nzone:\n  name: \"example.org\"\n  \
         zonefile: \"example.org.secondary\"\n  request-xfr: 127.0.0.1@{} secondary.test\n  allow-notify: 127.0.0.1 secondary.test\n",
        primary.port
    );
    let secondary = Server::nsd_at(nsd.path(), secondary_port, &configuration);

    // The first copy, then a change, of which NOTIFY tells: the SOA's refresh is an hour.
    secondary.until(&["+short", "www.example.org"], "192.0.2.1");
    std::fs::write(&path, zone(2, "192.0.2.2")).unwrap();
    primary.until(&["+short", "www.example.org"], "192.0.2.2");
    secondary.until(&["+short", "www.example.org"], "192.0.2.2");
    for words in [
        &["example.org", "SOA"][..],
        &["alias.example.org"],
        &["a.b.wild.example.org", "TXT"],
        &["raw.example.org", "TYPE65280"],
        &["x.old.example.org", "TXT"],
        &["host-2999.example.org"],
    ] {
        let words = [&["+short"], words].concat();
        assert_eq!(
            primary.dig(&words).unwrap(),
            secondary.dig(&words).unwrap(),
            "{words:?}"
        );
    }
    let referral = secondary.dig(&["+norecurse", "x.sub.example.org"]).unwrap();
    assert!(referral.contains("192.0.2.54"), "glue goes along: {referral}");

    // Who may, and who may not.
    let key = format!("hmac-sha256:secondary.test:{SECRET}");
    let other = format!("hmac-sha256:other.test:{SECRET}");
    let wrong = "hmac-sha256:secondary.test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let whole = primary.dig(&["-y", &key, "example.org", "AXFR"]).unwrap();
    assert!(
        whole.contains("XFR size: 3012 records"),
        "{}",
        whole.lines().rev().take(8).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(whole.matches("\tSOA\t").count(), 2, "the SOA record first and last");
    for (words, wanted) in [
        (&["example.org", "AXFR"][..], "Transfer failed"),
        (&["-y", &other, "example.org", "AXFR"], "BADKEY"),
        (&["-y", wrong, "example.org", "AXFR"], "BADSIG"),
        (&["-y", &key, "sub.example.org", "AXFR"], "Transfer failed"),
        (&["-y", &key, "example.org", "IXFR=2"], "XFR size: 1 records"),
        (&["-y", &key, "example.org", "IXFR=1"], "XFR size: 3012 records"),
        (&["-y", &key, "example.org", "SOA"], "TSIG"),
        (&["-y", &other, "example.org", "SOA"], "BADKEY"),
        (&["example.org", "SOA"], "NOERROR"),
    ] {
        let output = primary.dig(words).unwrap_or_else(|error| error.0);
        assert!(output.contains(wanted), "{words:?}: {output}");
    }
    let signed = primary.dig(&["-y", &key, "www.example.org"]).unwrap();
    assert!(
        signed.contains("192.0.2.2") && signed.contains("NOERROR") && !signed.contains("Couldn't verify"),
        "{signed}"
    );
    secondary.stop();
    primary.stop();
}
