//! Whether a change on the hub can change what clusters are told, and which.
//!
//! In: an event. Out: yes, no or names, by comparing the text of the parts that rendering reads, without building trees: most
//! changes are of status. In doubt the answer is yes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cache::{CachedObject, Event, EventType};

type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// Of a federated object, everything but status, version and field ownership is rendered.
pub(super) fn of_object(event: &Event) -> bool {
    let differ = |before: &CachedObject| Some(rendered(&before.bytes)? != rendered(&event.object.bytes)?);
    same_object_before(event).and_then(differ).unwrap_or(true)
}

/// Whom a change of a Placement concerns.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// Every cluster that it names or named.
    Named,
    /// Clusters that have a row in its status now and had none, or the other way round: the decision is what it was.
    Rows(BTreeSet<String>),
}

/// Of a Placement, the decision is read, and which clusters have a row in its status.
pub(super) fn of_placement(event: &Event) -> Concern {
    let rows = |before: &CachedObject| {
        if rendered(&before.bytes)? != rendered(&event.object.bytes)? {
            return None;
        }
        let (before, after) = (Names::read(&before.bytes)?, Names::read(&event.object.bytes)?);
        Some(before.rows.symmetric_difference(&after.rows).cloned().collect())
    };
    same_object_before(event)
        .and_then(rows)
        .map_or(Concern::Named, Concern::Rows)
}

/// Whether a change of a Cluster can change what is rendered for it: its status cannot.
pub(super) fn of_cluster(event: &Event) -> bool {
    let Some(previous) = event
        .previous
        .as_ref()
        .filter(|_| event.event_type == EventType::Modified)
    else {
        return true;
    };
    let (before, after) = (previous.value(), event.object.value());
    // A cluster that begins to leave may keep what it has.
    [
        "/spec",
        "/metadata/labels",
        "/metadata/annotations",
        "/metadata/deletionTimestamp",
    ]
    .iter()
    .any(|part| before.pointer(part) != after.pointer(part))
}

/// The object before the change, where it is the same one.
fn same_object_before(event: &Event) -> Option<&CachedObject> {
    let before = event.previous.as_deref();
    before.filter(|before| event.event_type == EventType::Modified && before.uid == event.object.uid)
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

/// The clusters that a Placement names.
#[derive(Debug, Default)]
pub(super) struct Names {
    chosen: BTreeSet<String>,
    rows: BTreeSet<String>,
}

impl Names {
    /// Reads nothing else of a Placement.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let Read { spec, status } = serde_json::from_slice(bytes).ok()?;
        let names = |part: Part| part.clusters.into_iter().map(|named| named.name).collect();
        Some(Self {
            chosen: names(spec),
            rows: names(status),
        })
    }

    /// All of them; one that is chosen and has a row comes twice.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().chain(&self.rows).map(String::as_str)
    }
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    spec: Part,
    #[serde(default)]
    status: Part,
}

#[derive(Default, Deserialize)]
struct Part {
    #[serde(default)]
    clusters: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
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
            json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"clusters": [{"name": "eu-1"}]}, "status": {"clusters": rows}})
        };
        let concern = |names: &[&str]| Concern::Rows(names.iter().map(|name| (*name).to_owned()).collect());
        let said = |before: &Value, after: &Value| of_placement(&event(before, after));
        assert_eq!(said(&rows(&["eu-1"], false), &rows(&["eu-1"], true)), concern(&[]));
        assert_eq!(
            said(&rows(&["eu-1"], false), &rows(&["eu-1", "us-1"], true)),
            concern(&["us-1"])
        );
        assert_eq!(said(&rows(&["eu-1"], false), &rows(&[], false)), concern(&["eu-1"]));
        let mut decided = rows(&["eu-1"], false);
        decided["spec"]["deleted"] = json!(true);
        assert_eq!(said(&rows(&["eu-1"], false), &decided), Concern::Named);
        let names = Names::read(rows(&["us-1"], true).to_string().as_bytes()).unwrap();
        assert_eq!(names.all().collect::<Vec<_>>(), ["eu-1", "us-1"]);
        assert!(Names::read(b"{").is_none());
    }

    #[test]
    fn of_a_cluster_its_status_does_not_matter() {
        let cluster = |region: &str, version: &str| json!({"metadata": {"name": "eu-1", "uid": "u"}, "spec": {"region": region}, "status": {"kubernetesVersion": version}});
        assert!(!of_cluster(&event(&cluster("eu", "v1"), &cluster("eu", "v2"))));
        assert!(of_cluster(&event(&cluster("eu", "v1"), &cluster("us", "v1"))));
        let mut leaving = cluster("eu", "v1");
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(of_cluster(&event(&cluster("eu", "v1"), &leaving)));
    }
}
