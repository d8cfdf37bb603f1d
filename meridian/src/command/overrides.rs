//! `meridian override`: an operator's word on whether addresses serve, kept in `spec.dns.overrides` of their Cluster until it
//! expires. The DNS servers read it there and judge the time by their own clocks.

use std::net::IpAddr;
use std::path::Path;

use api::cluster::{ServingOverride, ServingWord};
use api::{Cluster, Resolution};
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::CommandError;
use crate::cli::{OutputArgs, OutputFormat, OverrideCommand, WordArgs};
use crate::hub::{self, failed};
use crate::output;

/// Says, takes back, or lists.
pub(crate) async fn run(data_dir: &Path, command: OverrideCommand) -> Result<(), CommandError> {
    match command {
        OverrideCommand::Cluster { name, word } => {
            let hub = hub::client(&word.hub, data_dir).await?;
            say(&hub, &[name], None, &word).await
        }
        OverrideCommand::Address { address, word } => {
            let hub = hub::client(&word.hub, data_dir).await?;
            let clusters = owners(&hub, address).await?;
            say(&hub, &clusters, Some(address), &word).await
        }
        OverrideCommand::List { hub, output } => list(&hub::client(&hub, data_dir).await?, &output).await,
    }
}

async fn clusters(hub: &Client) -> Result<Vec<Cluster>, CommandError> {
    let list = hub::clusters(hub)
        .list(&ListParams::default())
        .await
        .map_err(failed("the clusters cannot be listed"))?;
    Ok(list.iter().filter_map(|object| hub::typed(object).ok()).collect())
}

/// The clusters that an address belongs to, by what names lead to it and what was said of it before.
async fn owners(hub: &Client, address: IpAddr) -> Result<Vec<String>, CommandError> {
    let is_it = |text: &str| text.parse() == Ok(address);
    let api: Api<kube::core::DynamicObject> = Api::all_with(hub.clone(), &hub::resource("Resolution", "resolutions"));
    let resolutions = api
        .list(&ListParams::default())
        .await
        .map_err(failed("the resolutions cannot be listed"))?;
    let resolutions: Vec<Resolution> = resolutions.iter().filter_map(|one| hub::typed(one).ok()).collect();
    let candidates = resolutions.iter().flat_map(|resolution| &resolution.spec.candidates);
    let mut owners: Vec<String> = candidates
        .filter(|candidate| is_it(&candidate.address))
        .map(|candidate| candidate.cluster.clone())
        .collect();
    for cluster in clusters(hub).await? {
        let dns = cluster.spec.dns.clone().unwrap_or_default();
        let spoken = dns
            .overrides
            .iter()
            .filter_map(|word| word.address.as_deref())
            .any(is_it);
        if spoken || dns.addresses.iter().any(|text| is_it(text)) {
            owners.push(cluster.metadata.name().to_owned());
        }
    }
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() {
        return Err(CommandError::Said(format!(
            "no cluster has the address {address}; next: kubectl --context federation get resolutions -A -o yaml"
        )));
    }
    Ok(owners)
}

async fn say(hub: &Client, names: &[String], address: Option<IpAddr>, args: &WordArgs) -> Result<(), CommandError> {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_else(|_| Timestamp::now());
    let word = if args.verdict.clear {
        None
    } else {
        let until = args.lasts.and_then(|lasts| now.checked_add(lasts).ok());
        let until = until.ok_or_else(|| CommandError::Usage("--for reaches beyond the end of time".to_owned()))?;
        Some(ServingOverride {
            address: address.map(|address| address.to_string()),
            serving: if args.verdict.down {
                ServingWord::Down
            } else {
                ServingWord::Up
            },
            reason: args.reason.clone().unwrap_or_default(),
            until: until.to_string(),
            by: who(hub).await,
        })
    };
    for name in names {
        write(hub, name, address, word.as_ref(), now).await?;
    }
    let value = json!({"clusters": names, "address": address, "override": word});
    let what = address.map_or_else(String::new, |address| format!(" address {address}"));
    if let Some(text) = output::data(args.output.output, &value) {
        print!("{}", text.map_err(CommandError::Said)?);
    } else {
        for name in names {
            match &word {
                Some(word) => println!("cluster/{name}{what} is {:?} until {}", word.serving, word.until),
                None => println!("cluster/{name}{what}: nothing is said of it any more"),
            }
        }
    }
    Ok(())
}

/// Replaces what was said of the same; drops what has expired.
async fn write(
    hub: &Client,
    name: &str,
    address: Option<IpAddr>,
    word: Option<&ServingOverride>,
    now: Timestamp,
) -> Result<(), CommandError> {
    hub::change_cluster(hub, name, |cluster| {
        let mut overrides = cluster.spec.dns.clone().unwrap_or_default().overrides;
        let about = |one: &ServingOverride| one.address.as_ref().map(|text| text.parse::<IpAddr>());
        overrides.retain(|one| about(one) != address.map(Ok) && !is_over(one, now));
        overrides.extend(word.cloned());
        (Some(json!({"dns": {"overrides": overrides}})), ())
    })
    .await
}

fn is_over(word: &ServingOverride, now: Timestamp) -> bool {
    word.until.parse::<Timestamp>().map_or(true, |until| until <= now)
}

/// The user, as the hub knows the one who asks; empty where it does not say.
async fn who(hub: &Client) -> String {
    let reviews: Api<SelfSubjectReview> = Api::all(hub.clone());
    let asked = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await;
    asked
        .ok()
        .and_then(|review| review.status?.user_info?.username)
        .unwrap_or_default()
}

async fn list(hub: &Client, args: &OutputArgs) -> Result<(), CommandError> {
    let clusters = clusters(hub).await?;
    let words = clusters.iter().flat_map(|cluster| {
        let dns = cluster.spec.dns.clone().unwrap_or_default();
        dns.overrides.into_iter().map(|word| (cluster.metadata.name(), word))
    });
    let words: Vec<(&str, ServingOverride)> = words.collect();
    let now = Timestamp::now();
    let value: Vec<Value> = words
        .iter()
        .map(|(cluster, word)| json!({"cluster": cluster, "override": word, "expired": is_over(word, now)}))
        .collect();
    if let Some(text) = output::data(args.output, &value) {
        print!("{}", text.map_err(CommandError::Said)?);
        return Ok(());
    }
    if args.output == OutputFormat::Name {
        let mut names: Vec<&str> = words.iter().map(|(cluster, _)| *cluster).collect();
        names.dedup();
        names
            .iter()
            .for_each(|name| println!("cluster.federation.meridian.dev/{name}"));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = words
        .iter()
        .map(|(cluster, word)| {
            let over = if is_over(word, now) { " (expired)" } else { "" };
            vec![
                (*cluster).to_owned(),
                word.address.clone().unwrap_or_else(|| "all".to_owned()),
                format!("{:?}", word.serving),
                format!("{}{over}", word.until),
                word.by.clone(),
                word.reason.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        println!("no overrides");
    } else {
        let headings = ["CLUSTER", "ADDRESS", "SERVING", "UNTIL", "BY", "REASON"];
        print!("{}", output::table(&headings, &rows));
    }
    Ok(())
}
