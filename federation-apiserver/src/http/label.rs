//! What metrics call a request, and the counting of it.

use std::time::Instant;

use http::request::Parts;
use http::{Method, StatusCode};

use super::path::Target;

/// What metrics call a request.
pub(super) struct Label {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    scope: &'static str,
}

impl Label {
    /// The label of a request.
    pub(super) fn of(parts: &Parts, target: Option<&Target>) -> Self {
        let mut label = Self {
            verb: verb_label(&parts.method),
            group: String::new(),
            version: String::new(),
            resource: String::new(),
            subresource: String::new(),
            scope: "",
        };
        if let Some(Target::Resource(path)) = target {
            label.scope = match (path.name.is_empty(), path.namespace.is_empty()) {
                (false, _) => "resource",
                (true, false) => "namespace",
                (true, true) => "cluster",
            };
            if path.name.is_empty() && parts.method == Method::GET {
                let watch = path.watch
                    || parts
                        .uri
                        .query()
                        .is_some_and(|q| q.contains("watch=true") || q.contains("watch=1"));
                label.verb = if watch { "WATCH" } else { "LIST" };
            }
            label.group.clone_from(&path.group);
            label.version.clone_from(&path.version);
            label.resource.clone_from(&path.resource);
            label.subresource.clone_from(&path.subresource);
        }
        label
    }

    /// Counts an answer.
    pub(super) fn record(&self, code: StatusCode, started: Instant) {
        let label = self;
        // Names that nothing is served under would let clients invent label values without bound.
        let known = code != StatusCode::NOT_FOUND || label.scope == "resource";
        let text = |text: &str| if known { text.to_owned() } else { String::new() };
        let labels = [
            ("verb", label.verb.to_owned()),
            ("group", text(&label.group)),
            ("version", text(&label.version)),
            ("resource", text(&label.resource)),
            ("subresource", text(&label.subresource)),
            ("scope", label.scope.to_owned()),
        ];
        if label.verb != "WATCH" {
            metrics::histogram!("apiserver_request_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
        }
        let code = ("code", code.as_str().to_owned());
        let labels: Vec<_> = labels.into_iter().chain([code]).collect();
        metrics::counter!("apiserver_request_total", &labels).increment(1);
    }
}

fn verb_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "OTHER",
    }
}
