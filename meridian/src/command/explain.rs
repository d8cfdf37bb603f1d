//! `meridian explain placement`: the stored decision for one object, with its reasons and what became of it.

use std::fmt::Write;
use std::path::Path;

use api::Placement;
use api::placement::{PlacedCluster, TargetCluster};

use placement::plan;

use super::CommandError;
use super::plan::gather;
use crate::cli::{ExplainPlacementArgs, OutputFormat};
use crate::hub::{self, failed};
use crate::output;

/// Prints the decision.
pub(crate) async fn placement(data_dir: &Path, args: ExplainPlacementArgs) -> Result<(), CommandError> {
    let client = hub::client(&args.hub, data_dir).await?;
    let (kind, name) = match (args.kind.split_once('/'), &args.name) {
        (Some((kind, name)), None) => (kind, name),
        (None, Some(name)) => (args.kind.as_str(), name.as_str()),
        (Some(_), Some(_)) | (None, None) => {
            return Err(CommandError::Usage("say KIND NAME, or KIND/NAME".to_owned()));
        }
    };
    let (resource, _) = hub::kind(&client, kind).await?;
    let cluster_scoped = resource.kind == "Namespace";
    let object = api::ObjectRef {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        namespace: if cluster_scoped {
            String::new()
        } else {
            args.namespace.clone()
        },
        name: name.to_owned(),
        uid: String::new(),
    };
    let key = object.placement_key();
    let found = hub::placements(&client, Some(&key.namespace))
        .get_opt(&key.name)
        .await
        .map_err(failed(format!("placement {key} cannot be read")))?;
    let Some(found) = found else {
        return Err(CommandError::Said(format!(
            "{object} has no placement: it does not exist on the hub, or stays there (kind, namespace or the label federation.meridian.dev/hub-only)"
        )));
    };
    let mut placement: Placement = hub::typed(&found)
        .map_err(|error| CommandError::Said(format!("placement {key} cannot be understood: {error}")))?;
    if args.all && !placement.spec.excluded_more.is_empty() {
        // The same decision over the same inputs, but that it tells all.
        let seen = gather::gather(&client).await?;
        if let Some(whole) = plan::in_full(&seen.world, &key) {
            placement.spec.excluded = whole.excluded;
            placement.spec.excluded_more.clear();
        }
    }
    if let Some(text) = output::data(args.output.output, &placement) {
        print!("{}", text.map_err(CommandError::Said)?);
        return Ok(());
    }
    if args.output.output == OutputFormat::Name {
        println!("placement.federation.meridian.dev/{}", key.name);
        return Ok(());
    }
    print!("{}", sentences(&placement));
    Ok(())
}

fn sentences(placement: &Placement) -> String {
    let spec = &placement.spec;
    let more: i64 = spec.excluded_more.iter().map(|more| more.clusters).sum();
    let considered = spec.clusters.len() + spec.excluded.len() + usize::try_from(more).unwrap_or_default();
    let total: i64 = spec.clusters.iter().filter_map(|c| c.replicas).sum();
    let has_replicas = spec.clusters.iter().any(|c| c.replicas.is_some());
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let share = if has_replicas {
        format!("{total} replicas in ")
    } else {
        "in ".to_owned()
    };
    say(format!(
        "{}: {share}{} of {considered} clusters",
        spec.resource,
        spec.clusters.len()
    ));
    if spec.deleted {
        say("Deleted on the hub; it stays listed until every member let go.".to_owned());
    }
    say(format!("Why: {}", spec.reason));
    say(format!(
        "Policy: {}",
        if spec.policy.is_empty() {
            "none, the kind's default"
        } else {
            &spec.policy
        }
    ));
    if let Some(affinity) = &spec.affinity {
        let returns = if affinity.returning_to.is_empty() {
            String::new()
        } else {
            format!("; back to {} at {}", affinity.returning_to, affinity.returning_after)
        };
        say(format!("Affinity group: {}{returns}", affinity.name));
    }
    if let Some(rollout) = &spec.rollout {
        let phase = format!("{:?}", rollout.phase);
        say(format!("Rollout: {phase}. {}", rollout.message).trim_end().to_owned());
    }
    for unmet in &spec.unmet_constraints {
        say(format!(
            "Unmet: {} of at least {} groups of {}",
            unmet.found, unmet.wanted, unmet.constraint
        ));
    }
    if spec.unplaced_replicas > 0 {
        say(format!("Unplaced replicas: {}", spec.unplaced_replicas));
    }
    let mut rows = Vec::new();
    for target in &spec.clusters {
        let truth = placement.status.clusters.iter().find(|row| row.name == target.name);
        rows.push(vec![
            target.name.clone(),
            part(target),
            truth
                .map_or("-", |row| if row.applied { "yes" } else { "no" })
                .to_owned(),
            truth
                .and_then(|row| row.ready)
                .map_or("-", |ready| if ready { "yes" } else { "no" })
                .to_owned(),
            truth.map(detail).unwrap_or_default(),
        ]);
    }
    if !rows.is_empty() {
        say(String::new());
        say(
            output::table(&["CLUSTER", "REPLICAS", "APPLIED", "READY", "DETAIL"], &rows)
                .trim_end()
                .to_owned(),
        );
    }
    if !spec.excluded.is_empty() {
        let rows: Vec<Vec<String>> = spec
            .excluded
            .iter()
            .map(|out| vec![out.name.clone(), out.reason.to_string(), out.message.clone()])
            .collect();
        say(String::new());
        say(output::table(&["NOT CHOSEN", "REASON", "DETAIL"], &rows)
            .trim_end()
            .to_owned());
    }
    for more in &spec.excluded_more {
        say(format!(
            "and {} more: {} (--all names them)",
            more.clusters, more.reason
        ));
    }
    let leaving: Vec<&str> = placement
        .status
        .clusters
        .iter()
        .filter(|row| !spec.clusters.iter().any(|target| target.name == row.name))
        .map(|row| row.name.as_str())
        .collect();
    if !leaving.is_empty() {
        say(String::new());
        say(format!("Being removed from: {}", leaving.join(", ")));
    }
    if !spec.steps.is_empty() {
        say(String::new());
        say("How it was decided:".to_owned());
        for (number, step) in spec.steps.iter().enumerate() {
            say(format!("  {}. {step}", number + 1));
        }
    }
    for condition in &placement.status.conditions {
        let mut line = format!("{}: {:?}", condition.type_, condition.status);
        if !condition.message.is_empty() && write!(line, " ({})", condition.message).is_err() {
            continue;
        }
        say(line);
    }
    text
}

/// A share of replicas, or of an autoscaler's bounds.
fn part(target: &TargetCluster) -> String {
    match (target.replicas, target.bounds) {
        (Some(replicas), _) => replicas.to_string(),
        (None, Some(bounds)) => format!("{} to {}", bounds.min_replicas, bounds.max_replicas),
        (None, None) => "-".to_owned(),
    }
}

fn detail(row: &PlacedCluster) -> String {
    let mut parts = Vec::new();
    if !row.addresses.is_empty() {
        parts.push(row.addresses.join(" "));
    }
    if let Some(endpoints) = row.ready_endpoints {
        parts.push(format!("{endpoints} ready endpoints"));
    }
    if !row.error.is_empty() {
        parts.push(row.error.clone());
    }
    parts.join(", ")
}
