//! The syncer between a real hub and simulated members, over HTTPS on loopback: what is applied, put back, refused, removed
//! and left alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as loudly as tests")]

mod capacity;
mod liar;
mod lying;
mod rig;

use api::well_known::{MANAGED_LABEL, PLACEMENT_ANNOTATION};
use api::{ReportSpec, ReportState};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use simulated::{Fault, How, What};

use rig::{Rig, deployment, object, service};

fn said(state: ReportState) -> impl Fn(&ReportSpec) -> bool {
    move |report| report.state == state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applies_and_reports_what_became_of_it() {
    let rig = Rig::start(&["us-1", "eu-1"]).await;
    rig.namespace("shop", &["us-1", "eu-1"]).await;
    rig.put("shop", deployment("web", 2)).await;
    rig.put("shop", service("web")).await;
    rig.place("shop", "apps/v1", "Deployment", "web", &["us-1", "eu-1"])
        .await;
    rig.place("shop", "v1", "Service", "web", &["us-1", "eu-1"]).await;
    for cluster in ["us-1", "eu-1"] {
        let held = rig.member_object(cluster, "apps/v1", "Deployment", "shop", "web").await;
        assert_eq!(held["metadata"]["labels"][MANAGED_LABEL], "true");
        assert_eq!(
            held["metadata"]["annotations"][PLACEMENT_ANNOTATION],
            "shop/deployment-web"
        );
        let report = rig
            .report(cluster, "shop", "deployment-web", |r| r.ready == Some(true))
            .await;
        assert_eq!(report.state, ReportState::Applied);
        assert_eq!(
            (report.observed_hub_generation, report.status["readyReplicas"].as_i64()),
            (1, Some(2))
        );
        let report = rig
            .report(cluster, "shop", "service-web", |r| {
                r.ready_endpoints == Some(2) && !r.addresses.is_empty()
            })
            .await;
        assert_eq!((report.ready, report.addresses.len()), (Some(true), 1));
        let pulse = rig.heartbeat(cluster, |h| h.reachable).await;
        assert_eq!(pulse.cluster_id, rig.member(cluster).identity());
        assert!(
            pulse.api_enablements.iter().any(|k| k == "apps/v1/Deployment"),
            "{:?}",
            pulse.api_enablements
        );
        assert_eq!(pulse.nodes.map(|n| (n.total_num, n.ready_num)), Some((1, 1)));
    }
    // A new generation is observed as such.
    rig.patch(
        "shop",
        "apps/v1",
        "Deployment",
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}),
    )
    .await;
    let report = rig
        .report("us-1", "shop", "deployment-web", |r| {
            r.observed_hub_generation == 2 && r.ready == Some(true)
        })
        .await;
    assert_eq!(report.state, ReportState::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_back_what_was_changed_in_the_member_and_leaves_the_rest() {
    let rig = Rig::start(&["us-1"]).await;
    rig.namespace("shop", &["us-1"]).await;
    rig.put("shop", deployment("web", 2)).await;
    rig.place("shop", "apps/v1", "Deployment", "web", &["us-1"]).await;
    rig.report("us-1", "shop", "deployment-web", said(ReportState::Applied))
        .await;
    let api = rig.member_api("us-1", "apps/v1", "Deployment", "shop");
    let theirs = json!({"metadata": {"labels": {"theirs": "kept"}}, "spec": {"replicas": 7}});
    api.patch("web", &PatchParams::default(), &Patch::Merge(&theirs))
        .await
        .unwrap();
    let restored = rig.until("replicas are put back", || async {
        let seen = api.get("web").await.ok()?;
        (seen.data["spec"]["replicas"] == 2).then_some(seen)
    });
    assert_eq!(
        restored
            .await
            .metadata
            .labels
            .unwrap_or_default()
            .get("theirs")
            .map(String::as_str),
        Some("kept")
    );
    api.delete("web", &DeleteParams::background()).await.unwrap();
    rig.until("the object is put back", || async { api.get("web").await.ok() })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adopts_nothing_that_is_not_its_own() {
    let rig = Rig::start(&["us-1"]).await;
    let namespaces = rig.member_api("us-1", "v1", "Namespace", "");
    namespaces
        .create(
            &PostParams::default(),
            &object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})),
        )
        .await
        .unwrap();
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    let theirs =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"whose": "theirs"}});
    configs.create(&PostParams::default(), &object(theirs)).await.unwrap();
    rig.namespace("shop", &["us-1"]).await;
    rig.put(
        "shop",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"whose": "ours"}}),
    )
    .await;
    rig.place("shop", "v1", "ConfigMap", "settings", &["us-1"]).await;
    let report = rig
        .report("us-1", "shop", "configmap-settings", said(ReportState::Conflict))
        .await;
    assert!(report.message.contains("ConfigMap shop/settings"), "{}", report.message);
    let kept = configs.get("settings").await.unwrap();
    assert_eq!(kept.data["data"]["whose"], "theirs");
    assert!(kept.metadata.labels.unwrap_or_default().is_empty());
    // Withdrawing it deletes nothing that is not ours.
    rig.withdraw("shop", "configmap-settings").await;
    rig.report("us-1", "shop", "configmap-settings", said(ReportState::Absent))
        .await;
    assert!(configs.get("settings").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removes_only_when_told_to() {
    let rig = Rig::start(&["us-1"]).await;
    rig.namespace("shop", &["us-1"]).await;
    for name in ["a", "b"] {
        rig.put(
            "shop",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": name}}),
        )
        .await;
        rig.place("shop", "v1", "ConfigMap", name, &["us-1"]).await;
        rig.report("us-1", "shop", &format!("configmap-{name}"), said(ReportState::Applied))
            .await;
    }
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    // The Placement of `a` vanishes without a word: nobody wishes anything, nothing is removed.
    rig.forget_placement("shop", "configmap-a").await;
    rig.withdraw("shop", "configmap-b").await;
    rig.report("us-1", "shop", "configmap-b", said(ReportState::Absent))
        .await;
    assert!(configs.get_opt("b").await.unwrap().is_none());
    assert!(configs.get_opt("a").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_writes_nothing() {
    let mut rig = Rig::start(&["us-1"]).await;
    rig.namespace("shop", &["us-1"]).await;
    for n in 0..20 {
        rig.put("shop", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{n}")}, "data": {"n": n.to_string()}})).await;
        rig.place("shop", "v1", "ConfigMap", &format!("c{n}"), &["us-1"]).await;
    }
    rig.put("shop", deployment("web", 2)).await;
    rig.place("shop", "apps/v1", "Deployment", "web", &["us-1"]).await;
    for n in 0..20 {
        rig.report("us-1", "shop", &format!("configmap-c{n}"), said(ReportState::Applied))
            .await;
    }
    rig.report("us-1", "shop", "deployment-web", |r| r.ready == Some(true))
        .await;
    rig.stop_syncers().await;
    let before = rig.member_versions("us-1", "shop").await;
    assert_eq!(before.len(), 21);
    rig.start_syncers();
    // A change after the restart proves that everything before it was settled.
    rig.next_heartbeat("us-1").await;
    rig.put(
        "shop",
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "last"}, "stringData": {"k": "v"}}),
    )
    .await;
    rig.place("shop", "v1", "Secret", "last", &["us-1"]).await;
    rig.report("us-1", "shop", "secret-last", said(ReportState::Applied))
        .await;
    assert_eq!(rig.member_versions("us-1", "shop").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sick_member_disturbs_no_other_and_catches_up() {
    let rig = Rig::start(&["us-1", "eu-1"]).await;
    rig.namespace("shop", &["us-1", "eu-1"]).await;
    rig.put("shop", deployment("web", 1)).await;
    rig.place("shop", "apps/v1", "Deployment", "web", &["us-1", "eu-1"])
        .await;
    for cluster in ["us-1", "eu-1"] {
        rig.report(cluster, "shop", "deployment-web", said(ReportState::Applied))
            .await;
    }
    for (number, how) in [How::Hang, How::Garbage, How::Refuse].into_iter().enumerate() {
        rig.member("us-1").fault(Fault { what: What::Api, how });
        let name = format!("c{number}");
        rig.put(
            "shop",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}}),
        )
        .await;
        rig.place("shop", "v1", "ConfigMap", &name, &["us-1", "eu-1"]).await;
        let begun = std::time::Instant::now();
        rig.report("eu-1", "shop", &format!("configmap-{name}"), said(ReportState::Applied))
            .await;
        assert!(
            begun.elapsed().as_secs() < 5,
            "the healthy member waited {:?}",
            begun.elapsed()
        );
        let pulse = rig.heartbeat("us-1", |h| !h.reachable).await;
        assert!(!pulse.message.is_empty());
        assert!(rig.heartbeat("eu-1", |h| h.reachable).await.message.is_empty());
        rig.member("us-1").recover();
        rig.heartbeat("us-1", |h| h.reachable).await;
        rig.report("us-1", "shop", &format!("configmap-{name}"), said(ReportState::Applied))
            .await;
    }
    let held = rig.member_object("us-1", "apps/v1", "Deployment", "shop", "web").await;
    assert_eq!(held["metadata"]["generation"], 1, "nothing was written twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_at_the_same_address_is_not_touched() {
    let rig = Rig::start(&["us-1"]).await;
    rig.namespace("shop", &["us-1"]).await;
    rig.report("us-1", "meridian-system", "namespace-shop", said(ReportState::Applied))
        .await;
    let other: Value = json!({"spec": {"id": "11111111-2222-3333-4444-555555555555"}});
    rig.patch("", "federation.meridian.dev/v1alpha1", "Cluster", "us-1", other)
        .await;
    let pulse = rig
        .heartbeat("us-1", |h| !h.reachable && h.message.contains("another cluster"))
        .await;
    assert!(
        pulse.message.contains("meridian join us-1 --kubeconfig FILE --repair"),
        "{}",
        pulse.message
    );
    rig.put(
        "shop",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}),
    )
    .await;
    rig.place("shop", "v1", "ConfigMap", "late", &["us-1"]).await;
    // Two more looks at the member, and it is still left alone.
    rig.next_heartbeat("us-1").await;
    rig.next_heartbeat("us-1").await;
    assert!(
        rig.member_api("us-1", "v1", "ConfigMap", "shop")
            .get_opt("late")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_takes_nothing_along_that_is_not_meridians() {
    let rig = Rig::start(&["us-1"]).await;
    for name in ["shop", "till"] {
        rig.namespace(name, &["us-1"]).await;
        rig.put(name, deployment("web", 1)).await;
        rig.place(name, "apps/v1", "Deployment", "web", &["us-1"]).await;
        rig.report("us-1", name, "deployment-web", |r| r.ready == Some(true))
            .await;
    }
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "b"}});
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    configs.create(&PostParams::default(), &object(theirs)).await.unwrap();

    // A namespace waits for what is wanted in it, whatever is said of the namespace itself.
    rig.withdraw("meridian-system", "namespace-till").await;
    for _ in 0..2 {
        rig.next_heartbeat("us-1").await;
    }
    rig.member_object("us-1", "apps/v1", "Deployment", "till", "web").await;

    for name in ["shop", "till"] {
        rig.withdraw(name, "deployment-web").await;
        rig.report("us-1", name, "deployment-web", said(ReportState::Absent))
            .await;
    }
    rig.withdraw("meridian-system", "namespace-shop").await;
    for name in ["namespace-shop", "namespace-till"] {
        rig.report("us-1", "meridian-system", name, said(ReportState::Absent))
            .await;
    }
    let namespaces = rig.member_api("us-1", "v1", "Namespace", "");
    assert!(
        namespaces.get_opt("till").await.unwrap().is_none(),
        "the empty one goes"
    );
    let left = namespaces.get("shop").await.unwrap();
    assert!(left.metadata.deletion_timestamp.is_none());
    assert!(!left.metadata.labels.unwrap_or_default().contains_key(MANAGED_LABEL));
    configs.get("theirs").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_made_anew_on_the_hub_is_made_anew_where_it_cannot_be_changed() {
    let rig = Rig::start(&["us-1"]).await;
    rig.namespace("shop", &["us-1"]).await;
    let frozen = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rates"}, "immutable": true, "data": {"a": value}});
    rig.put("shop", frozen("1")).await;
    rig.place("shop", "v1", "ConfigMap", "rates", &["us-1"]).await;
    rig.report("us-1", "shop", "configmap-rates", said(ReportState::Applied))
        .await;
    rig.delete("shop", "v1", "ConfigMap", "rates").await;
    rig.put("shop", frozen("2")).await;
    let uid = rig.uid("shop", "v1", "ConfigMap", "rates").await;
    let patch = json!({"spec": {"resource": {"uid": uid}}});
    rig.patch(
        "shop",
        "federation.meridian.dev/v1alpha1",
        "Placement",
        "configmap-rates",
        patch,
    )
    .await;
    let configs = rig.member_api("us-1", "v1", "ConfigMap", "shop");
    rig.until("the new one is there", || async {
        let seen = configs.get_opt("rates").await.unwrap()?;
        (seen.data["data"]["a"] == "2").then_some(())
    })
    .await;
    rig.report("us-1", "shop", "configmap-rates", said(ReportState::Applied))
        .await;
}
