//! Three real control planes, and clients of them.

use std::path::Path;

use e2e::{ControlPlane, Failure, Federation};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

const PLACES: [(&str, &str); 3] = [("us-1", "us-east"), ("eu-1", "eu-west"), ("ap-1", "ap-south")];

/// Three real control planes.
pub(crate) struct Members {
    planes: Vec<ControlPlane>,
}

impl Members {
    /// Starts them.
    pub(crate) fn start(dir: &Path) -> Result<Self, Failure> {
        let planes = PLACES
            .iter()
            .zip(21..)
            .map(|((name, _), number)| ControlPlane::start(name, number, &dir.join(name)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { planes })
    }

    /// Joins them to a hub.
    pub(crate) fn join(&self, federation: &Federation) -> Result<(), Failure> {
        for (plane, (name, region)) in self.planes.iter().zip(PLACES) {
            let kubeconfig = plane.kubeconfig().display().to_string();
            federation.command(&["join", name, "--kubeconfig", &kubeconfig, "--region", region])?;
        }
        federation.kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])?;
        Ok(())
    }

    /// A client of each.
    pub(crate) async fn clients(&self) -> Result<Vec<Client>, Failure> {
        let mut clients = Vec::new();
        for plane in &self.planes {
            clients.push(client(&plane.kubeconfig(), None).await?);
        }
        Ok(clients)
    }

    /// The first one's kubeconfig: the peer for writes.
    pub(crate) fn peer(&self) -> std::path::PathBuf {
        self.planes.first().map(ControlPlane::kubeconfig).unwrap_or_default()
    }
}

/// A client with a connection of its own.
pub(crate) async fn client(kubeconfig: &Path, context: Option<&str>) -> Result<Client, Failure> {
    let wrong = |error: kube::config::KubeconfigError| Failure::of(kubeconfig.display(), error);
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig).map_err(wrong)?, &options)
        .await
        .map_err(wrong)?;
    Client::try_from(config).map_err(|error| Failure::of(kubeconfig.display(), error))
}

/// A client of the hub.
pub(crate) async fn hub(federation: &Federation) -> Result<Client, Failure> {
    client(&federation.data_dir().join("kubeconfig"), Some("federation")).await
}
