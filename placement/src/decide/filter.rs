//! Which clusters may hold an object, and why the others may not.
//! In: the rule, one cluster, what stands. Out: one [`Verdict`]. Two kinds of rules: those that someone said (leaving,
//! selector, affinity, `NoExecute`), and a failure, also take away; those that describe a moment (not Ready, `NoSchedule`, a kind not
//! served) only keep new copies out.

use std::fmt;

use api::cluster::TaintEffect;
use api::placement::AilingCluster;
use api::policy::Toleration;
use api::well_known::{DRAIN_TAINT, FAILED_TAINT};
use api::{Cluster, Condition, ConditionStatus, ObjectRef, Reason, Taint};
use jiff::{SignedDuration, Timestamp};

use super::drain::{self, Drain};
use super::rule::Rule;
use crate::affinity::{self, Mismatch};
use crate::inputs::Inputs;
use crate::tolerations;

/// What the filter says of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// It may hold the object.
    Fits,
    /// It may not.
    Out(Why<'a>),
}

/// Why a cluster may not hold an object. A sentence is made of it only where somebody reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why<'a> {
    Leaving,
    Affinity {
        /// The ordered affinity that counts, where there are several.
        group: Option<&'a str>,
        mismatch: Mismatch<'a>,
    },
    /// The cluster selector of Federation v1.
    Selector(String),
    Failed(&'a Condition),
    Drained {
        /// It held the object.
        left: bool,
    },
    Taint(&'a Taint),
    Ailing(&'a AilingCluster),
    NotReady(ConditionStatus),
    NotServed(&'a ObjectRef),
}

impl Why<'_> {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Leaving => Reason::ClusterLeaving,
            Self::Affinity { .. } => Reason::AffinityMismatch,
            Self::Selector(_) => Reason::SelectorMismatch,
            Self::Failed(_) => Reason::ClusterFailed,
            Self::Drained { .. } => Reason::ClusterDrained,
            Self::Taint(_) => Reason::UntoleratedTaint,
            Self::Ailing(_) => Reason::WorkloadUnwell,
            Self::NotReady(_) => Reason::ClusterNotReady,
            Self::NotServed(_) => Reason::KindNotServed,
        }
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaving => f.write_str("it is being removed from the federation"),
            Self::Affinity {
                group: Some(group),
                mismatch,
            } => write!(f, "group {group} is in use, and {mismatch}"),
            Self::Affinity { group: None, mismatch } => write!(f, "{mismatch}"),
            Self::Selector(message) => f.write_str(message),
            Self::Failed(failed) => f.write_str(&failed.message),
            Self::Drained { left: true } => f.write_str("it is being drained, and its names had time to be forgotten"),
            Self::Drained { left: false } => f.write_str("it is being drained, and nothing of this object runs there"),
            Self::Taint(taint) => write!(f, "it has the taint {} that is not tolerated", describe(taint)),
            Self::Ailing(ailing) => write!(
                f,
                "it was unwell there for too long, and stays out until {}",
                ailing.until
            ),
            Self::NotReady(ConditionStatus::False) => {
                f.write_str("its API is not reachable, and nothing of this object runs there yet")
            }
            Self::NotReady(ConditionStatus::Unknown | ConditionStatus::True) => {
                f.write_str("it is not known to be reachable, and nothing of this object runs there yet")
            }
            Self::NotServed(wanted) => write!(f, "its API does not serve {}/{}", wanted.api_version, wanted.kind),
        }
    }
}

/// Judges one cluster, which holds the object or does not; the first rule that fails is the one reported.
pub(super) fn judge<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>, cluster: &'a Cluster, holds: bool) -> Verdict<'a> {
    if let Some(why) = said(rule, cluster) {
        return Verdict::Out(why);
    }
    if let (true, Some(failed)) = (rule.moves(inputs.object), cluster.failed()) {
        let taint = failure(failed);
        if !rule.tolerations().iter().any(|one| tolerates(one, &taint, inputs.now)) {
            return Verdict::Out(Why::Failed(failed));
        }
    }
    if let Some(Drain::Out { since }) = drain::of(inputs, rule, cluster, holds) {
        return Verdict::Out(Why::Drained { left: since.is_some() });
    }
    let ails = |one: &&AilingCluster| one.name == cluster.metadata.name();
    if let (true, Some(ailing)) = (rule.moves(inputs.object), inputs.ailing.iter().find(ails)) {
        return Verdict::Out(Why::Ailing(ailing));
    }
    if let Some(taint) = untolerated(rule.tolerations(), cluster, holds, inputs.now) {
        return Verdict::Out(Why::Taint(taint));
    }
    if holds {
        return Verdict::Fits;
    }
    match cluster.manageable() {
        ConditionStatus::True => served(inputs, rule, cluster),
        state @ (ConditionStatus::False | ConditionStatus::Unknown) => Verdict::Out(Why::NotReady(state)),
    }
}

/// Judges one cluster for an object that goes where others are: those were judged by the moment's state already.
pub(super) fn judge_follower<'a>(
    inputs: &Inputs<'a>,
    rule: &Rule<'a>,
    cluster: &'a Cluster,
    holds: bool,
) -> Verdict<'a> {
    if let Some(why) = said(rule, cluster) {
        return Verdict::Out(why);
    }
    if holds {
        return Verdict::Fits;
    }
    served(inputs, rule, cluster)
}

/// What someone said against the cluster.
fn said<'a>(rule: &Rule<'a>, cluster: &Cluster) -> Option<Why<'a>> {
    if cluster.metadata.deletion_timestamp.is_some() {
        return Some(Why::Leaving);
    }
    let affinity = rule
        .affinity()
        .and_then(|affinity| affinity::mismatch(affinity, cluster));
    if let Some(mismatch) = affinity {
        let group = rule.term().map(|term| term.affinity_name.as_str());
        return Some(Why::Affinity { group, mismatch });
    }
    let selector = rule.selector_v1();
    let message = selector.and_then(|selector| selector.mismatch(&cluster.metadata.labels))?;
    Some(Why::Selector(message))
}

fn served<'a>(inputs: &Inputs<'a>, rule: &Rule<'a>, cluster: &Cluster) -> Verdict<'a> {
    let wanted = &inputs.object.resource;
    let served = &cluster.status.api_enablements;
    if served.is_empty() {
        return Verdict::Fits;
    }
    // Members tell them sorted; whatever else somebody wrote is looked through.
    let name = rule.served_name();
    if served.binary_search_by(|one| one.as_str().cmp(name)).is_ok() || served.iter().any(|one| one == name) {
        Verdict::Fits
    } else {
        Verdict::Out(Why::NotServed(wanted))
    }
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
pub(super) fn next_expiry(rule: &Rule<'_>, cluster: &Cluster, now: Timestamp) -> Option<Timestamp> {
    let failed = cluster.failed().map(failure);
    let taints = cluster.spec.taints.iter().chain(&failed);
    let pairs = taints.flat_map(|taint| rule.tolerations().iter().map(move |one| (one, taint)));
    let ends = pairs
        .filter(|(one, taint)| matches(one, taint))
        .filter_map(|(one, taint)| end(one, taint));
    ends.chain(drain::begins(cluster)).filter(|end| *end > now).min()
}

/// A cluster that holds the object but may not get more of it: it is not Ready, or tainted `NoSchedule`.
pub(super) fn may_grow(rule: &Rule<'_>, cluster: &Cluster, now: Timestamp) -> bool {
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
