//! Whether rules are held already: nobody may hand out what they do not have.

use std::collections::BTreeMap;

use super::Rule;
use super::rule::{has, reaches};

/// Combinations that are looked at one by one; a small body can name very many.
const ATOMS_MAX: usize = 10_000;

/// What of `wanted` is not covered by `held`: a verb on a resource (or path) each, then joined again by resource. Rules of too
/// many combinations count as a whole: one held rule covers all of it, or it is not covered.
#[must_use]
pub fn uncovered(held: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let covered = |rule: &Rule| held.iter().any(|own| covers(own, rule));
    let mut left = ATOMS_MAX;
    let mut missing = Vec::new();
    for rule in wanted.iter().filter(|rule| !covered(rule)) {
        match left.checked_sub(combinations(rule)) {
            Some(rest) => {
                left = rest;
                missing.extend(atoms(rule).into_iter().filter(|atom| !covered(atom)));
            }
            None => missing.push(rule.clone()),
        }
    }
    joined(missing)
}

/// How many atoms a rule has.
fn combinations(rule: &Rule) -> usize {
    let resources = rule.api_groups.len().saturating_mul(rule.resources.len());
    let named = resources.saturating_mul(rule.resource_names.len().max(1));
    let targets = named.saturating_add(rule.non_resource_urls.len());
    targets.saturating_mul(rule.verbs.len())
}

/// Rules as the refusal of an escalation lists them, sorted.
#[must_use]
pub fn described(rules: &[Rule]) -> String {
    let mut lines: Vec<String> = rules.iter().map(line).collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}

/// A rule taken apart: one verb on one resource (of one name), or on one path.
fn atoms(rule: &Rule) -> Vec<Rule> {
    let mut atoms = Vec::new();
    for group in &rule.api_groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                let atom = Rule {
                    verbs: vec![verb.clone()],
                    api_groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..Rule::default()
                };
                if rule.resource_names.is_empty() {
                    atoms.push(atom);
                    continue;
                }
                atoms.extend(rule.resource_names.iter().map(|name| Rule {
                    resource_names: vec![name.clone()],
                    ..atom.clone()
                }));
            }
        }
    }
    for path in &rule.non_resource_urls {
        atoms.extend(rule.verbs.iter().map(|verb| Rule {
            verbs: vec![verb.clone()],
            non_resource_urls: vec![path.clone()],
            ..Rule::default()
        }));
    }
    atoms
}

fn covers(held: &Rule, atom: &Rule) -> bool {
    let all = |own: &[String], wanted: &[String]| has(own, "*") || wanted.iter().all(|item| has(own, item));
    let resource = |wanted: &String| {
        has(&held.resources, wanted)
            || wanted
                .split_once('/')
                .is_some_and(|(_, sub)| has(&held.resources, &format!("*/{sub}")))
    };
    let path = |wanted: &String| held.non_resource_urls.iter().any(|own| reaches(own, wanted));
    all(&held.verbs, &atom.verbs)
        && all(&held.api_groups, &atom.api_groups)
        && (has(&held.resources, "*") || atom.resources.iter().all(resource))
        && atom.non_resource_urls.iter().all(path)
        && (held.resource_names.is_empty()
            || (!atom.resource_names.is_empty()
                && atom.resource_names.iter().all(|name| has(&held.resource_names, name))))
}

/// Atoms of one resource (and name) joined into one rule of several verbs.
fn joined(atoms: Vec<Rule>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut places = BTreeMap::new();
    for atom in atoms {
        if !atom.non_resource_urls.is_empty() {
            rules.push(atom);
            continue;
        }
        let Rule {
            verbs,
            api_groups,
            resources,
            resource_names,
            non_resource_urls: _,
        } = atom;
        let place = *places
            .entry((api_groups.clone(), resources.clone(), resource_names.clone()))
            .or_insert(rules.len());
        match rules.get_mut(place) {
            Some(rule) => rule.verbs.extend(verbs),
            None => rules.push(Rule {
                verbs,
                api_groups,
                resources,
                resource_names,
                ..Rule::default()
            }),
        }
    }
    rules
}

fn line(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.api_groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.non_resource_urls),
        ("ResourceNames", &rule.resource_names),
        ("Verbs", &rule.verbs),
    ];
    let parts = parts.iter().filter(|(_, list)| !list.is_empty());
    let parts: Vec<String> = parts
        .map(|(name, list)| {
            let list: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
            format!("{name}:[{}]", list.join(" "))
        })
        .collect();
    format!("{{{}}}", parts.join(", "))
}
