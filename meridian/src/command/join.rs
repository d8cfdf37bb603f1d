//! `meridian join`: registers a member cluster after looking at it; for pull, prints or applies what runs its syncer there.

use std::collections::BTreeMap;
use std::path::Path;

use api::well_known::SYSTEM_NAMESPACE;
use api::{ClusterName, RegionName};
use kube::Client;

use super::CommandError;
use crate::cli::{JoinArgs, Mode};
use crate::hub;
use crate::membership::pull::InMember;
use crate::membership::{self, MemberIdentity, MemberPlace};

/// Looks at the member, then writes it down on the hub.
pub(crate) async fn run(data_dir: &Path, args: JoinArgs) -> Result<(), CommandError> {
    let usage = |error: api::NameError| CommandError::Usage(error.to_string());
    let cluster = ClusterName::parse(&args.name).map_err(usage)?;
    if let Some(region) = &args.region {
        RegionName::parse(region).map_err(usage)?;
    }
    let labels = args
        .labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(CommandError::Usage(format!("--label {label:?} is not KEY=VALUE"))),
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let place = MemberPlace {
        region: args.region.clone(),
        zones: args.zones.clone(),
        provider: args.provider.clone(),
        labels,
    };
    let hub_config = hub::config(&args.hub, data_dir).await?;
    let hub = hub::client(&args.hub, data_dir).await?;
    let member = match &args.kubeconfig {
        Some(path) => Some(hub::config_from(path, args.context.as_deref()).await?),
        None => None,
    };
    match (args.mode, member) {
        (Mode::Push, Some(member)) => push(&hub, &cluster, &place, member, args.repair).await,
        (Mode::Push, None) => Err(CommandError::Usage("--mode push needs --kubeconfig".to_owned())),
        (Mode::Pull, member) => pull(&hub, &hub_config, &cluster, &place, member, &args).await,
    }
}

async fn push(
    hub: &Client,
    cluster: &ClusterName,
    place: &MemberPlace,
    member: kube::Config,
    repair: bool,
) -> Result<(), CommandError> {
    let access = membership::access_from(cluster, &member)?;
    let endpoint = access.endpoint.clone();
    let identity = look(hub, cluster, member, true, repair).await?.0;
    membership::register(hub, cluster, &identity.uid, Some(&access), place, repair).await?;
    println!("cluster/{cluster} joined ({endpoint}, Kubernetes {})", identity.version);
    Ok(())
}

/// Who the member is, and that nobody else's it is: it is marked as this federation's. `works_there` tells whether the syncer will use
/// these credentials.
async fn look(
    hub: &Client,
    cluster: &ClusterName,
    member: kube::Config,
    works_there: bool,
    repair: bool,
) -> Result<(MemberIdentity, Client), CommandError> {
    let endpoint = member.cluster_url.to_string().trim_end_matches('/').to_owned();
    let member = Client::try_from(member).map_err(|error| hub::HubError::Client(endpoint.clone(), Box::new(error)))?;
    let identity = membership::identify(cluster, &endpoint, &member).await?;
    let found = membership::preflight::look(cluster, &member, &identity.version, works_there).await;
    for finding in &found {
        if finding.grave {
            return Err(CommandError::Said(finding.message.clone()));
        }
        eprintln!("meridian: {}", finding.message);
    }
    let federation = membership::claim::federation(hub).await?;
    membership::claim::claim(&federation, cluster, &member, repair).await?;
    Ok((identity, member))
}

async fn pull(
    hub: &Client,
    hub_config: &kube::Config,
    cluster: &ClusterName,
    place: &MemberPlace,
    member: Option<kube::Config>,
    args: &JoinArgs,
) -> Result<(), CommandError> {
    let looked = match member {
        Some(member) => Some(look(hub, cluster, member, false, args.repair).await?),
        None => None,
    };
    let uid = looked.as_ref().map_or("", |(identity, _)| identity.uid.as_str());
    membership::register(hub, cluster, uid, None, place, args.repair).await?;
    let token = membership::pull::token(hub, cluster).await?;
    let authorities = hub_config.root_cert.iter().flatten();
    let own = hub_config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let in_member = InMember {
        cluster: cluster.as_str(),
        hub: args.hub_address.as_deref().unwrap_or(&own),
        authority_pem: &authorities.map(|der| membership::pem(der)).collect::<String>(),
        token: &token,
        image: &args.image,
    };
    let objects = in_member
        .objects()
        .map_err(|error| CommandError::Said(error.to_string()))?;
    match looked {
        Some((identity, member)) => {
            membership::pull::apply(cluster, &member, &objects).await?;
            println!("cluster/{cluster} joined (pull, Kubernetes {})", identity.version);
            println!("next: meridian status, until its syncer in the namespace {SYSTEM_NAMESPACE} there has called");
        }
        None => print!(
            "{}",
            membership::pull::documents(&objects).map_err(|error| CommandError::Said(error.to_string()))?
        ),
    }
    Ok(())
}
