//! Events for operators: what happened to which object, in `kubectl describe` and `kubectl get events`.
//! In: notes. Out: Events on the hub, best effort, each sentence at most once in five minutes. Absent: anything that waits for
//! them; a full queue drops notes and counts them.

use std::collections::BTreeMap;
use std::time::Duration;

use api::ObjectRef;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::clock;
use super::hub::Hub;
use super::kind::EVENT;
use super::watched::{Id, Watched};

const NOTES_QUEUED_MAX: usize = 256;
const REPEAT_AFTER: Duration = Duration::from_secs(300);
const REMEMBERED_MAX: usize = 4096;

/// Whether an operator should worry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    Normal,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    about: ObjectRef,
    mood: Mood,
    reason: &'static str,
    message: String,
}

/// Takes notes.
#[derive(Clone)]
pub(crate) struct Recorder {
    notes: mpsc::Sender<Note>,
}

/// Writes them.
pub(crate) struct Scribe {
    notes: mpsc::Receiver<Note>,
    hub: Hub,
}

pub(crate) fn recorder(hub: Hub) -> (Recorder, Scribe) {
    let (sender, receiver) = mpsc::channel(NOTES_QUEUED_MAX);
    (Recorder { notes: sender }, Scribe { notes: receiver, hub })
}

/// Which object a watched one is.
pub(crate) fn reference(object: &Watched) -> ObjectRef {
    let value = object.value();
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Id { namespace, name } = object.id();
    ObjectRef {
        api_version: text("apiVersion"),
        kind: text("kind"),
        namespace,
        name,
        uid: object.uid().to_owned(),
    }
}

impl Recorder {
    pub(crate) fn note(&self, about: ObjectRef, mood: Mood, reason: &'static str, message: String) {
        if self
            .notes
            .try_send(Note {
                about,
                mood,
                reason,
                message,
            })
            .is_err()
        {
            metrics::counter!("meridian_controllers_events_dropped_total").increment(1);
        }
    }
}

impl Scribe {
    pub(crate) async fn run(mut self) {
        let mut said: BTreeMap<Note, Instant> = BTreeMap::new();
        while let Some(note) = self.notes.recv().await {
            let now = Instant::now();
            if said.get(&note).is_some_and(|last| now - *last < REPEAT_AFTER) {
                continue;
            }
            if said.len() >= REMEMBERED_MAX {
                said.retain(|_, last| now - *last < REPEAT_AFTER);
            }
            if said.len() >= REMEMBERED_MAX {
                said.clear();
            }
            let (id, event) = event(&note);
            if let Err(error) = self.hub.create(&EVENT, &id, &event).await {
                tracing::debug!(error = %error.chain(), "an event could not be written");
            }
            said.insert(note, now);
        }
    }
}

fn event(note: &Note) -> (Id, Value) {
    let about = &note.about;
    let namespace = if about.namespace.is_empty() {
        "default"
    } else {
        &about.namespace
    };
    let kept: String = about.name.chars().take(200).collect();
    let name = format!("{kept}.{:x}{:04x}", clock::now_micros(), rand::random::<u16>());
    let now = clock::now();
    let mut involved =
        json!({"apiVersion": about.api_version, "kind": about.kind, "name": about.name, "uid": about.uid});
    if !about.namespace.is_empty() {
        involved["namespace"] = json!(about.namespace);
    }
    let event = json!({
        "apiVersion": EVENT.api_version, "kind": EVENT.kind,
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "type": match note.mood { Mood::Normal => "Normal", Mood::Warning => "Warning" },
        "reason": note.reason,
        "message": note.message.chars().take(1024).collect::<String>(),
        "source": {"component": "meridian"},
        "reportingComponent": "meridian",
        "reportingInstance": "",
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    });
    (Id::new(namespace, &name), event)
}
