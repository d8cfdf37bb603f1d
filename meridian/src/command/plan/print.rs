//! A plan in words, for whoever is awake at three in the morning.
//! In: a [`Plan`]. Out: text. Absent: what is planned.

use std::collections::{BTreeMap, BTreeSet};

use placement::plan::{Deed, ObjectPlan};

use super::{CommandError, Plan};
use crate::output;

/// The plan.
pub(super) fn sentences(plan: &Plan) -> Result<String, CommandError> {
    let mut text = String::new();
    for object in &plan.objects {
        text.push_str(&of_object(object)?);
        text.push('\n');
    }
    if !plan.stranded.is_empty() {
        text.push_str(
            "Planned in what is lost, and not moved until it is back, unjoined, or a policy says otherwise:\n",
        );
        let rows: Vec<Vec<String>> = plan
            .stranded
            .iter()
            .map(|one| {
                let count = |replicas: i64| {
                    if replicas > 0 {
                        replicas.to_string()
                    } else {
                        "-".to_owned()
                    }
                };
                vec![
                    one.resource.to_string(),
                    one.clusters.join(", "),
                    count(one.replicas),
                    count(one.elsewhere),
                ]
            })
            .collect();
        text.push_str(&output::table(
            &["OBJECT", "LOST WITH", "REPLICAS LOST", "RUN ELSEWHERE"],
            &rows,
        ));
        text.push('\n');
    }
    if !plan.names.is_empty() {
        text.push_str("Names that are answered otherwise:\n");
        let rows: Vec<Vec<String>> = plan
            .names
            .iter()
            .map(|one| {
                let place = if one.region.is_empty() {
                    "elsewhere"
                } else {
                    &one.region
                };
                vec![one.name.clone(), place.to_owned(), list(&one.before), list(&one.after)]
            })
            .collect();
        text.push_str(&output::table(&["NAME", "CLIENTS IN", "NOW", "THEN"], &rows));
        text.push('\n');
    }
    for note in &plan.notes {
        text.push_str(&format!("Note: {note}\n"));
    }
    text.push_str(&summary(plan));
    Ok(text)
}

fn list(clusters: &BTreeSet<String>) -> String {
    if clusters.is_empty() {
        return "no address".to_owned();
    }
    clusters.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn of_object(object: &ObjectPlan) -> Result<String, CommandError> {
    let spec = &object.placement;
    let mut text = format!("{}", object.resource);
    if !object.changes() {
        text.push_str(": no change");
    }
    text.push_str(&format!("\n  Why: {}\n", spec.reason));
    let rows: Vec<Vec<String>> = object
        .clusters
        .iter()
        .map(|at| {
            let share = |share: &Option<String>| share.clone().unwrap_or_else(|| "-".to_owned());
            let mut detail = at.error.clone();
            if at.overridden {
                detail.push_str("overridden");
            }
            let moved = if at.before == at.after {
                share(&at.after)
            } else {
                format!("{} -> {}", share(&at.before), share(&at.after))
            };
            vec![format!("  {}", at.cluster), word(at.deed).to_owned(), moved, detail]
        })
        .collect();
    if !rows.is_empty() {
        text.push_str(&output::table(&["  CLUSTER", "DEED", "REPLICAS", "DETAIL"], &rows));
    }
    for out in &spec.excluded {
        text.push_str(&format!("  out: {} {} ({})\n", out.name, out.reason, out.message));
    }
    for more in &spec.excluded_more {
        text.push_str(&format!("  out: {} more {}\n", more.clusters, more.reason));
    }
    if spec.unplaced_replicas > 0 {
        text.push_str(&format!("  short: {} replicas fit nowhere\n", spec.unplaced_replicas));
    }
    for at in object.clusters.iter().filter(|at| !at.manifest.is_null()) {
        let manifest = serde_saphyr::to_string(&at.manifest).map_err(|error| CommandError::Said(error.to_string()))?;
        text.push_str(&format!("  --- # in {}\n", at.cluster));
        manifest.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    Ok(text)
}

fn word(deed: Deed) -> &'static str {
    match deed {
        Deed::Create => "create",
        Deed::Change => "change",
        Deed::Delete => "delete",
        Deed::Keep => "keep",
        Deed::Hold => "cannot be rendered",
    }
}

fn summary(plan: &Plan) -> String {
    let mut deeds: BTreeMap<&str, usize> = BTreeMap::new();
    for at in plan.objects.iter().flat_map(|object| &object.clusters) {
        *deeds.entry(word(at.deed)).or_default() += 1;
    }
    let count = |deed: Deed| deeds.get(word(deed)).copied().unwrap_or_default();
    let changed = plan.objects.iter().filter(|object| object.changes()).count();
    format!(
        "{changed} objects change, {} do not: {} copies to create, {} to change, {} to delete. Nothing was done.\n",
        plan.unchanged + plan.objects.len() - changed,
        count(Deed::Create),
        count(Deed::Change),
        count(Deed::Delete)
    )
}
