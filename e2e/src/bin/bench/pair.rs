//! A hub without members and a kube-apiserver + etcd without anything else, side by side.

use std::path::{Path, PathBuf};

use e2e::{ControlPlane, Failure, Federation};
use kube::Client;

use crate::api::connected;

/// Both.
pub(crate) struct Pair {
    pub(crate) hub: Federation,
    pub(crate) peer: ControlPlane,
}

/// One of them.
pub(crate) struct Side {
    name: &'static str,
    kubeconfig: PathBuf,
    context: Option<&'static str>,
}

impl Pair {
    /// Starts them.
    pub(crate) fn start(dir: &Path) -> Result<Self, Failure> {
        let dir = dir.join("pair");
        std::fs::create_dir_all(&dir).map_err(|error| Failure::of(dir.display(), error))?;
        Ok(Self {
            hub: Federation::start(&dir, 0)?,
            peer: ControlPlane::start_server("peer", 31, &dir.join("peer"))?,
        })
    }

    /// Ours first.
    pub(crate) fn sides(&self) -> [Side; 2] {
        [
            Side {
                name: "hub",
                kubeconfig: self.hub.data_dir().join("kubeconfig"),
                context: Some("federation"),
            },
            Side {
                name: "kube-apiserver + etcd",
                kubeconfig: self.peer.kubeconfig(),
                context: None,
            },
        ]
    }
}

impl Side {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// A client with a connection of its own.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        connected(&self.kubeconfig, self.context).await
    }
}
