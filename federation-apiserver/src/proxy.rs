//! Pods and nodes of the members, read through: lists, watches, logs, exec, port forwarding and deletion by plain kubectl.
//!
//! Decided: which members are asked, how what they hold is called on the hub, what is told of those that do not answer. In:
//! requests for Pods and Nodes, and a way to each member ([`Members`]). Out: the members' answers, together. Nothing is kept:
//! the members' word is the truth of the moment. Absent: how a member is reached (its credentials are the binary's to use),
//! and what the hub holds itself.
//!
//! Each request is done in the member under the name of who asked the hub, so both must allow it.

mod ask;
mod circle;
mod events;
mod positions;
mod read;
mod relay;
mod shown;
mod watch;

use std::collections::BTreeMap;

use api::Cluster;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use machinery::status::Status;

use crate::auth::UserInfo;
use crate::http::Ask;
use crate::kinds::kubernetes::METRICS;
use crate::store::Cause;
pub(crate) use positions::Positions;

/// A member as the hub knows it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its Cluster.
    pub cluster: Cluster,
    /// The data of its Secret, decoded; empty where there is none.
    pub secret: BTreeMap<String, Vec<u8>>,
}

impl Member {
    fn name(&self) -> &str {
        self.cluster.metadata.name()
    }
}

/// Ways to the members' APIs.
#[async_trait]
pub trait Members: Send + Sync {
    /// Sends a request to a member with the hub's own credentials there. A switch of protocols is the caller's to complete.
    async fn send(&self, member: &Member, request: Request<Bytes>) -> Result<http::Response<Body>, Cause>;
}

/// What a request wants of the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One object.
    Get,
    /// All objects.
    List,
    /// What happens to them.
    Watch,
    /// What is said of one object.
    Events,
    /// Something of one Pod: its end, or a stream of it.
    OfPod,
}

/// Subresources of a Pod that its member answers.
const OF_PODS: [&str; 5] = ["attach", "eviction", "exec", "log", "portforward"];

/// What a request wants of the members; none for those that the hub answers alone.
pub(crate) fn wanted(ask: &Ask, verb: &str) -> Option<Wanted> {
    ask.server.members.as_ref()?;
    if verb == "list" && ask.path.subresource.is_empty() && events::wanted(ask) && !sees_the_hub_alone(&ask.user) {
        return Some(Wanted::Events);
    }
    let pods = ask.kind.key.as_str() == "/pods";
    let usage = ask.kind.group == METRICS;
    let read_through = pods || usage || ask.kind.key.as_str() == "/nodes";
    // A hub without members is a server like any other.
    if !read_through || sees_the_hub_alone(&ask.user) || !circle::is_anybody_there(&ask.server) {
        return None;
    }
    match (ask.path.subresource.as_str(), verb) {
        ("", "get") => Some(Wanted::Get),
        ("", "list") => Some(Wanted::List),
        ("", "watch") if !usage => Some(Wanted::Watch),
        // What the hub holds is deleted on the hub.
        ("", "delete") if pods && circle::held(ask).is_none() => Some(Wanted::OfPod),
        (part, _) if pods && OF_PODS.contains(&part) => Some(Wanted::OfPod),
        _ => None,
    }
}

/// Whether an answer to a request may be of a member.
pub(crate) fn reads(ask: &Ask) -> bool {
    wanted(ask, "get") == Some(Wanted::Get)
}

/// Controllers act on what the hub holds. To a garbage collector a Pod from elsewhere, whose owner is not here, would be
/// garbage.
fn sees_the_hub_alone(user: &UserInfo) -> bool {
    user.name.starts_with("system:meridian:")
        || user.name.starts_with("system:serviceaccount:kube-system:")
        || user.name == "system:kube-controller-manager"
}

/// Answers a request for `clusters/NAME/proxy/...`: the rest of its path is the member's to answer.
pub(crate) async fn through(ask: Ask, body: Body) -> Result<Response, Status> {
    relay::through(ask, body).await
}

/// Answers a request that members have a part in.
pub(crate) async fn serve(ask: Ask, wanted: Wanted, body: Body) -> Result<Response, Status> {
    match wanted {
        Wanted::Get => read::get(&ask).await,
        Wanted::List => read::list(&ask).await,
        Wanted::Watch => watch::watch(&ask).await,
        Wanted::Events => events::list(&ask).await,
        Wanted::OfPod => relay::relay(ask, body).await,
    }
}
