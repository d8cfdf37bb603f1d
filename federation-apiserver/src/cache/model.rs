//! The cache held against a model that is too simple to be wrong: a list of commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::store::{Change, Expect, MemoryConfig, MemoryStore, ObjectKey, Op, Write};

const LONG: Duration = Duration::from_secs(20);

fn kinds() -> [KindKey; 2] {
    [KindKey::new("", "configmaps"), KindKey::new("apps", "deployments")]
}

fn key(kind: usize, namespace: u8, name: u8) -> ObjectKey {
    ObjectKey::new(&kinds()[kind], &format!("ns-{namespace}"), &format!("n-{name}"))
}

fn body(key: &ObjectKey, generation: u64) -> Bytes {
    canonical(&json!({"kind": "K", "apiVersion": "v1", "generation": generation,
        "metadata": {"name": &*key.name, "namespace": &*key.namespace, "labels": {"odd": (generation % 2).to_string()}}}))
}

/// What a writer does: put or delete an object of a kind.
#[derive(Clone, Debug)]
struct Step {
    kind: usize,
    namespace: u8,
    name: u8,
    delete: bool,
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
async fn run(store: Arc<MemoryStore>, steps: Vec<Step>) -> Vec<Committed> {
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

fn detached(events_max: usize) -> Arc<KindCache> {
    KindCache::detached(
        kinds()[0].clone(),
        Revision::FIRST,
        HistoryConfig {
            events_max,
            ..HistoryConfig::default()
        },
    )
}

fn commit(name: u8, number: u64, op: Op) -> Committed {
    let (key, revision) = (key(0, 0, name), Revision::new(number).unwrap());
    Committed {
        body: body(&key, number),
        key,
        uid: "u".into(),
        op,
        revision,
        created_revision: revision,
    }
}

#[tokio::test]
async fn a_slow_watcher_falls_off_the_ring_and_others_do_not() {
    let kind = detached(4);
    let mut slow = kind.watch(Revision::FIRST).unwrap();
    let mut quick = kind.watch(Revision::FIRST).unwrap();
    for number in 2..=6 {
        kind.apply(&[commit(1, number, Op::Updated)]);
        assert_eq!(quick.next().await.unwrap().len(), 1);
    }
    assert_eq!(slow.next().await.unwrap_err().floor.get(), 2);
    assert_eq!(slow.next().await.unwrap_err().floor.get(), 2, "it stays so");
    assert!(kind.watch(Revision::FIRST).is_err());
    assert!(kind.snapshot_at(Revision::FIRST).is_err());
    assert_eq!(
        kind.watch(Revision::new(2).unwrap())
            .unwrap()
            .next()
            .await
            .unwrap()
            .len(),
        4
    );
    assert_eq!(
        kind.snapshot_at(Revision::new(2).unwrap())
            .unwrap()
            .get("ns-0", "n-1")
            .unwrap()
            .revision
            .get(),
        2
    );
}

#[test]
fn the_ring_is_bounded_by_bytes() {
    let config = HistoryConfig {
        events_max: 1000,
        bytes_max: 1000,
    };
    let kind = KindCache::detached(kinds()[0].clone(), Revision::FIRST, config);
    for number in 2..100 {
        kind.apply(&[commit(1, number, Op::Updated)]);
    }
    let floor = (1..100)
        .find(|number| kind.watch(Revision::new(*number).unwrap()).is_ok())
        .unwrap();
    assert!((85..99).contains(&floor), "{floor}");
}

#[tokio::test]
async fn a_reset_ends_cursors_and_keeps_what_did_not_change() {
    let kind = detached(100);
    kind.apply(&[commit(1, 2, Op::Created), commit(2, 3, Op::Created)]);
    let held = kind.get("ns-0", "n-1").unwrap();
    let mut cursor = kind.watch(Revision::new(3).unwrap()).unwrap();
    let waiting = tokio::spawn(async move { cursor.next().await.map(|events| events.len()) });
    kind.reset(
        Revision::new(9).unwrap(),
        &[commit(1, 2, Op::Created), commit(3, 8, Op::Created)],
    );
    assert!(tokio::time::timeout(LONG, waiting).await.unwrap().unwrap().is_err());
    assert!(kind.watch(Revision::new(8).unwrap()).is_err());
    let names: Vec<_> = kind
        .snapshot()
        .iter()
        .map(|object| object.key.name.to_string())
        .collect();
    assert_eq!(names, ["n-1", "n-3"]);
    assert!(Arc::ptr_eq(&held, &kind.get("ns-0", "n-1").unwrap()));
    assert_eq!(kind.snapshot().revision.get(), 9);
}

#[test]
fn what_cannot_be_read_is_left_as_it_was() {
    let kind = detached(100);
    let broken = Committed {
        body: "not json".into(),
        ..commit(1, 2, Op::Created)
    };
    assert!(kind.apply(&[broken, commit(2, 3, Op::Created)]).len() == 1);
    // Not written by `canonical`, but an object all the same.
    let foreign = br#"{"metadata":{"resourceVersion":"77","name":"n-3"},"kind":"K","apiVersion":"v1"}"#;
    kind.apply(&[Committed {
        body: Bytes::from_static(foreign),
        ..commit(3, 4, Op::Created)
    }]);
    assert_eq!(
        kind.get("ns-0", "n-3").unwrap().value()["metadata"]["resourceVersion"],
        "4"
    );
    assert!(
        kind.apply(&[commit(9, 5, Op::Deleted)]).is_empty(),
        "a deletion of what is not here is nothing"
    );
}

#[test]
fn trees_live_only_while_they_are_held() {
    let kind = detached(100);
    kind.apply(&[commit(1, 2, Op::Created)]);
    let object = kind.get("ns-0", "n-1").unwrap();
    let (one, two) = (object.value(), object.value());
    assert!(Arc::ptr_eq(&one, &two));
    let gone = Arc::downgrade(&one);
    drop((one, two));
    assert!(gone.upgrade().is_none());
}

#[test]
fn pages_go_on_where_they_stopped() {
    let kind = detached(100);
    let names = [("a", "b"), ("a", "c"), ("a-b", "a"), ("b", "a")];
    for ((namespace, name), number) in names.into_iter().zip(2..) {
        let key = ObjectKey::new(kind.kind(), namespace, name);
        kind.apply(&[Committed {
            key,
            ..commit(1, number, Op::Created)
        }]);
    }
    let snapshot = kind.snapshot();
    let shown =
        |objects: Vec<&Arc<CachedObject>>| objects.iter().map(|o| o.key.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(
        shown(snapshot.in_namespace("a").collect()),
        "configmaps a/b, configmaps a/c"
    );
    assert_eq!(
        shown(snapshot.after("a", "b").collect()),
        "configmaps a/c, configmaps a-b/a, configmaps b/a"
    );
    assert_eq!(
        shown(snapshot.after("a", "").collect()).len(),
        shown(snapshot.iter().collect()).len()
    );
    assert_eq!(snapshot.after("b", "a").count() + snapshot.in_namespace("c").count(), 0);
}

#[tokio::test]
async fn bookmarks_follow_the_whole_store_but_never_overtake_an_event() {
    let store = Arc::new(MemoryStore::default());
    let cache = Cache::start(
        store.clone(),
        CacheConfig {
            metrics: false,
            ..CacheConfig::default()
        },
    )
    .await
    .unwrap();
    let kind = cache.kind(&kinds()[0]);
    let mut cursor = kind.watch(cache.revision()).unwrap();
    let step = |kind, name| {
        vec![Step {
            kind,
            namespace: 0,
            name,
            delete: false,
        }]
    };
    run(store.clone(), [step(1, 0), step(1, 1)].concat()).await;
    assert!(cache.wait_for(Revision::new(3).unwrap(), LONG).await);
    assert_eq!(cursor.progress().get(), 3);
    run(store.clone(), [step(0, 0), step(1, 2)].concat()).await;
    assert!(cache.wait_for(Revision::new(5).unwrap(), LONG).await);
    assert_eq!(cursor.progress().get(), 1, "the event at 4 is not taken yet");
    assert_eq!(cursor.next().await.unwrap().len(), 1);
    assert_eq!(cursor.progress().get(), 5);
    assert_eq!(kind.snapshot().revision.get(), 5);
    assert!(
        !cache
            .wait_for(Revision::new(6).unwrap(), Duration::from_millis(10))
            .await
    );
}

#[tokio::test]
async fn a_cache_that_lost_the_past_loads_again() {
    let store = Arc::new(MemoryStore::new(MemoryConfig { log_max: 2 }));
    let cache = Cache::start(
        store.clone(),
        CacheConfig {
            metrics: false,
            ..CacheConfig::default()
        },
    )
    .await
    .unwrap();
    let mut feed = cache.subscribe();
    let kind = cache.kind(&kinds()[0]);
    let mut cursor = kind.watch(cache.revision()).unwrap();
    // No await between the writes: on this one thread the cache cannot follow, and the feed and the log both overflow.
    let writes = (0..600_u64).map(|at| {
        let key = ObjectKey::new(&kinds()[0], "", &format!("n{at}"));
        let change = Change::Put(body(&key, at));
        Write {
            key,
            uid: "u".into(),
            expect: Expect::Absent,
            change,
        }
    });
    for write in writes {
        store.write(write).await.unwrap();
    }
    assert!(cache.wait_for(Revision::new(601).unwrap(), LONG).await);
    assert_eq!(kind.snapshot().len(), 600);
    assert!(cursor.next().await.is_err());
    assert!(matches!(feed.recv().await.unwrap(), Batch::Reset { revision } if revision.get() == 601));
}
