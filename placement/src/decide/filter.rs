//! Which clusters may hold an object, and why the others may not.
//! In: the rule, one cluster, what stands. Out: one [`Verdict`]. Two kinds of rules: those that someone said (leaving,
//! selector, affinity, `NoExecute`), and a failure, also take away; those that describe a moment (not Ready, `NoSchedule`, a kind not
//! served) only keep new copies out.

use api::cluster::TaintEffect;
use api::policy::Toleration;
use api::well_known::{DRAIN_TAINT, FAILED_TAINT};
use api::{Cluster, Condition, ConditionStatus, Reason, Taint};
use jiff::{SignedDuration, Timestamp};

use super::drain::{self, Drain};
use super::planned;
use super::rule::Rule;
use crate::affinity;
use crate::inputs::Inputs;
use crate::tolerations;

/// What the filter says of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may hold the object.
    Fits,
    /// It may not.
    Out { reason: Reason, message: String },
}

/// Judges one cluster; the first rule that fails is the one reported.
pub(super) fn judge(inputs: &Inputs<'_>, rule: &Rule, cluster: &Cluster) -> Verdict {
    if let Some(out) = said(rule, cluster) {
        return out;
    }
    let holds = planned(inputs.previous, cluster.metadata.name()).is_some();
    if let (true, Some(failed)) = (rule.moves(inputs.object), cluster.failed()) {
        let taint = failure(failed);
        if !rule.tolerations().iter().any(|one| tolerates(one, &taint, inputs.now)) {
            return out(Reason::ClusterFailed, failed.message.clone());
        }
    }
    if let Some(Drain::Out { since }) = drain::of(inputs, rule, cluster, holds) {
        let message = match since {
            Some(_) => "it is being drained, and its names had time to be forgotten",
            None => "it is being drained, and nothing of this object runs there",
        };
        return out(Reason::ClusterDrained, message.to_owned());
    }
    if let Some(taint) = untolerated(rule.tolerations(), cluster, holds, inputs.now) {
        return out(
            Reason::UntoleratedTaint,
            format!("it has the taint {} that is not tolerated", describe(taint)),
        );
    }
    if holds {
        return Verdict::Fits;
    }
    if cluster.manageable() != ConditionStatus::True {
        let state = match cluster.manageable() {
            ConditionStatus::False => "its API is not reachable",
            ConditionStatus::Unknown | ConditionStatus::True => "it is not known to be reachable",
        };
        return out(
            Reason::ClusterNotReady,
            format!("{state}, and nothing of this object runs there yet"),
        );
    }
    served(inputs, cluster)
}

/// Judges one cluster for an object that goes where others are: those were judged by the moment's state already.
pub(super) fn judge_follower(inputs: &Inputs<'_>, rule: &Rule, cluster: &Cluster) -> Verdict {
    if let Some(out) = said(rule, cluster) {
        return out;
    }
    if planned(inputs.previous, cluster.metadata.name()).is_some() {
        return Verdict::Fits;
    }
    served(inputs, cluster)
}

/// What someone said against the cluster.
fn said(rule: &Rule, cluster: &Cluster) -> Option<Verdict> {
    if cluster.metadata.deletion_timestamp.is_some() {
        return Some(out(
            Reason::ClusterLeaving,
            "it is being removed from the federation".to_owned(),
        ));
    }
    let affinity = rule
        .affinity()
        .and_then(|affinity| affinity::mismatch(affinity, cluster));
    if let Some(message) = affinity {
        let message = match rule.term() {
            Some(term) => format!("group {} is in use, and {message}", term.affinity_name),
            None => message,
        };
        return Some(out(Reason::AffinityMismatch, message));
    }
    let selector = rule.selector_v1();
    let message = selector.and_then(|selector| selector.mismatch(&cluster.metadata.labels))?;
    Some(out(Reason::SelectorMismatch, message))
}

fn out(reason: Reason, message: String) -> Verdict {
    Verdict::Out { reason, message }
}

fn served(inputs: &Inputs<'_>, cluster: &Cluster) -> Verdict {
    let resource = &inputs.object.resource;
    let wanted = format!("{}/{}", resource.api_version, resource.kind);
    let served = &cluster.status.api_enablements;
    if !served.is_empty() && !served.contains(&wanted) {
        return out(Reason::KindNotServed, format!("its API does not serve {wanted}"));
    }
    Verdict::Fits
}

/// The taint that stands for a failure.
fn failure(failed: &Condition) -> Taint {
    Taint {
        key: FAILED_TAINT.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoExecute,
        time_added: failed.last_transition_time.clone(),
    }
}

/// When a toleration next runs out in a cluster, or its names are forgotten in a drain: then the decision may be another one.
pub(super) fn next_expiry(rule: &Rule, cluster: &Cluster, now: Timestamp) -> Option<Timestamp> {
    let failed = cluster.failed().map(failure);
    let taints = cluster.spec.taints.iter().chain(&failed);
    let pairs = taints.flat_map(|taint| rule.tolerations().iter().map(move |one| (one, taint)));
    let ends = pairs
        .filter(|(one, taint)| matches(one, taint))
        .filter_map(|(one, taint)| end(one, taint));
    ends.chain(drain::begins(cluster)).filter(|end| *end > now).min()
}

/// A cluster that holds the object but may not get more of it: it is not Ready, or tainted `NoSchedule`.
pub(super) fn may_grow(rule: &Rule, cluster: &Cluster, now: Timestamp) -> bool {
    let drained = cluster
        .drained()
        .is_some_and(|taint| !rule.tolerations().iter().any(|one| tolerates(one, taint, now)));
    !drained
        && cluster.manageable() == ConditionStatus::True
        && untolerated(rule.tolerations(), cluster, false, now).is_none()
}

fn untolerated<'a>(tolerations: &[Toleration], cluster: &'a Cluster, holds: bool, now: Timestamp) -> Option<&'a Taint> {
    cluster.spec.taints.iter().find(|taint| {
        let bites = match taint.effect {
            // A drain has rules of its own.
            TaintEffect::NoExecute => taint.key != DRAIN_TAINT,
            TaintEffect::NoSchedule => !holds,
            TaintEffect::PreferNoSchedule => false,
        };
        bites && !tolerations.iter().any(|toleration| tolerates(toleration, taint, now))
    })
}

pub(super) fn tolerates(toleration: &Toleration, taint: &Taint, now: Timestamp) -> bool {
    matches(toleration, taint) && end(toleration, taint).is_none_or(|end| end > now)
}

/// When a toleration of a taint runs out; never where it names no seconds or nobody knows since when the taint is there.
fn end(toleration: &Toleration, taint: &Taint) -> Option<Timestamp> {
    if taint.effect != TaintEffect::NoExecute {
        return None;
    }
    let seconds = toleration.toleration_seconds?;
    let added: Timestamp = taint.time_added.as_deref()?.parse().ok()?;
    added.checked_add(SignedDuration::from_secs(seconds.max(0))).ok()
}

fn matches(toleration: &Toleration, taint: &Taint) -> bool {
    tolerations::matches(toleration, &taint.key, &taint.value, taint.effect)
}

fn describe(taint: &Taint) -> String {
    let value = if taint.value.is_empty() {
        String::new()
    } else {
        format!("={}", taint.value)
    };
    format!("{}{value}:{}", taint.key, tolerations::word(taint.effect))
}
