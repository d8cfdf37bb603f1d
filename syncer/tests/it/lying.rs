//! Members that lie, and members that were restored: each is said where it shows, and none of it deletes anything.

use api::ReportState;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use simulated::{Fault, How, Member, MemberConfig, What};

use crate::liar::{Liar, Lie};
use crate::rig::{Rig, object};
use crate::said;

const MANY: usize = 5;

fn config(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})
}

/// A member behind a liar, with some objects in it.
async fn rig() -> (Rig, Liar) {
    let (rig, liar) = Rig::start_lying("us-1").await;
    rig.namespace("shop", &["us-1"]).await;
    for number in 0..MANY {
        let name = format!("c{number}");
        rig.put("shop", config(&name, "v")).await;
        rig.place("shop", "v1", "ConfigMap", &name, &["us-1"]).await;
    }
    for number in 0..MANY {
        let placement = format!("configmap-c{number}");
        rig.report("us-1", "shop", &placement, said(ReportState::Applied)).await;
    }
    (rig, liar)
}

/// One more object is placed and arrives: what came before it has been settled.
async fn one_more(rig: &Rig, name: &str) {
    rig.put(
        "shop",
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"k": "v"}}),
    )
    .await;
    rig.place("shop", "v1", "Secret", name, &["us-1"]).await;
    rig.report("us-1", "shop", &format!("secret-{name}"), said(ReportState::Applied))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_lacks_everything_writes_and_deletes_nothing() {
    let (mut rig, liar) = rig().await;
    let before = rig.member_versions("us-1", "shop").await;
    rig.stop_syncers().await;
    liar.say(Lie::EmptyLists);
    rig.start_syncers();
    rig.next_heartbeat("us-1").await;
    one_more(&rig, "last").await;
    for number in 0..MANY {
        let placement = format!("configmap-c{number}");
        rig.report("us-1", "shop", &placement, said(ReportState::Applied)).await;
    }
    assert_eq!(
        rig.member_versions("us-1", "shop").await,
        before,
        "it was looked at before it was written"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_of_long_ago_stop_no_change() {
    let (mut rig, liar) = rig().await;
    let before = rig.member_versions("us-1", "shop").await;
    rig.stop_syncers().await;
    liar.say(Lie::OldVersions);
    rig.start_syncers();
    one_more(&rig, "first").await;
    assert_eq!(rig.member_versions("us-1", "shop").await, before);
    rig.patch("shop", "v1", "ConfigMap", "c0", json!({"data": {"k": "new"}}))
        .await;
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    rig.until("the change is there", || async {
        (configs.get("c0").await.ok()?.data["data"]["k"] == "new").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_again_after_its_deletion_is_not_called_gone() {
    let (rig, liar) = rig().await;
    liar.say(Lie::Undead);
    rig.withdraw("shop", "configmap-c0").await;
    one_more(&rig, "later").await;
    for _ in 0..2 {
        rig.next_heartbeat("us-1").await;
    }
    let report = rig.report("us-1", "shop", "configmap-c0", |_| true).await;
    assert_ne!(report.state, ReportState::Absent, "the member still has it");
    liar.say(Lie::None);
    rig.report("us-1", "shop", "configmap-c0", said(ReportState::Absent))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_credentials_are_named_with_the_next_step() {
    let (rig, liar) = rig().await;
    let before = rig.member_versions("us-1", "shop").await;
    liar.say(Lie::Unauthorized);
    let pulse = rig.heartbeat("us-1", |pulse| !pulse.reachable).await;
    let next = "next: meridian join us-1 --kubeconfig FILE --repair";
    assert!(
        pulse.message.contains("Unauthorized") && pulse.message.contains(next),
        "{}",
        pulse.message
    );
    rig.withdraw("shop", "configmap-c0").await;
    for _ in 0..2 {
        rig.next_heartbeat("us-1").await;
    }
    assert_eq!(rig.member_versions("us-1", "shop").await, before);
    liar.say(Lie::None);
    rig.report("us-1", "shop", "configmap-c0", said(ReportState::Absent))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_says_nothing_stops_no_write() {
    let (mut rig, liar) = rig().await;
    rig.stop_syncers().await;
    liar.say(Lie::DeafWatches);
    rig.start_syncers();
    one_more(&rig, "written").await;
    rig.patch("shop", "v1", "ConfigMap", "c1", json!({"data": {"k": "new"}}))
        .await;
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    rig.until("the change is there", || async {
        (configs.get("c1").await.ok()?.data["data"]["k"] == "new").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_restored_from_a_backup_is_brought_to_its_state() {
    let (rig, liar) = rig().await;
    // The backup is of before most objects, has one in an older form, and something of somebody else.
    let name = "us-1-backup";
    let third = rand::random_range(0..=255_u8);
    let range = format!("127.{}.{third}.0/24", rand::random_range(16..250_u8));
    let backup = Member::start(MemberConfig::new(name, range.parse().unwrap()))
        .await
        .unwrap();
    let client = backup.local_client();
    let create = |api_version: &'static str, kind: &'static str, namespace: &'static str, value: Value| {
        let api = Rig::api(client.clone(), api_version, kind, namespace);
        async move { api.create(&PostParams::default(), &object(value)).await.unwrap() }
    };
    create(
        "v1",
        "Namespace",
        "",
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    )
    .await;
    let held = rig.member_object("us-1", "v1", "ConfigMap", "shop", "c0").await;
    let mut old = config("c0", "old");
    old["metadata"]["labels"] = held["metadata"]["labels"].clone();
    old["metadata"]["annotations"] = held["metadata"]["annotations"].clone();
    create("v1", "ConfigMap", "shop", old).await;
    create("v1", "ConfigMap", "shop", config("theirs", "kept")).await;
    // Its API server stops, which ends all watches, and starts over the backup.
    rig.member("us-1").fault(Fault {
        what: What::Api,
        how: How::Refuse,
    });
    rig.heartbeat("us-1", |pulse| !pulse.reachable).await;
    liar.restore(rig.member("us-1").local_client(), client.clone()).await;
    let configs = Rig::api(client, "v1", "ConfigMap", "shop");
    for number in 0..MANY {
        let name = format!("c{number}");
        rig.until("it is as the hub wants it", || async {
            (configs.get(&name).await.ok()?.data["data"]["k"] == "v").then_some(())
        })
        .await;
    }
    let theirs = configs.get("theirs").await.unwrap();
    assert_eq!(theirs.data["data"]["k"], "kept");
    assert!(rig.heartbeat("us-1", |pulse| pulse.reachable).await.message.is_empty());
    let still = rig.member_versions("us-1", "shop").await;
    assert_eq!(still.len(), MANY, "nothing went from where it was before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overwrite_takes_what_is_there_and_abort_leaves_it() {
    let (rig, _liar) = rig().await;
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    for name in ["left", "taken"] {
        configs
            .create(&PostParams::default(), &object(config(name, "theirs")))
            .await
            .unwrap();
        rig.put("shop", config(name, "ours")).await;
        rig.place("shop", "v1", "ConfigMap", name, &["us-1"]).await;
        let placement = format!("configmap-{name}");
        rig.report("us-1", "shop", &placement, said(ReportState::Conflict))
            .await;
    }
    let overwrite = json!({"spec": {"conflictResolution": "Overwrite"}});
    rig.patch(
        "shop",
        "federation.meridian.dev/v1alpha1",
        "Placement",
        "configmap-taken",
        overwrite,
    )
    .await;
    rig.report("us-1", "shop", "configmap-taken", said(ReportState::Applied))
        .await;
    assert_eq!(configs.get("taken").await.unwrap().data["data"]["k"], "ours");
    assert_eq!(configs.get("left").await.unwrap().data["data"]["k"], "theirs");
    // A field that never changes is refused as long as the hub's object is the same one, and nothing is made anew.
    let uid = configs.get("c2").await.unwrap().metadata.uid;
    let frozen = json!({"immutable": true});
    configs
        .patch("c2", &PatchParams::default(), &Patch::Merge(&frozen))
        .await
        .unwrap();
    rig.patch("shop", "v1", "ConfigMap", "c2", json!({"data": {"k": "new"}}))
        .await;
    let report = rig
        .report("us-1", "shop", "configmap-c2", said(ReportState::Failed))
        .await;
    assert!(report.message.contains("immutable"), "{}", report.message);
    let kept = configs.get("c2").await.unwrap();
    assert_eq!((kept.metadata.uid, &kept.data["data"]["k"]), (uid, &json!("v")));
}
