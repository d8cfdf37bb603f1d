//! `meridian join`: registers a member cluster after looking at it.

use std::collections::BTreeMap;
use std::path::Path;

use api::{ClusterName, RegionName};
use kube::Client;

use super::CommandError;
use crate::cli::JoinArgs;
use crate::hub;
use crate::membership::{self, MemberPlace};

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
    let hub = hub::client(&args.hub, data_dir).await?;
    let config = hub::config_from(&args.kubeconfig, args.context.as_deref()).await?;
    let access = membership::access_from(&cluster, &config)?;
    let endpoint = access.endpoint.clone();
    let member = Client::try_from(config).map_err(|error| hub::HubError::Client(endpoint.clone(), Box::new(error)))?;
    let identity = membership::identify(&cluster, &endpoint, &member).await?;
    let place = MemberPlace {
        region: args.region,
        zones: args.zones,
        provider: args.provider,
        labels,
    };
    let federation = membership::claim::federation(&hub).await?;
    membership::claim::claim(&federation, &cluster, &member, args.repair).await?;
    membership::register(&hub, &cluster, &identity.uid, &access, &place, args.repair).await?;
    println!("cluster/{cluster} joined ({endpoint}, Kubernetes {})", identity.version);
    Ok(())
}
