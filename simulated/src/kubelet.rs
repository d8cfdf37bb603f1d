//! The part of a kubelet that users talk to: logs of simulated Pods, and commands in them.
//!
//! In: requests that the member's API server passes on. Out: a few true lines about the Pod, and a shell that knows a handful of
//! commands. Absent: anything that would run on this machine.

mod archive;
mod exec;
mod log;
mod serve;
mod shell;

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use federation_apiserver::kubelet::Kubelet;
use http::{Request, StatusCode};
use serde_json::Value;

pub(crate) use serve::Port;

/// The kubelet of one member.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedKubelet {
    /// Its name.
    pub(crate) member: String,
}

#[async_trait]
impl Kubelet for SimulatedKubelet {
    async fn answer(&self, pod: Arc<Value>, part: &str, container: &str, request: Request<Body>) -> Response {
        let query = request.uri().query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match part {
            "log" => log::answer(&log::lines(&pod, container, &self.member), &query),
            "exec" => exec::answer(shell::Shell::of(&pod, container, &self.member), &query, request).await,
            // What a container does all the time is to say what it hears.
            "attach" => {
                let query = [query, vec![("command".to_owned(), "cat".to_owned())]].concat();
                exec::answer(shell::Shell::of(&pod, container, &self.member), &query, request).await
            }
            _ => text(StatusCode::NOT_IMPLEMENTED, format!("simulated pods have no {part}")),
        }
    }
}

fn text(code: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code;
    response
}
