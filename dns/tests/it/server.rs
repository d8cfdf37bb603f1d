//! A server on loopback, started from a snapshot file with no hub: as after a restart with the hub gone.

use std::net::SocketAddr;
use std::time::Duration;

use dns::snapshot::Input;
use dns::{DnsConfig, DnsError, DnsServer, DnsState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fixture;

const PATIENCE: Duration = Duration::from_secs(5);

/// A running server.
pub(crate) struct Running {
    address: SocketAddr,
    state: DnsState,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), DnsError>>,
    directory: tempfile::TempDir,
}

fn config(listen: SocketAddr, snapshot: Option<std::path::PathBuf>) -> DnsConfig {
    DnsConfig {
        listen,
        zone: "meridian.internal".into(),
        federation: "fed".into(),
        ns_name: None,
        snapshot_path: snapshot,
        hub: None,
        zone_files: Vec::new(),
        secure: dns::SecureAddresses::default(),
        certificate: None,
        transfers: dns::Transfers::default(),
        settings: fixture::settings(),
    }
}

impl Running {
    /// Starts from a file with this input.
    pub(crate) async fn start(input: &Input, version: u64, listen: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("snapshot.json");
        // A test of age gives a version of long ago or far ahead; others heard the hub just now.
        let heard = if version == 1 { now() } else { 1 };
        let saved = serde_json::json!({ "format": 1, "version": version, "heard": heard, "world": { "input": input } });
        std::fs::write(&path, saved.to_string()).unwrap();
        let server = DnsServer::bind(config(listen, Some(path))).await.unwrap();
        let (address, state, stop) = (server.local_addr(), server.state(), CancellationToken::new());
        let task = tokio::spawn(server.serve(stop.clone()));
        Self {
            address,
            state,
            stop,
            task,
            directory,
        }
    }

    /// One datagram and its answer.
    pub(crate) async fn ask_udp(&self, query: &[u8]) -> Vec<u8> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut buffer = vec![0; 65_535];
        socket.send_to(query, self.address).await.unwrap();
        let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
        buffer.truncate(length);
        buffer
    }

    /// Queries sent in one piece on one connection, and their answers.
    pub(crate) async fn ask_tcp(&self, queries: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut sent = Vec::new();
        for query in queries {
            sent.extend_from_slice(&u16::try_from(query.len()).unwrap().to_be_bytes());
            sent.extend_from_slice(query);
        }
        stream.write_all(&sent).await.unwrap();
        let mut replies = Vec::new();
        for _ in queries {
            let length = timeout(PATIENCE, stream.read_u16()).await.unwrap().unwrap();
            let mut reply = vec![0; usize::from(length)];
            timeout(PATIENCE, stream.read_exact(&mut reply)).await.unwrap().unwrap();
            replies.push(reply);
        }
        replies
    }

    /// Stops and waits.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
        drop(self.directory);
    }
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap().as_millis()).unwrap()
}

fn query(id: u8, name: &str, type_: u8) -> Vec<u8> {
    let mut bytes = vec![0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    bytes.extend_from_slice(dns::snapshot::WireName::parse(name).unwrap().as_bytes());
    bytes.extend_from_slice(&[0, type_, 0, 1]);
    bytes
}

const WORLD: &str = "cluster us-1 us-east\nservice shop/web\nat shop/web us-1 192.0.2.1 endpoints=1\n";
const NAME: &str = "web.shop.fed.svc.meridian.internal";

#[tokio::test]
async fn queries_are_pipelined() {
    let server = Running::start(&fixture::input(WORLD), 1, "127.0.0.1:0".parse().unwrap()).await;
    let queries: Vec<Vec<u8>> = (0..40).map(|id| query(id, NAME, 1)).collect();
    let replies = server
        .ask_tcp(&queries.iter().map(Vec::as_slice).collect::<Vec<_>>())
        .await;
    for (id, reply) in replies.iter().enumerate() {
        assert_eq!(usize::from(reply[1]), id);
        assert_eq!(reply[7], 1, "one answer");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_snapshot_outlives_the_hub_and_only_grows() {
    let server = Running::start(
        &fixture::input(WORLD),
        4_000_000_000_000,
        "127.0.0.1:0".parse().unwrap(),
    )
    .await;
    assert!(server.state.ready() && !server.state.connected());
    assert!(server.state.version() > 4_000_000_000_000);
    assert!(server.state.age().unwrap() > Duration::from_secs(3600));
    assert_eq!(server.ask_udp(&query(1, NAME, 1)).await[7], 1);
    server.stop().await;
}

#[tokio::test]
async fn before_anything_is_known_names_fail_instead_of_not_existing() {
    let server = DnsServer::bind(config("127.0.0.1:0".parse().unwrap(), None))
        .await
        .unwrap();
    let (address, state, stop) = (server.local_addr(), server.state(), CancellationToken::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    let directory = tempfile::tempdir().unwrap();
    let running = Running {
        address,
        state,
        stop,
        task,
        directory,
    };
    assert!(!running.state.ready());
    let reply = running.ask_udp(&query(1, NAME, 1)).await;
    assert_eq!(reply[3] & 15, 2, "SERVFAIL");
    running.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = DnsServer::bind(config(address, None)).await.err().unwrap().to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("--dns-address"),
        "{error}"
    );
}

#[tokio::test]
async fn a_long_frame_closes_the_connection_and_others_go_on() {
    let server = Running::start(&fixture::input(WORLD), 1, "127.0.0.1:0".parse().unwrap()).await;
    let mut hostile = TcpStream::connect(server.address).await.unwrap();
    hostile.write_all(&[0xff, 0xff, 1, 2, 3]).await.unwrap();
    let mut rest = Vec::new();
    assert_eq!(
        timeout(PATIENCE, hostile.read_to_end(&mut rest))
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
    assert_eq!(server.ask_tcp(&[&query(1, NAME, 1)]).await[0][7], 1);
    server.stop().await;
}
