//! Transfers of the federation's zone: what clients of no known place are answered, and only to whom may have it.

use std::time::Duration;

use dns::{DnsConfig, DnsServer, Transfers};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fixture;

const WORLD: &str = "\
cluster us-1 us-east
cluster eu-1 eu-west
region us-east 10.0.0.0/8
service shop/web http/TCP/80
at shop/web us-1 192.0.2.1 endpoints=1
at shop/web eu-1 192.0.2.2 endpoints=1
";

/// The records of an AXFR, or the code of its refusal.
async fn transfer(allow: &[&str], zone: &str) -> Result<Vec<String>, ResponseCode> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot.json");
    let saved =
        serde_json::json!({ "format": 1, "version": 9, "heard": 1, "world": { "input": fixture::input(WORLD) } });
    std::fs::write(&path, saved.to_string()).unwrap();
    let server = DnsServer::bind(DnsConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        zone: "meridian.internal".into(),
        federation: "fed".into(),
        ns_name: None,
        snapshot_path: Some(path),
        hub: None,
        zone_files: Vec::new(),
        secure: dns::SecureAddresses::default(),
        certificate: None,
        transfers: Transfers {
            allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
            ..Transfers::default()
        },
        settings: fixture::settings(),
    })
    .await
    .unwrap();
    let (address, stop) = (server.local_addr(), CancellationToken::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(zone).unwrap(), RecordType::AXFR));
    let query = query.to_vec().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_u16(u16::try_from(query.len()).unwrap()).await.unwrap();
    stream.write_all(&query).await.unwrap();
    let mut records: Vec<String> = Vec::new();
    let mut code = ResponseCode::NoError;
    while code == ResponseCode::NoError && records.iter().filter(|line| line.contains(" SOA ")).count() < 2 {
        let length = timeout(Duration::from_secs(5), stream.read_u16())
            .await
            .unwrap()
            .unwrap();
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await.unwrap();
        let message = Message::from_vec(&bytes).unwrap();
        code = message.metadata.response_code;
        let line = |r: &hickory_proto::rr::Record| format!("{} {} {} {}", r.name, r.ttl, r.record_type(), r.data);
        records.extend(message.answers.iter().map(line));
    }
    stop.cancel();
    task.await.unwrap().unwrap();
    if code == ResponseCode::NoError {
        Ok(records)
    } else {
        Err(code)
    }
}

#[tokio::test]
async fn who_may_gets_what_is_answered_from_nowhere() {
    let records = transfer(&["127.0.0.0/8"], "meridian.internal").await.unwrap();
    for wanted in [
        "meridian.internal. 3600 NS ns1.meridian.internal.",
        "ns1.meridian.internal. 3600 A 127.0.0.1",
        "web.shop.fed.svc.meridian.internal. 30 A 192.0.2.1",
        "web.shop.fed.svc.meridian.internal. 30 A 192.0.2.2",
        "web.shop.fed.svc.eu-west.meridian.internal. 30 A 192.0.2.2",
        "us-1.web.shop.fed.svc.meridian.internal. 30 A 192.0.2.1",
        "_http._tcp.web.shop.fed.svc.meridian.internal. 30 SRV 0 100 80 web.shop.fed.svc.meridian.internal.",
    ] {
        assert!(
            records.iter().any(|record| record == wanted),
            "{wanted} in {records:#?}"
        );
    }
    assert!(records[0].contains(" SOA ") && records[records.len() - 1].contains(" SOA "));
    let mut once = records[1..].to_vec();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), records.len() - 1, "nothing twice but the SOA record");
}

#[tokio::test]
async fn others_get_nothing() {
    assert_eq!(transfer(&[], "meridian.internal").await, Err(ResponseCode::Refused));
    assert_eq!(
        transfer(&["192.0.2.0/24"], "meridian.internal").await,
        Err(ResponseCode::Refused)
    );
    assert_eq!(
        transfer(&["127.0.0.0/8"], "svc.meridian.internal").await,
        Err(ResponseCode::NotAuth)
    );
    assert_eq!(
        transfer(&["127.0.0.0/8"], "example.org").await,
        Err(ResponseCode::NotAuth)
    );
}
