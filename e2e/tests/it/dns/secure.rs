//! DNS over TLS, HTTPS and QUIC from outside, with a certificate that is replaced meanwhile.

use std::time::Duration;

use e2e::{Failure, certificates, eventually, ports};

use super::server::{Server, refused, run};

const ZONE: &str = "$TTL 77
@ SOA ns1 hostmaster 1 60 60 600 5
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.1
short 9 A 192.0.2.2
";

#[test]
fn encrypted_transports_answer_alike() {
    let dir = tempfile::tempdir().unwrap();
    let zone = dir.path().join("zone");
    std::fs::write(&zone, ZONE).unwrap();
    certificates::write(dir.path()).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let [tls, https, quic] = *ports::free(3).unwrap() else {
        panic!()
    };
    let address = |port: u16| format!("127.0.0.1:{port}");
    let (dot, doh, doq) = (address(tls), address(https), address(quic));
    let (certificate, key, authority) = (path("server.crt"), path("server.key"), path("ca.crt"));
    let words = [
        "--dot-address",
        &dot,
        "--doh-address",
        &doh,
        "--doq-address",
        &doq,
        "--dns-tls-cert",
        &certificate,
        "--dns-tls-key",
        &key,
    ];
    let server = Server::meridian(dir.path(), &[("example.org", zone)], &words);
    let ask = |port: u16, words: &[&str]| -> Result<String, Failure> {
        let first = [
            "@127.0.0.1",
            "-p",
            &port.to_string(),
            "+retry=0",
            "+timeout=3",
            &format!("+tls-ca={authority}"),
            "+tls-hostname=localhost",
        ];
        run("kdig", &first, words)
    };
    for (port, way) in [(tls, "+tls"), (https, "+https"), (https, "+https-get"), (quic, "+quic")] {
        for (name, wanted) in [
            ("www.example.org", "192.0.2.1"),
            ("none.example.org", "NXDOMAIN"),
            ("example.net", "REFUSED"),
        ] {
            let answer = ask(port, &[way, name]).unwrap();
            assert!(answer.contains(wanted), "{way} {name}: {answer}");
        }
        let padded = ask(port, &[way, "+padding", "www.example.org"]).unwrap();
        assert!(
            padded.contains("468 B"),
            "{way}: answers are padded to a block: {padded}"
        );
    }
    let two = ask(tls, &["+tls", "+keepopen", "www.example.org", "short.example.org"]).unwrap();
    assert!(two.contains("192.0.2.1") && two.contains("192.0.2.2"), "{two}");
    let plain = server.kdig_at(tls, &["+tcp", "www.example.org"]);
    assert!(
        !plain.is_ok_and(|answer| answer.contains("192.0.2.1")),
        "plain queries are not answered there"
    );

    // As HTTP sees it.
    let question = "AAABAAABAAAAAAAABXNob3J0B2V4YW1wbGUDb3JnAAABAAE";
    let curl = |words: &[&str], path: &str| {
        let url = format!("https://localhost:{https}{path}");
        let fixed = ["-sS", "-m", "5", "--cacert", &authority, "-o", "/dev/null", "-D", "-"];
        run("curl", &[&fixed[..], words].concat(), &[&url])
            .unwrap()
            .to_lowercase()
    };
    let good = curl(&[], &format!("/dns-query?dns={question}"));
    for wanted in [
        " 200",
        "content-type: application/dns-message",
        "cache-control: max-age=9",
    ] {
        assert!(good.contains(wanted), "{wanted}: {good}");
    }
    assert!(good.starts_with("http/2"), "{good}");
    assert!(curl(&["--http1.1"], &format!("/dns-query?dns={question}")).starts_with("http/1.1 200"));
    for (words, path, code) in [
        (&[][..], "/", " 404"),
        (&[][..], "/dns-query", " 400"),
        (&[][..], "/dns-query?dns=***", " 400"),
        (&["-X", "PUT"][..], "/dns-query", " 405"),
        (&["--data-binary", "x"][..], "/dns-query", " 415"),
        (
            &["--data-binary", "x", "-H", "content-type: application/dns-message"][..],
            "/dns-query",
            " 400",
        ),
    ] {
        let answer = curl(words, path);
        assert!(
            answer.lines().next().unwrap().contains(code),
            "{words:?} {path}: {answer}"
        );
    }

    // A new authority and certificate in the place of the old: new connections see it, nothing is restarted. A broken one is not shown.
    std::fs::write(&key, "nonsense").unwrap();
    eventually("the error in the log", Duration::from_secs(10), || {
        let said = server.said();
        if said.contains("the certificate before it is used on") {
            Ok(())
        } else {
            Err(said)
        }
    });
    assert!(ask(tls, &["+tls", "www.example.org"]).unwrap().contains("192.0.2.1"));
    certificates::write(dir.path()).unwrap();
    for (port, way) in [(tls, "+tls"), (https, "+https"), (quic, "+quic")] {
        eventually(
            &format!("{way} with the new certificate"),
            Duration::from_secs(10),
            || {
                let answer = ask(port, &[way, "www.example.org"]).map_err(|error| error.0)?;
                if answer.contains("192.0.2.1") {
                    Ok(())
                } else {
                    Err(answer)
                }
            },
        );
    }
    server.stop();
}

#[test]
fn no_certificate_no_encryption() {
    let said = refused(&["--dot-address", "127.0.0.1:0"]);
    assert!(
        said.contains("needs a certificate; next: give --dns-tls-cert and --dns-tls-key"),
        "{said}"
    );
}
