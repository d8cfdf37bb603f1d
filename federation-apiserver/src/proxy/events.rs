//! What members say of one object: their Events beside the hub's own, where a list names the object (`kubectl describe`).
//!
//! In: a list of Events with selectors for the involved object's kind and name. Out: the hub's and each member's, the newest of
//! each member, equal ones as one. As with Pods nothing is kept, and a member that does not answer is told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::well_known::CLUSTER_LABEL;
use axum::response::Response;
use form_urlencoded::Serializer;
use http::StatusCode;
use machinery::select::{FieldSelector, LabelSelector};
use machinery::status::Status;
use serde_json::{Map, Value, json};

use super::circle::{self, Circle};
use super::{ask, read, shown};
use crate::http::select::Selection;
use crate::http::source::Source;
use crate::http::{Ask, list as lists, respond};

/// Events that a member is asked for, and of these the newest that are shown.
const ASKED_MAX: usize = 500;
const SHOWN_MAX: usize = 50;
const NAME: &str = "involvedObject.name";
const KIND: &str = "involvedObject.kind";

/// The object that a list is about: kind and name.
fn subject(ask: &Ask) -> Option<(String, String)> {
    let fields = FieldSelector::parse(ask.query.get("fieldSelector")?).ok()?;
    Some((fields.required(KIND)?.to_owned(), fields.required(NAME)?.to_owned()))
}

/// Whether members have a part in a list.
pub(super) fn wanted(ask: &Ask) -> bool {
    ask.kind.key.as_str() == "/events"
        && ask.kind.group.is_empty()
        && !ask.path.namespace.is_empty()
        && subject(ask).is_some()
}

/// Answers a list.
pub(super) async fn list(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let (kind, name) = subject(ask).ok_or_else(|| Status::bad_request("the events of which object?"))?;
    let selection = Selection::of(&ask.query, &ask.path.namespace, Some(&ask.kind))?;
    let source = Source::of(&ask.kind, ask.server.engine.cache_of(&ask.kind));
    let snapshot = source.objects.snapshot();
    let mut items: Vec<Arc<Value>> = Vec::new();
    for object in snapshot.in_namespace(&ask.path.namespace) {
        if selection.has(object) {
            items.push(ask.kind.shown(object)?);
        }
    }
    let Circle { members, mut warnings } = circle::of(ask, &LabelSelector::everything());
    let uri = read::collection(ask);
    let requests = members
        .iter()
        .map(|member| {
            let own = shown::within(&name, member.name()).unwrap_or(&name);
            let mut words = Serializer::new(String::new());
            words.append_pair("fieldSelector", &format!("{KIND}={kind},{NAME}={own}"));
            words.append_pair("limit", &ASKED_MAX.to_string());
            ask::reading(&ask.user, &format!("{uri}?{}", words.finish()))
        })
        .collect::<Result<_, _>>()?;
    for (member, answer) in ask::each(read::members(ask)?, &members, requests).await {
        match answer {
            Ok(mut list) => {
                let theirs = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
                let theirs = newest(theirs.unwrap_or_default());
                items.extend(
                    theirs
                        .into_iter()
                        .filter_map(|event| of_member(event, &name, member.name()))
                        .map(Arc::new),
                );
            }
            Err(failure) => warnings.push(format!(
                "cluster {}: {failure}; its events are not shown",
                member.name()
            )),
        }
    }
    items.sort_by(|a, b| shown::key(a).cmp(&shown::key(b)));
    let metadata = json!({ "resourceVersion": snapshot.revision.to_string() });
    let tree = lists::tree(&source, &ask.query, form, metadata, &items)?;
    let mut response = respond::value(StatusCode::OK, form, &tree)?;
    respond::warn(&mut response, &warnings);
    Ok(response)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// When something was said last.
fn last(event: &Value) -> &str {
    let times = [
        "/lastTimestamp",
        "/series/lastObservedTime",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    let mut said = times.into_iter().map(|pointer| text(event, pointer));
    said.find(|time| !time.is_empty()).unwrap_or_default()
}

/// The newest of a member's, and of those that say the same the newest one with the count of all.
fn newest(events: Vec<Value>) -> Vec<Value> {
    let mut by_word: BTreeMap<(String, String, String), Value> = BTreeMap::new();
    for mut event in events {
        let count = |event: &Value| event.get("count").and_then(Value::as_i64).unwrap_or(1);
        let word = ["/type", "/reason", "/message"].map(|pointer| text(&event, pointer).to_owned());
        let [kind, reason, message] = word;
        let key = (kind, reason, message);
        if let Some(other) = by_word.remove(&key) {
            let sum = count(&event).saturating_add(count(&other));
            if last(&event) < last(&other) {
                event = other;
            }
            // A member may send anything; what is no Event is left out when it is shown.
            if let Some(event) = event.as_object_mut() {
                event.insert("count".to_owned(), Value::from(sum));
            }
        }
        by_word.insert(key, event);
    }
    let mut events: Vec<Value> = by_word.into_values().collect();
    events.sort_by(|a, b| last(b).cmp(last(a)));
    events.truncate(SHOWN_MAX);
    events
}

/// An Event of a member as the hub shows it: about the hub's object, with the cluster's name.
fn of_member(mut event: Value, subject: &str, cluster: &str) -> Option<Value> {
    let message = format!("cluster {cluster}: {}", text(&event, "/message"));
    let name = shown::qualified(text(&event, "/metadata/name"), cluster);
    let tree = event.as_object_mut()?;
    tree.insert("message".to_owned(), Value::from(message));
    // Items of a list carry neither.
    tree.insert("apiVersion".to_owned(), Value::from("v1"));
    tree.insert("kind".to_owned(), Value::from("Event"));
    if let Some(involved) = tree.get_mut("involvedObject").and_then(Value::as_object_mut) {
        involved.insert("name".to_owned(), Value::from(subject));
        // Another uid than the hub's object has.
        involved.remove("uid");
    }
    let metadata = tree.get_mut("metadata").and_then(Value::as_object_mut)?;
    metadata.insert("name".to_owned(), Value::from(name));
    let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
    labels
        .as_object_mut()?
        .insert(CLUSTER_LABEL.to_owned(), Value::from(cluster));
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, message: &str, last: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop"}, "type": "Normal", "reason": "Scaled", "message": message,
            "lastTimestamp": last, "involvedObject": {"kind": "Deployment", "name": "web", "uid": "theirs"}})
    }

    #[test]
    fn equal_words_are_one_and_the_newest_stay() {
        let mut events: Vec<Value> = (0..80)
            .map(|second| {
                event(
                    &format!("e{second}"),
                    &format!("word {second}"),
                    &format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60),
                )
            })
            .collect();
        events.push(event("again", "word 79", "2026-01-01T01:00:00Z"));
        events.push(event("before", "word 79", "2025-01-01T01:00:00Z"));
        let kept = newest(events);
        assert_eq!(kept.len(), SHOWN_MAX);
        assert_eq!(
            (text(&kept[0], "/metadata/name"), kept[0]["count"].as_i64()),
            ("again", Some(3))
        );
        assert_eq!(text(&kept[1], "/message"), "word 78");
    }

    #[test]
    fn what_is_no_event_is_left_out() {
        let nonsense = vec![json!("x"), json!("x"), json!(null), json!([1])];
        let shown = newest(nonsense)
            .into_iter()
            .filter_map(|event| of_member(event, "web", "eu-1"));
        assert_eq!(shown.count(), 0);
    }

    #[test]
    fn whose_word_it_is() {
        let shown = of_member(event("web.17", "up to 3", "2026-01-01T00:00:00Z"), "web", "eu-1").unwrap();
        assert_eq!(shown["message"], "cluster eu-1: up to 3");
        assert_eq!(shown["metadata"]["name"], "web.17.eu-1");
        assert_eq!(shown["metadata"]["labels"][CLUSTER_LABEL], "eu-1");
        assert_eq!(shown["involvedObject"], json!({"kind": "Deployment", "name": "web"}));
    }
}
