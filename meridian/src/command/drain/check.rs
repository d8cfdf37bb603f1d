//! Whether clusters may be drained, and how far a drain is. In: clusters, Placements, Resolutions, the names of the drained. Out:
//! what would have nowhere to go; what is still there. Pure: it asks nobody and reads no clock.

use std::collections::BTreeSet;

use api::dns_policy::{TTL_DEFAULT, TTL_MAX};
use api::well_known::DRAIN_MARGIN_SECONDS;
use api::{Cluster, ConditionStatus, DnsPolicy, Placement, Reason, Resolution};
use serde::Serialize;

/// Kinds that run, or that names lead to, though they have no replicas of their own.
const RUN: &[(&str, &str)] = &[
    ("v1", "Service"),
    ("v1", "Pod"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
];

/// Seconds until what DNS answered is forgotten: the longest TTL of any name, and the margin.
pub(super) fn seconds_to_forget(policies: &[DnsPolicy]) -> i64 {
    let ttls = policies.iter().filter_map(|policy| policy.spec.ttl);
    let longest = ttls.map(|ttl| ttl.min(TTL_MAX)).max().unwrap_or_default();
    i64::from(longest.max(TTL_DEFAULT)) + DRAIN_MARGIN_SECONDS
}

/// The objects that run in the clusters to be drained and for which no cluster would be left that is Ready and not drained.
pub(super) fn stuck(clusters: &[Cluster], placements: &[Placement], drained: &BTreeSet<String>) -> Vec<String> {
    let is_free = |cluster: &&Cluster| {
        !drained.contains(cluster.metadata.name())
            && cluster.metadata.deletion_timestamp.is_none()
            && cluster.drained().is_none()
            && cluster.failed().is_none()
            && cluster.manageable() == ConditionStatus::True
    };
    let free: Vec<&str> = clusters
        .iter()
        .filter(is_free)
        .map(|cluster| cluster.metadata.name())
        .collect();
    let may_hold = |placement: &Placement, name: &str| {
        let chosen = placement.spec.clusters.iter().any(|target| target.name == name);
        // Out for others' sake, who may be drained; with groups in order, perhaps one of a later group.
        let grouped = placement.spec.affinity.is_some();
        let may = |reason: Reason| match reason {
            Reason::NoReplicas | Reason::NotSelected | Reason::SpreadConstraint => true,
            Reason::AffinityMismatch => grouped,
            _ => false,
        };
        // Of very many not all are listed: one that is not may be among those that are counted.
        let spec = &placement.spec;
        let waits = match spec.excluded.iter().find(|out| out.name == name) {
            Some(out) => may(out.reason),
            None => !chosen && spec.excluded_more.iter().any(|more| may(more.reason)),
        };
        chosen || waits
    };
    let concerned = placements.iter().filter(|placement| {
        let spec = &placement.spec;
        !spec.deleted && runs(placement) && spec.clusters.iter().any(|target| drained.contains(&target.name))
    });
    concerned
        .filter(|placement| !free.iter().any(|name| may_hold(placement, name)))
        .map(|placement| placement.spec.resource.to_string())
        .collect()
}

fn runs(placement: &Placement) -> bool {
    let resource = &placement.spec.resource;
    let mut targets = placement.spec.clusters.iter();
    RUN.contains(&(resource.api_version.as_str(), resource.kind.as_str()))
        || targets.any(|target| target.replicas.is_some())
}

/// What is still in drained clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Left {
    /// Addresses that are answered because the DNS server has not heard of the drain yet.
    pub(super) addresses: usize,
    /// Addresses that are answered because their names have no other.
    pub(super) last_addresses: usize,
    /// Replicas that are planned there and leave.
    pub(super) replicas: i64,
    /// Objects that leave, or whose member has not confirmed yet.
    pub(super) objects: Vec<String>,
}

impl Left {
    /// Nothing is there that goes.
    pub(super) fn is_gone(&self) -> bool {
        self.addresses == 0 && self.objects.is_empty()
    }
}

/// What is still in the drained clusters.
pub(super) fn left(placements: &[Placement], resolutions: &[Resolution], drained: &BTreeSet<String>) -> Left {
    let mut left = Left::default();
    let heard = dns::choose::Verdict::Drained.to_string();
    let candidates = resolutions.iter().flat_map(|resolution| &resolution.spec.candidates);
    for candidate in candidates.filter(|one| one.serving && drained.contains(&one.cluster)) {
        if candidate.reason.starts_with(&heard) {
            left.last_addresses += 1;
        } else {
            left.addresses += 1;
        }
    }
    for placement in placements {
        let spec = &placement.spec;
        let mut stays = false;
        for name in drained {
            let planned = spec.clusters.iter().find(|target| target.name == *name);
            let leaves = spec.leaving.iter().any(|leaving| leaving.name == *name);
            let row = placement.status.clusters.iter().any(|row| row.name == *name);
            if let Some(target) = planned.filter(|_| leaves) {
                left.replicas += target.replicas.unwrap_or_default();
            }
            stays |= leaves || (row && planned.is_none());
        }
        if stays {
            left.objects.push(spec.resource.to_string());
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn names(text: &str) -> BTreeSet<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// `us-1`, `us-1!` not Ready, `us-1^` drained.
    fn clusters(text: &str) -> Vec<Cluster> {
        let read = |word: &str| {
            let name = word.trim_end_matches(['!', '^']);
            let ready = if word.ends_with('!') { "False" } else { "True" };
            let taints = if word.ends_with('^') {
                json!([{"key": api::well_known::DRAIN_TAINT, "effect": "NoExecute"}])
            } else {
                json!([])
            };
            serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"taints": taints},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}}))
            .unwrap()
        };
        text.split_whitespace().map(read).collect()
    }

    fn placement(kind: &str, spec: Value, status: Value) -> Placement {
        let mut placement: Placement =
            serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec, "status": status})).unwrap();
        placement.spec.resource.api_version = if kind == "Deployment" { "apps/v1" } else { "v1" }.to_owned();
        placement.spec.resource.kind = kind.to_owned();
        placement.spec.resource.namespace = "shop".to_owned();
        placement.spec.resource.name = "web".to_owned();
        placement
    }

    #[test]
    fn what_would_have_nowhere_to_go_is_named() {
        let at = |list: &[&str], out: &[(&str, &str)]| {
            let targets: Vec<Value> = list.iter().map(|name| json!({"name": name, "replicas": 1})).collect();
            let excluded: Vec<Value> = out
                .iter()
                .map(|(name, reason)| json!({"name": name, "reason": reason}))
                .collect();
            json!({"clusters": targets, "excluded": excluded})
        };
        let mut grouped = at(&["us-1"], &[("eu-1", "AffinityMismatch")]);
        grouped["affinity"] = json!({"name": "own"});
        let rows = [
            ("us-1 eu-1", at(&["us-1", "eu-1"], &[]), "us-1", false),
            ("us-1 eu-1", at(&["us-1", "eu-1"], &[]), "us-1 eu-1", true),
            ("us-1 eu-1!", at(&["us-1", "eu-1"], &[]), "us-1", true),
            ("us-1 eu-1^", at(&["us-1", "eu-1"], &[]), "us-1", true),
            ("us-1 eu-1", at(&["us-1"], &[("eu-1", "NotSelected")]), "us-1", false),
            (
                "us-1 eu-1",
                at(&["us-1"], &[("eu-1", "AffinityMismatch")]),
                "us-1",
                true,
            ),
            (
                "us-1 eu-1",
                at(&["us-1"], &[("eu-1", "SpreadConstraint")]),
                "us-1",
                false,
            ),
            ("us-1 eu-1", grouped, "us-1", false),
            ("us-1 eu-1", at(&["eu-1"], &[("us-1", "NoReplicas")]), "us-1", false),
        ];
        for (all, spec, drained, refused) in rows {
            let found = stuck(
                &clusters(all),
                &[placement("Deployment", spec, json!({}))],
                &names(drained),
            );
            assert_eq!(!found.is_empty(), refused, "{all} without {drained}: {found:?}");
        }
        let config = placement("ConfigMap", json!({"clusters": [{"name": "us-1"}]}), json!({}));
        assert!(
            stuck(&clusters("us-1"), &[config], &names("us-1")).is_empty(),
            "it does not run"
        );
        let service = placement("Service", json!({"clusters": [{"name": "us-1"}]}), json!({}));
        assert_eq!(
            stuck(&clusters("us-1"), &[service], &names("us-1")),
            ["Service shop/web"]
        );
    }

    #[test]
    fn what_is_left_is_counted() {
        let drained = names("us-1");
        let leaving = json!({"clusters": [{"name": "eu-1", "replicas": 3}, {"name": "us-1", "replicas": 2}],
            "leaving": [{"name": "us-1", "after": "2026-01-01T00:00:00Z"}]});
        let found = left(&[placement("Deployment", leaving, json!({}))], &[], &drained);
        assert_eq!((found.replicas, found.objects.len(), found.is_gone()), (2, 1, false));
        let unconfirmed = placement(
            "Deployment",
            json!({"clusters": [{"name": "eu-1"}]}),
            json!({"clusters": [{"name": "us-1"}]}),
        );
        assert!(
            !left(&[unconfirmed], &[], &drained).is_gone(),
            "its member still has it"
        );
        let stays = placement(
            "Service",
            json!({"clusters": [{"name": "us-1"}]}),
            json!({"clusters": [{"name": "us-1"}]}),
        );
        assert!(
            left(&[stays], &[], &drained).is_gone(),
            "copies that are everywhere stay"
        );
        let resolution = |serving: bool, reason: &str| -> Resolution {
            serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {"candidates": [
                {"address": "10.0.0.1", "cluster": "us-1", "serving": serving, "reason": reason}]}}))
            .unwrap()
        };
        assert!(!left(&[], &[resolution(true, "serving")], &drained).is_gone());
        assert!(left(&[], &[resolution(false, "its cluster is being drained")], &drained).is_gone());
        let last = left(
            &[],
            &[resolution(true, "its cluster is being drained; used all the same")],
            &drained,
        );
        assert_eq!((last.last_addresses, last.is_gone()), (1, true));
    }

    #[test]
    fn the_longest_ttl_decides() {
        let policy = |ttl: Option<u32>| DnsPolicy {
            spec: api::DnsPolicySpec {
                ttl,
                ..Default::default()
            },
            ..Default::default()
        };
        assert_eq!(seconds_to_forget(&[]), api::well_known::DRAIN_SECONDS);
        assert_eq!(
            seconds_to_forget(&[policy(Some(1)), policy(None)]),
            api::well_known::DRAIN_SECONDS
        );
        assert_eq!(seconds_to_forget(&[policy(Some(60)), policy(Some(300))]), 305);
        assert_eq!(seconds_to_forget(&[policy(Some(999_999))]), 3605);
    }
}
