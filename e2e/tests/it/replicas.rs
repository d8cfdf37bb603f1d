//! One hub served by two processes over one database: what is written through one is seen through the other, and nothing that
//! was acknowledged is lost when a process or the database dies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use e2e::{Database, Federation, eventually};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::shop::PATIENCE;

async fn client(federation: &Federation) -> Client {
    let kubeconfig = Kubeconfig::read_from(federation.data_dir().join("kubeconfig")).unwrap();
    let options = KubeConfigOptions {
        context: Some("federation".to_owned()),
        ..KubeConfigOptions::default()
    };
    Client::try_from(
        kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap(),
    )
    .unwrap()
}

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {
        "federation.meridian.dev/hub-only": "true", "written-by": "the-checker"}}}))
    .unwrap()
}

/// Writers through one server, and watchers through any: what was acknowledged, and what each watch was told.
#[derive(Default)]
struct Checker {
    acknowledged: Mutex<BTreeMap<String, String>>,
    stop: AtomicBool,
}

impl Checker {
    async fn write(self: Arc<Self>, client: Client, writer: usize) {
        let api: Api<ConfigMap> = Api::namespaced(client, "default");
        for number in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("w{writer}-{number}");
            let (params, object) = (PostParams::default(), config_map(&name));
            let create = api.create(&params, &object);
            if let Ok(Ok(created)) = tokio::time::timeout(Duration::from_secs(5), create).await {
                let uid = created.uid().unwrap();
                self.acknowledged.lock().unwrap().insert(name, uid);
            }
        }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    async fn wait_for_more(&self, more: usize) {
        let (goal, deadline) = (self.count() + more, Instant::now() + PATIENCE);
        while self.count() < goal {
            assert!(Instant::now() < deadline, "writes do not go on after {}", self.count());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads everything back: each acknowledged object is there, under the uid that was acknowledged.
    async fn read_back(&self, client: Client) {
        let api: Api<ConfigMap> = Api::namespaced(client, "default");
        let found: BTreeMap<String, String> = api
            .list(&kube::api::ListParams::default().labels("written-by=the-checker"))
            .await
            .unwrap()
            .into_iter()
            .map(|object| (object.name_any(), object.uid().unwrap()))
            .collect();
        for (name, uid) in self.acknowledged.lock().unwrap().iter() {
            assert_eq!(found.get(name), Some(uid), "{name} was acknowledged");
        }
    }
}

/// Follows a watch until it ends; the names that it told, which came in order and each once.
async fn follow(client: Client, from: String, until: Arc<AtomicBool>) -> BTreeSet<String> {
    let api: Api<ConfigMap> = Api::namespaced(client, "default");
    let params = WatchParams::default().labels("written-by=the-checker").timeout(290);
    let mut events = api.watch(&params, &from).await.unwrap().boxed();
    let (mut last, mut told) = (from.parse::<u64>().unwrap(), BTreeSet::new());
    loop {
        let next = tokio::time::timeout(Duration::from_millis(500), events.next()).await;
        match next {
            Err(_) if until.load(Ordering::Relaxed) => return told,
            Err(_) => {}
            Ok(Some(Ok(WatchEvent::Added(object)))) => {
                let version: u64 = object.resource_version().unwrap().parse().unwrap();
                assert!(version > last, "{version} after {last}");
                last = version;
                assert!(told.insert(object.name_any()), "{} came twice", object.name_any());
            }
            Ok(Some(Ok(WatchEvent::Bookmark(_)))) => {}
            Ok(other) => panic!("a watch was told {other:?}"),
        }
    }
}

async fn now(client: &Client) -> String {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let list = api.list(&kube::api::ListParams::default().limit(1)).await.unwrap();
    list.metadata.resource_version.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_serve_one_hub() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::start(&dir.path().join("postgres")).unwrap();
    let url = format!("postgres://postgres@{}/postgres", database.address());
    let mut first = Federation::start_over(dir.path(), 2, &url).unwrap();
    let second = first.start_another(dir.path()).unwrap();
    let (one, two) = (client(&first).await, client(&second).await);

    // A version of the one is a version of the other.
    let (of_one, of_two): (Api<ConfigMap>, Api<ConfigMap>) = (
        Api::namespaced(one.clone(), "default"),
        Api::namespaced(two.clone(), "default"),
    );
    let mut written = of_one
        .create(&PostParams::default(), &config_map("shared"))
        .await
        .unwrap();
    for (number, api) in [&of_two, &of_one, &of_two].into_iter().enumerate() {
        written.data = Some([("round".to_owned(), number.to_string())].into());
        written = api.replace("shared", &PostParams::default(), &written).await.unwrap();
    }

    // Both give addresses at once, each only once.
    let services = |client: &Client, prefix: &'static str| {
        let api: Api<Service> = Api::namespaced(client.clone(), "default");
        async move {
            let mut given = Vec::new();
            for number in 0..40 {
                let service = serde_json::from_value(json!({"metadata": {"name": format!("{prefix}-{number}"),
                    "labels": {"federation.meridian.dev/hub-only": "true"}},
                    "spec": {"type": "NodePort", "ports": [{"port": 80}]}}))
                .unwrap();
                let spec = api
                    .create(&PostParams::default(), &service)
                    .await
                    .unwrap()
                    .spec
                    .unwrap();
                given.push((spec.cluster_ip.unwrap(), spec.ports.unwrap()[0].node_port.unwrap()));
            }
            given
        }
    };
    let (a, b) = tokio::join!(services(&one, "a"), services(&two, "b"));
    let addresses: BTreeSet<&String> = a.iter().chain(&b).map(|(address, _)| address).collect();
    let ports: BTreeSet<i32> = a.iter().chain(&b).map(|(_, port)| *port).collect();
    assert_eq!((addresses.len(), ports.len()), (80, 80), "no address and no port twice");

    // The first leads; through the second the members follow all the same.
    second
        .kubectl(&["apply", "--server-side=false", "-f", "examples/hello.yaml"])
        .unwrap();
    second
        .kubectl(&["wait", "--for=condition=Available", "deployment/hello", "--timeout=60s"])
        .unwrap();

    // The first dies under load. A watch through the second misses nothing, and the second takes over.
    let (checker, watched) = (Arc::new(Checker::default()), Arc::new(AtomicBool::new(false)));
    let watch = tokio::spawn(follow(two.clone(), now(&two).await, watched.clone()));
    let writers: Vec<_> = [&one, &two, &one, &two]
        .into_iter()
        .enumerate()
        .map(|(writer, client)| tokio::spawn(checker.clone().write(client.clone(), writer)))
        .collect();
    checker.wait_for_more(100).await;
    first.kill().unwrap();
    checker.wait_for_more(100).await;
    // What only the controllers do, which the second runs from now on.
    second.kubectl(&["create", "namespace", "short-lived"]).unwrap();
    second
        .kubectl(&["delete", "namespace", "short-lived", "--timeout=60s"])
        .unwrap_or_else(|error| panic!("{error}\n{}", second.last_words()));
    checker.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    checker.read_back(two.clone()).await;
    watched.store(true, Ordering::Relaxed);
    let told = watch.await.unwrap();
    for name in checker.acknowledged.lock().unwrap().keys() {
        assert!(told.contains(name), "the watch was not told of {name}");
    }

    // It comes back, and serves a version of the other one's.
    let version = now(&two).await;
    first.restart().unwrap();
    let one = client(&first).await;
    let until = Arc::new(AtomicBool::new(false));
    let resumed = tokio::spawn(follow(one.clone(), version, until.clone()));
    of_two
        .create(&PostParams::default(), &config_map("later"))
        .await
        .unwrap();
    let of_one: Api<ConfigMap> = Api::namespaced(one, "default");
    let deadline = Instant::now() + PATIENCE;
    while of_one.get_opt("later").await.unwrap().is_none() {
        assert!(Instant::now() < deadline, "the first never saw what the second wrote");
    }
    until.store(true, Ordering::Relaxed);
    assert!(resumed.await.unwrap().contains("later"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut primary = Database::start(&dir.path().join("primary")).unwrap();
    let standby = primary.standby(&dir.path().join("standby")).unwrap();
    let url = format!(
        "postgres://postgres@{},{}/postgres?target_session_attrs=read-write",
        primary.address(),
        standby.address()
    );
    let federation = Federation::start_over(dir.path(), 1, &url).unwrap();
    let hub = client(&federation).await;
    let checker = Arc::new(Checker::default());
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(checker.clone().write(hub.clone(), writer)))
        .collect();
    checker.wait_for_more(100).await;
    primary.kill().unwrap();
    standby.promote().unwrap();
    checker.wait_for_more(100).await;
    checker.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    checker.read_back(hub).await;
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/hello.yaml"])
        .unwrap();
    federation
        .kubectl(&["wait", "--for=condition=Available", "deployment/hello", "--timeout=60s"])
        .unwrap();
    eventually("the hub ready", PATIENCE, || {
        federation
            .kubectl(&["get", "--raw", "/readyz"])
            .map_err(|error| error.0)
    });
}
