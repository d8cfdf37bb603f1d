//! Following a hub: changes arrive, doubt deletes nothing, the console hears what is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dns::{DnsConfig, DnsServer, DnsState, explain};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;

const NAME: &str = "web.shop.fed.svc.meridian.internal";
const PATIENCE: Duration = Duration::from_secs(20);

struct Following {
    hub: Hub,
    state: DnsState,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), dns::DnsError>>,
}

fn cluster(region: &str) -> Value {
    json!({ "spec": { "region": region }, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })
}

fn service() -> Value {
    json!({ "spec": { "ports": [{ "name": "http", "port": 80 }] } })
}

/// `us-1=IP` and `eu-1=IP`, each with a ready endpoint.
fn placement(addresses: &[(&str, &str)]) -> Value {
    let clusters: Vec<Value> = addresses
        .iter()
        .map(|(cluster, _)| json!({ "name": cluster }))
        .collect();
    let rows: Vec<Value> = addresses
        .iter()
        .map(|(cluster, ip)| {
            json!({ "name": cluster, "applied": true, "observedHubGeneration": 1,
            "addresses": [ip, "lb.example.com"], "readyEndpoints": 1 })
        })
        .collect();
    let resource = json!({ "apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "web" });
    json!({ "spec": { "resource": resource, "resourceGeneration": 1, "clusters": clusters, "reason": "" },
        "status": { "clusters": rows } })
}

impl Following {
    async fn start(hub: Hub, snapshot_path: Option<std::path::PathBuf>) -> Self {
        let config = DnsConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            zone: "meridian.internal".into(),
            federation: "fed".into(),
            ns_name: None,
            snapshot_path,
            hub: Some(hub.client()),
            zone_files: Vec::new(),
            secure: dns::SecureAddresses::default(),
            certificate: None,
            transfers: dns::Transfers::default(),
            settings: crate::fixture::settings(),
        };
        let server = DnsServer::bind(config).await.unwrap();
        let (state, stop) = (server.state(), CancellationToken::new());
        let task = tokio::spawn(server.serve(stop.clone()));
        Self { hub, state, stop, task }
    }

    fn answers(&self, client: &str) -> String {
        let explanation = explain(&self.state.snapshot(), NAME, client.parse().unwrap()).unwrap();
        let mut addresses: Vec<String> = explanation
            .answers
            .iter()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect();
        addresses.sort();
        if addresses.is_empty() {
            explanation.rcode
        } else {
            addresses.join(" ")
        }
    }

    /// Waits until a client is answered so.
    #[track_caller]
    fn expect(&self, client: &'static str, expected: &'static str) -> impl Future<Output = ()> + '_ {
        let began = Instant::now();
        async move {
            loop {
                let got = self.answers(client);
                if got == expected {
                    return;
                }
                assert!(began.elapsed() < PATIENCE, "{client} gets {got}, not {expected}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn federation() -> Hub {
    let hub = Hub::new();
    hub.put("clusters", "us-1", cluster("us-east"));
    hub.put("clusters", "eu-1", cluster("eu-west"));
    hub.put(
        "regions",
        "us-east",
        json!({ "spec": { "cidrs": ["10.1.0.0/16"], "fallbacks": ["eu-west"] } }),
    );
    hub.put("regions", "eu-west", json!({ "spec": { "cidrs": ["10.2.0.0/16"] } }));
    // No probes: the addresses are documentation's, and what is tested here is the hub's word.
    hub.put(
        "dnspolicies",
        "shop/quiet",
        json!({ "spec": { "probe": { "disabled": true } } }),
    );
    hub.put("services", "shop/web", service());
    hub.put("services", "kube-system/dns", service());
    hub.put(
        "placements",
        "shop/service-web",
        placement(&[("us-1", "192.0.2.1"), ("eu-1", "192.0.2.2")]),
    );
    hub
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_arrive_and_deletions_are_observed() {
    let dns = Following::start(federation(), None).await;
    dns.expect("10.1.0.1", "192.0.2.1").await;
    dns.expect("10.2.0.1", "192.0.2.2").await;
    dns.expect("203.0.113.1", "192.0.2.1 192.0.2.2").await;
    assert!(dns.state.ready() && dns.state.connected());
    dns.hub
        .put("placements", "shop/service-web", placement(&[("eu-1", "192.0.2.2")]));
    dns.expect("10.1.0.1", "192.0.2.2").await;
    dns.hub.delete("placements", "shop/service-web", true);
    dns.expect("10.1.0.1", "NOERROR").await;
    dns.hub.delete("services", "shop/web", true);
    dns.expect("10.1.0.1", "NXDOMAIN").await;
    dns.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relist_without_an_object_is_doubt_and_the_hub_settles_it() {
    let dns = Following::start(federation(), None).await;
    dns.hub.put("services", "shop/other", service());
    dns.expect("10.1.0.1", "192.0.2.1").await;
    dns.hub.delete("services", "shop/web", false);
    dns.hub.expire_watches();
    // A change after the relist shows that the relist is in, and the name is still there.
    dns.hub
        .put("placements", "shop/service-web", placement(&[("us-1", "192.0.2.7")]));
    dns.expect("10.1.0.1", "192.0.2.7").await;
    dns.expect("10.1.0.1", "NXDOMAIN").await;
    dns.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_gone_changes_nothing_not_even_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot.json");
    let dns = Following::start(federation(), Some(path.clone())).await;
    dns.expect("10.1.0.1", "192.0.2.1").await;
    dns.hub.refuse(true);
    dns.hub.expire_watches();
    let began = Instant::now();
    while dns.state.connected() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(dns.answers("10.1.0.1"), "192.0.2.1");
    let (hub, version) = (dns.hub.clone(), dns.state.version());
    dns.stop().await;
    let dns = Following::start(hub, Some(path)).await;
    assert!(dns.state.ready() && dns.state.version() > version);
    assert_eq!(dns.answers("10.1.0.1"), "192.0.2.1");
    // Back again, with a change that happened meanwhile.
    dns.hub
        .put("placements", "shop/service-web", placement(&[("us-1", "192.0.2.9")]));
    dns.hub.refuse(false);
    dns.expect("10.1.0.1", "192.0.2.9").await;
    dns.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_hears_what_is_answered() {
    let dns = Following::start(federation(), None).await;
    let resolution = |hub: &Hub| {
        hub.get("resolutions", "shop/web")
            .map(|object| object["spec"]["regions"].clone())
    };
    let began = Instant::now();
    let wanted = json!({ "eu-west": ["192.0.2.2"], "us-east": ["192.0.2.1"] });
    while resolution(&dns.hub) != Some(wanted.clone()) {
        assert!(began.elapsed() < PATIENCE, "{:?}", resolution(&dns.hub));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(dns.hub.get("resolutions", "kube-system/dns").is_none());
    dns.hub.delete("services", "shop/web", true);
    while resolution(&dns.hub).is_some() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dns.stop().await;
}
