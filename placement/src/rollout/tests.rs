//! Rollouts as stories: a federation of four clusters that do what they are told, or do not.

use std::collections::BTreeMap;

use api::placement::TargetCluster;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A federation in which versions are rolled out.
struct Story {
    rule: Rollout,
    object: Value,
    spec: PlacementSpec,
    status: PlacementStatus,
    clusters: Vec<Cluster>,
    second: i64,
    state: Option<RolloutState>,
}

fn template(version: &str) -> Value {
    json!({"spec": {"containers": [{"name": "c", "image": version}]}})
}

impl Story {
    fn new(rule: Value) -> Self {
        let names = ["ap-1", "eu-1", "eu-2", "us-1"];
        let cluster = |name: &&str| -> Cluster {
            let region = name.split('-').next().unwrap();
            serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"region": region},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}))
            .unwrap()
        };
        let target = |name: &&str| TargetCluster {
            name: (*name).to_owned(),
            replicas: Some(2),
            ..TargetCluster::default()
        };
        let mut story = Self {
            rule: serde_json::from_value(rule).unwrap(),
            object: json!({"spec": {"template": template("1")}}),
            spec: PlacementSpec {
                clusters: names.iter().map(target).collect(),
                ..PlacementSpec::default()
            },
            status: PlacementStatus::default(),
            clusters: names.iter().map(cluster).collect(),
            second: 0,
            state: None,
        };
        story.look();
        story.obey(&[]);
        story
    }

    fn set(&mut self, version: &str) {
        self.object["spec"]["template"] = template(version);
    }

    fn look(&mut self) -> &RolloutState {
        self.spec.rollout = self.state.take();
        let seen = Seen {
            rule: &self.rule,
            object: &self.object,
            spec: &self.spec,
            status: &self.status,
            clusters: &self.clusters,
            now: Timestamp::from_second(self.second).unwrap(),
        };
        let state = advance(self.spec.rollout.as_ref(), &seen);
        self.state.insert(state)
    }

    /// Every cluster has what it is told to have; these are not well with it.
    fn obey(&mut self, unwell: &[&str]) {
        let state = self.state.clone().unwrap();
        let row = |cluster: &Cluster| PlacedCluster {
            name: cluster.metadata.name().to_owned(),
            applied: true,
            template: state.version_of(cluster.metadata.name()).to_owned(),
            ready: Some(!unwell.contains(&cluster.metadata.name())),
            ..PlacedCluster::default()
        };
        self.status.clusters = self.clusters.iter().map(row).collect();
    }

    fn at(&self, second: i64) -> i64 {
        self.second + second
    }

    fn shown(&self) -> String {
        let state = self.state.as_ref().unwrap();
        format!("{:?} {} [{}]", state.phase, state.wave, state.updated.join(" "))
    }

    /// Looks until nothing changes, and tells every place that was come by. What is new is obeyed in between.
    fn run(&mut self, unwell: &[&str]) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let before = self.state.clone();
            self.look();
            if self.state == before {
                return told;
            }
            told.push(self.shown());
            self.obey(unwell);
            assert!(told.len() < 50, "{told:#?}");
        }
    }
}

fn each(field: &str) -> Value {
    json!({"waves": [{"name": "canary", "clusterNames": ["eu-1"]}], "each": field})
}

#[test]
fn wave_after_wave() {
    let mut story = Story::new(each("region"));
    assert_eq!(story.shown(), "Done  []");
    assert!(story.run(&[]).is_empty(), "nothing to do");
    story.set("2");
    assert_eq!(
        story.run(&[]),
        [
            "Progressing canary [eu-1]",
            "Progressing region ap [ap-1 eu-1]",
            "Progressing region eu [ap-1 eu-1 eu-2]",
            "Progressing region us [ap-1 eu-1 eu-2 us-1]",
            "Done  []",
        ]
    );
    let state = story.state.clone().unwrap();
    assert_eq!((state.stable, &state.stable_template), (state.version, &template("2")));
}

#[test]
fn a_wave_that_is_well_soaks() {
    let mut rule = each("cluster");
    rule["soakSeconds"] = json!(60);
    rule["waves"][0]["soakSeconds"] = json!(10);
    let mut story = Story::new(rule);
    story.set("2");
    assert_eq!(story.run(&[]).last().unwrap(), "Soaking canary [eu-1]");
    story.second = 9;
    assert!(story.run(&[]).is_empty());
    // Unwell again: from the start.
    story.obey(&["eu-1"]);
    assert_eq!(story.run(&["eu-1"]).first().unwrap(), "Progressing canary [eu-1]");
    story.second = 20;
    story.obey(&[]);
    assert_eq!(story.run(&[]), ["Soaking canary [eu-1]"]);
    story.second = 30;
    assert_eq!(
        story.run(&[]),
        [
            "Progressing cluster ap-1 [ap-1 eu-1]",
            "Soaking cluster ap-1 [ap-1 eu-1]"
        ]
    );
}

#[test]
fn a_wave_that_stays_unwell_stops_or_goes_back() {
    let mut rule = each("region");
    rule["progressDeadlineSeconds"] = json!(100);
    for (on_failure, ends) in [
        (json!("Pause"), "Failed region ap [ap-1 eu-1]"),
        (json!("Rollback"), "RolledBack region ap []"),
    ] {
        rule["onFailure"] = on_failure;
        let mut story = Story::new(rule.clone());
        story.set("2");
        assert_eq!(
            story.run(&["ap-1"]).last().unwrap(),
            "Progressing region ap [ap-1 eu-1]"
        );
        story.second = story.at(99);
        assert!(story.run(&["ap-1"]).is_empty());
        story.second = story.at(1);
        assert_eq!(story.run(&["ap-1"]), [ends]);
        story.second = story.at(10_000);
        assert!(story.run(&[]).is_empty(), "it stays so");
        // The user takes the version back, or writes another.
        let mut other = Story { ..story };
        other.set("1");
        assert_eq!(other.run(&[]), ["Done  []"]);
        other.set("3");
        assert_eq!(other.run(&[]).last().unwrap(), "Done  []");
    }
}

#[test]
fn a_rollout_that_failed_is_tried_on_after_a_pause() {
    let mut rule = each("region");
    rule["progressDeadlineSeconds"] = json!(100);
    let mut story = Story::new(rule);
    story.set("2");
    story.run(&["ap-1"]);
    story.second = 100;
    story.run(&["ap-1"]);
    story.object["spec"]["paused"] = json!(true);
    assert_eq!(story.run(&["ap-1"]), ["Paused region ap [ap-1 eu-1]"]);
    story.object["spec"]["paused"] = json!(false);
    assert_eq!(story.run(&["ap-1"])[0], "Progressing region ap [ap-1 eu-1]");
    story.second = 150;
    story.obey(&[]);
    assert_eq!(story.run(&[]).last().unwrap(), "Done  []");
}

#[test]
fn another_version_meanwhile_begins_anew_and_the_first_goes_back() {
    let mut story = Story::new(each("region"));
    story.set("2");
    story.run(&["eu-2"]);
    assert_eq!(story.shown(), "Progressing region eu [ap-1 eu-1 eu-2]");
    story.set("3");
    story.look();
    assert_eq!(story.shown(), "Progressing canary [eu-1]");
    let state = story.state.clone().unwrap();
    let told: BTreeMap<&str, bool> = ["ap-1", "eu-1", "eu-2"]
        .map(|name| (name, state.is_new_in(name)))
        .into();
    assert_eq!(told, [("ap-1", false), ("eu-1", true), ("eu-2", false)].into());
    assert_eq!(state.stable_template, template("1"), "what was well everywhere");
}

#[test]
fn who_cannot_be_reached_is_not_waited_for_unless_it_is_a_whole_wave() {
    let mut rule = each("region");
    rule["progressDeadlineSeconds"] = json!(100);
    rule["onFailure"] = json!("Rollback");
    let mut story = Story::new(rule);
    let away = |story: &mut Story, name: &str| {
        let cluster = story
            .clusters
            .iter_mut()
            .find(|one| one.metadata.name() == name)
            .unwrap();
        cluster.status.conditions[0].status = ConditionStatus::Unknown;
    };
    away(&mut story, "ap-1");
    story.set("2");
    assert_eq!(
        story.run(&["ap-1"]).last().unwrap(),
        "Progressing region ap [ap-1 eu-1]"
    );
    story.second = 10_000;
    story.run(&["ap-1"]);
    assert_eq!(
        story.shown(),
        "Progressing region ap [ap-1 eu-1]",
        "no deadline for what nobody can ask"
    );
    let rest = json!({"waves": [{"name": "canary", "clusterNames": ["eu-1"]}]});
    let mut story = Story::new(rest);
    away(&mut story, "ap-1");
    story.set("2");
    assert_eq!(story.run(&["ap-1"]).last().unwrap(), "Done  []");
}

impl Story {
    fn leave(&mut self, name: &str) {
        self.spec.clusters.retain(|target| target.name != name);
        self.status.clusters.retain(|row| row.name != name);
    }
}

#[test]
fn a_wave_whose_clusters_go_proves_nothing() {
    let mut rule = each("region");
    rule["progressDeadlineSeconds"] = json!(100);
    // Under way, and then failed: the next wave does not begin by itself.
    for second in [1, 100] {
        let mut story = Story::new(rule.clone());
        story.set("2");
        story.run(&["eu-1"]);
        story.second = second;
        story.run(&["eu-1"]);
        story.leave("eu-1");
        story.run(&[]);
        assert!(story.state.as_ref().unwrap().updated.is_empty(), "{}", story.shown());
        story.object["spec"]["paused"] = json!(true);
        story.run(&[]);
        story.object["spec"]["paused"] = json!(false);
        assert_eq!(story.run(&[]).last().unwrap(), "Done  []", "somebody said so");
    }
    // The last wave's clusters go: the others had theirs, and it ends.
    let mut story = Story::new(rule);
    story.set("2");
    story.run(&["us-1"]);
    assert_eq!(story.shown(), "Progressing region us [ap-1 eu-1 eu-2 us-1]");
    story.leave("us-1");
    assert_eq!(story.run(&[]), ["Done  []"]);
}

#[test]
fn what_comes_and_goes_fails_in_the_end() {
    let mut rule = each("region");
    rule["progressDeadlineSeconds"] = json!(100);
    rule["soakSeconds"] = json!(100);
    rule["onFailure"] = json!("Rollback");
    let mut story = Story::new(rule);
    story.set("2");
    for second in 0..30 {
        story.second = second * 20;
        let unwell: &[&str] = if second % 2 == 0 { &[] } else { &["eu-1"] };
        story.run(unwell);
        story.obey(unwell);
    }
    assert_eq!(story.shown(), "RolledBack canary []");
}

#[test]
fn a_version_nobody_decided_about_is_told_to_nobody() {
    let mut story = Story::new(each("region"));
    story.spec.rollout = story.state.clone();
    assert!(is_decided(&story.spec, &story.object));
    story.set("2");
    assert!(!is_decided(&story.spec, &story.object));
    story.look();
    story.spec.rollout = story.state.clone();
    assert!(is_decided(&story.spec, &story.object));
    story.spec.rollout = None;
    assert!(is_decided(&story.spec, &story.object), "no policy says how it goes");
}

#[test]
fn nothing_begins_while_it_is_paused() {
    let mut rule = each("region");
    rule["paused"] = json!(true);
    let mut story = Story::new(rule);
    story.set("2");
    assert_eq!(story.run(&[]), ["Paused  []"]);
    story.rule.paused = None;
    assert_eq!(story.run(&[])[0], "Progressing canary [eu-1]");
}

#[test]
fn old_reports_prove_nothing() {
    let mut story = Story::new(waves_without_each());
    story.set("2");
    story.look();
    // The rows still speak of the version before, and say that all is well.
    assert!(story.status.clusters.iter().all(|row| row.ready == Some(true)));
    let first = story.state.clone();
    story.look();
    assert_eq!(story.state.as_ref().unwrap().updated, first.unwrap().updated);
    assert_eq!(story.shown(), "Progressing canary [eu-1]");
}

fn waves_without_each() -> Value {
    json!({"waves": [{"name": "canary", "clusterNames": ["eu-1"]}]})
}

proptest! {
    /// Whatever happens: a cluster gets a new version only when all of the waves before were well with it, and nobody is told a
    /// version that is neither the new one nor the one that was well everywhere.
    #[test]
    fn no_wave_comes_before_the_one_before_is_well(
        deeds in prop::collection::vec((0_u8..6, 0_usize..4, 1_i64..200), 1..40),
        rollback in any::<bool>(),
    ) {
        let mut rule = each("cluster");
        rule["progressDeadlineSeconds"] = json!(150);
        rule["onFailure"] = json!(if rollback { "Rollback" } else { "Pause" });
        let mut story = Story::new(rule);
        let mut unwell: Vec<&str> = vec![];
        let names = ["ap-1", "eu-1", "eu-2", "us-1"];
        for (deed, which, seconds) in deeds {
            match deed {
                0 => story.set(&which.to_string()),
                1 => unwell.push(names[which]),
                2 => unwell.clear(),
                3 => story.second += seconds,
                4 => story.object["spec"]["paused"] = json!(which > 1),
                _ => story.obey(&unwell),
            }
            let before = story.state.clone().unwrap();
            let rows = story.status.clusters.clone();
            let after = story.look().clone();
            let grew: Vec<&String> = after.updated.iter().filter(|name| !before.updated.contains(name)).collect();
            if before.version == after.version && !grew.is_empty() && !before.updated.is_empty() {
                let well = |name: &String| rows.iter().any(|row| row.name == *name && row.template == after.version && row.ready == Some(true));
                prop_assert!(before.updated.iter().all(well), "{before:?} {after:?}");
            }
            if after.version != after.stable {
                prop_assert!(before.stable == after.stable, "what was well stays known");
            } else {
                prop_assert_eq!(after.phase, RolloutPhase::Done);
            }
        }
    }
}
