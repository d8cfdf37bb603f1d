//! The federation's Kubernetes API server: HTTP in, commits to a [`store::Store`] and copies of cached bytes out.
//!
//! Decided here: what is served ([`kinds`]), who may ask ([`auth`], and the roles that are there from the start), how a request becomes a write ([`write`]) or a read
//! ([`http`]), what each member is told ([`streams`]), and what is read through from them ([`proxy`], by `tunnel` where they reach out; [`kubelet`] is its counterpart
//! where the machines are simulated). Programs elsewhere that are asked about writes are reached by `webhooks`. In: requests of Kubernetes clients, commits of a store. Out:
//! responses, watch streams, manifests. Absent: Kubernetes semantics of single objects (`machinery`), decisions about
//! clusters (`placement`), controllers, the command line and where certificates come from.

#![allow(
    clippy::result_large_err,
    reason = "a Status is the answer of a failed request: made rarely, moved once"
)]

pub mod audit;
pub mod auth;
pub mod cache;
pub mod credentials;
mod definitions;
pub mod flow;
pub mod http;
pub mod kinds;
pub mod kubelet;
pub mod proxy;
mod roles;
pub mod serve;
pub mod server;
pub mod store;
pub mod streams;
mod tunnel;
mod webhooks;
pub mod write;

pub use auth::UserInfo;
pub use kinds::Profile;
pub use server::{ApiServer, LocalService, ServerConfig};

/// The Kubernetes version that clients take this server for.
pub const PRESENTED_KUBERNETES_VERSION: &str = "v1.36.3";
