//! What a simulated container wrote: when it was made and when it was ready, with its cluster's name.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

/// A line and the time at which it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    time: String,
    text: String,
}

/// The lines of a container so far.
pub(super) fn lines(pod: &Value, container: &str, member: &str) -> Vec<Line> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let list = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(container);
    let image = list("/spec/containers")
        .find(named)
        .and_then(|found| found.get("image")?.as_str());
    let name = text("/metadata/name");
    let mut lines = vec![Line {
        time: text("/metadata/creationTimestamp").to_owned(),
        text: format!(
            "{name}: {} is simulated in {member}, nothing runs",
            image.unwrap_or_default()
        ),
    }];
    let ready = list("/status/conditions")
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        .and_then(|condition| condition.get("lastTransitionTime")?.as_str());
    lines.extend(ready.map(|time| Line {
        time: time.to_owned(),
        text: format!("{name}: ready at {}", text("/status/podIP")),
    }));
    lines
}

/// Answers with the lines that a query of `kubectl logs` asks for; who follows them stays connected.
pub(super) fn answer(lines: &[Line], query: &[(String, String)]) -> Response {
    let has = |key: &str| query.iter().any(|(k, v)| k == key && v == "true");
    let tail = query.iter().find(|(key, _)| key == "tailLines");
    let tail = tail.and_then(|(_, number)| number.parse().ok()).unwrap_or(lines.len());
    let shown: String = lines
        .iter()
        .skip(lines.len().saturating_sub(tail))
        .map(|line| {
            if has("timestamps") {
                format!("{} {}\n", line.time, line.text)
            } else {
                format!("{}\n", line.text)
            }
        })
        .collect();
    let body = if has("follow") {
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(shown))]);
        Body::from_stream(first.chain(futures::stream::pending()))
    } else {
        Body::from(shown)
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ready_pod_says_where_it_is() {
        let pod = json!({"metadata": {"name": "web-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"containers": [{"name": "c", "image": "x:1"}]},
            "status": {"podIP": "10.1.2.3", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"}]}});
        let lines = lines(&pod, "c", "us-1");
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "web-1: x:1 is simulated in us-1, nothing runs",
                "web-1: ready at 10.1.2.3"
            ]
        );
        assert_eq!(lines[1].time, "2026-01-01T00:00:01Z");
    }
}
