//! Whether a toleration is of a taint, of a cluster's or of a node's. Absent: for how long (`decide/filter.rs`).

use api::cluster::TaintEffect;
use api::policy::Toleration;

/// Whether the toleration is of a taint with this key, value and effect.
pub(crate) fn matches(toleration: &Toleration, key: &str, value: &str, effect: TaintEffect) -> bool {
    if !toleration.effect.is_empty() && toleration.effect != word(effect) {
        return false;
    }
    let exists = toleration.operator == "Exists";
    if toleration.key.is_empty() {
        return exists;
    }
    toleration.key == key && (exists || toleration.value == value)
}

/// The effect as it stands in taints and tolerations.
pub(crate) fn word(effect: TaintEffect) -> &'static str {
    match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    }
}
