//! What is so about one object in one member, as the hub is told. Pure.
//!
//! In: the manifest, what was established, the live object, its endpoints. Out: a [`ReportSpec`], or nothing while nothing
//! is known. Absent: when reports are sent (`report`), folding over clusters (the hub).

use api::manifest::ManifestAction;
use api::report::ReportState;
use api::{Manifest, PlacementKey, ReportSpec};
use serde_json::Value;

use crate::desired::Held;
use crate::kinds::KindId;
use crate::live::Live;

/// Why an object is not as the hub wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) conflict: bool,
    pub(crate) message: String,
}

/// Everything a report may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) key: &'a PlacementKey,
    pub(crate) manifest: &'a Manifest,
    pub(crate) held: Option<&'a Held>,
    pub(crate) live: Option<&'a Live>,
    pub(crate) trouble: Option<&'a Trouble>,
    pub(crate) gone: bool,
    /// Hub generation that the member's controllers have observed so far.
    pub(crate) observed_hub_generation: i64,
    pub(crate) ready_endpoints: Option<i64>,
    /// Addresses that stand for Services of type LoadBalancer without any of their own.
    pub(crate) dns_addresses: &'a [String],
}

/// The report; none while nothing was done or learnt yet.
pub(crate) fn report(facts: &Facts<'_>) -> Option<ReportSpec> {
    let spec = &facts.manifest.spec;
    let mut report = ReportSpec {
        cluster: facts.cluster.to_owned(),
        placement: facts.key.clone(),
        placement_uid: facts.manifest.metadata.uid.clone().unwrap_or_default(),
        ..ReportSpec::default()
    };
    if facts.gone && matches!(spec.action, ManifestAction::Absent | ManifestAction::Release) {
        report.state = ReportState::Absent;
        return Some(report);
    }
    report.state = match (facts.trouble, facts.held) {
        (Some(trouble), _) if trouble.conflict => ReportState::Conflict,
        (Some(_), _) => ReportState::Failed,
        (None, _) if spec.suspended => ReportState::Suspended,
        (None, _) if spec.held_back => ReportState::Held,
        (None, _) if spec.action == ManifestAction::Hold && !spec.error.is_empty() => ReportState::Failed,
        (None, Some(_)) => ReportState::Applied,
        (None, None) => return None,
    };
    report.message = facts
        .trouble
        .map_or_else(|| spec.error.clone(), |trouble| trouble.message.clone());
    if report.state == ReportState::Conflict {
        return Some(report);
    }
    if let (Some(held), Some(live)) = (facts.held, facts.live) {
        let kind = KindId::of(&spec.resource);
        report.hash.clone_from(&held.hash);
        live.template().unwrap_or_default().clone_into(&mut report.template);
        report.observed_hub_generation = facts.observed_hub_generation;
        report.ready = ready(&kind, &live.value);
        if &*kind.kind == "Service" {
            report.addresses = addresses(&live.value, facts.dns_addresses);
            report.ready_endpoints = facts
                .ready_endpoints
                .filter(|_| text(&live.value, &["spec", "type"]) != Some("ExternalName"));
        }
        report.status = live.value.get("status").cloned().unwrap_or(Value::Null);
    }
    Some(report)
}

/// Whether the member's controllers have seen the object as it was at `generation`.
pub(crate) fn observed(kind: &KindId, live: &Live, generation: i64) -> bool {
    let observed = number(&live.value, &["status", "observedGeneration"]);
    let tracks = kind.api_version.starts_with("apps/") || observed.is_some();
    !tracks || (observed.unwrap_or(0) >= live.generation() && live.generation() >= generation)
}

/// Whether the copy does its work; none for kinds without a notion of it.
fn ready(kind: &KindId, live: &Value) -> Option<bool> {
    let count = |path: &[&str]| number(live, path).unwrap_or(0);
    let observed = || count(&["status", "observedGeneration"]) >= count(&["metadata", "generation"]);
    let wanted = || number(live, &["spec", "replicas"]).unwrap_or(1);
    let is = match (&*kind.api_version, &*kind.kind) {
        ("apps/v1", "Deployment") => {
            let updated = count(&["status", "updatedReplicas"]);
            // Old pods that are not gone may be all that is available.
            let replaced = count(&["status", "replicas"]) <= updated;
            observed() && updated >= wanted() && replaced && count(&["status", "availableReplicas"]) >= updated
        }
        ("apps/v1", "ReplicaSet") => observed() && count(&["status", "availableReplicas"]) >= wanted(),
        ("apps/v1", "StatefulSet") => {
            observed()
                && count(&["status", "updatedReplicas"]) >= wanted()
                && count(&["status", "availableReplicas"]) >= wanted()
        }
        ("apps/v1", "DaemonSet") => {
            let desired = count(&["status", "desiredNumberScheduled"]);
            observed()
                && count(&["status", "updatedNumberScheduled"]) >= desired
                && count(&["status", "numberAvailable"]) >= desired
        }
        ("batch/v1", "Job") => job_is_ready(live),
        ("v1", "Pod") => text(live, &["status", "phase"]) == Some("Succeeded") || holds(live, "Ready"),
        ("v1", "PersistentVolumeClaim") => text(live, &["status", "phase"]) == Some("Bound"),
        ("policy/v1", "PodDisruptionBudget") => {
            observed() && count(&["status", "currentHealthy"]) >= count(&["status", "desiredHealthy"])
        }
        ("networking.k8s.io/v1", "Ingress") => !addresses(live, &[]).is_empty(),
        ("v1", "Service") => text(live, &["spec", "type"]) != Some("LoadBalancer") || !addresses(live, &[]).is_empty(),
        _ => return by_conditions(kind, live),
    };
    Some(is)
}

/// Conditions by which custom kinds say that they do their work; the first that is there counts.
const HEALTH: [&str; 3] = ["Ready", "Available", "Healthy"];

/// Whether a copy of a custom kind does its work, by its conditions; none where it has none of them.
fn by_conditions(kind: &KindId, live: &Value) -> Option<bool> {
    let group = kind.api_version.split_once('/').map_or("", |(group, _)| group);
    if api::names::is_built_in(group) {
        return None;
    }
    let generation = number(live, &["metadata", "generation"]).unwrap_or(0);
    let conditions = at(live, &["status", "conditions"])?.as_array()?;
    let condition = HEALTH
        .iter()
        .find_map(|type_| conditions.iter().find(|one| text(one, &["type"]) == Some(type_)))?;
    let observed =
        number(condition, &["observedGeneration"]).or_else(|| number(live, &["status", "observedGeneration"]));
    Some(text(condition, &["status"]) == Some("True") && observed.is_none_or(|observed| observed >= generation))
}

/// A Job does its work while it has not failed: done, suspended, or begun.
fn job_is_ready(live: &Value) -> bool {
    let began = || text(live, &["status", "startTime"]).is_some();
    !holds(live, "Failed") && (holds(live, "Complete") || holds(live, "Suspended") || began())
}

/// Whether a condition of the object is true.
fn holds(live: &Value, type_: &str) -> bool {
    let conditions = at(live, &["status", "conditions"]).and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| text(condition, &["type"]) == Some(type_) && text(condition, &["status"]) == Some("True"))
}

/// A Service's load-balancer addresses; those of the cluster where it has none and wants some.
fn addresses(live: &Value, instead: &[String]) -> Vec<String> {
    let ingress = live
        .get("status")
        .and_then(|s| s.get("loadBalancer"))
        .and_then(|l| l.get("ingress"));
    let mut found: Vec<String> = ingress
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            entry
                .get("ip")
                .or_else(|| entry.get("hostname"))
                .and_then(Value::as_str)
        })
        .filter(|address| !address.is_empty())
        .map(str::to_owned)
        .collect();
    if found.is_empty() && text(live, &["spec", "type"]) == Some("LoadBalancer") {
        found = instead.to_vec();
    }
    found.sort();
    found.dedup();
    found
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

fn number(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path)?.as_i64()
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str()
}

#[cfg(test)]
mod tests {
    use kube::api::DynamicObject;
    use serde_json::json;

    use super::*;

    fn deployment(generation: i64, status: Value) -> Value {
        json!({"metadata": {"name": "web", "namespace": "shop", "generation": generation}, "spec": {"replicas": 3}, "status": status})
    }

    #[test]
    fn a_deployment_is_ready_when_the_new_version_is_available() {
        let kind = KindId::new("apps/v1", "Deployment");
        let cases = [
            (1, json!({}), false),
            (
                1,
                json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 3}),
                true,
            ),
            (
                2,
                json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 3}),
                false,
            ),
            (
                1,
                json!({"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 3}),
                false,
            ),
            (
                1,
                json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 2}),
                false,
            ),
        ];
        for (generation, status, wanted) in cases {
            assert_eq!(
                ready(&kind, &deployment(generation, status.clone())),
                Some(wanted),
                "{generation} {status}"
            );
        }
    }

    #[test]
    fn custom_kinds_are_ready_by_their_conditions() {
        let kind = KindId::new("example.com/v1", "Widget");
        let said = |type_: &str, status: &str| json!([{"type": type_, "status": status}]);
        for (status, wanted) in [
            (json!({}), None),
            (json!({"conditions": said("Synced", "True")}), None),
            (json!({"conditions": said("Ready", "True")}), Some(true)),
            (json!({"conditions": said("Available", "Unknown")}), Some(false)),
            (
                json!({"observedGeneration": 1, "conditions": said("Ready", "True")}),
                Some(false),
            ),
            (
                json!({"observedGeneration": 2, "conditions": said("Ready", "True")}),
                Some(true),
            ),
            (
                json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}),
                Some(false),
            ),
        ] {
            assert_eq!(ready(&kind, &deployment(2, status.clone())), wanted, "{status}");
        }
        let node = KindId::new("v1", "Node");
        assert_eq!(
            ready(&node, &deployment(1, json!({"conditions": said("Ready", "True")}))),
            None
        );
    }

    #[test]
    fn budgets_and_ingresses_have_a_notion_of_it() {
        let budget = KindId::new("policy/v1", "PodDisruptionBudget");
        for (status, wanted) in [
            (
                json!({"observedGeneration": 1, "currentHealthy": 2, "desiredHealthy": 2}),
                true,
            ),
            (
                json!({"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 2}),
                false,
            ),
            (json!({"currentHealthy": 2, "desiredHealthy": 2}), false),
        ] {
            assert_eq!(ready(&budget, &deployment(1, status.clone())), Some(wanted), "{status}");
        }
        let ingress = KindId::new("networking.k8s.io/v1", "Ingress");
        assert_eq!(ready(&ingress, &json!({"status": {"loadBalancer": {}}})), Some(false));
        let with = json!({"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}});
        assert_eq!(ready(&ingress, &with), Some(true));
    }

    #[test]
    fn a_job_is_ready_until_it_fails() {
        let kind = KindId::new("batch/v1", "Job");
        let ended = |type_: &str| json!({"startTime": "2026-01-01T00:00:00Z", "conditions": [{"type": type_, "status": "True"}]});
        for (status, wanted) in [
            (json!({}), false),
            (json!({"startTime": "2026-01-01T00:00:00Z"}), true),
            (ended("Complete"), true),
            (ended("Failed"), false),
            (json!({"conditions": [{"type": "Suspended", "status": "True"}]}), true),
        ] {
            assert_eq!(ready(&kind, &deployment(1, status.clone())), Some(wanted), "{status}");
        }
    }

    #[test]
    fn observation_needs_the_generation_that_was_applied() {
        let kind = KindId::new("apps/v1", "Deployment");
        let live = |value: Value| {
            let object: DynamicObject = serde_json::from_value(value).unwrap();
            Live::new(&kind, object)
        };
        assert!(!observed(
            &kind,
            &live(deployment(2, json!({"observedGeneration": 1}))),
            2
        ));
        assert!(observed(
            &kind,
            &live(deployment(2, json!({"observedGeneration": 2}))),
            2
        ));
        assert!(
            !observed(&kind, &live(deployment(1, json!({"observedGeneration": 1}))), 2),
            "an older object proves nothing"
        );
        let config = KindId::new("v1", "ConfigMap");
        let object: DynamicObject = serde_json::from_value(json!({"metadata": {"name": "c"}, "data": {}})).unwrap();
        assert!(observed(&config, &Live::new(&config, object), 0));
    }

    #[test]
    fn services_name_their_addresses() {
        let service = |kind: &str, ingress: Value| json!({"metadata": {}, "spec": {"type": kind}, "status": {"loadBalancer": {"ingress": ingress}}});
        let instead = ["192.0.2.1".to_owned()];
        let two = service(
            "LoadBalancer",
            json!([{"ip": "10.0.0.2"}, {"hostname": "lb.example.com"}]),
        );
        assert_eq!(addresses(&two, &instead), ["10.0.0.2", "lb.example.com"]);
        assert_eq!(addresses(&service("LoadBalancer", json!([])), &instead), instead);
        assert!(addresses(&service("ClusterIP", json!([])), &instead).is_empty());
        let kind = KindId::new("v1", "Service");
        assert_eq!(ready(&kind, &service("LoadBalancer", json!([]))), Some(false));
        assert_eq!(
            ready(&kind, &service("LoadBalancer", json!([{"ip": "10.0.0.2"}]))),
            Some(true)
        );
        assert_eq!(ready(&kind, &service("ClusterIP", json!([]))), Some(true));
        let config = KindId::new("v1", "ConfigMap");
        assert_eq!(ready(&config, &json!({"data": {}})), None, "it has no notion of it");
    }

    #[test]
    fn nothing_is_said_before_anything_is_known() {
        let key = PlacementKey {
            namespace: "shop".into(),
            name: "deployment-web".into(),
        };
        let manifest = Manifest::default();
        let facts = Facts {
            cluster: "eu-1",
            key: &key,
            manifest: &manifest,
            held: None,
            live: None,
            trouble: None,
            gone: false,
            observed_hub_generation: 0,
            ready_endpoints: None,
            dns_addresses: &[],
        };
        assert_eq!(report(&facts), None);
        let trouble = Trouble {
            conflict: true,
            message: "in the way".into(),
        };
        let said = report(&Facts {
            trouble: Some(&trouble),
            ..facts
        })
        .unwrap();
        assert_eq!(
            (said.state, said.message.as_str()),
            (ReportState::Conflict, "in the way")
        );
        let mut absent = Manifest::default();
        absent.spec.action = ManifestAction::Absent;
        assert_eq!(
            report(&Facts {
                manifest: &absent,
                ..facts
            }),
            None
        );
        let said = report(&Facts {
            manifest: &absent,
            gone: true,
            ..facts
        })
        .unwrap();
        assert_eq!(said.state, ReportState::Absent);
    }
}
