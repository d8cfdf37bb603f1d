//! `meridian drain` and `meridian uncordon`: a taint on the Cluster, put or taken away, and the sight of what follows. Names go
//! when the DNS server sees the taint, replicas when the placement controller sees that the names are forgotten; this command
//! moves nothing itself, so it may be stopped and run again at any time.

mod check;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use api::cluster::TaintEffect;
use api::well_known::DRAIN_TAINT;
use api::{Cluster, DnsPolicy, Placement, Resolution, Taint};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::CommandError;
use crate::cli::{DrainArgs, OutputFormat, UncordonArgs, WhichClusters};
use crate::hub::{self, failed};
use crate::output;
use check::Left;

/// How often the hub is asked how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Objects that a sentence names.
const NAMED: usize = 5;

/// Drains.
pub(crate) async fn run(data_dir: &Path, args: DrainArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let clusters: Vec<Cluster> = list(hub::clusters(&hub), "clusters").await?;
    let drained = names(&clusters, &args.which)?;
    let placements: Vec<Placement> = list(hub::placements(&hub, None), "placements").await?;
    let policies: Vec<DnsPolicy> = list(ours(&hub, "DNSPolicy", "dnspolicies"), "DNS policies").await?;
    let seconds = check::seconds_to_forget(&policies);
    let stuck = check::stuck(&clusters, &placements, &drained);
    let shown = shown(&drained);
    if !stuck.is_empty() && !args.force {
        return Err(CommandError::Said(format!(
            "{shown} cannot be drained: no other cluster that is Ready and not drained is left for {}; next: add or repair a cluster \
             for them, or give --force (replicas that have nowhere to go stay)",
            few(&stuck)
        )));
    }
    if args.dry_run {
        let value = json!({"clusters": drained, "dryRun": true, "secondsToForget": seconds, "stuck": stuck});
        return print(&args.output.output, &value, &drained, || {
            format!("{shown} would be drained: its names are forgotten after {seconds} s, then replicas leave\n")
        });
    }
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_else(|_| Timestamp::now());
    let mut after = now;
    for name in &drained {
        let taint = taint(&hub, name, Some((now, seconds))).await?;
        after = after.max(taint.map_or(now, |taint| end(&taint, now)));
    }
    if !args.wait {
        let value = json!({"clusters": drained, "done": false, "replicasLeaveAfter": after.to_string()});
        return print(&args.output.output, &value, &drained, || {
            format!(
                "{shown} is being drained: names go now, replicas from {after} on; next: meridian drain again to wait\n"
            )
        });
    }
    let left = wait(&hub, &drained, after, Duration::from_secs(args.timeout)).await?;
    let value = json!({"clusters": drained, "done": true, "replicasLeaveAfter": after.to_string(), "left": left});
    print(&args.output.output, &value, &drained, || {
        let last = if left.last_addresses > 0 {
            format!(
                "; {} addresses are still answered, because their names have no other",
                left.last_addresses
            )
        } else {
            String::new()
        };
        format!("{shown} is drained{last}; next: meridian uncordon brings traffic and replicas back\n")
    })
}

/// Ends a drain.
pub(crate) async fn uncordon(data_dir: &Path, args: UncordonArgs) -> Result<(), CommandError> {
    let hub = hub::client(&args.hub, data_dir).await?;
    let clusters: Vec<Cluster> = list(hub::clusters(&hub), "clusters").await?;
    let named = names(&clusters, &args.which)?;
    for name in &named {
        taint(&hub, name, None).await?;
    }
    let value = json!({"clusters": named, "drained": false});
    print(&args.output.output, &value, &named, || {
        format!(
            "{} is not drained any more: traffic and replicas return\n",
            shown(&named)
        )
    })
}

fn print(
    format: &OutputFormat,
    value: &Value,
    names: &BTreeSet<String>,
    text: impl FnOnce() -> String,
) -> Result<(), CommandError> {
    match output::data(*format, value) {
        Some(data) => print!("{}", data.map_err(CommandError::Said)?),
        None if *format == OutputFormat::Name => names
            .iter()
            .for_each(|name| println!("cluster.federation.meridian.dev/{name}")),
        None => print!("{}", text()),
    }
    Ok(())
}

fn ours(hub: &Client, kind: &str, plural: &str) -> Api<DynamicObject> {
    Api::all_with(hub.clone(), &hub::resource(kind, plural))
}

async fn list<T: serde::de::DeserializeOwned>(api: Api<DynamicObject>, what: &str) -> Result<Vec<T>, CommandError> {
    let list = api
        .list(&ListParams::default())
        .await
        .map_err(failed(format!("the {what} cannot be listed")))?;
    list.iter()
        .map(hub::typed)
        .collect::<Result<_, _>>()
        .map_err(|error| CommandError::Said(format!("the {what} cannot be understood: {error}")))
}

fn names(clusters: &[Cluster], which: &WhichClusters) -> Result<BTreeSet<String>, CommandError> {
    let wanted = |cluster: &&Cluster| match &which.region {
        Some(region) => cluster.spec.region.as_ref() == Some(region),
        None => which.cluster.as_deref() == Some(cluster.metadata.name()),
    };
    let found: BTreeSet<String> = clusters
        .iter()
        .filter(wanted)
        .map(|cluster| cluster.metadata.name().to_owned())
        .collect();
    if found.is_empty() {
        let what = match (&which.region, &which.cluster) {
            (Some(region), _) => format!("no cluster is in region {region}"),
            (None, name) => format!("no cluster {} is joined", name.as_deref().unwrap_or_default()),
        };
        return Err(CommandError::Said(format!(
            "{what}; next: kubectl --context federation get clusters"
        )));
    }
    Ok(found)
}

fn shown(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("cluster/{name}")).collect();
    names.join(", ")
}

fn few(objects: &[String]) -> String {
    let more = objects.len().saturating_sub(NAMED);
    let first: Vec<&str> = objects.iter().take(NAMED).map(String::as_str).collect();
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", first.join(", "))
}

/// When replicas begin to leave, as the taint says.
fn end(taint: &Taint, fallback: Timestamp) -> Timestamp {
    let added = taint
        .time_added
        .as_deref()
        .and_then(|text| text.parse::<Timestamp>().ok());
    let seconds = taint.value.parse().unwrap_or(api::well_known::DRAIN_SECONDS);
    added
        .and_then(|added| added.checked_add(SignedDuration::from_secs(seconds)).ok())
        .unwrap_or(fallback)
}

/// Puts the taint on a cluster unless it has it, or takes it away; gives the one that it has now.
async fn taint(hub: &Client, name: &str, drain: Option<(Timestamp, i64)>) -> Result<Option<Taint>, CommandError> {
    hub::change_cluster(hub, name, |cluster| {
        let mut taints = cluster.spec.taints.clone();
        let new = match (cluster.drained(), drain) {
            (Some(standing), Some(_)) => return (None, Some(standing.clone())),
            (None, None) => return (None, None),
            (_, None) => {
                taints.retain(|taint| taint.key != DRAIN_TAINT);
                None
            }
            (None, Some((now, seconds))) => Some(Taint {
                key: DRAIN_TAINT.to_owned(),
                value: seconds.to_string(),
                effect: TaintEffect::NoExecute,
                time_added: Some(now.to_string()),
            }),
        };
        taints.extend(new.clone());
        (Some(json!({"taints": taints})), new)
    })
    .await
}

/// Waits until the names are forgotten and the replicas gone; shows how far it is.
async fn wait(
    hub: &Client,
    drained: &BTreeSet<String>,
    after: Timestamp,
    timeout: Duration,
) -> Result<Left, CommandError> {
    let deadline = Instant::now() + timeout;
    let terminal = std::io::stderr().is_terminal();
    loop {
        let placements: Vec<Placement> = list(hub::placements(hub, None), "placements").await?;
        let resolutions: Vec<Resolution> = list(ours(hub, "Resolution", "resolutions"), "resolutions").await?;
        let left = check::left(&placements, &resolutions, drained);
        let seconds = after.duration_since(Timestamp::now()).as_secs().max(0);
        let over = seconds == 0 && left.is_gone();
        if terminal {
            let when = if seconds > 0 {
                format!("; replicas leave in {seconds} s")
            } else {
                String::new()
            };
            // A terminal that is gone is no reason to stop.
            drop(write!(
                std::io::stderr(),
                "\r\x1b[K{} addresses answered, {} replicas of {} objects left{when}{}",
                left.addresses,
                left.replicas,
                left.objects.len(),
                if over { "\n" } else { "" }
            ));
        }
        if over {
            return Ok(left);
        }
        if Instant::now() >= deadline {
            let objects = few(&left.objects);
            let what = if left.objects.is_empty() {
                "names that are not forgotten yet"
            } else {
                &objects
            };
            return Err(CommandError::Said(format!(
                "{} is not drained within {} s; left: {} addresses, {} replicas, {what}; the drain goes on; next: meridian explain \
                 placement for one of them, or run the command again",
                shown(drained),
                timeout.as_secs(),
                left.addresses,
                left.replicas,
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
