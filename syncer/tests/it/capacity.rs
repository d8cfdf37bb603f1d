//! What a member's nodes have room for reaches the hub, and moves with its pods.

use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_of_a_member_follows_its_pods() {
    let rig = Rig::start(&["us-1"]).await;
    let free = |pulse: &api::HeartbeatSpec| {
        let groups = pulse.capacity.as_ref().map(|capacity| capacity.groups.as_slice());
        let first = groups.and_then(|groups| groups.first());
        first.map(|group| api::quantity::format(group.free[0].resources["cpu"].0))
    };
    let pulse = rig
        .heartbeat("us-1", |pulse| free(pulse).as_deref() == Some("64"))
        .await;
    let group = pulse.capacity.unwrap().groups.remove(0);
    assert_eq!((group.nodes, group.free.len()), (1, 1));
    assert!(group.labels.contains_key("kubernetes.io/os"), "{:?}", group.labels);

    let pods = rig.member_api("us-1", "v1", "Pod", "default");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "busy", "namespace": "default"},
        "spec": {"nodeName": "us-1-node-1", "containers": [
            {"name": "a", "image": "a", "resources": {"requests": {"cpu": "1500m"}}}]}});
    let pod = serde_json::from_value(pod).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    rig.heartbeat("us-1", |pulse| free(pulse).as_deref() == Some("62500m"))
        .await;
    pods.delete("busy", &DeleteParams::default().grace_period(0))
        .await
        .unwrap();
    rig.heartbeat("us-1", |pulse| free(pulse).as_deref() == Some("64"))
        .await;
}
