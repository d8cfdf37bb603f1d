//! `meridian timeline`: what happened when, in one order: clusters that came and went, names that stopped and began, replicas that
//! moved, what members refused, and what operators said.
//!
//! In: Meridian's Events, which live for an hour, and what stands in the Clusters. Out: lines, oldest first. Absent: anything that
//! would be kept for this command alone.

use std::path::Path;

use api::Cluster;
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde::Serialize;

use super::CommandError;
use crate::cli::{OutputFormat, TimelineArgs};
use crate::hub::{self, failed};
use crate::output;

const COMPONENT: &str = "meridian";
/// Events of one list.
const PAGE: u32 = 500;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    time: Timestamp,
    /// Puts what happened within one second in order.
    #[serde(skip)]
    order: String,
    about: Area,
    object: String,
    /// The cluster that it is about, where it is about one.
    #[serde(skip_serializing_if = "String::is_empty")]
    cluster: String,
    what: String,
    message: String,
}

/// What part of the federation an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    /// Whether a cluster can be used.
    Health,
    /// Whether its addresses are answered.
    Names,
    /// Where objects are.
    Placement,
    /// What became of them in members.
    Sync,
    /// What people said.
    Operator,
}

impl Area {
    fn of(reason: &str) -> Self {
        match reason {
            "ClusterServing" | "ClusterNotServing" => Self::Names,
            "Applied" | "ApplyFailed" => Self::Sync,
            reason if reason.starts_with("Cluster") => Self::Health,
            _ => Self::Placement,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Names => "names",
            Self::Placement => "placement",
            Self::Sync => "sync",
            Self::Operator => "operator",
        }
    }
}

/// Prints what happened, and with `--watch` what happens.
pub(crate) async fn run(data_dir: &Path, args: TimelineArgs) -> Result<(), CommandError> {
    let client = hub::client(&args.hub, data_dir).await?;
    let now = Timestamp::now();
    let since = now.checked_sub(args.since).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut entries: Vec<Entry> = events(&client).await?.iter().filter_map(of_event).collect();
    let clusters = hub::clusters(&client)
        .list(&ListParams::default())
        .await
        .map_err(failed("the clusters cannot be listed"))?;
    let clusters: Vec<Cluster> = clusters.iter().filter_map(|object| hub::typed(object).ok()).collect();
    entries.extend(clusters.iter().flat_map(of_cluster));
    entries.retain(|entry| entry.time >= since && is_wanted(entry, &args));
    entries.sort();
    if let Some(text) = output::data(args.output.output, &entries) {
        print!("{}", text.map_err(CommandError::Said)?);
        return Ok(());
    }
    match args.output.output {
        OutputFormat::Name => entries.iter().for_each(|entry| println!("{}", entry.object)),
        _ => print!("{}", output::table(&HEADINGS, &rows(&entries))),
    }
    if args.watch {
        follow(&client, &args, now).await?;
    }
    Ok(())
}

async fn events(client: &Client) -> Result<Vec<Event>, CommandError> {
    let api: Api<Event> = Api::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await.map_err(failed("the events cannot be listed"))?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

/// Prints what happens from now on, until the command is stopped.
async fn follow(client: &Client, args: &TimelineArgs, from: Timestamp) -> Result<(), CommandError> {
    let api: Api<Event> = Api::all(client.clone());
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .applied_objects();
    let mut events = std::pin::pin!(events);
    loop {
        match events.try_next().await {
            Ok(Some(event)) => {
                let entry = of_event(&event).filter(|entry| entry.time >= from && is_wanted(entry, args));
                if let Some(entry) = entry {
                    println!("{}", rows(&[entry]).concat().join("   "));
                }
            }
            Ok(None) => return Ok(()),
            // The watcher goes on by itself.
            Err(error) => eprintln!("meridian: {}", output::with_causes(&error)),
        }
    }
}

const HEADINGS: [&str; 5] = ["TIME", "ABOUT", "OBJECT", "WHAT", "MESSAGE"];

fn rows(entries: &[Entry]) -> Vec<Vec<String>> {
    let row = |entry: &Entry| {
        vec![
            entry.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            entry.about.word().to_owned(),
            entry.object.clone(),
            entry.what.clone(),
            entry.message.clone(),
        ]
    };
    entries.iter().map(row).collect()
}

/// Whether the command asks for an entry.
fn is_wanted(entry: &Entry, args: &TimelineArgs) -> bool {
    let cluster = args.cluster.as_deref().is_none_or(|cluster| {
        let words = entry.message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        entry.cluster == cluster || words.into_iter().any(|word| word == cluster)
    });
    let namespace = args.namespace.as_deref().is_none_or(|namespace| {
        let of = entry.object.split_once(' ').and_then(|(_, name)| name.split_once('/'));
        of.is_some_and(|(of, _)| of == namespace)
    });
    cluster && namespace
}

/// One of Meridian's own Events.
fn of_event(event: &Event) -> Option<Entry> {
    let component = event.source.as_ref().and_then(|source| source.component.as_deref());
    if component != Some(COMPONENT) {
        return None;
    }
    let time = event.last_timestamp.as_ref().or(event.first_timestamp.as_ref())?.0;
    let (object, reason) = (&event.involved_object, event.reason.clone().unwrap_or_default());
    let kind = object.kind.clone().unwrap_or_default();
    let name = object.name.clone().unwrap_or_default();
    let namespace = object.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let whole = namespace.map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
    Some(Entry {
        time: Timestamp::from_second(time.as_second()).ok()?,
        // The name ends with the time to the microsecond.
        order: event
            .metadata
            .name
            .as_deref()
            .and_then(|name| name.rsplit('.').next())
            .unwrap_or_default()
            .to_owned(),
        about: Area::of(&reason),
        object: format!("{kind} {whole}"),
        cluster: if kind == "Cluster" { name } else { String::new() },
        what: reason,
        message: event.message.clone().unwrap_or_default(),
    })
}

/// What operators said of a cluster and that still stands.
fn of_cluster(cluster: &Cluster) -> Vec<Entry> {
    let name = cluster.metadata.name().to_owned();
    let entry = |time: Timestamp, what: &str, message: String| Entry {
        time,
        order: String::new(),
        about: Area::Operator,
        object: format!("Cluster {name}"),
        cluster: name.clone(),
        what: what.to_owned(),
        message,
    };
    let taints = cluster.spec.taints.iter().filter_map(|taint| {
        let added: Timestamp = taint.time_added.as_deref()?.parse().ok()?;
        let what = if cluster.spec.drained() == Some(taint) {
            "Drained"
        } else {
            "Tainted"
        };
        let value = if taint.value.is_empty() {
            String::new()
        } else {
            format!("={}", taint.value)
        };
        Some(entry(added, what, format!("{}{value}:{:?}", taint.key, taint.effect)))
    });
    taints.collect()
}

/// How far back a duration reaches, as `30m` or `2h`.
pub(crate) fn span(text: &str) -> Result<SignedDuration, String> {
    let span: SignedDuration = text
        .parse()
        .map_err(|_| format!("{text:?} is no duration such as 30m or 2h"))?;
    if span.is_negative() {
        Err(format!("{text:?} is in the future"))
    } else {
        Ok(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, reason: &str, kind: &str, second: i64, message: &str) -> Event {
        let time = Timestamp::from_second(second).unwrap().to_string();
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop"}, "reason": reason, "message": message,
            "involvedObject": {"kind": kind, "name": "web", "namespace": if kind == "Cluster" { "" } else { "shop" }},
            "source": {"component": "meridian"}, "firstTimestamp": time, "lastTimestamp": time}))
        .unwrap()
    }

    #[test]
    fn what_happened_is_in_order_and_has_an_area() {
        let mut entries: Vec<Entry> = [
            event("web.3", "Rescheduled", "Deployment", 20, "us-1 3 to 0, eu-1 3 to 6"),
            event("web.2", "ClusterNotServing", "Cluster", 10, "no"),
            event("web.1", "ClusterFailed", "Cluster", 10, "dead"),
            event("web.4", "ApplyFailed", "Deployment", 30, "eu-1: quota"),
        ]
        .iter()
        .filter_map(of_event)
        .collect();
        entries.sort();
        let told: Vec<(&str, &str)> = entries
            .iter()
            .map(|entry| (entry.about.word(), entry.object.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("health", "Cluster web"),
                ("names", "Cluster web"),
                ("placement", "Deployment shop/web"),
                ("sync", "Deployment shop/web")
            ]
        );
        let mut foreign = event("x.1", "Scheduled", "Pod", 1, "");
        foreign.source = None;
        assert_eq!(of_event(&foreign), None);
    }

    #[test]
    fn drains_are_told() {
        let mut cluster = Cluster::default();
        cluster.metadata.name = Some("us-1".to_owned());
        cluster.spec.taints = serde_json::from_value(json!([
            {"key": "federation.meridian.dev/drain", "value": "35", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}]))
        .unwrap();
        let entries = of_cluster(&cluster);
        assert_eq!(
            (entries.len(), entries[0].what.as_str(), entries[0].cluster.as_str()),
            (1, "Drained", "us-1")
        );
    }

    #[test]
    fn spans() {
        assert_eq!(span("90m").unwrap(), SignedDuration::from_mins(90));
        assert!(span("soon").is_err() && span("-1h").is_err());
    }
}
