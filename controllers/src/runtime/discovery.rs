//! Which kinds the hub serves now.
//! In: discovery documents. Out: one [`Served`] a kind, preferred versions only. Absent: a cache; who asks often keeps it.

use std::time::Duration;

use kube::Client;

use super::kind::Kind;

const DEADLINE: Duration = Duration::from_secs(10);

/// A kind as discovery tells it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) kind: Kind,
    pub(crate) namespaced: bool,
    verbs: Vec<String>,
}

impl Served {
    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|other| other == verb)
    }
}

/// Discovery failed; nothing may be concluded about what exists.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    #[error("ask the hub which kinds it serves")]
    Refused(#[source] Box<kube::Error>),
    #[error("ask the hub which kinds it serves: no answer within 10 s")]
    Timeout,
}

/// Every kind that is served, without subresources.
pub(crate) async fn served(client: &Client) -> Result<Vec<Served>, DiscoveryError> {
    match tokio::time::timeout(DEADLINE, all(client)).await {
        Ok(served) => served.map_err(|source| DiscoveryError::Refused(Box::new(source))),
        Err(_) => Err(DiscoveryError::Timeout),
    }
}

async fn all(client: &Client) -> Result<Vec<Served>, kube::Error> {
    let mut lists = vec![client.list_core_api_resources("v1").await?];
    for group in client.list_api_groups().await?.groups {
        let preferred = group.preferred_version.or_else(|| group.versions.first().cloned());
        if let Some(version) = preferred {
            lists.push(client.list_api_group_resources(&version.group_version).await?);
        }
    }
    let mut served = Vec::new();
    for list in lists {
        for resource in list.resources {
            if resource.name.contains('/') {
                continue;
            }
            served.push(Served {
                kind: Kind {
                    api_version: list.group_version.clone().into(),
                    kind: resource.kind.into(),
                    plural: resource.name.into(),
                },
                namespaced: resource.namespaced,
                verbs: resource.verbs,
            });
        }
    }
    Ok(served)
}
