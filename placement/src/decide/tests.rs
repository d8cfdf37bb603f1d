//! Decisions as tables; what must hold of every decision is in `properties`.

use api::well_known::DRAIN_TAINT;
use api::{Cluster, PlacementSpec, PropagationPolicy, Taint};
use serde_json::{Value, json};

use super::*;
use crate::inputs::FederatedObject;

mod available;
mod drain;
mod effect;
mod following;
mod ordered;
mod properties;
mod spreading;

/// `eu-1`, `eu-1!` not Ready, `eu-1?` unknown, `eu-1-` leaving, `eu-1#` NoExecute, `eu-1~` NoSchedule, `eu-1*` failed, `eu-1^` drained since
/// the epoch.
fn clusters(text: &str) -> Vec<Cluster> {
    text.split_whitespace()
        .map(|word| {
            let name = word.trim_end_matches(['!', '?', '-', '#', '~', '*', '^']);
            let mark = &word[name.len()..];
            let status = if mark == "!" { "False" } else { "True" };
            let mut cluster: Cluster = serde_json::from_value(json!({
                "metadata": {"name": name, "labels": {"name": name}},
                "spec": {"region": name.split('-').next().unwrap()},
                "status": {"conditions": [{"type": "Ready", "status": status}]}
            }))
            .unwrap();
            let taint = |effect| Taint {
                key: "k".into(),
                value: String::new(),
                effect,
                time_added: None,
            };
            match mark {
                "*" => {
                    cluster.status.conditions = serde_json::from_value(json!([
                    {"type": "Ready", "status": "False"},
                    {"type": "Failed", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"}]))
                    .unwrap()
                }
                "?" => cluster.status.conditions.clear(),
                "-" => cluster.metadata.deletion_timestamp = Some("now".into()),
                "#" => cluster.spec.taints.push(taint(api::cluster::TaintEffect::NoExecute)),
                "^" => cluster.spec.taints.push(Taint {
                    key: DRAIN_TAINT.into(),
                    time_added: Some("1970-01-01T00:00:00Z".into()),
                    ..taint(api::cluster::TaintEffect::NoExecute)
                }),
                "~" => cluster.spec.taints.push(taint(api::cluster::TaintEffect::NoSchedule)),
                _ => {}
            }
            cluster
        })
        .collect()
}

fn object(kind: &str, replicas: Option<i64>) -> FederatedObject {
    let mut object = FederatedObject {
        replicas,
        generation: 1,
        ..FederatedObject::default()
    };
    object.resource.api_version = if replicas.is_some() { "apps/v1" } else { "v1" }.into();
    object.resource.kind = kind.into();
    object.resource.namespace = "shop".into();
    object.resource.name = "web".into();
    object
}

/// `eu-1=3 us-1=3` as a decision that stands.
fn standing(text: &str) -> Option<PlacementSpec> {
    let clusters: Vec<_> = text
        .split_whitespace()
        .map(|word| {
            let (name, replicas) = word.split_once('=').map_or((word, None), |(n, r)| (n, r.parse().ok()));
            api::placement::TargetCluster {
                name: name.into(),
                replicas,
                bounds: None,
                ..Default::default()
            }
        })
        .collect();
    (!clusters.is_empty()).then(|| PlacementSpec {
        clusters,
        ..PlacementSpec::default()
    })
}

/// The share of a cluster; none where it does not hold the object.
fn share_of(spec: Option<&PlacementSpec>, cluster: &str) -> Option<i64> {
    let target = spec?.clusters.iter().find(|target| target.name == cluster)?;
    Some(target.replicas.unwrap_or_default())
}

fn policy(placement: Value) -> PropagationPolicy {
    serde_json::from_value(json!({
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}, {"apiVersion": "v1", "kind": "ConfigMap"}],
            "placement": placement}
    }))
    .unwrap()
}

fn run(object: &FederatedObject, policies: &[PropagationPolicy], all: &str, previous: &str) -> PlacementSpec {
    let previous = standing(previous);
    decide(&Inputs {
        object,
        policies,
        clusters: &clusters(all),
        previous: previous.as_ref(),
        now: Timestamp::UNIX_EPOCH,
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    })
    .into_spec()
}

/// `a=1 b=2 | c:Reason`.
fn shown(spec: &PlacementSpec) -> String {
    let chosen: Vec<String> = spec
        .clusters
        .iter()
        .map(|t| {
            t.replicas
                .map_or_else(|| t.name.clone(), |replicas| format!("{}={replicas}", t.name))
        })
        .collect();
    let out: Vec<String> = spec
        .excluded
        .iter()
        .map(|e| format!("{}:{}", e.name, e.reason))
        .collect();
    format!("{} | {}", chosen.join(" "), out.join(" ")).trim().to_owned()
}

#[test]
fn defaults_by_kind() {
    let rows = [
        (object("ConfigMap", None), "b a", "", "a b |"),
        (object("Deployment", Some(4)), "a b", "", "a=2 b=2 |"),
        (object("Deployment", Some(0)), "a b", "", "a=0 b=0 |"),
        (
            object("ConfigMap", None),
            "a b! c?",
            "",
            "a | b:ClusterNotReady c:ClusterNotReady",
        ),
        (object("ConfigMap", None), "", "", "|"),
        (object("StatefulSet", Some(3)), "a b", "b=3", "b=3 | a:NotSelected"),
    ];
    for (object, all, previous, expected) in rows {
        assert_eq!(
            shown(&run(&object, &[], all, previous)),
            expected,
            "{} in {all}",
            object.resource.kind
        );
    }
}

#[test]
fn never_shrink_on_doubt() {
    let rows = [
        (
            "not Ready keeps what it has",
            6,
            "a b! c",
            "a=2 b=2 c=2",
            "a=2 b=2 c=2 |",
        ),
        ("and does not grow", 9, "a b! c?", "a=2 b=2 c=2", "a=5 b=2 c=2 |"),
        ("unless all are in doubt", 9, "a! b! c!", "a=2 b=2 c=2", "a=3 b=3 c=3 |"),
        ("NoSchedule keeps what it has", 6, "a b~", "a=3 b=3", "a=3 b=3 |"),
        (
            "NoExecute takes it away",
            6,
            "a b#",
            "a=3 b=3",
            "a=6 | b:UntoleratedTaint",
        ),
        ("leaving takes it away", 6, "a b-", "a=3 b=3", "a=6 | b:ClusterLeaving"),
        (
            "no cluster left: the last good stays",
            6,
            "a# b#",
            "a=3 b=3",
            "a=3 b=3 |",
        ),
        (
            "and does not grow against the taint",
            8,
            "a# b#",
            "a=3 b=3",
            "a=3 b=3 |",
        ),
        ("and can be scaled down", 4, "a# b#", "a=3 b=3", "a=2 b=2 |"),
        (
            "the last cluster may leave all the same",
            6,
            "a-",
            "a=6",
            "| a:ClusterLeaving",
        ),
        (
            "an empty list of clusters is no deletion",
            6,
            "",
            "a=3 b=3",
            "a=3 b=3 |",
        ),
        (
            "scaled to zero, copies stay",
            0,
            "a b c",
            "a=1",
            "a=0 | b:NoReplicas c:NoReplicas",
        ),
        (
            "a cluster that is gone is no candidate",
            6,
            "a b",
            "a=2 b=2 c=2",
            "a=3 b=3 |",
        ),
    ];
    for (what, wanted, all, previous, expected) in rows {
        let spec = run(&object("Deployment", Some(wanted)), &[], all, previous);
        assert_eq!(shown(&spec), expected, "{what}");
    }
    let kept = run(&object("Deployment", Some(6)), &[], "a# b#", "a=3 b=3");
    assert!(kept.kept && kept.reason.contains("last good"), "{}", kept.reason);
    let nowhere = run(&object("Deployment", Some(6)), &[], "a!", "");
    assert_eq!((nowhere.unplaced_replicas, nowhere.kept), (6, false));
}

#[test]
fn policies_choose_and_weigh() {
    let divided = |weights: Value| json!({"replicaScheduling": {"replicaDivisionPreference": "Weighted", "weightPreference": {"staticWeightList": weights}}});
    let weights = json!([
        {"targetCluster": {"clusterNames": ["a"]}, "weight": 2},
        {"targetCluster": {"clusterNames": ["b"]}, "weight": 1}]);
    let rows = [
        (
            "affinity",
            json!({"clusterAffinity": {"clusterNames": ["a"]}}),
            4,
            "a b",
            "",
            "a=4 | b:AffinityMismatch",
        ),
        (
            "affinity takes away",
            json!({"clusterAffinity": {"exclude": ["b"]}}),
            4,
            "a b",
            "a=2 b=2",
            "a=4 | b:AffinityMismatch",
        ),
        (
            "static weights",
            divided(weights.clone()),
            9,
            "a b c",
            "",
            "a=6 b=3 | c:NoReplicas",
        ),
        ("no weight left", divided(weights), 4, "c d", "", "c=2 d=2 |"),
        (
            "duplicated",
            json!({"replicaScheduling": {"replicaSchedulingType": "Duplicated"}}),
            4,
            "a b",
            "",
            "a=4 b=4 |",
        ),
        (
            "divided is the struct's default",
            json!({"replicaScheduling": {}}),
            4,
            "a b",
            "",
            "a=2 b=2 |",
        ),
        (
            "aggregated stays",
            json!({"replicaScheduling": {"replicaDivisionPreference": "Aggregated"}}),
            5,
            "a b",
            "b=4",
            "b=5 | a:NotSelected",
        ),
        (
            "tolerated",
            json!({"clusterTolerations": [{"key": "k", "operator": "Exists"}]}),
            4,
            "a b#",
            "",
            "a=2 b=2 |",
        ),
        (
            "nothing fits at all",
            json!({"clusterAffinity": {"clusterNames": ["z"]}}),
            4,
            "a b",
            "a=2 b=2",
            "a=2 b=2 |",
        ),
    ];
    for (what, placement, wanted, all, previous, expected) in rows {
        let spec = run(&object("Deployment", Some(wanted)), &[policy(placement)], all, previous);
        assert_eq!(shown(&spec), expected, "{what}");
        assert_eq!(spec.policy, "PropagationPolicy shop/p");
    }
}

#[test]
fn a_failed_cluster_loses_its_replicas_and_nothing_else() {
    let rows = [
        (object("Deployment", Some(6)), "a=3 b=3", "b=6 | a:ClusterFailed"),
        (object("StatefulSet", Some(3)), "a=3", "b=3 | a:ClusterFailed"),
        (object("ConfigMap", None), "a b", "a b |"),
    ];
    for (object, previous, expected) in rows {
        assert_eq!(shown(&run(&object, &[], "a* b", previous)), expected);
    }
    let alone = run(&object("Deployment", Some(6)), &[], "a*", "a=6");
    assert_eq!(shown(&alone), "a=6 |", "nowhere to go");
    let tolerated = |toleration: Value| {
        let policy = policy(json!({"clusterTolerations": [toleration]}));
        let object = object("Deployment", Some(6));
        let all = clusters("a* b");
        let standing = standing("a=3 b=3");
        let at = |seconds: i64| Inputs {
            object: &object,
            policies: std::slice::from_ref(&policy),
            clusters: &all,
            previous: standing.as_ref(),
            now: Timestamp::from_second(seconds).unwrap(),
            leaders: &[],
            ailing: &[],
            autoscaler: None,
        };
        let expiry = next_expiry(&at(5)).map(Timestamp::as_second);
        let said = [5, 60].map(|seconds| shown(&decide(&at(seconds)).into_spec()));
        (said, expiry)
    };
    let key = "federation.meridian.dev/failed";
    let (said, expiry) = tolerated(json!({"key": key, "operator": "Exists", "tolerationSeconds": 30}));
    assert_eq!(said, ["a=3 b=3 |", "b=6 | a:ClusterFailed"]);
    assert_eq!(expiry, Some(30));
    let (said, expiry) = tolerated(json!({"key": key, "operator": "Exists"}));
    assert_eq!(said, ["a=3 b=3 |", "a=3 b=3 |"]);
    assert_eq!(expiry, None);
}

#[test]
fn federation_v1_annotations_keep_their_meaning() {
    let annotated = |key: &str, value: &str, wanted| {
        let mut object = object("Deployment", Some(wanted));
        object.annotations.insert(key.into(), value.into());
        object
    };
    let preferences = "federation.kubernetes.io/deployment-preferences";
    let selector = "federation.alpha.kubernetes.io/cluster-selector";
    let rows = [
        (
            annotated(
                preferences,
                r#"{"clusters": {"a": {"weight": 1}, "b": {"weight": 2}}}"#,
                60,
            ),
            "a b c",
            "",
            "a=20 b=40 c=0 |",
        ),
        (
            annotated(preferences, r#"{"clusters": {"*": {"weight": 1}}}"#, 50),
            "a b c",
            "c=30",
            "a=10 b=10 c=30 |",
        ),
        (
            annotated(
                preferences,
                r#"{"clusters": {"*": {"weight": 1, "maxReplicas": 2}}}"#,
                50,
            ),
            "a b",
            "",
            "a=2 b=2 |",
        ),
        (
            annotated(selector, r#"[{"key": "name", "operator": "In", "values": ["b"]}]"#, 4),
            "a b",
            "",
            "b=4 | a:SelectorMismatch",
        ),
        (
            annotated(selector, "nonsense", 4),
            "a b",
            "",
            "| a:SelectorMismatch b:SelectorMismatch",
        ),
        (annotated(selector, "nonsense", 4), "a b", "a=2 b=2", "a=2 b=2 |"),
    ];
    for (object, all, previous, expected) in rows {
        assert_eq!(
            shown(&run(&object, &[], all, previous)),
            expected,
            "{:?}",
            object.annotations
        );
    }
    let short = run(
        &annotated(
            preferences,
            r#"{"clusters": {"*": {"weight": 1, "maxReplicas": 2}}}"#,
            50,
        ),
        &[],
        "a b",
        "",
    );
    assert_eq!(short.unplaced_replicas, 46);
    let chosen = run(
        &annotated(preferences, r#"{"clusters": {"a": {"weight": 1}}}"#, 4),
        &[policy(json!({}))],
        "a b",
        "",
    );
    assert_eq!(shown(&chosen), "a=2 b=2 |", "a policy comes first");
}

#[test]
fn a_kind_that_a_member_does_not_serve_does_not_go_there() {
    let mut all = clusters("a b");
    all[1].status.api_enablements = vec!["v1/ConfigMap".into()];
    let object = object("Deployment", Some(2));
    let spec = decide(&Inputs {
        object: &object,
        policies: &[],
        clusters: &all,
        previous: None,
        now: Timestamp::UNIX_EPOCH,
        leaders: &[],
        ailing: &[],
        autoscaler: None,
    })
    .into_spec();
    assert_eq!(shown(&spec), "a=2 | b:KindNotServed");
}

#[test]
fn every_reason_has_a_page() {
    for reason in Reason::ALL {
        let page = format!("{}/../docs/reasons/{reason}.md", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&page).exists(), "{page}");
    }
}

#[test]
fn jobs_are_divided_once_and_indexed_ones_not_at_all() {
    let job = |spec: Value| {
        let value = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "shop"},
            "spec": spec});
        FederatedObject::from_value(&value).unwrap()
    };
    let counted = job(json!({"completions": 6, "parallelism": 3}));
    let decided = |clusters: &str, previous: &str| shown(&run(&counted, &[], clusters, previous));
    assert_eq!(decided("ap eu us", ""), "ap=2 eu=2 us=2 |");
    assert_eq!(decided("ap eu us", "eu=6"), "eu=6 | ap:NoReplicas us:NoReplicas");
    assert_eq!(decided("ap eu us!", "eu=3 us=3"), "eu=3 us=3 | ap:NoReplicas");
    // What a copy that must go had left to do is done where there is no copy yet.
    assert_eq!(decided("ap eu us#", "eu=3 us=3"), "ap=3 eu=3 | us:UntoleratedTaint");
    let stuck = run(&counted, &[], "eu us#", "eu=3 us=3");
    assert_eq!(
        (shown(&stuck).as_str(), stuck.unplaced_replicas),
        ("eu=3 | us:UntoleratedTaint", 3)
    );
    let queue = job(json!({"parallelism": 4}));
    assert_eq!(shown(&run(&queue, &[], "eu us", "eu=4")), "eu=2 us=2 |");
    let indexed = job(json!({"completions": 6, "completionMode": "Indexed"}));
    assert_eq!(run(&indexed, &[], "ap eu us", "").clusters.len(), 1);
}
