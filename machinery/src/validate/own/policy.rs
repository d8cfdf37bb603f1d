//! Rules about propagation policies.

use crate::expression::selecting;
use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::metadata::push;
use super::super::{format, pod, selector};
use super::{between, labels_once};

const FIELDS: [&str; 3] = ["provider", "region", "zone"];

/// The longest that an object stays away from a group that fits again, or a wave lasts: a week.
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// A policy; the namespace is that of a namespaced one.
pub(super) fn policy(spec: &At<'_>, namespace: Option<&str>, faults: &mut Vec<Cause>) {
    let selectors = spec.get("resourceSelectors");
    if selectors.len() == 0 {
        faults.push(field::required(
            &selectors.path,
            "a policy is for at least one kind of object",
        ));
    }
    resource_selectors(&selectors, namespace, faults);
    suspension(&spec.get("suspension"), faults);
    rollout(&spec.get("rollout"), faults);
    let application = spec.get("failover").get("application");
    let conditions = application.get("decisionConditions");
    between(&conditions.get("tolerationSeconds"), 0, WEEK_SECONDS, faults);
    between(&application.get("returnSeconds"), 60, WEEK_SECONDS, faults);
    let placement = spec.get("placement");
    affinity(&placement.get("clusterAffinity"), faults);
    affinities(&placement, faults);
    pod::tolerations(&placement.get("clusterTolerations"), faults);
    spread_constraints(&placement.get("spreadConstraints"), faults);
    let scheduling = placement.get("replicaScheduling");
    let weights = scheduling.get("weightPreference");
    if weights.is_set() && scheduling.get("replicaSchedulingType").text() == "Duplicated" {
        faults.push(field::forbidden(
            &weights.path,
            "may not be set when `replicaSchedulingType` is 'Duplicated'",
        ));
    }
    for row in weights.get("staticWeightList").items() {
        affinity(&row.get("targetCluster"), faults);
        let weight = row.get("weight");
        if weight.number().unwrap_or(0) < 1 {
            faults.push(field::invalid(
                &weight.path,
                weight.value,
                "must be greater than or equal to 1",
            ));
        }
    }
}

/// How a new version goes over the clusters: waves with names of their own, and times.
fn rollout(rollout: &At<'_>, faults: &mut Vec<Cause>) {
    let waves = rollout.get("waves");
    named_groups(&waves, "name", faults);
    for wave in waves.items() {
        between(&wave.get("soakSeconds"), 0, WEEK_SECONDS, faults);
    }
    between(&rollout.get("soakSeconds"), 0, WEEK_SECONDS, faults);
    between(&rollout.get("progressDeadlineSeconds"), 1, WEEK_SECONDS, faults);
}

/// Which members are told nothing: all, or some.
fn suspension(suspension: &At<'_>, faults: &mut Vec<Cause>) {
    let some = suspension.get("dispatchingOnClusters");
    if !some.is_set() {
        return;
    }
    if suspension.get("dispatching").is_set() {
        faults.push(field::forbidden(&some.path, "may not be set beside `dispatching`"));
    }
    let names = some.get("clusterNames");
    if names.len() == 0 {
        faults.push(field::required(&names.path, ""));
    }
}

/// Groups of clusters in order, each with a name of its own.
fn affinities(placement: &At<'_>, faults: &mut Vec<Cause>) {
    let terms = placement.get("clusterAffinities");
    if terms.len() > 0 && placement.get("clusterAffinity").is_set() {
        let detail = "may not be set beside `clusterAffinity`";
        faults.push(field::forbidden(&terms.path, detail));
    }
    named_groups(&terms, "affinityName", faults);
    let returns = placement.get("clusterAffinityReturnSeconds");
    between(&returns, 0, WEEK_SECONDS, faults);
}

/// Groups of clusters, each with a name that no other has.
fn named_groups(groups: &At<'_>, field_name: &str, faults: &mut Vec<Cause>) {
    let mut seen = Vec::new();
    for group in groups.items() {
        let name = group.get(field_name);
        if name.text().is_empty() {
            faults.push(field::required(&name.path, ""));
        } else {
            push(&name, format::label_value(name.text()), faults);
            if seen.iter().any(|one| one == name.text()) {
                faults.push(field::duplicate(&name.path, name.value));
            }
            seen.push(name.text().to_owned());
        }
        affinity(&group, faults);
    }
}

/// In how many groups the chosen clusters are: each constraint by one field or one label, and none twice.
fn spread_constraints(constraints: &At<'_>, faults: &mut Vec<Cause>) {
    let mut seen = Vec::new();
    for constraint in constraints.items() {
        let (field, label) = (constraint.get("spreadByField"), constraint.get("spreadByLabel"));
        let by = match (field.text(), label.text()) {
            ("", "") => {
                let detail = "must specify one of: `spreadByField` or `spreadByLabel`";
                faults.push(field::required(&field.path, detail));
                continue;
            }
            (by, "") => (by.to_owned(), &field),
            ("", by) => {
                push(&label, format::qualified_name(by), faults);
                (format!("label {by}"), &label)
            }
            _ => {
                let detail = "may not be set beside `spreadByField`";
                faults.push(field::forbidden(&label.path, detail));
                continue;
            }
        };
        if seen.contains(&by.0) {
            faults.push(field::duplicate(&by.1.path, by.1.value));
        }
        seen.push(by.0);
        let (min, max) = (constraint.get("minGroups"), constraint.get("maxGroups"));
        for bound in [&min, &max] {
            if bound.number().is_some_and(|number| number < 0) {
                let detail = "must be greater than or equal to 0";
                faults.push(field::invalid(&bound.path, bound.value, detail));
            }
        }
        // No maximum may be written as 0.
        if let Some(most) = max.number().filter(|most| *most > 0)
            && min.number().unwrap_or(1) > most
        {
            let detail = "must be greater than or equal to `minGroups`";
            faults.push(field::invalid(&max.path, max.value, detail));
        }
    }
}

/// Which objects a policy or an override is for.
pub(super) fn resource_selectors(selectors: &At<'_>, namespace: Option<&str>, faults: &mut Vec<Cause>) {
    for chosen in selectors.items() {
        for name in ["apiVersion", "kind"] {
            let at = chosen.get(name);
            if at.text().is_empty() {
                faults.push(field::required(&at.path, ""));
            }
        }
        let (version, place) = (chosen.get("apiVersion"), chosen.get("namespace"));
        if version.text().split('/').count() > 2 {
            faults.push(field::invalid(
                &version.path,
                version.value,
                "must be VERSION or GROUP/VERSION",
            ));
        }
        if !place.text().is_empty() {
            push(&place, format::dns_label(place.text()), faults);
            if namespace.is_some_and(|namespace| namespace != place.text()) {
                let detail = "a namespaced policy is for objects of its own namespace";
                faults.push(field::invalid(&place.path, place.value, detail));
            }
        }
        selector::label_selector(&chosen.get("labelSelector"), faults);
        let expression = chosen.get("matchExpression");
        if let Some(fault) = Some(expression.text())
            .filter(|text| !text.is_empty())
            .and_then(selecting::fault)
        {
            faults.push(field::invalid(&expression.path, expression.value, &fault));
        }
    }
}

/// Which clusters are meant.
pub(super) fn affinity(affinity: &At<'_>, faults: &mut Vec<Cause>) {
    selector::label_selector(&affinity.get("labelSelector"), faults);
    labels_once(&affinity.get("clusterNames"), faults);
    labels_once(&affinity.get("exclude"), faults);
    for expression in affinity.get("fieldSelector").get("matchExpressions").items() {
        let (key, values) = (expression.get("key"), expression.get("values"));
        if !FIELDS.contains(&key.text()) {
            faults.push(field::not_supported(&key.path, key.value, &FIELDS));
        }
        let listed = matches!(expression.get("operator").text(), "In" | "NotIn");
        if listed && values.len() == 0 {
            faults.push(field::required(
                &values.path,
                "must be specified when `operator` is 'In' or 'NotIn'",
            ));
        }
        if !listed && values.len() > 0 {
            faults.push(field::forbidden(
                &values.path,
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ));
        }
    }
}
