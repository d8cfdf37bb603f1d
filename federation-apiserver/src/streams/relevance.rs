//! Whether a change on the hub can change what a cluster is told.
//!
//! In: an event. Out: yes or no, by comparing the text of the parts that rendering reads, without building trees: most
//! changes are of status, and every cluster's stream sees all of them. In doubt the answer is yes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cache::{CachedObject, Event, EventType};

type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// Of a federated object, everything but status, version and field ownership is rendered.
pub(super) fn of_object(event: &Event) -> bool {
    changed(event, |before, after| {
        Some(rendered(&before.bytes)? != rendered(&after.bytes)?)
    })
}

/// Of a Placement, the decision is read, and whether the cluster has a row in its status.
pub(super) fn of_placement(event: &Event, cluster: &str) -> bool {
    changed(event, |before, after| {
        let same_decision = rendered(&before.bytes)? == rendered(&after.bytes)?;
        Some(!same_decision || has_row(&before.bytes, cluster)? != has_row(&after.bytes, cluster)?)
    })
}

fn changed(event: &Event, differ: impl Fn(&CachedObject, &CachedObject) -> Option<bool>) -> bool {
    let before = event.previous.as_ref();
    let before = before.filter(|before| event.event_type == EventType::Modified && before.uid == event.object.uid);
    before.and_then(|before| differ(before, &event.object)).unwrap_or(true)
}

/// The text of the parts that rendering reads.
fn rendered(bytes: &[u8]) -> Option<BTreeMap<(bool, &str), &str>> {
    let fields: Fields<'_> = serde_json::from_slice(bytes).ok()?;
    let metadata: Fields<'_> = serde_json::from_str(fields.get("metadata")?.get()).ok()?;
    let of_metadata = metadata
        .into_iter()
        .filter(|(key, _)| !matches!(*key, "resourceVersion" | "managedFields"))
        .map(|(key, value)| ((true, key), value.get()));
    let others = fields
        .into_iter()
        .filter(|(key, _)| !matches!(*key, "metadata" | "status"))
        .map(|(key, value)| ((false, key), value.get()));
    Some(of_metadata.chain(others).collect())
}

#[derive(Deserialize)]
struct Rows {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    clusters: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
}

fn has_row(bytes: &[u8], cluster: &str) -> Option<bool> {
    let rows: Rows = serde_json::from_slice(bytes).ok()?;
    Some(rows.status.clusters.iter().any(|row| row.name == cluster))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::Revision;
    use serde_json::{Value, json};

    use super::*;
    use crate::cache::canonical;
    use crate::store::{Committed, KindKey, ObjectKey, Op};

    fn version(revision: i64, value: &Value) -> Arc<CachedObject> {
        let revision = Revision::new(revision.unsigned_abs()).unwrap();
        let commit = Committed {
            key: ObjectKey::new(&KindKey::new("apps", "deployments"), "shop", "web"),
            uid: value["metadata"]["uid"].as_str().unwrap().into(),
            op: Op::Updated,
            revision,
            created_revision: Revision::FIRST,
            body: canonical(value),
        };
        Arc::new(CachedObject::of(&commit, None).unwrap())
    }

    fn event(before: &Value, after: &Value) -> Event {
        Event {
            revision: Revision::FIRST.next(),
            event_type: EventType::Modified,
            object: version(2, after),
            previous: Some(version(1, before)),
        }
    }

    #[test]
    fn status_versions_and_ownership_are_not_rendered() {
        let base = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop",
            "uid": "u", "labels": {"a": "b"}}, "spec": {"replicas": 1}, "status": {"replicas": 0}});
        let edit = |change: fn(&mut Value)| {
            let mut after = base.clone();
            change(&mut after);
            of_object(&event(&base, &after))
        };
        assert!(!edit(|v| v["status"]["replicas"] = json!(1)));
        assert!(!edit(|v| v["metadata"]["managedFields"] = json!([{"manager": "x"}])));
        assert!(edit(|v| v["spec"]["replicas"] = json!(2)));
        assert!(edit(|v| v["metadata"]["labels"]["a"] = json!("c")));
        assert!(edit(|v| v["metadata"]["generation"] = json!(2)));
        assert!(edit(
            |v| v["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")
        ));
        assert!(edit(|v| v["data"] = json!({})));
        assert!(edit(|v| v["metadata"]["uid"] = json!("another")));
        let mut gone = event(&base, &base);
        gone.event_type = EventType::Deleted;
        assert!(of_object(&gone));
        gone.event_type = EventType::Added;
        gone.previous = None;
        assert!(of_object(&gone));
    }

    #[test]
    fn a_row_matters_to_its_own_cluster_only() {
        let rows = |names: &[&str], applied: bool| {
            let rows: Vec<Value> = names
                .iter()
                .map(|name| json!({"name": name, "applied": applied}))
                .collect();
            json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"clusters": []}, "status": {"clusters": rows}})
        };
        let came = event(&rows(&["eu-1"], false), &rows(&["eu-1", "us-1"], true));
        assert!(of_placement(&came, "us-1"));
        assert!(!of_placement(&came, "eu-1"));
        let went = event(&rows(&["eu-1"], false), &rows(&[], false));
        assert!(of_placement(&went, "eu-1"));
        let mut decided = rows(&["eu-1"], false);
        decided["spec"]["deleted"] = json!(true);
        assert!(of_placement(&event(&rows(&["eu-1"], false), &decided), "ap-1"));
    }
}
