//! What the cache promises, case by case: slow watchers, lost pasts, unreadable bodies, pages, bookmarks.

use std::sync::Arc;
use std::time::Duration;

use api::Revision;
use bytes::Bytes;

use super::model::{LONG, Step, body, key, kinds, run};
use super::*;
use crate::store::{Change, Expect, MemoryConfig, MemoryStore, ObjectKey, Op, Write};

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
    let store = Arc::new(MemoryStore::new(MemoryConfig {
        log_max: 2,
        ..MemoryConfig::default()
    }));
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
            based_on: None,
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
