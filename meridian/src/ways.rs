//! Ways to the members' APIs for what the hub reads through: one client a member, made anew when its Cluster or Secret changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use federation_apiserver::proxy::{Member, Members};
use http::{Request, Response};
use kube::Client;
use syncer::MemberAccess;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The clients that are open, by cluster, each with what it was made of.
#[derive(Default)]
pub(crate) struct Ways(Mutex<HashMap<String, (MemberAccess, Client)>>);

impl Ways {
    fn known(&self, access: &MemberAccess, cluster: &str) -> Option<Client> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (made_of, client) = known.get(cluster)?;
        (made_of == access).then(|| client.clone())
    }

    async fn client(&self, member: &Member) -> Result<Client, Cause> {
        let cluster = member.cluster.metadata.name();
        let access = MemberAccess::read(&member.cluster, &member.secret)?;
        if let Some(client) = self.known(&access, cluster) {
            return Ok(client);
        }
        // Logs are followed, and shells left open, for longer than any time between two bytes.
        let client = access.client_without_silence_limit().await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(cluster.to_owned(), (access, client.clone()));
        Ok(client)
    }
}

#[async_trait]
impl Members for Ways {
    async fn send(&self, member: &Member, request: Request<Bytes>) -> Result<Response<Body>, Cause> {
        let client = self.client(member).await?;
        let answer = client.send(request.map(kube::client::Body::from)).await?;
        Ok(answer.map(Body::new))
    }
}
