//! The cache held against a model that is too simple to be wrong: a list of commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::store::{Change, Expect, MemoryStore, ObjectKey, Op, Write};

pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) fn kinds() -> [KindKey; 2] {
    [KindKey::new("", "configmaps"), KindKey::new("apps", "deployments")]
}

pub(super) fn key(kind: usize, namespace: u8, name: u8) -> ObjectKey {
    ObjectKey::new(&kinds()[kind], &format!("ns-{namespace}"), &format!("n-{name}"))
}

pub(super) fn body(key: &ObjectKey, generation: u64) -> Bytes {
    canonical(&json!({"kind": "K", "apiVersion": "v1", "generation": generation,
        "metadata": {"name": &*key.name, "namespace": &*key.namespace, "labels": {"odd": (generation % 2).to_string()}}}))
}

/// What a writer does: put or delete an object of a kind.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: usize,
    pub(super) namespace: u8,
    pub(super) name: u8,
    pub(super) delete: bool,
}

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..2_usize, 0..3_u8, 0..5_u8, prop::bool::weighted(0.3));
    prop::collection::vec(
        step.prop_map(|(kind, namespace, name, delete)| Step {
            kind,
            namespace,
            name,
            delete,
        }),
        1..count,
    )
}

/// Does what it can; a step that another writer made impossible is skipped. Returns the commits.
pub(super) async fn run(store: Arc<MemoryStore>, steps: Vec<Step>) -> Vec<Committed> {
    let mut commits: Vec<Committed> = vec![];
    for (
        at,
        Step {
            kind,
            namespace,
            name,
            delete,
        },
    ) in steps.into_iter().enumerate()
    {
        let key = key(kind, namespace, name);
        let current = store
            .load()
            .await
            .unwrap()
            .objects
            .into_iter()
            .find(|object| object.key == key);
        let (expect, change) = match current {
            Some(current) if delete => (Expect::Revision(current.revision), Change::Delete(current.body)),
            None if delete => continue,
            Some(current) => (Expect::Revision(current.revision), Change::Put(body(&key, at as u64))),
            None => (Expect::Absent, Change::Put(body(&key, at as u64))),
        };
        commits.extend(
            store
                .write(Write {
                    key,
                    uid: "u".into(),
                    expect,
                    based_on: None,
                    change,
                })
                .await
                .ok(),
        );
        if at % 5 == 0 {
            tokio::task::yield_now().await;
        }
    }
    commits
}

/// Name and generation of each object.
type Shown = BTreeMap<(String, String), (u64, Value)>;

/// What a list at a revision must show.
fn model(commits: &BTreeMap<Revision, Committed>, kind: &KindKey, revision: Revision) -> Shown {
    let mut objects = Shown::new();
    for commit in commits
        .range(..=revision)
        .map(|(_, commit)| commit)
        .filter(|commit| commit.key.kind == *kind)
    {
        let name = (commit.key.namespace.to_string(), commit.key.name.to_string());
        let value: Value = serde_json::from_slice(&commit.body).unwrap();
        match commit.op {
            Op::Deleted => objects.remove(&name),
            Op::Created | Op::Updated => objects.insert(name, (commit.revision.get(), value["generation"].clone())),
        };
    }
    objects
}

fn shown(snapshot: &Snapshot) -> Shown {
    let show = |object: &Arc<CachedObject>| {
        let value = object.value();
        assert_eq!(value["metadata"]["resourceVersion"], json!(object.revision.to_string()));
        let odd = (value["generation"].as_u64().unwrap() % 2).to_string();
        assert_eq!(object.labels.get("odd"), Some(&odd));
        let name = (object.key.namespace.to_string(), object.key.name.to_string());
        (name, (object.revision.get(), value["generation"].clone()))
    };
    snapshot.iter().map(show).collect()
}

/// Checks what a watcher got from a revision on: every commit of the kind, once, in order, with what was before.
fn check_events(commits: &BTreeMap<Revision, Committed>, kind: &KindKey, from: Revision, events: &[Arc<Event>]) {
    let expected: Vec<_> = commits
        .range(from.next()..)
        .map(|(_, c)| c)
        .filter(|c| c.key.kind == *kind)
        .collect();
    assert_eq!(
        events.iter().map(|event| event.revision).collect::<Vec<_>>(),
        expected.iter().map(|commit| commit.revision).collect::<Vec<_>>()
    );
    let mut before = model(commits, kind, from);
    for (event, commit) in events.iter().zip(expected) {
        let name = (commit.key.namespace.to_string(), commit.key.name.to_string());
        let previous = event.previous.as_ref().map(|object| object.revision.get());
        assert_eq!(previous, before.get(&name).map(|(revision, _)| *revision));
        match commit.op {
            Op::Deleted => before.remove(&name),
            Op::Created | Op::Updated => before.insert(name, (commit.revision.get(), Value::Null)),
        };
        let event_type = match commit.op {
            Op::Created => EventType::Added,
            Op::Updated => EventType::Modified,
            Op::Deleted => EventType::Deleted,
        };
        assert_eq!((event.event_type, &event.object.key), (event_type, &commit.key));
        assert_eq!(
            event.object.bytes,
            splice_revision(&commit.body, commit.revision).unwrap()
        );
    }
}

/// Takes events until one has the revision.
async fn take_until(mut cursor: WatchCursor, last: Option<Revision>) -> Vec<Arc<Event>> {
    let mut events: Vec<Arc<Event>> = vec![];
    while events.last().map(|event| event.revision) < last {
        events.extend(
            tokio::time::timeout(LONG, cursor.next())
                .await
                .expect("no event came")
                .unwrap(),
        );
    }
    assert!(cursor.ready().unwrap().is_empty());
    events
}

async fn check(writers: Vec<Vec<Step>>) {
    let store = Arc::new(MemoryStore::default());
    // Some objects are there before the cache is.
    let before = run(store.clone(), writers[0].clone()).await;
    let cache = Cache::start(
        store.clone(),
        CacheConfig {
            metrics: false,
            ..CacheConfig::default()
        },
    )
    .await
    .unwrap();
    let start = cache.revision();
    let mut commits: BTreeMap<_, _> = before.into_iter().map(|commit| (commit.revision, commit)).collect();
    let early: Vec<_> = kinds()
        .iter()
        .map(|kind| cache.kind(kind).watch(start).unwrap())
        .collect();
    let running: Vec<_> = writers[1..]
        .iter()
        .map(|steps| tokio::spawn(run(store.clone(), steps.clone())))
        .collect();

    // While they write: lists and watches that begin at them.
    let mut seen = vec![];
    while !running.iter().all(|writer| writer.is_finished()) {
        // Enough of them; each is checked against the whole log.
        for kind in if seen.len() < 24 { kinds().to_vec() } else { vec![] } {
            let snapshot = cache.kind(&kind).snapshot();
            let cursor = cache.kind(&kind).watch(snapshot.revision).unwrap();
            seen.push((kind, snapshot, cursor));
        }
        tokio::task::yield_now().await;
    }
    for writer in running {
        commits.extend(
            writer
                .await
                .unwrap()
                .into_iter()
                .map(|commit| (commit.revision, commit)),
        );
    }
    let last = commits.keys().last().copied().unwrap_or(Revision::FIRST);
    assert!(cache.wait_for(last, LONG).await);
    let last_of = |kind: &KindKey| {
        commits
            .values()
            .rfind(|commit| commit.key.kind == *kind)
            .map(|commit| commit.revision)
    };
    for (kind, snapshot, cursor) in seen {
        assert_eq!(shown(&snapshot), model(&commits, &kind, snapshot.revision));
        let until = last_of(&kind).filter(|last| *last > snapshot.revision);
        check_events(&commits, &kind, snapshot.revision, &take_until(cursor, until).await);
    }
    for (kind, cursor) in kinds().iter().zip(early) {
        let until = last_of(kind).filter(|last| *last > start);
        check_events(&commits, kind, start, &take_until(cursor, until).await);
        for number in start.get()..=last.get() {
            let revision = Revision::new(number).unwrap();
            let snapshot = cache.kind(kind).snapshot_at(revision).unwrap();
            assert_eq!(shown(&snapshot), model(&commits, kind, revision), "at {revision}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn lists_and_watches_agree_with_the_log(writers in prop::collection::vec(steps(40), 2..5)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(writers));
    }
}
