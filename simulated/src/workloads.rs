//! What kubelets, the cloud and, in simulated members, kube-controller-manager would do.
//!
//! In: a client of a member. Out: workloads that become ready, Services with addresses that answer, one Node. With
//! [`ControlPlane::Kubernetes`] the control plane's own controllers do their part and only pods, addresses and the Node are
//! simulated. Absent: faults of the API, which are the member's.

mod changes;
mod data_path;
mod endpoint_slices;
mod images;
mod namespaces;
mod node;
mod pods;
mod replicas;
mod rollout;
mod service_accounts;
mod services;
mod workload_pods;

use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::addresses::AddressRange;
use crate::faults::Faults;
use crate::kubelet::Port;

/// Who runs the controllers of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPlane {
    /// Nobody: the loops here do their work.
    Simulated,
    /// A real kube-controller-manager; only kubelet, scheduler and cloud are missing.
    Kubernetes,
}

/// What the loops of one member need to know.
#[derive(Clone, Debug)]
pub struct WorkloadsConfig {
    /// Name of the member.
    pub member: String,
    /// Region of its Node.
    pub region: Option<String>,
    /// Zone of its Node.
    pub zone: Option<String>,
    /// Addresses for its Services of type LoadBalancer.
    pub addresses: AddressRange,
    /// How long a pod takes to become ready.
    pub ready_delay: Duration,
    /// Who runs the controllers.
    pub control_plane: ControlPlane,
    /// Workloads of a simulated control plane have Pods, not only statuses.
    pub pods: bool,
    /// Faults of the data path.
    pub faults: Faults,
}

/// A request of the loops that must not take for ever.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Bounds a request in time.
pub(crate) async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::Kube(Box::new(error))),
        Err(_) => Err(Failure::Timeout),
    }
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The member's API server said no, or nothing that can be read.
    #[error("{0}")]
    Kube(#[source] Box<kube::Error>),
    /// It did not answer.
    #[error("no answer within {REQUEST_TIMEOUT:?}")]
    Timeout,
}

impl Failure {
    pub(crate) fn is(&self, code: u16) -> bool {
        matches!(self, Self::Kube(error) if matches!(&**error, kube::Error::Api(status) if status.code == code))
    }
}

/// Runs the loops of one member until shutdown.
pub async fn run(client: Client, config: WorkloadsConfig, shutdown: CancellationToken) {
    let mut loops = JoinSet::new();
    let mut kubelet = None;
    loops.spawn(services::run(client.clone(), config.clone(), shutdown.clone()));
    match config.control_plane {
        ControlPlane::Simulated => {
            loops.spawn(replicas::run(client.clone(), config.clone()));
            if config.pods {
                loops.spawn(workload_pods::run(client.clone(), config.clone()));
            }
            loops.spawn(endpoint_slices::run(client.clone(), config.clone()));
            loops.spawn(namespaces::run(client.clone()));
            loops.spawn(service_accounts::run(client.clone()));
        }
        // Its own controllers do all that; its API server asks a kubelet for logs.
        ControlPlane::Kubernetes => match Port::open().await {
            Ok(port) => {
                kubelet = Some(port.number());
                let (member, client, shutdown) = (config.member.clone(), client.clone(), shutdown.clone());
                loops.spawn(port.serve(member, client, shutdown));
            }
            Err(error) => {
                tracing::warn!(member = config.member, %error, "the simulated kubelet has no port; pods have no logs");
            }
        },
    }
    loops.spawn(node::run(client.clone(), config.clone(), kubelet));
    loops.spawn(pods::run(client, config.clone()));
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = loops.join_next() => {
            if let Some(Err(error)) = ended {
                tracing::error!(member = config.member, %error, "a loop of the simulated member ended; its workloads stand still");
            }
            // The others go on: a member with one broken loop is still a member.
            shutdown.cancelled().await;
        }
    }
    loops.shutdown().await;
}
