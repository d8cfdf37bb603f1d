//! Rules about what makes a Job fail or succeed early: `podFailurePolicy` and `successPolicy`.

use std::collections::BTreeSet;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;

/// Rules of either policy, and conditions of one rule.
const RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
/// Longest text of indexes, in bytes.
const INDEXES_BYTES_MAX: usize = 65_536;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

pub(super) fn failure(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let policy = spec.get("podFailurePolicy");
    if !policy.is_set() {
        return;
    }
    let pods = spec.get("template").get("spec");
    let containers: BTreeSet<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| pods.get(list).items().collect::<Vec<_>>())
        .map(|container| container.get("name").text())
        .collect();
    let rules = policy.get("rules");
    at_most(&rules, RULES_MAX, faults);
    for rule in rules.items() {
        action(spec, &rule.get("action"), faults);
        let (codes, conditions) = (rule.get("onExitCodes"), rule.get("onPodConditions"));
        if codes.is_set() {
            exit_codes(&codes, &containers, faults);
        }
        if conditions.len() > 0 {
            pod_conditions(&conditions, faults);
        }
        let both = codes.is_set() && conditions.len() > 0;
        if both {
            let detail = "specifying both OnExitCodes and OnPodConditions is not supported";
            faults.push(field::invalid_without_value(&rule.path, detail));
        }
        if !codes.is_set() && conditions.len() == 0 {
            let detail = "specifying one of OnExitCodes and OnPodConditions is required";
            faults.push(field::invalid_without_value(&rule.path, detail));
        }
    }
}

fn action(spec: &At<'_>, action: &At<'_>, faults: &mut Vec<Cause>) {
    match action.text() {
        "" => faults.push(field::required(&action.path, &valid(&ACTIONS))),
        "FailIndex" if !spec.get("backoffLimitPerIndex").is_set() => {
            let detail = "requires the backoffLimitPerIndex to be set";
            faults.push(field::invalid(&action.path, action.value, detail));
        }
        word if !ACTIONS.contains(&word) => {
            faults.push(field::not_supported(&action.path, action.value, &ACTIONS));
        }
        _ => {}
    }
}

fn exit_codes(codes: &At<'_>, containers: &BTreeSet<&str>, faults: &mut Vec<Cause>) {
    let operator = codes.get("operator");
    if operator.text().is_empty() {
        faults.push(field::required(&operator.path, &valid(&OPERATORS)));
    } else if !OPERATORS.contains(&operator.text()) {
        faults.push(field::not_supported(&operator.path, operator.value, &OPERATORS));
    }
    let container = codes.get("containerName");
    if container.is_set() && !containers.contains(container.text()) {
        let detail = "must be one of the container or initContainer names in the pod template";
        faults.push(field::invalid(&container.path, container.value, detail));
    }
    let values = codes.get("values");
    if values.len() == 0 {
        faults.push(field::invalid(
            &values.path,
            &serde_json::json!([]),
            "at least one value is required",
        ));
    } else {
        at_most(&values, EXIT_CODES_MAX, faults);
    }
    let mut ordered = true;
    let mut seen = BTreeSet::new();
    let mut last = None;
    for value in values.items() {
        let Some(code) = value.number() else { continue };
        if operator.text() == "In" && code == 0 {
            faults.push(field::invalid(
                &value.path,
                value.value,
                "must not be 0 for the In operator",
            ));
        }
        if !seen.insert(code) {
            faults.push(field::duplicate(&value.path, value.value));
        } else if last.is_some_and(|last| last > code) {
            ordered = false;
        }
        last = Some(code);
    }
    if !ordered {
        faults.push(field::invalid(&values.path, values.value, "must be ordered"));
    }
}

fn pod_conditions(conditions: &At<'_>, faults: &mut Vec<Cause>) {
    at_most(conditions, RULES_MAX, faults);
    for condition in conditions.items() {
        let (kind, status) = (condition.get("type"), condition.get("status"));
        for fault in format::qualified_name(kind.text()) {
            faults.push(field::invalid(&kind.path, kind.value, &fault));
        }
        if status.text().is_empty() {
            faults.push(field::required(&status.path, &valid(&STATUSES)));
        } else if !STATUSES.contains(&status.text()) {
            faults.push(field::not_supported(&status.path, status.value, &STATUSES));
        }
    }
}

pub(super) fn success(spec: &At<'_>, faults: &mut Vec<Cause>) {
    let policy = spec.get("successPolicy");
    if !policy.is_set() {
        return;
    }
    if spec.get("completionMode").text() != "Indexed" {
        let detail = "requires indexed completion mode";
        faults.push(field::invalid(&policy.path, policy.value, detail));
        return;
    }
    let rules = policy.get("rules");
    if rules.len() == 0 {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        faults.push(field::required(&rules.path, detail));
    }
    at_most(&rules, RULES_MAX, faults);
    let completions = spec.get("completions").number().unwrap_or(0);
    for rule in rules.items() {
        let (count, indexes) = (rule.get("succeededCount"), rule.get("succeededIndexes"));
        if !count.is_set() && !indexes.is_set() {
            let detail = "at least one of succeededCount or succeededIndexes must be specified";
            faults.push(field::required(&rule.path, detail));
        }
        let mut most = completions;
        let mut named = false;
        if indexes.is_set() {
            if indexes.text().len() > INDEXES_BYTES_MAX {
                faults.push(field::too_long(&indexes.path, INDEXES_BYTES_MAX));
            }
            match count_indexes(indexes.text(), completions) {
                Ok(number) => (most, named) = (number, true),
                Err(wrong) => {
                    let detail = format!("error parsing succeededIndexes: {wrong}");
                    faults.push(field::invalid(&indexes.path, indexes.value, &detail));
                }
            }
        }
        super::not_negative(&count, faults);
        if count.number().is_some_and(|number| number > most) {
            let of = if named {
                "the number of indexes in the specified succeededIndexes field"
            } else {
                "the number of specified completions"
            };
            let detail = format!("must be less than or equal to {most} ({of})");
            faults.push(field::invalid(&count.path, count.value, &detail));
        }
    }
}

/// How many indexes a text such as `0,3-5` names: ascending, below `completions`.
fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    let mut count = 0;
    let mut last: Option<i64> = None;
    if text.is_empty() {
        return Ok(0);
    }
    for interval in text.split(',') {
        let ends: Vec<&str> = interval.split('-').collect();
        let (from, to) = match ends[..] {
            [one] => (one, one),
            [from, to] => (from, to),
            _ => {
                return Err(format!(
                    "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
                    field::quoted(interval)
                ));
            }
        };
        let number = |word: &str| {
            word.parse::<i64>()
                .map_err(|_| format!("cannot convert string to integer for index: {}", field::quoted(word)))
        };
        let (first, end) = (number(from)?, number(to)?);
        for (index, word) in [(first, from), (end, to)].into_iter().take(ends.len()) {
            if index >= completions {
                return Err(format!("too large index: {}", field::quoted(word)));
            }
        }
        if last.is_some_and(|last| last >= first) {
            return Err(format!(
                "non-increasing order, previous: {}, current: {first}",
                last.unwrap_or_default()
            ));
        }
        if ends.len() == 2 && first >= end {
            return Err(format!("non-increasing order, previous: {first}, current: {end}"));
        }
        count += end - first + 1;
        last = Some(end);
    }
    Ok(count)
}

fn valid(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| field::quoted(word)).collect();
    format!("valid values: [{}]", quoted.join(" "))
}

fn at_most(list: &At<'_>, most: usize, faults: &mut Vec<Cause>) {
    if list.len() > most {
        faults.push(field::too_many(&list.path, list.len(), most));
    }
}
