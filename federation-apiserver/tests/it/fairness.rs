//! Many requests at once: one client's flood does not hold another back, and nothing waits without bound.

use std::time::Duration;

use axum::body::Body;
use federation_apiserver::flow::FlowConfig;
use federation_apiserver::{Profile, ServerConfig, UserInfo};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::json;

use crate::harness::{CONFIGMAPS, Hub, configmap};

async fn narrow() -> Hub {
    let mut config = ServerConfig::new(Profile::Hub);
    // Two seats for people and other users.
    config.flow = FlowConfig { seats: 20 };
    let hub = Hub::with(config).await;
    let binding = json!({"metadata": {"name": "all"}, "roleRef": {"kind": "ClusterRole", "name": "edit"},
        "subjects": [{"kind": "Group", "name": "system:authenticated"}]});
    hub.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        .await
        .expect(201);
    hub
}

/// A body that never ends: its request keeps its seat.
fn endless() -> Body {
    Body::from_stream(futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>())
}

#[tokio::test]
async fn a_flood_of_one_user_leaves_room_for_another() {
    let hub = narrow().await;
    let noisy = hub.as_user(UserInfo::new("noisy", ["devs"]));
    let headers = [("content-type", "application/json")];
    // The seats are taken, the queues of the noisy user are full.
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let mut request = Box::pin(noisy.raw("POST", CONFIGMAPS, &headers, endless()));
        assert!(futures::poll!(request.as_mut()).is_pending());
        stuck.push(request);
    }
    let mut flood: FuturesUnordered<_> = (0..400).map(|_| noisy.get(CONFIGMAPS)).collect();
    let refused = tokio::time::timeout(Duration::from_secs(20), flood.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(refused.code, 429, "{}", refused.text());
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.headers.contains_key("x-kubernetes-pf-prioritylevel-uid"));

    // An administrator needs no seat; health needs none; another user has the next one.
    hub.get(CONFIGMAPS).await.expect(200);
    let nobody = hub.as_user(UserInfo::anonymous());
    assert_eq!(nobody.get("/livez").await.code, 200);
    let quiet = hub.as_user(UserInfo::new("kubectl", ["devs"]));
    let mut asked = Box::pin(quiet.post(CONFIGMAPS, configmap("a", "1")));
    assert!(futures::poll!(asked.as_mut()).is_pending(), "it waits for a seat");
    drop(stuck.pop());
    let mut before = 0;
    let answer = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            tokio::select! {
                biased;
                answer = &mut asked => return answer,
                Some(flooded) = flood.next() => before += usize::from(flooded.code == 200),
            }
        }
    })
    .await
    .expect("in time");
    answer.expect(201);
    assert!(before < 20, "{before} of the flood went before it");
}

#[tokio::test]
async fn a_server_that_leaves_says_so_and_serves_on() {
    let config = ServerConfig::new(Profile::Hub);
    let leaving = config.leaving.clone();
    let hub = Hub::with(config).await;
    assert_eq!(hub.get("/readyz").await.code, 200);
    let mut watch = hub.watch(&format!("{CONFIGMAPS}?watch=true")).await;
    leaving.cancel();
    assert_eq!(
        (hub.get("/readyz").await.code, hub.get("/livez").await.code),
        (500, 200)
    );
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    assert_eq!(watch.told().await, ("ADDED".to_owned(), "a".to_owned()));
}

#[tokio::test]
async fn a_request_has_its_time() {
    let hub = Hub::start().await;
    let path = format!("{CONFIGMAPS}?timeout=50ms");
    let headers = [("content-type", "application/json")];
    let late = hub.send("POST", &path, &headers, endless()).await.expect(504);
    assert_eq!(
        late,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Timeout: request did not complete within the allotted timeout", "reason": "Timeout",
            "details": {}, "code": 504})
    );
    let wrong = hub.get(&format!("{CONFIGMAPS}?timeout=abc")).await.expect(400);
    assert_eq!(
        wrong["message"],
        "invalid timeout specified in the request URL - time: invalid duration \"abc\""
    );
    let mut watch = hub.watch(&format!("{CONFIGMAPS}?watch=true&timeout=1ms")).await;
    hub.post(CONFIGMAPS, configmap("a", "1")).await.expect(201);
    assert_eq!(
        watch.told().await,
        ("ADDED".to_owned(), "a".to_owned()),
        "a watch has its own time"
    );
}
