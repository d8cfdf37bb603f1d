//! What a failed run prints: differences that many steps share once, with where they were seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::compare::Difference;
use super::play::Told;

/// How much of a value is printed, in characters.
const SHOWN: usize = 400;

/// Every difference as a line of JSON, with its case, step and request.
#[must_use]
pub fn lines(told: &[Told]) -> String {
    let mut text = String::new();
    for step in told {
        for Difference { field, kube, hub } in &step.differences {
            let line = json!({"case": step.case, "step": step.step, "request": step.request, "field": field,
                "kube": kube, "hub": hub});
            text.push_str(&line.to_string());
            text.push('\n');
        }
    }
    text
}

/// The steps' differences, the same ones together, the most frequent first.
#[must_use]
pub fn of(told: &[Told]) -> String {
    let mut groups: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    for step in told {
        // Two answers of different codes differ in all else as a consequence.
        let codes = step.differences.iter().any(|difference| difference.field == "code");
        for difference in &step.differences {
            if codes && !["code", "body.message"].contains(&difference.field.as_str()) {
                continue;
            }
            groups
                .entry((
                    without_numbers(&difference.field),
                    difference.kube.clone(),
                    difference.hub.clone(),
                ))
                .or_default()
                .push(format!("{} / {} ({})", step.case, step.step, step.request));
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let mut text = String::new();
    for ((field, kube, hub), places) in groups {
        let first: Vec<&str> = places.iter().take(3).map(String::as_str).collect();
        let written = writeln!(
            text,
            "{field}\n  kube-apiserver: {}\n  hub:            {}\n  {} times: {}",
            cut(&kube),
            cut(&hub),
            places.len(),
            first.join("; ")
        );
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    text
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    if cut.is_empty() { "(nothing)".to_owned() } else { cut }
}

/// `items[3].name` and `items[4].name` are one.
fn without_numbers(field: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in field.chars() {
        match letter {
            '[' => {
                inside = true;
                text.push_str("[]");
            }
            ']' => inside = false,
            _ if inside => {}
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_told_once() {
        let told = |step: &str, at: usize| Told {
            case: "one".to_owned(),
            step: step.to_owned(),
            request: "GET /x".to_owned(),
            differences: vec![Difference {
                field: format!("body.items[{at}].kind"),
                kube: String::new(),
                hub: "\"x\"".to_owned(),
            }],
        };
        assert_eq!(
            of(&[told("1 GET", 0), told("2 GET", 5)]),
            "body.items[].kind\n  kube-apiserver: (nothing)\n  hub:            \"x\"\n  2 times: one / 1 GET (GET /x); one / 2 GET (GET /x)\n"
        );
    }
}
