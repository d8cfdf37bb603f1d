//! How a new version goes over the clusters: wave after wave, each once the one before is well and was for a while; on failure it
//! stays where it is, or goes back.
//!
//! In: what the policy says, where the rollout stands, the hub's pod template, the clusters and what they report, the time. Out: where it
//! stands now, and when to look again. It needs no memory but the Placement. The hub's object stays its user's: going back changes
//! what members are told, never the object. Absent: how many replicas are where (`decide`), what a member does with a new template:
//! that is its own controllers' rolling update.

mod waves;

use api::placement::PlacedCluster;
use api::rollout::{OnRolloutFailure, PROGRESS_DEADLINE_SECONDS, Rollout, RolloutPhase, RolloutState};
use api::{Cluster, ConditionStatus, PlacementSpec, PlacementStatus};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use waves::Wave;

/// Kinds with a pod template that may differ from cluster to cluster.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Whether versions of a kind are rolled out.
#[must_use]
pub fn rolls(api_version: &str, kind: &str) -> bool {
    api_version == "apps/v1" && KINDS.contains(&kind)
}

/// All that a rollout looks at besides where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the policy says.
    pub rule: &'a Rollout,
    /// The hub's object.
    pub object: &'a Value,
    /// The decision: where the object is to be.
    pub spec: &'a PlacementSpec,
    /// What the members report.
    pub status: &'a PlacementStatus,
    /// Every cluster.
    pub clusters: &'a [Cluster],
    /// The time.
    pub now: Timestamp,
}

/// The name of a version: a hash of the pod template.
#[must_use]
pub fn version(object: &Value) -> String {
    let template = object.pointer("/spec/template").unwrap_or(&Value::Null);
    let digest = Sha256::digest(template.to_string().as_bytes());
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether it was decided how the object's version goes over the clusters. Until then each is left with what it was told: news of an object
/// come before the decision about it.
#[must_use]
pub fn is_decided(spec: &PlacementSpec, object: &Value) -> bool {
    spec.rollout
        .as_ref()
        .is_none_or(|rollout| rollout.version == version(object))
}

/// A rollout that has ended, or never began: every cluster is to have the object's version.
#[must_use]
pub fn at_rest(object: &Value) -> RolloutState {
    let version = version(object);
    RolloutState {
        stable: version.clone(),
        version,
        stable_template: object.pointer("/spec/template").cloned().unwrap_or_default(),
        ..RolloutState::default()
    }
}

/// Where a rollout stands now.
#[must_use]
pub fn advance(before: Option<&RolloutState>, seen: &Seen<'_>) -> RolloutState {
    let Some(before) = before else {
        return at_rest(seen.object);
    };
    let version = version(seen.object);
    if version == before.stable {
        let came_back = before.phase != RolloutPhase::Done;
        return RolloutState {
            message: if came_back {
                "The version that was well before is back everywhere.".to_owned()
            } else {
                before.message.clone()
            },
            ..at_rest(seen.object)
        };
    }
    let waves = waves::of(seen.rule, seen.spec, seen.clusters);
    let mut next = if version == before.version {
        before.clone()
    } else {
        // What of an earlier version was under way goes back, but where this one comes first.
        RolloutState {
            version,
            stable: before.stable.clone(),
            stable_template: before.stable_template.clone(),
            ..RolloutState::default()
        }
    };
    if next.phase != RolloutPhase::RolledBack {
        step(&mut next, &waves, seen);
    }
    next
}

fn begin(next: &mut RolloutState, wave: Option<&Wave<'_>>, now: Timestamp) {
    next.phase = RolloutPhase::Progressing;
    next.wave = wave.map(|wave| wave.name.clone()).unwrap_or_default();
    next.since = whole(now);
    next.begun.clone_from(&next.since);
}

fn pause(next: &mut RolloutState, at: &str, now: Timestamp) {
    if next.phase != RolloutPhase::Paused {
        next.phase = RolloutPhase::Paused;
        next.since = whole(now);
    }
    next.message = format!("Paused {at}.");
}

/// One step, within one version.
fn step(next: &mut RolloutState, waves: &[Wave<'_>], seen: &Seen<'_>) {
    let paused =
        seen.rule.paused == Some(true) || seen.object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true);
    let resumes = next.phase == RolloutPhase::Paused && !paused;
    let first = waves.iter().find(|wave| !next.passed.contains(&wave.name));
    let current = match waves.iter().find(|wave| wave.name == next.wave) {
        Some(current) => current,
        None => {
            put_updated(next, waves);
            match first {
                _ if paused => pause(next, "before a wave", seen.now),
                Some(first) if next.wave.is_empty() || resumes || is_proven(next) => {
                    begin(next, Some(first), seen.now);
                    put_updated(next, waves);
                }
                // Nobody was well with it yet: what another wave would get is unproven.
                Some(_) => {
                    next.message = format!(
                        "Wave {}: its clusters hold it no more. Next: another version, or kubectl rollout pause and resume to go on.",
                        next.wave
                    );
                }
                None if waves.is_empty() => {}
                // The last wave's clusters are gone, and the others had theirs.
                None => end(next, seen),
            }
            return;
        }
    };
    put_updated(next, waves);
    if paused {
        pause(next, &format!("in {}", told(current, waves)), seen.now);
        return;
    }
    match next.phase {
        RolloutPhase::Failed | RolloutPhase::RolledBack | RolloutPhase::Done => return,
        RolloutPhase::Paused => begin(next, Some(current), seen.now),
        RolloutPhase::Progressing | RolloutPhase::Soaking => {}
    }
    let judged = judge(next, current, seen);
    if judged.asked == 0 {
        // The clock stands still while nobody can be asked.
        next.begun.clear();
        next.message = format!("{}: none of its clusters can be reached.", told(current, waves));
        return;
    }
    if next.begun.is_empty() {
        begin(next, Some(current), seen.now);
    }
    if judged.unwell.is_empty() {
        well(next, current, waves, seen);
    } else {
        unwell(next, current, &judged.unwell, waves, seen);
    }
}

/// Whether a wave was well with the version, and none is known not to be.
fn is_proven(next: &RolloutState) -> bool {
    !next.passed.is_empty() && next.phase != RolloutPhase::Failed
}

fn end(next: &mut RolloutState, seen: &Seen<'_>) {
    let message = format!("Rolled out in {} waves.", next.passed.len());
    *next = RolloutState {
        message,
        ..at_rest(seen.object)
    };
}

/// What the clusters that have the new version say.
struct Judged<'a> {
    /// How many of the wave can be asked.
    asked: usize,
    /// Those that do not have it yet, or are not well with it; of earlier waves, too.
    unwell: Vec<&'a str>,
}

fn judge<'a>(next: &RolloutState, current: &Wave<'a>, seen: &Seen<'a>) -> Judged<'a> {
    let row = |name: &str| seen.status.clusters.iter().find(|row| row.name == name);
    let is_well = |row: &PlacedCluster| row.template == next.version && row.applied && row.ready == Some(true);
    // Who cannot be reached is neither well nor unwell, and catches up when it is back.
    let asked = seen.clusters.iter().filter(|cluster| {
        cluster.manageable() == ConditionStatus::True && !seen.spec.suspends(cluster.metadata.name())
    });
    let asked = asked.map(|cluster| cluster.metadata.name());
    let told: Vec<&str> = asked
        .filter(|name| next.updated.iter().any(|one| one == name))
        .collect();
    Judged {
        asked: told.iter().filter(|name| current.clusters.contains(*name)).count(),
        unwell: told
            .into_iter()
            .filter(|name| !row(name).is_some_and(is_well))
            .collect(),
    }
}

fn well(next: &mut RolloutState, current: &Wave<'_>, waves: &[Wave<'_>], seen: &Seen<'_>) {
    if next.phase == RolloutPhase::Progressing && current.soak_seconds > 0 {
        next.phase = RolloutPhase::Soaking;
        next.since = whole(seen.now);
    }
    if next.phase == RolloutPhase::Soaking
        && let Some(end) = after(&next.since, current.soak_seconds)
        && end > seen.now
    {
        next.message = format!("{} is well, and must be until {end}.", told(current, waves));
        return;
    }
    next.passed.push(current.name.clone());
    match waves.iter().find(|wave| !next.passed.contains(&wave.name)) {
        Some(wave) => {
            begin(next, Some(wave), seen.now);
            put_updated(next, waves);
            next.message = format!("{} begins.", told(wave, waves));
        }
        None => end(next, seen),
    }
}

fn unwell(next: &mut RolloutState, current: &Wave<'_>, who: &[&str], waves: &[Wave<'_>], seen: &Seen<'_>) {
    // It has to be well for the whole of its time again; the time that it has for that goes on, or what comes and goes would never fail.
    if next.phase == RolloutPhase::Soaking {
        next.phase = RolloutPhase::Progressing;
        next.since = whole(seen.now);
    }
    let wave = told(current, waves);
    let names = who.join(", ");
    if ends(next, current, seen.rule).is_some_and(|end| end > seen.now) {
        next.message = format!("{wave}: waiting for {names}.");
        return;
    }
    next.since = whole(seen.now);
    let seconds = deadline(seen.rule);
    if seen.rule.on_failure == Some(OnRolloutFailure::Rollback) {
        next.phase = RolloutPhase::RolledBack;
        next.updated.clear();
        next.message =
            format!("{wave} was not well within {seconds} s ({names}): every cluster has the version before.");
    } else {
        next.phase = RolloutPhase::Failed;
        next.message = format!(
            "{wave} was not well within {seconds} s ({names}): it stays there. Next: kubectl rollout undo, another version, or \
             kubectl rollout pause and resume to try on."
        );
    }
}

/// The clusters of the waves that came.
fn put_updated(next: &mut RolloutState, waves: &[Wave<'_>]) {
    let came = waves
        .iter()
        .filter(|wave| wave.name == next.wave || next.passed.contains(&wave.name));
    next.updated = came
        .flat_map(|wave| &wave.clusters)
        .map(|name| (*name).to_owned())
        .collect();
    next.updated.sort_unstable();
}

/// `Wave canary (1 of 3)`.
fn told(wave: &Wave<'_>, waves: &[Wave<'_>]) -> String {
    let at = waves.iter().position(|one| one.name == wave.name).unwrap_or_default();
    format!("Wave {} ({} of {})", wave.name, at + 1, waves.len())
}

/// When a wave that is unwell has failed: it has the time of its soak, too.
fn ends(next: &RolloutState, current: &Wave<'_>, rule: &Rollout) -> Option<Timestamp> {
    after(&next.begun, deadline(rule).saturating_add(current.soak_seconds))
}

fn deadline(rule: &Rollout) -> i64 {
    rule.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE_SECONDS)
}

/// The next whole second: nobody reads fractions, and no wave is well for too short a time.
fn whole(now: Timestamp) -> String {
    let second = now.as_second() + i64::from(now.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(now).to_string()
}

fn after(since: &str, seconds: i64) -> Option<Timestamp> {
    let since: Timestamp = since.parse().ok()?;
    since.checked_add(SignedDuration::from_secs(seconds.max(0))).ok()
}

/// When it may stand elsewhere though nothing is reported.
#[must_use]
pub fn next_look(state: &RolloutState, seen: &Seen<'_>) -> Option<Timestamp> {
    let waves = waves::of(seen.rule, seen.spec, seen.clusters);
    let current = waves.iter().find(|wave| wave.name == state.wave)?;
    let at = match state.phase {
        RolloutPhase::Progressing => ends(state, current, seen.rule),
        RolloutPhase::Soaking => after(&state.since, current.soak_seconds),
        RolloutPhase::Done | RolloutPhase::Paused | RolloutPhase::Failed | RolloutPhase::RolledBack => None,
    };
    at.filter(|at| *at > seen.now)
}

/// What a change of a rollout is called, and whether an operator is warned; none where nothing began or ended.
#[must_use]
pub fn event(before: Option<&RolloutState>, now: Option<&RolloutState>) -> Option<(&'static str, bool)> {
    let now = now?;
    let before = before?;
    let moved = before.phase != now.phase || before.wave != now.wave || before.version != now.version;
    if !moved || now.message.is_empty() {
        return None;
    }
    Some(match now.phase {
        RolloutPhase::Done => ("RolloutDone", false),
        RolloutPhase::Progressing => ("RolloutWave", false),
        RolloutPhase::Soaking => ("RolloutSoaking", false),
        RolloutPhase::Paused => ("RolloutPaused", false),
        RolloutPhase::Failed => ("RolloutFailed", true),
        RolloutPhase::RolledBack => ("RolledBack", true),
    })
}

#[cfg(test)]
mod tests;
