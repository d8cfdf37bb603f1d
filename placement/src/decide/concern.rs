//! Whether a change of one cluster is any concern of an object's decision. Of a thousand clusters one changes every few seconds
//! somewhere, and most objects are not there, nor may they be.
//! In: what a decision looks at, the cluster before and after. Out: whether to decide again; `true` on doubt. Absent: clusters
//! that come or go, which are told in every decision; room, which moves nothing by itself.

use api::Cluster;

use super::candidate::Standing;
use super::filter::{self, Verdict};
use super::rule::{Manner, Rule};
use crate::decision::Decision;
use crate::inputs::Inputs;

/// Whether a decision may be another one because of a change of a cluster.
#[must_use]
pub fn concerns(inputs: &Inputs<'_>, before: &Cluster, after: &Cluster) -> bool {
    let name = after.metadata.name();
    if Standing::of(inputs.previous).find(name).is_some() {
        return true;
    }
    let rule = Rule::of(inputs, &mut Decision::default());
    if let Manner::Follows(_) = rule.how() {
        return filter::judge_follower(inputs, &rule, before, false)
            != filter::judge_follower(inputs, &rule, after, false);
    }
    // What is tolerated for a while depends on the time.
    let waits = !rule.tolerations().is_empty()
        && (before.spec.taints != after.spec.taints || before.failed() != after.failed());
    let terms = 0..rule.terms().len().max(1);
    waits
        || terms.into_iter().any(|term| {
            let rule = rule.with_term(term);
            let judge = |cluster| filter::judge(inputs, &rule, cluster, false);
            match (judge(before), judge(after)) {
                (Verdict::Out(before), Verdict::Out(after)) => before != after,
                (Verdict::Fits, Verdict::Fits) => !is_alike(before, after),
                (Verdict::Fits, Verdict::Out(_)) | (Verdict::Out(_), Verdict::Fits) => true,
            }
        })
}

/// Whether two states of a cluster that fits weigh the same among others.
fn is_alike(before: &Cluster, after: &Cluster) -> bool {
    let place = |cluster: &Cluster| {
        let spec = cluster.spec.clone();
        (spec.region, spec.zones, spec.provider, spec.taints)
    };
    before.metadata.labels == after.metadata.labels
        && before.manageable() == after.manageable()
        && place(before) == place(after)
}

#[cfg(test)]
mod tests {
    use api::{Condition, PropagationPolicy};
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::decide::decide;
    use crate::inputs::FederatedObject;

    fn cluster(name: &str, mark: &str) -> Cluster {
        let taint = |effect: &str| json!([{"key": "k", "effect": effect, "timeAdded": "1970-01-01T00:00:00Z"}]);
        let mut cluster: Cluster = serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"tier": if mark == "gold" { "gold" } else { "iron" }}},
            "spec": {"region": if mark == "moved" { "ap" } else { "eu" }, "apiEndpoint": mark,
                "taints": match mark { "execute" => taint("NoExecute"), "schedule" => taint("NoSchedule"), _ => json!([]) }},
            "status": {"conditions": [{"type": "Ready", "status": if mark == "away" { "False" } else { "True" }}]},
        }))
        .unwrap();
        if mark == "failed" {
            let failed = json!({"type": "Failed", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"});
            cluster
                .status
                .conditions
                .push(serde_json::from_value::<Condition>(failed).unwrap());
        }
        cluster
    }

    proptest! {
        #[test]
        fn what_is_no_concern_changes_not_a_word(
            before in mark(), after in mark(), at in 0_usize..4, policy in 0_usize..6, placed in any::<bool>(),
        ) {
            let placement = [
                json!({}),
                json!({"clusterAffinity": {"labelSelector": {"matchLabels": {"tier": "gold"}}}}),
                json!({"clusterAffinity": {"clusterNames": ["c0", "c1"]}}),
                json!({"clusterTolerations": [{"operator": "Exists", "tolerationSeconds": 60}]}),
                json!({"spreadConstraints": [{"spreadByField": "region", "maxGroups": 1}]}),
                json!({"clusterAffinities": [{"affinityName": "a", "clusterNames": ["c0"]}, {"affinityName": "b", "clusterNames": ["c1"]}]}),
            ];
            let policy: PropagationPolicy = serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "shop"},
                "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], "placement": placement[policy]}})).unwrap();
            let object = FederatedObject::from_value(&json!({"apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 3}})).unwrap();
            let all = |mark: &str| -> Vec<Cluster> {
                (0..4).map(|index| cluster(&format!("c{index}"), if index == at { mark } else { "" })).collect()
            };
            let (old, new) = (all(&before), all(&after));
            let inputs = |clusters, previous| Inputs {
                object: &object, policies: std::slice::from_ref(&policy), clusters, previous,
                now: Timestamp::from_second(100).unwrap(), leaders: &[], ailing: &[], autoscaler: None,
            };
            let first = decide(&inputs(&old, None)).into_spec();
            let previous = placed.then_some(&first);
            if !concerns(&inputs(&new, previous), &old[at], &new[at]) {
                let then = decide(&inputs(&old, previous)).into_spec();
                prop_assert_eq!(decide(&inputs(&new, previous)).into_spec(), then, "{} to {}", before, after);
            }
        }
    }

    fn mark() -> impl Strategy<Value = String> {
        let marks = ["", "gold", "moved", "execute", "schedule", "away", "failed"];
        prop::sample::select(marks.to_vec()).prop_map(str::to_owned)
    }
}
