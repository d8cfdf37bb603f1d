//! Which clusters may hold an object, and why the others may not.
//! In: the rule, one cluster, what stands. Out: one [`Verdict`]. Two kinds of rules: those that someone said (leaving,
//! selector, affinity, `NoExecute`) also take away; those that describe a moment (not Ready, `NoSchedule`, a kind not
//! served) only keep new copies out.

use api::cluster::TaintEffect;
use api::policy::Toleration;
use api::{Cluster, ConditionStatus, Reason, Taint};

use super::planned;
use super::rule::Rule;
use crate::affinity;
use crate::inputs::Inputs;

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
    if let Some(taint) = untolerated(rule.tolerations(), cluster, holds) {
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

/// A cluster that holds the object but may not get more of it: it is not Ready, or tainted `NoSchedule`.
pub(super) fn may_grow(rule: &Rule, cluster: &Cluster) -> bool {
    cluster.manageable() == ConditionStatus::True && untolerated(rule.tolerations(), cluster, false).is_none()
}

fn untolerated<'a>(tolerations: &[Toleration], cluster: &'a Cluster, holds: bool) -> Option<&'a Taint> {
    cluster.spec.taints.iter().find(|taint| {
        let bites = match taint.effect {
            TaintEffect::NoExecute => true,
            TaintEffect::NoSchedule => !holds,
            TaintEffect::PreferNoSchedule => false,
        };
        bites && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
    })
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = describe_effect(taint.effect);
    if !toleration.effect.is_empty() && toleration.effect != effect {
        return false;
    }
    let exists = toleration.operator == "Exists";
    if toleration.key.is_empty() {
        return exists;
    }
    toleration.key == taint.key && (exists || toleration.value == taint.value)
}

fn describe(taint: &Taint) -> String {
    let value = if taint.value.is_empty() {
        String::new()
    } else {
        format!("={}", taint.value)
    };
    format!("{}{value}:{}", taint.key, describe_effect(taint.effect))
}

fn describe_effect(effect: TaintEffect) -> &'static str {
    match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    }
}
