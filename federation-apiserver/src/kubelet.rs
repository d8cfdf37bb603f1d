//! What a kubelet answers for its Pods, on servers whose machines are simulated: logs and commands.
//!
//! In: requests for parts of Pods that this server holds. Out: what [`Kubelet`] answers. Absent on the hub, where the members
//! answer ([`crate::proxy`]).

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use machinery::status::Status;
use serde_json::Value;

use crate::http::Ask;

/// Plays the machines of a server.
#[async_trait]
pub trait Kubelet: Send + Sync {
    /// Answers a request for `log`, `exec` or `attach` of a container.
    async fn answer(&self, pod: Arc<Value>, part: &str, container: &str, request: Request<Body>) -> Response;
}

/// Whether a request is for the machines.
pub(crate) fn answers(ask: &Ask) -> bool {
    let part = matches!(ask.path.subresource.as_str(), "attach" | "exec" | "log");
    part && ask.kind.key.as_str() == "/pods" && ask.server.kubelet.is_some()
}

/// Answers it.
pub(crate) async fn serve(ask: Ask, body: Body) -> Result<Response, Status> {
    let objects = ask.server.engine.cache_of(&ask.kind);
    let pod = objects.get(&ask.path.namespace, &ask.path.name);
    let pod = pod.ok_or_else(|| ask.not_found())?.value();
    let container = container(&pod, &ask.path.name, ask.query.get("container"))?;
    let kubelet = ask.server.kubelet.clone();
    let kubelet = kubelet.ok_or_else(|| Status::internal("this server has no machines"))?;
    let part = ask.path.subresource.clone();
    let request = Request::from_parts(ask.parts, body);
    Ok(kubelet.answer(pod, &part, &container, request).await)
}

/// The container that is meant: the only one, where none is named.
fn container(pod: &Value, name: &str, asked: Option<&str>) -> Result<String, Status> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let names: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get("name").and_then(Value::as_str))
        .collect();
    match (asked, names.as_slice()) {
        (Some(asked), names) if names.contains(&asked) => Ok(asked.to_owned()),
        (Some(asked), _) => Err(Status::bad_request(format!(
            "container {asked} is not valid for pod {name}"
        ))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, names) => Err(Status::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            names.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containers() {
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(container(&pod, "p", Some("b")).unwrap(), "b");
        assert_eq!(
            container(&pod, "p", None).unwrap_err().message,
            "a container name must be specified for pod p, choose one of: [a b]"
        );
        assert_eq!(container(&pod, "p", Some("c")).unwrap_err().code, 400);
        let one = json!({"spec": {"containers": [{"name": "a"}]}});
        assert_eq!(container(&one, "p", None).unwrap(), "a");
    }
}
