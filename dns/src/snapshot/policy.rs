//! Which DNS policy is a Service's, and what it comes to. A policy that names the Service goes before one that selects it
//! by labels, that one before a policy for the whole namespace; ties go by name, so that every server decides alike.

use std::collections::BTreeMap;

use api::DnsPolicySpec;
use api::dns_policy::{TTL_DEFAULT, TTL_MAX};

use super::input::ServiceFacts;
use super::target::{Check, Pace};
use crate::choose::Steer;

/// Most addresses in an answer where no policy says otherwise; they fit a UDP answer in either family.
const ANSWERS_DEFAULT: usize = 16;

/// What a policy comes to for one Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effective {
    /// `NAMESPACE/NAME` of the policy, if one applies.
    pub(super) policy: Option<String>,
    /// How it steers.
    pub(super) steer: Steer,
    /// TTL of addresses.
    pub(super) ttl: u32,
    /// Most addresses in one answer.
    pub(super) limit: usize,
    /// Port to probe, where the policy says one.
    pub(super) probe_port: Option<u16>,
    /// What is asked of the addresses.
    pub(super) check: Check,
    /// How often, and what it takes to change one's mind.
    pub(super) pace: Pace,
    /// Whether to probe at all.
    pub(super) probe: bool,
}

/// The policy of a Service and what it comes to.
pub(super) fn effective(
    policies: &BTreeMap<String, DnsPolicySpec>,
    namespace: &str,
    name: &str,
    service: &ServiceFacts,
) -> Effective {
    let prefix = format!("{namespace}/");
    let chosen = policies
        .range(prefix.clone()..)
        .take_while(|(key, _)| key.starts_with(&prefix))
        .filter_map(|(key, policy)| Some((rank(policy, name, service)?, key, policy)))
        .min_by_key(|(rank, key, _)| (*rank, *key));
    let fallback = DnsPolicySpec::default();
    let policy = chosen.map_or(&fallback, |(_, _, policy)| policy);
    let probe = policy.probe.clone().unwrap_or_default();
    Effective {
        policy: chosen.map(|(_, key, _)| key.clone()),
        steer: Steer {
            steering: policy.steering.unwrap_or_default(),
            weights: policy.weights.clone(),
            order: policy.order.clone(),
        },
        ttl: policy.ttl.unwrap_or(TTL_DEFAULT).clamp(1, TTL_MAX),
        limit: policy
            .max_answers
            .map_or(ANSWERS_DEFAULT, |max| usize::try_from(max).unwrap_or(usize::MAX).max(1)),
        probe_port: probe.port,
        check: Check::of(&probe),
        pace: Pace::of(&probe),
        probe: !probe.disabled,
    }
}

/// How specifically a policy is meant for a Service: 0 by name, 1 by labels, 2 for all; none if it is not.
fn rank(policy: &DnsPolicySpec, name: &str, service: &ServiceFacts) -> Option<u8> {
    if !policy.services.is_empty() {
        return policy.services.iter().any(|service| service == name).then_some(0);
    }
    match &policy.selector {
        Some(selector) => selector.matches(&service.labels).then_some(1),
        None => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_policy_wins() {
        let policy = |value: serde_json::Value| -> DnsPolicySpec { serde_json::from_value(value).unwrap() };
        let policies = BTreeMap::from([
            ("shop/all".to_owned(), policy(serde_json::json!({"ttl": 1}))),
            (
                "shop/labels".to_owned(),
                policy(serde_json::json!({"ttl": 2, "selector": {"matchLabels": {"a": "b"}}})),
            ),
            (
                "shop/named".to_owned(),
                policy(serde_json::json!({"ttl": 3, "services": ["web"]})),
            ),
            (
                "shop/named-later".to_owned(),
                policy(serde_json::json!({"ttl": 4, "services": ["web"]})),
            ),
            ("shop2/all".to_owned(), policy(serde_json::json!({"ttl": 999_999}))),
        ]);
        let plain = ServiceFacts::default();
        let labelled = ServiceFacts {
            labels: [("a".to_owned(), "b".to_owned())].into(),
            ..ServiceFacts::default()
        };
        let ttl = |namespace, name, service| effective(&policies, namespace, name, service).ttl;
        assert_eq!(ttl("shop", "web", &labelled), 3);
        assert_eq!(ttl("shop", "api", &labelled), 2);
        assert_eq!(ttl("shop", "api", &plain), 1);
        assert_eq!(ttl("shop2", "api", &plain), TTL_MAX);
        assert_eq!(ttl("other", "api", &plain), TTL_DEFAULT);
    }
}
