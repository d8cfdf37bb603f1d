//! What a drain asks of one object in one cluster, and when. In: the rule, the cluster with its drain taint, whether it holds the
//! object, the time. Out: out now, or leaving at a time. New copies stay out at once; what moves leaves when the names of the
//! cluster's addresses had time to be forgotten, which is a function of the taint alone and so survives any restart; copies that
//! are everywhere stay. Absent: the names (the DNS server sees the taint itself), the order of a move ([`crate::moves`]).

use api::Cluster;
use api::placement::LeavingCluster;
use api::well_known::DRAIN_SECONDS;
use jiff::{SignedDuration, Timestamp};

use super::candidate::Standing;
use super::filter;
use super::rule::Rule;
use crate::decision::Decision;
use crate::inputs::Inputs;

/// What a drain asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drain {
    /// The object may not come here, or has to leave now.
    Out {
        /// Since when it has to leave; none for one that was never there.
        since: Option<Timestamp>,
    },
    /// It stays until then, and does not grow.
    Leaves(Timestamp),
}

/// What a drain of the cluster asks of the object; none where it is not drained, or the drain is not for this object.
pub(super) fn of(inputs: &Inputs<'_>, rule: &Rule<'_>, cluster: &Cluster, holds: bool) -> Option<Drain> {
    let taint = cluster.drained()?;
    let tolerations = rule.tolerations();
    if tolerations.iter().any(|one| filter::tolerates(one, taint, inputs.now)) {
        return None;
    }
    if !holds {
        return Some(Drain::Out { since: None });
    }
    if !rule.moves(inputs.object) {
        return None;
    }
    // Without a time nobody can say when the names began to be forgotten: what runs leaves as by any such taint.
    let at = begins(cluster).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(if at > inputs.now {
        Drain::Leaves(at)
    } else {
        Drain::Out { since: Some(at) }
    })
}

/// Notes which clusters the object leaves because they are drained, and until when it stays there.
pub(super) fn note(inputs: &Inputs<'_>, rule: &Rule<'_>, decision: &mut Decision) {
    let mut standing = Standing::of(inputs.previous);
    let mut drained: Vec<(&str, Drain)> = inputs
        .clusters
        .iter()
        .filter(|cluster| cluster.drained().is_some() && standing.find(cluster.metadata.name()).is_some())
        .filter_map(|cluster| Some((cluster.metadata.name(), of(inputs, rule, cluster, true)?)))
        .collect();
    drained.sort_by_key(|(name, _)| *name);
    for (name, drain) in drained {
        let at = match drain {
            Drain::Leaves(at) => {
                decision.steps.push(format!(
                    "{name} is being drained: what is there stays until {at}, when its names are forgotten."
                ));
                Some(at)
            }
            Drain::Out { since } => since,
        };
        decision.leaving.push(LeavingCluster {
            name: name.to_owned(),
            after: at.map(|at| at.to_string()).unwrap_or_default(),
        });
    }
}

/// When replicas begin to leave a drained cluster; none where it is not drained or does not say since when.
pub(super) fn begins(cluster: &Cluster) -> Option<Timestamp> {
    let taint = cluster.drained()?;
    let added: Timestamp = taint.time_added.as_deref()?.parse().ok()?;
    let seconds = taint.value.parse().ok().filter(|seconds: &i64| *seconds >= 0);
    added
        .checked_add(SignedDuration::from_secs(seconds.unwrap_or(DRAIN_SECONDS)))
        .ok()
}
