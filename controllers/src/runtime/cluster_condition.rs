//! Says a condition of a Cluster, and an Event where its status is another one. In: the condition as judged. Out: the Cluster as the hub has it
//! now. Absent: what is judged, and conditions that count their time otherwise (`failure`).

use std::sync::Arc;
use std::time::Duration;

use api::{Cluster, Condition, ConditionStatus};

use super::clock;
use super::drive::Outcome;
use super::hub::Hub;
use super::kind;
use super::recorder::{Mood, Recorder, reference};
use super::watched::Watched;

/// What the Event of a status is called; none where it is worth none.
pub(crate) type EventOf = fn(ConditionStatus) -> Option<(Mood, &'static str)>;

/// Writes the condition.
pub(crate) async fn say(
    hub: Hub,
    recorder: Recorder,
    watched: Arc<Watched>,
    cluster: Cluster,
    mut judged: Condition,
    (event_of, pause): (EventOf, Duration),
) -> Outcome {
    let mut conditions = cluster.status.conditions;
    let before = conditions
        .iter()
        .find(|one| one.type_ == judged.type_)
        .map(|one| one.status);
    let (status, message) = (judged.status, judged.message.clone());
    judged.last_transition_time = Some(clock::now());
    judged.merge_into(&mut conditions);
    let written = hub.merge_conditions(&kind::CLUSTER, &watched, &conditions).await;
    if let Some((mood, word)) = event_of(status).filter(|_| written.is_ok() && before != Some(status)) {
        recorder.note(reference(&watched), mood, word, message);
    }
    Outcome::wrote(&kind::CLUSTER, written, pause)
}
