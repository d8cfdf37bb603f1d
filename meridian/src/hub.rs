//! The hub as a command sees it: a Kubernetes client, and the kinds of ours that it reads and writes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::Cluster;
use api::well_known::{API_VERSION, GROUP, VERSION};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::ApiCapabilities;
use kube::{Api, Client, Config};
use serde_json::{Value, json};

use crate::cli::HubArgs;
use crate::command::CommandError;
use crate::kubeconfig::FEDERATION;

/// Why the hub could not be reached or asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubError {
    /// There is no kubeconfig.
    #[error("no kubeconfig of a hub found at {0}; next: start one with `meridian up`, or give --hub-kubeconfig")]
    NoKubeconfig(PathBuf),
    /// The kubeconfig does not work.
    #[error("kubeconfig {path} cannot be used: {source}; next: check the file and its context {context:?}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context.
        context: String,
        /// Why.
        source: Box<kube::config::KubeconfigError>,
    },
    /// No client could be built.
    #[error("no client for {0} could be built: {1}")]
    Client(String, Box<kube::Error>),
    /// A request failed.
    #[error("{what}: {}", explain(.source))]
    Request {
        /// What was asked.
        what: String,
        /// Why it failed.
        source: Box<kube::Error>,
    },
}

/// A refusal in the server's words, or the transport's innermost cause.
fn explain(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("{cause}; next: is the hub running (meridian up)?")
}

/// Names a failed request.
pub(crate) fn failed(what: impl Into<String>) -> impl FnOnce(kube::Error) -> HubError {
    let what = what.into();
    move |source| HubError::Request {
        what,
        source: Box::new(source),
    }
}

/// A client of the hub.
pub(crate) async fn client(args: &HubArgs, data_dir: &Path) -> Result<Client, HubError> {
    let config = config(args, data_dir).await?;
    let endpoint = config.cluster_url.to_string();
    Client::try_from(config).map_err(|error| HubError::Client(endpoint, Box::new(error)))
}

/// How the hub is reached.
pub(crate) async fn config(args: &HubArgs, data_dir: &Path) -> Result<Config, HubError> {
    let own = data_dir.join("kubeconfig");
    let path = match &args.hub_kubeconfig {
        Some(path) => path.clone(),
        None if own.exists() => own,
        None => std::env::var_os("KUBECONFIG")
            .map(PathBuf::from)
            .ok_or(HubError::NoKubeconfig(own))?,
    };
    config_from(&path, Some(FEDERATION)).await
}

/// A client from a kubeconfig; its current context where none is given.
pub(crate) async fn client_from(path: &Path, context: Option<&str>) -> Result<Client, HubError> {
    let config = config_from(path, context).await?;
    let endpoint = config.cluster_url.to_string();
    Client::try_from(config).map_err(|error| HubError::Client(endpoint, Box::new(error)))
}

/// The configuration in a kubeconfig, with timeouts that suit a person who waits.
pub(crate) async fn config_from(path: &Path, context: Option<&str>) -> Result<Config, HubError> {
    if !path.exists() {
        return Err(HubError::NoKubeconfig(path.to_owned()));
    }
    let wrong = |source| HubError::Kubeconfig {
        path: path.to_owned(),
        context: context.unwrap_or("current").to_owned(),
        source: Box::new(source),
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(wrong)?;
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(wrong)?;
    config.connect_timeout = Some(Duration::from_secs(5));
    Ok(config)
}

/// A kind of ours.
pub(crate) fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// The Clusters of the federation.
pub(crate) fn clusters(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource("Cluster", "clusters"))
}

/// How often a change of a cluster is tried while others change it, too.
const TRIES: usize = 5;

/// Changes the `spec` of a cluster: a merge patch of it, or none where nothing is to be done. What others write in between is looked
/// at again, so that nothing of it is lost.
pub(crate) async fn change_cluster<T>(
    client: &Client,
    name: &str,
    change: impl Fn(&Cluster) -> (Option<Value>, T),
) -> Result<T, CommandError> {
    let clusters = clusters(client);
    for _ in 0..TRIES {
        let object = clusters
            .get(name)
            .await
            .map_err(failed(format!("cluster {name} cannot be read")))?;
        let cluster: Cluster = typed(&object)
            .map_err(|error| CommandError::Said(format!("cluster {name} cannot be understood: {error}")))?;
        let (spec, outcome) = change(&cluster);
        let Some(spec) = spec else { return Ok(outcome) };
        let patch = json!({"metadata": {"resourceVersion": object.metadata.resource_version}, "spec": spec});
        match clusters
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
        {
            Ok(_) => return Ok(outcome),
            // Somebody else's change came first: look again.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed(format!("cluster {name} cannot be changed"))(error).into()),
        }
    }
    Err(CommandError::Said(format!(
        "cluster {name} is changed by others all the time; next: run the command again"
    )))
}

/// The Placements of a namespace, or of all.
pub(crate) fn placements(client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
    let kind = resource("Placement", "placements");
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    }
}

/// Reads one of our kinds out of a dynamic object.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(object: &DynamicObject) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(object)?)
}

/// The kind that a word means, as people type it: `deploy`, `deployments`, `Deployment`.
pub(crate) async fn kind(client: &Client, word: &str) -> Result<(ApiResource, ApiCapabilities), CommandError> {
    let discovered = kube::discovery::Discovery::new(client.clone())
        .run_aggregated()
        .await
        .map_err(failed("the hub's kinds cannot be discovered"))?;
    let wanted = word.to_lowercase();
    let means = |resource: &ApiResource| {
        let kind = resource.kind.to_lowercase();
        [kind.as_str(), resource.plural.as_str(), short_name(&resource.kind)].contains(&wanted.as_str())
    };
    let mut kinds = discovered.groups().flat_map(|group| group.recommended_resources());
    kinds.find(|(resource, _)| means(resource)).ok_or_else(|| {
        CommandError::Said(format!(
            "the hub serves no kind {word:?}; next: kubectl --context federation api-resources"
        ))
    })
}

/// Short names that people type; the ones kubectl knows for the kinds that are federated.
fn short_name(kind: &str) -> &'static str {
    match kind {
        "Deployment" => "deploy",
        "ReplicaSet" => "rs",
        "Service" => "svc",
        "ConfigMap" => "cm",
        "ServiceAccount" => "sa",
        "Namespace" => "ns",
        "HorizontalPodAutoscaler" => "hpa",
        "PersistentVolumeClaim" => "pvc",
        "StatefulSet" => "sts",
        "DaemonSet" => "ds",
        _ => "",
    }
}
