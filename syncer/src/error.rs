//! What can go wrong between the hub and one member, each with the object, the cluster and the next step.
//! In: errors of the Kubernetes client. Out: errors of ours. Absent: handling.

use std::error::Error as StdError;

/// A request to a member or the hub that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The other side answered with an error.
    #[error("{}", .0.message)]
    Refused(#[source] Box<kube::core::Status>),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(std::time::Duration),
    /// The connection or the answer was unusable.
    #[error("the connection failed or the answer is not Kubernetes")]
    Transport(#[source] Box<kube::Error>),
}

impl RequestError {
    /// Sorts a client error.
    pub(crate) fn from_kube(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status),
            other => Self::Transport(Box::new(other)),
        }
    }

    /// The other side refuses to change a field that may never change.
    pub(crate) fn is_immutable_field(&self) -> bool {
        match self {
            // Kubernetes has no reason word for it; this phrase is its API convention.
            Self::Refused(status) => status.code == 422 && status.message.contains("field is immutable"),
            Self::Timeout(_) | Self::Transport(_) => false,
        }
    }

    /// HTTP status that the other side answered with.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(status) => Some(status.code),
            Self::Timeout(_) | Self::Transport(_) => None,
        }
    }
}

/// What was to be done to an object in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Bring it to what the hub says.
    Apply,
    /// Remove it.
    Delete,
    /// Strip Meridian's marks from it.
    Release,
}

impl Deed {
    fn phrase(self) -> (&'static str, &'static str) {
        match self {
            Self::Apply => ("apply", "to"),
            Self::Delete => ("delete", "from"),
            Self::Release => ("release", "in"),
        }
    }
}

/// An object that could not be brought to its state in a member.
#[derive(Debug, thiserror::Error)]
#[error("{} {object} {} cluster {cluster}", .deed.phrase().0, .deed.phrase().1)]
pub struct ApplyError {
    /// What was to be done.
    pub deed: Deed,
    /// The object, `Kind namespace/name`.
    pub object: String,
    /// The cluster.
    pub cluster: String,
    /// Why not.
    #[source]
    pub source: RequestError,
}

impl ApplyError {
    /// What a person should do about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self.source.code() {
            Some(401 | 403) => {
                format!(
                    "give the syncer's user the rights, or renew its credentials: meridian join {} --kubeconfig FILE --repair",
                    self.cluster
                )
            }
            Some(400 | 422) => format!(
                "correct {} on the hub, or override the field for cluster {}",
                self.object, self.cluster
            ),
            Some(404) => format!("install the kind, or create the namespace, in cluster {}", self.cluster),
            Some(_) | None => "it is retried".to_owned(),
        }
    }
}

/// Why the syncer of a cluster ended.
#[derive(Debug, thiserror::Error)]
pub enum SyncerError {
    /// A part of it panicked; the others of the process go on.
    #[error("the {part} of the syncer for cluster {cluster} panicked; it is started again")]
    Panicked {
        /// The cluster.
        cluster: String,
        /// The part.
        part: &'static str,
        /// The panic.
        #[source]
        source: tokio::task::JoinError,
    },
    /// A part of it ended although nobody asked.
    #[error("the {part} of the syncer for cluster {cluster} ended; it is started again")]
    Ended {
        /// The cluster.
        cluster: String,
        /// The part.
        part: &'static str,
    },
}

/// How a member is reached does not make sense.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The Cluster lacks a field.
    #[error("Cluster {cluster} has no {field}; next: meridian join {cluster} --kubeconfig FILE --repair")]
    Missing {
        /// The cluster.
        cluster: String,
        /// The field.
        field: &'static str,
    },
    /// A key of the Secret is not what it should be.
    #[error(
        "the credentials of cluster {cluster} in Secret {secret} cannot be used: {detail}; next: meridian join {cluster} --kubeconfig FILE --repair"
    )]
    Credentials {
        /// The cluster.
        cluster: String,
        /// The Secret, `namespace/name`.
        secret: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The client refuses them.
    #[error(
        "cluster {cluster} cannot be reached with what its Cluster object says; next: meridian join {cluster} --kubeconfig FILE --repair"
    )]
    Client {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// The kubeconfig made of it is refused.
    #[error(
        "the endpoint, certificate authority or credentials of cluster {cluster} cannot be read; next: meridian join {cluster} --kubeconfig FILE --repair"
    )]
    Config {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
}

/// An error and its root cause on one line. What lies between are the layers of a client library, which say nothing to
/// whoever has to act.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let text = error.to_string();
    let mut root = error;
    for _ in 0..16 {
        let Some(cause) = root.source() else { break };
        root = cause;
    }
    let said = root.to_string();
    if said.is_empty() || text.contains(&said) {
        text
    } else {
        format!("{text}: {said}")
    }
}
