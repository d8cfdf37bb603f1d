//! The order of a move: replicas are made ready where they go before they are taken away where they were.
//!
//! In: the decision that is aimed at, the one that stands, what the members report, which clusters have failed. Out: the decision
//! for now. Growing is never held back; what shrinks keeps as many replicas as the whole would otherwise lack of ready ones. It
//! needs no memory: asked again at each report, it arrives. Absent: objects whose parts are not alike, such as those of a
//! StatefulSet, which never run in two places.

use std::collections::BTreeMap;

use api::placement::{PlacedCluster, TargetCluster};
use api::{PlacementSpec, PlacementStatus};
use serde_json::Value;

/// Kinds whose replicas are alike, and may be one too many for a while.
const KINDS: &[(&str, &str)] = &[("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet")];

/// Holds back what shrinks too early; says so in the decision. `lost` are clusters whose replicas are gone already.
pub fn pace(aim: &mut PlacementSpec, before: &PlacementSpec, status: &PlacementStatus, lost: impl Fn(&str) -> bool) {
    let resource = &aim.resource;
    let is_of_kind = KINDS.contains(&(resource.api_version.as_str(), resource.kind.as_str()));
    if !is_of_kind || aim.deleted || before.deleted || before.resource.uid != resource.uid {
        return;
    }
    let wanted = shares(&aim.clusters);
    let stands = shares(&before.clusters);
    let rows: BTreeMap<&str, &PlacedCluster> = status.clusters.iter().map(|row| (row.name.as_str(), row)).collect();
    let ready = |cluster: &str| {
        let row = rows.get(cluster);
        let count = |field: &str| row.and_then(|row| row.status.get(field).and_then(Value::as_i64));
        let ready = count("readyReplicas").unwrap_or_default().max(0);
        // How many a member's autoscaler runs is its word: a copy that is ready as a whole has all that it should.
        let whole = aim.left_to_members.is_some() && ready > 0 && count("replicas").is_some_and(|all| ready >= all);
        if whole { i64::MAX } else { ready }
    };
    let share = |shares: &BTreeMap<String, i64>, cluster: &str| shares.get(cluster).copied().unwrap_or_default();
    let all: i64 = wanted.values().sum();
    let names = wanted
        .keys()
        .chain(stands.keys().filter(|name| !wanted.contains_key(*name)));
    let ready_now: i64 = names
        .filter(|name| !lost(name))
        .map(|name| ready(name).min(share(&wanted, name).max(share(&stands, name))))
        .sum();
    let mut spare = ready_now.saturating_sub(all).max(0);
    let mut kept = Vec::new();
    for (name, standing) in &stands {
        let excess = standing - share(&wanted, name);
        if excess <= 0 || lost(name) {
            continue;
        }
        // Those that are not ready do nothing yet, and a controller that shrinks takes them first.
        let idle = excess.min(standing.saturating_sub(ready(name)).max(0));
        let from_spare = (excess - idle).min(spare);
        spare -= from_spare;
        let stays = excess - idle - from_spare;
        if stays > 0 {
            kept.push((name.clone(), stays));
        }
    }
    for (name, stays) in &kept {
        match aim.clusters.iter_mut().find(|target| target.name == *name) {
            Some(target) => {
                target.replicas = Some(target.replicas.unwrap_or_default() + stays);
                target.leaving_replicas = *stays;
            }
            None => aim.clusters.push(TargetCluster {
                name: name.clone(),
                replicas: Some(*stays),
                leaving_replicas: *stays,
                ..TargetCluster::default()
            }),
        }
    }
    if kept.is_empty() {
        return;
    }
    aim.clusters.sort_by(|a, b| a.name.cmp(&b.name));
    aim.excluded
        .retain(|out| !kept.iter().any(|(name, _)| *name == out.name));
    let list: Vec<String> = kept.iter().map(|(name, stays)| format!("{name}={stays}")).collect();
    aim.steps.push(format!(
        "Replicas move: {} stay beside their share until as many are ready elsewhere.",
        list.join(", ")
    ));
}

/// Says of no cluster any more that the object leaves it, once it is not to be there.
pub fn forget_departed(aim: &mut PlacementSpec) {
    let clusters = &aim.clusters;
    aim.leaving
        .retain(|leaving| clusters.iter().any(|target| target.name == leaving.name));
}

fn shares(clusters: &[TargetCluster]) -> BTreeMap<String, i64> {
    let shares = clusters
        .iter()
        .map(|target| (target.name.clone(), target.replicas.unwrap_or_default().max(0)));
    shares.collect()
}

/// What a change of shares moves, for people: `us-1 3 to 0, eu-1 3 to 6`. None where nothing shrinks or leaves.
#[must_use]
pub fn told(before: &PlacementSpec, after: &PlacementSpec) -> Option<String> {
    let share = |spec: &PlacementSpec, name: &str| {
        let target = spec.clusters.iter().find(|target| target.name == name);
        target.map_or(0, |target| target.replicas.unwrap_or(1))
    };
    let mut names: Vec<&str> = before
        .clusters
        .iter()
        .chain(&after.clusters)
        .map(|target| target.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let changes: Vec<(&str, i64, i64)> = names
        .into_iter()
        .map(|name| (name, share(before, name), share(after, name)))
        .filter(|(_, was, is)| was != is)
        .collect();
    let counted = after
        .clusters
        .iter()
        .chain(&before.clusters)
        .any(|target| target.replicas.is_some());
    let moves = counted && changes.iter().any(|(_, was, is)| was > is);
    let words: Vec<String> = changes
        .iter()
        .map(|(name, was, is)| format!("{name} {was} to {is}"))
        .collect();
    moves.then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use api::ObjectRef;
    use api::placement::PlacedCluster;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn spec(clusters: &[(&str, i64)]) -> PlacementSpec {
        let targets = clusters.iter().map(|(name, replicas)| TargetCluster {
            name: (*name).to_owned(),
            replicas: Some(*replicas),
            ..TargetCluster::default()
        });
        PlacementSpec {
            resource: ObjectRef {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                ..ObjectRef::default()
            },
            clusters: targets.collect(),
            ..PlacementSpec::default()
        }
    }

    #[test]
    fn a_move_is_told_and_growth_is_none() {
        let told = |before: &[(&str, i64)], after: &[(&str, i64)]| told(&spec(before), &spec(after));
        assert_eq!(
            told(&[("eu", 3), ("us", 3)], &[("eu", 6)]).as_deref(),
            Some("eu 3 to 6, us 3 to 0")
        );
        assert_eq!(told(&[("eu", 3)], &[("eu", 3), ("us", 3)]), None);
        assert_eq!(told(&[("eu", 3)], &[("eu", 3)]), None);
    }

    fn status(ready: &[(&str, i64)]) -> PlacementStatus {
        let rows = ready.iter().map(|(name, count)| PlacedCluster {
            name: (*name).to_owned(),
            status: json!({"readyReplicas": count}),
            ..PlacedCluster::default()
        });
        PlacementStatus {
            clusters: rows.collect(),
            ..PlacementStatus::default()
        }
    }

    #[test]
    fn an_autoscaler_that_runs_few_holds_no_move_up() {
        let rows = |copies: &[(&str, i64, i64)]| {
            let mut status = PlacementStatus::default();
            status.clusters = copies
                .iter()
                .map(|(name, replicas, ready)| PlacedCluster {
                    name: (*name).to_owned(),
                    status: json!({"replicas": replicas, "readyReplicas": ready}),
                    ..PlacedCluster::default()
                })
                .collect();
            status
        };
        let paced = |status: &PlacementStatus, left: bool| {
            let mut aim = spec(&[("b", 9)]);
            aim.left_to_members = left.then(api::placement::LeftToMembers::default);
            pace(&mut aim, &spec(&[("a", 9)]), status, |_| false);
            shares(&aim.clusters)
        };
        let few = rows(&[("a", 9, 9), ("b", 4, 4)]);
        assert_eq!(paced(&few, true), shares(&spec(&[("b", 9)]).clusters));
        assert_eq!(paced(&few, false).get("a"), Some(&5), "the hub's word is nine");
        let starting = rows(&[("a", 9, 9), ("b", 4, 1)]);
        assert_eq!(paced(&starting, true).get("a"), Some(&8), "not before it is ready");
    }

    /// `a=3 b=3` words: what stands, what is ready, what is aimed at; `!` behind a name that failed.
    fn check(stands: &str, ready: &str, aim: &str, now: &str) {
        let read = |text: &str| -> Vec<(String, i64)> {
            text.split_whitespace()
                .map(|word| {
                    let (name, count) = word.split_once('=').unwrap();
                    (name.to_owned(), count.parse().unwrap())
                })
                .collect()
        };
        let lost: Vec<String> = read(stands)
            .iter()
            .filter(|(name, _)| name.ends_with('!'))
            .map(|(name, _)| name.clone())
            .collect();
        let (before, rows, mut goal) = (read(stands), read(ready), read(aim));
        goal.sort();
        let as_spec = |list: &[(String, i64)]| {
            let list: Vec<(&str, i64)> = list.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            spec(&list)
        };
        let mut paced = as_spec(&goal);
        let rows: Vec<(&str, i64)> = rows.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        pace(&mut paced, &as_spec(&before), &status(&rows), |name| {
            lost.iter().any(|other| other == name)
        });
        let said: Vec<String> = paced
            .clusters
            .iter()
            .map(|target| format!("{}={}", target.name, target.replicas.unwrap()))
            .collect();
        assert_eq!(said.join(" "), now, "stands {stands}, ready {ready}, aim {aim}");
    }

    #[test]
    fn what_shrinks_waits_for_what_grows() {
        check("a=3 b=3", "a=3 b=3", "a=2 b=2 c=2", "a=3 b=3 c=2");
        check("a=3 b=3 c=2", "a=3 b=3 c=1", "a=2 b=2 c=2", "a=2 b=3 c=2");
        check("a=3 b=3 c=2", "a=3 b=3 c=2", "a=2 b=2 c=2", "a=2 b=2 c=2");
        check("a=6", "a=6", "b=6", "a=6 b=6");
        check("a=6 b=6", "a=6 b=4", "b=6", "a=2 b=6");
    }

    #[test]
    fn scaling_down_waits_for_nobody() {
        check("a=3 b=3", "a=3 b=3", "a=2 b=2", "a=2 b=2");
        check("a=3 b=3", "a=0 b=0", "a=2 b=2", "a=2 b=2");
        check("a=3 b=3", "a=3 b=0", "a=2 b=2", "a=3 b=2");
    }

    #[test]
    fn what_is_lost_or_idle_is_not_kept() {
        check("a!=3 b=3", "a!=3 b=3", "b=6", "b=6");
        check("a=3 b=3", "a=1 b=3", "b=6", "a=1 b=6");
        check("a=3", "", "b=3", "b=3");
    }

    proptest! {
        /// What is ready is never cut below what is wanted, and once all is ready the aim is reached.
        #[test]
        fn ready_replicas_are_never_given_up(
            stands in prop::collection::vec(0_i64..9, 4),
            aim in prop::collection::vec(0_i64..9, 4),
            part in prop::collection::vec(0_i64..9, 4),
        ) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let list = |counts: &[i64]| NAMES.into_iter().zip(counts.iter().copied()).collect::<Vec<_>>();
            let ready: Vec<(&str, i64)> = list(&part).into_iter().zip(&stands).map(|((name, n), s)| (name, n.min(*s))).collect();
            let mut paced = spec(&list(&aim));
            pace(&mut paced, &spec(&list(&stands)), &status(&ready), |_| false);
            let share = |name: &str| paced.clusters.iter().find(|t| t.name == name).map_or(0, |t| t.replicas.unwrap_or(0));
            let wanted: i64 = aim.iter().sum();
            let had: i64 = ready.iter().map(|(_, n)| n).sum();
            let left: i64 = ready.iter().map(|(name, n)| (*n).min(share(name))).sum();
            prop_assert!(left >= had.min(wanted), "{left} of {had} ready are left of {wanted}");
            for (name, count) in list(&aim) {
                prop_assert!(share(name) >= count, "growing is not held back");
            }
            let all_ready: Vec<(&str, i64)> = NAMES.into_iter().map(|name| (name, share(name))).collect();
            let mut arrived = spec(&list(&aim));
            let standing: Vec<(&str, i64)> = all_ready.clone();
            pace(&mut arrived, &spec(&standing), &status(&all_ready), |_| false);
            let wanted_spec = spec(&list(&aim));
            prop_assert_eq!(&arrived.clusters, &wanted_spec.clusters);
        }
    }
}
