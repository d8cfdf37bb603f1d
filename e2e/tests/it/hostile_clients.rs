//! Clients that mean harm: bodies made to explode, and requests that never end. The first are refused with a Status, the
//! others cut, and meanwhile everybody else is served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::Federation;
use e2e::differential::server::{Answer, Server};
use http::Request;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longer than any deadline of the hub (a minute), so that what is not cut fails the test and does not hang it.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two bytes of a client that drips.
const DRIP: Duration = Duration::from_millis(250);
/// Clients that drip, of each sort.
const DRIPPING: usize = 100;
/// How much the hub's peak may grow over all hostile bodies. Each has 3 MiB at most, and a value of a tree takes some 50
/// bytes where its text takes two, so that one is 80 MiB as a tree; a patch holds two or three of them.
const BODIES_GROW_KIB_MAX: u64 = 256 << 10;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A number of the hub's `/proc/PID/status`, in KiB.
fn memory(federation: &Federation, name: &str) -> u64 {
    let process = federation.process_id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn request(method: &str, path: &str, media: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    let request = Request::builder().method(method).uri(path);
    request.header("content-type", media).body(body).unwrap()
}

/// What is wrong with an answer that should be a Status of this code.
fn fault(answer: &Answer, code: u16, word: &str) -> Option<String> {
    let body = &answer.body;
    let message = body["message"].as_str().unwrap_or_default();
    let fits = answer.code == code && body["kind"] == "Status" && body["code"] == code && message.contains(word);
    let text = body.to_string();
    let begin: String = text.chars().take(300).collect();
    (!fits).then(|| format!("wanted {code} with {word:?}, was {}: {begin}", answer.code))
}

/// A protobuf body: the magic, the kind, then `raw`.
fn framed(raw: &[u8]) -> Vec<u8> {
    let mut body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12".to_vec();
    let mut length = raw.len();
    while length > 0x7f {
        body.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    body.push(u8::try_from(length).unwrap());
    body.extend_from_slice(raw);
    body
}

/// What each body is, how it comes, and the code and a word of the refusal.
fn bodies() -> Vec<(&'static str, Request<Vec<u8>>, u16, &'static str)> {
    let posted = |media: &str, body: Vec<u8>| request("POST", CONFIG_MAPS, media, body);
    let patched = |media: &str, patch: &Value| {
        let path = format!("{CONFIG_MAPS}/victim");
        request("PATCH", &path, media, patch.to_string().into_bytes())
    };
    let (json_text, yaml) = ("application/json", "application/yaml");
    let protobuf = "application/vnd.kubernetes.protobuf";
    let json_patch = "application/json-patch+json";
    let deep = |open: &str| format!("{{\"kind\":\"ConfigMap\",\"data\":{}", open.repeat(500_000)).into_bytes();
    let mut aliases = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let ten = vec![format!("*a{}", level - 1); 10].join(",");
        aliases.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
    }
    let doubled: Vec<Value> = (0..60)
        .map(|at| json!({"op": "copy", "from": "/data", "path": format!("/data/d{at}")}))
        .collect();
    let repeated: Vec<Value> = (0..9_000)
        .map(|at| json!({"op": "copy", "from": "/data/a", "path": format!("/data/r{at}")}))
        .collect();
    let many = vec![json!({"op": "test", "path": "/kind", "value": "ConfigMap"}); 10_001];
    let merged = (0..400).fold(json!("x"), |inner, _| json!({"a": inner}));
    // A length of two gigabytes, one of more than 64 bits, one that goes beyond its frame, groups in groups.
    let long = b"k8s\0\x0a\xff\xff\xff\xff\x07".to_vec();
    let endless = [b"k8s\0\x0a".as_slice(), &[0xff; 16]].concat();
    vec![
        ("deep lists in JSON", posted(json_text, deep("[")), 400, "max depth"),
        (
            "deep maps in JSON",
            posted(json_text, deep("{\"a\":")),
            400,
            "max depth",
        ),
        (
            "deep lists in YAML",
            posted(yaml, "[".repeat(500_000).into_bytes()),
            400,
            "",
        ),
        ("aliases of aliases", posted(yaml, aliases.into_bytes()), 400, ""),
        ("a length of gigabytes", posted(protobuf, long), 400, "protobuf"),
        ("a length without end", posted(protobuf, endless), 400, "protobuf"),
        (
            "a length beyond its frame",
            posted(protobuf, framed(b"\x0a\x7fab")),
            400,
            "protobuf",
        ),
        (
            "groups in groups",
            posted(protobuf, framed(&[0x0b; 500_000])),
            400,
            "protobuf",
        ),
        (
            "copies that double",
            patched(json_patch, &json!(doubled)),
            422,
            "copies exceed",
        ),
        (
            "copies of much",
            patched(json_patch, &json!(repeated)),
            422,
            "copies exceed",
        ),
        ("too many operations", patched(json_patch, &json!(many)), 413, "10000"),
        (
            "a deep merge patch",
            patched("application/merge-patch+json", &merged),
            400,
            "max depth",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_made_to_explode_are_refused_with_a_status() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 0).unwrap();
    let server = Server::open("hub", &federation.data_dir().join("kubeconfig"), "federation")
        .await
        .unwrap();
    let victim = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "victim"},
        "data": {"a": "x".repeat(100_000)}});
    let made = request("POST", CONFIG_MAPS, "application/json", victim.to_string().into_bytes());
    assert_eq!(server.send(made, None).await.unwrap().code, 201);
    let before = memory(&federation, "VmHWM:");
    // All are tried before the test fails, so that one run tells everything.
    let mut wrong = Vec::new();
    for (name, request, code, word) in bodies() {
        match server.send(request, None).await {
            Ok(answer) => wrong.extend(fault(&answer, code, word).map(|fault| format!("{name}: {fault}"))),
            Err(failure) => wrong.push(format!("{name}: {failure}")),
        }
    }
    // A megabyte in the URL is more than a head may have: refused before there is a request that a Status could answer, and
    // where the rest of it is still on its way, the connection may be reset before the refusal is read.
    let selector = |names: usize| (0..names).map(|at| format!("v{at}")).collect::<Vec<_>>().join(",");
    let line = format!("{CONFIG_MAPS}?labelSelector=a%20in%20({})", selector(160_000));
    assert!(line.len() > 1 << 20);
    let head = format!("GET {line} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
    let said = Door::of(&federation).ask(&head).await;
    if !(said.is_empty() || said.starts_with("HTTP/1.1 414 ") || said.starts_with("HTTP/1.1 431 ")) {
        wrong.push(format!(
            "a megabyte of selector: {}",
            said.lines().next().unwrap_or_default()
        ));
    }
    let path = format!("{CONFIG_MAPS}?labelSelector=a%20in%20({})", selector(8_000));
    match server
        .send(request("GET", &path, "application/json", Vec::new()), None)
        .await
    {
        Ok(answer) if answer.code == 200 && answer.body["items"] == json!([]) => {}
        other => wrong.push(format!("a long selector: {:?}", other.map(|answer| answer.value()))),
    }
    let grown = memory(&federation, "VmHWM:") - before;
    println!("the hub's peak grew by {} MiB over {} MiB", grown >> 10, before >> 10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(grown < BODIES_GROW_KIB_MAX, "the peak grew by {grown} KiB");
    let kept = federation.kubectl_json(&["get", "configmap", "victim"]).unwrap();
    assert_eq!(kept["data"], victim["data"], "no refused patch left a trace");
}

/// Opens connections as the administrator.
#[derive(Clone)]
struct Door {
    connector: TlsConnector,
    address: SocketAddr,
}

impl Door {
    fn of(federation: &Federation) -> Self {
        let config = federation
            .kubectl_json(&["config", "view", "--raw", "--minify"])
            .unwrap();
        let pem = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem(&cluster["certificate-authority-data"])) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let chain = pem(&user["client-certificate-data"]);
        let chain = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(&pem(&user["client-key-data"])).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        Self {
            connector: TlsConnector::from(Arc::new(tls)),
            address: SocketAddr::from(([127, 0, 0, 1], federation.api_port())),
        }
    }

    async fn open(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::IpAddress(self.address.ip().into());
        self.connector.connect(name, stream).await
    }

    /// Sends a request; all that is said until the connection ends.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.open().await.unwrap();
        let mut said = Vec::new();
        let asking = async {
            // Who is cut while writing may have been told why.
            if let Err(error) = stream.write_all(request.as_bytes()).await {
                println!("the request was not taken to its end: {error}");
            }
            if let Err(error) = stream.read_to_end(&mut said).await {
                println!("the connection was cut: {error}");
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("the hub ends it");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Sends `head`, then `drop` again and again until the hub ends it; what it said until then.
    async fn drip(&self, head: &str, drop: &[u8]) -> String {
        let stream = self.open().await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        to.write_all(head.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let dripping = async {
            while to.write_all(drop).await.is_ok() && to.flush().await.is_ok() {
                tokio::time::sleep(DRIP).await;
            }
        };
        let reading = async {
            // A cut connection ends with an error or without; both are an end.
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                said.extend_from_slice(&buffer[..length]);
            }
        };
        let both = async {
            tokio::select! {
                () = reading => {}
                () = async { dripping.await; std::future::pending::<()>().await } => {}
            }
        };
        tokio::time::timeout(PATIENCE, both)
            .await
            .expect("a slow client is cut");
        String::from_utf8_lossy(&said).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_and_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 0).unwrap();
    let door = Door::of(&federation);
    let ended = Arc::new(AtomicUsize::new(0));
    let slow = |head: String, drop: &'static [u8]| {
        let (door, ended) = (door.clone(), ended.clone());
        tokio::spawn(async move {
            let said = door.drip(&head, drop).await;
            ended.fetch_add(1, Ordering::SeqCst);
            said
        })
    };
    let heads: Vec<_> = (0..DRIPPING)
        .map(|_| {
            slow(
                "GET /api/v1/namespaces HTTP/1.1\r\nHost: hub\r\n".to_owned(),
                b"X-Slow: 1\r\n",
            )
        })
        .collect();
    let bodies: Vec<_> = (0..DRIPPING)
        .map(|at| {
            let head = format!(
                "POST {CONFIG_MAPS}?timeout={}s HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n",
                20 + at % 10
            );
            slow(head, b"{")
        })
        .collect();
    for at in 0..3 {
        let name = format!("served-{at}");
        federation.kubectl(&["create", "configmap", &name]).unwrap();
    }
    assert!(
        ended.load(Ordering::SeqCst) < 2 * DRIPPING,
        "others were served while slow clients were there"
    );
    for head in heads {
        let said = head.await.unwrap();
        assert!(!said.contains(" 200 "), "no answer to half a head: {said}");
    }
    for body in bodies {
        let said = body.await.unwrap();
        assert!(said.starts_with("HTTP/1.1 504 "), "{said}");
        assert!(
            said.contains("\"kind\":\"Status\"") && said.contains("\"reason\":\"Timeout\""),
            "{said}"
        );
    }
    assert_eq!(federation.kubectl(&["get", "--raw", "/readyz"]).unwrap(), "ok");
}

/// Connections that say nothing at all, and how many of those that said one thing.
const SILENT: usize = 10_000;
const SPOKE_ONCE: usize = 300;
/// How much the hub may grow by all of them: what a connection needs until its handshake, and after it, with room to spare.
const CONNECTIONS_GROW_KIB_MAX: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_cost_little_and_stop_nobody() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 0).unwrap();
    let door = Door::of(&federation);
    let before = memory(&federation, "VmRSS:");

    let mut spoke = Vec::new();
    for _ in 0..SPOKE_ONCE {
        let mut stream = door.open().await.unwrap();
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
            .await
            .unwrap();
        let mut said = [0; 15];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 200 OK");
        spoke.push(stream);
    }
    let mut silent = Vec::new();
    for at in 0..SILENT {
        let stream = TcpStream::connect(door.address).await;
        silent.push(stream.unwrap_or_else(|error| panic!("connection {at}: {error}")));
    }
    for at in 0..3 {
        let name = format!("served-{at}");
        federation.kubectl(&["create", "configmap", &name]).unwrap();
    }
    let grown = memory(&federation, "VmRSS:").saturating_sub(before);
    println!("{} connections: {} MiB", SILENT + SPOKE_ONCE, grown >> 10);
    assert!(grown < CONNECTIONS_GROW_KIB_MAX, "{grown} KiB");

    // Who never begins a handshake is cut, and the place is free again.
    let cut = async {
        for mut stream in silent {
            let mut nothing = [0; 1];
            assert!(matches!(stream.read(&mut nothing).await, Ok(0) | Err(_)));
        }
    };
    tokio::time::timeout(PATIENCE, cut)
        .await
        .expect("silent connections end");
    drop(spoke);
    assert_eq!(federation.kubectl(&["get", "--raw", "/readyz"]).unwrap(), "ok");
}
