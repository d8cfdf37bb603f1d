//! What every store must do. One suite, run on each of them; a store is opened twice to test what two processes see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::postgres::test_server;
use super::*;

/// A place that holds one store's data.
#[async_trait]
trait Place: Sync {
    /// A store object over the data; each call is what another process would have.
    async fn open(&self) -> Arc<dyn Store>;
}

struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Place for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
}

struct Postgres(PostgresConfig);

#[async_trait]
impl Place for Postgres {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::connect(self.0.clone()).await.unwrap())
    }
}

macro_rules! every_store_keeps {
    ($($promise:ident)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(&super::Memory(Default::default())).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(&super::Postgres(super::test_server::database().await)).await;
            })*
        }
    };
}

every_store_keeps! {
    writes_happen_only_on_what_they_expect
    revisions_are_gap_free_under_concurrent_writers
    of_writers_with_one_base_one_wins
    a_follower_sees_everything_across_a_restart
    stores_on_one_place_see_each_other
    a_slow_follower_misses_nothing
    what_is_compacted_cannot_be_followed
    revisions_ahead_of_the_store_cannot_be_followed
    bodies_come_back_as_they_were
    bodies_have_a_limit
    a_writer_that_leaves_harms_nobody
}

const SOON: Duration = Duration::from_secs(2);

fn kind() -> KindKey {
    KindKey::new("apps", "deployments")
}

pub(super) fn put(name: &str, expect: Expect, body: impl Into<Bytes>) -> Write {
    Write {
        key: ObjectKey::new(&kind(), "shop", name),
        uid: "u-1".into(),
        expect,
        based_on: None,
        change: Change::Put(body.into()),
    }
}

fn delete(name: &str, expect: Expect, body: &'static str) -> Write {
    Write {
        change: Change::Delete(body.into()),
        ..put(name, expect, "")
    }
}

/// Reads commits until there are `count`.
pub(super) async fn read(follow: &mut Follow, count: usize) -> Vec<Committed> {
    let mut seen = vec![];
    while seen.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(20), follow.next()).await;
        seen.extend(
            next.unwrap_or_else(|_| panic!("after {} of {count} commits", seen.len()))
                .unwrap(),
        );
    }
    assert_eq!(seen.len(), count);
    seen
}

pub(super) fn numbers(commits: &[Committed]) -> Vec<u64> {
    commits.iter().map(|commit| commit.revision.get()).collect()
}

/// A result in one line: `created 2 2`, `exists`, `conflict 3`.
fn told(result: Result<Committed, WriteError>) -> String {
    match result {
        Ok(Committed {
            op,
            revision,
            created_revision,
            ..
        }) => {
            format!("{} {revision} {created_revision}", format!("{op:?}").to_lowercase())
        }
        Err(WriteError::Exists { .. }) => "exists".into(),
        Err(WriteError::Conflict { current, .. }) => format!("conflict {}", current.map_or(0, Revision::get)),
        Err(error) => format!("{error:?}"),
    }
}

async fn writes_happen_only_on_what_they_expect(place: &dyn Place) {
    let store = place.open().await;
    let at = |number| Expect::Revision(Revision::new(number).unwrap());
    assert_eq!(store.load().await.unwrap().revision, Revision::FIRST);
    for (write, expected) in [
        (put("a", at(1), "{}"), "conflict 0"),
        (put("a", Expect::Absent, "{1}"), "created 2 2"),
        (put("a", Expect::Absent, "{1}"), "exists"),
        (put("a", at(2), "{2}"), "updated 3 2"),
        (put("a", at(2), "{3}"), "conflict 3"),
        (delete("a", at(2), "{2}"), "conflict 3"),
        (delete("a", Expect::Absent, "{2}"), "exists"),
        (put("b", Expect::Absent, "{b}"), "created 4 4"),
        (delete("a", at(3), "{2}"), "deleted 5 2"),
        (delete("a", at(3), "{2}"), "conflict 0"),
        (delete("a", Expect::Absent, "{2}"), "conflict 0"),
        (put("a", at(5), "{3}"), "conflict 0"),
        (put("a", Expect::Absent, "{4}"), "created 6 6"),
    ] {
        let shown = format!("{write:?}");
        assert_eq!(told(store.write(write).await), expected, "{shown}");
    }
    let loaded = store.load().await.unwrap();
    let objects: Vec<_> = loaded
        .objects
        .iter()
        .map(|o| format!("{} {} {:?}", o.key.name, o.revision, o.body))
        .collect();
    assert_eq!(objects, [r#"a 6 b"{4}""#, r#"b 4 b"{b}""#]);
    assert_eq!(loaded.revision.get(), 6);
    let log = read(&mut store.follow(Revision::FIRST), 5).await;
    let log: Vec<_> = log
        .iter()
        .map(|c| format!("{:?} {} {:?}", c.op, c.key, c.body))
        .collect();
    assert_eq!(
        log,
        [
            r#"Created deployments.apps shop/a b"{1}""#,
            r#"Updated deployments.apps shop/a b"{2}""#,
            r#"Created deployments.apps shop/b b"{b}""#,
            r#"Deleted deployments.apps shop/a b"{2}""#,
            r#"Created deployments.apps shop/a b"{4}""#,
        ]
    );
}

async fn revisions_are_gap_free_under_concurrent_writers(place: &dyn Place) {
    let stores = [place.open().await, place.open().await];
    let mut follows = [stores[0].follow(Revision::FIRST), stores[1].follow(Revision::FIRST)];
    let writer = |store: Arc<dyn Store>, writer: usize| async move {
        let mut committed = vec![];
        for round in 0..40 {
            // Every fourth write fails and must take no revision.
            let name = if round % 4 == 3 {
                "taken".to_owned()
            } else {
                format!("w{writer}-{round}")
            };
            committed.extend(
                store
                    .write(put(&name, Expect::Absent, format!("{{{name}}}")))
                    .await
                    .ok(),
            );
        }
        committed
    };
    stores[0].write(put("taken", Expect::Absent, "{}")).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|at| tokio::spawn(writer(stores[at % 2].clone(), at)))
        .collect();
    let mut committed = BTreeMap::new();
    for writer in writers {
        committed.extend(
            writer
                .await
                .unwrap()
                .into_iter()
                .map(|commit| (commit.revision.get(), commit)),
        );
    }
    let count = 8 * 30 + 1;
    assert_eq!(
        committed.keys().copied().collect::<Vec<_>>(),
        (3..=count + 1).collect::<Vec<u64>>()
    );
    for follow in &mut follows {
        let seen = read(follow, count as usize).await;
        assert_eq!(numbers(&seen), (2..=count + 1).collect::<Vec<u64>>());
        assert!(
            seen.iter()
                .skip(1)
                .all(|commit| committed[&commit.revision.get()] == *commit)
        );
    }
}

async fn of_writers_with_one_base_one_wins(place: &dyn Place) {
    let stores = [place.open().await, place.open().await];
    let mut base = stores[0].write(put("a", Expect::Absent, "{}")).await.unwrap();
    for _ in 0..10 {
        let writers: Vec<_> = (0..16)
            .map(|at| {
                let (store, expect) = (stores[at % 2].clone(), Expect::Revision(base.revision));
                tokio::spawn(async move { store.write(put("a", expect, format!("{{{at}}}"))).await })
            })
            .collect();
        let mut won = vec![];
        for writer in writers {
            match writer.await.unwrap() {
                Ok(commit) => won.push(commit),
                Err(WriteError::Conflict { current, .. }) => assert!(current > Some(base.revision)),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        base = won.remove(0);
    }
    assert_eq!(base.revision.get(), 12);
}

async fn a_follower_sees_everything_across_a_restart(place: &dyn Place) {
    let store = place.open().await;
    let mut follow = store.follow(Revision::FIRST);
    for at in 0..5 {
        store.write(put(&format!("a{at}"), Expect::Absent, "{}")).await.unwrap();
    }
    let mut seen = numbers(&read(&mut follow, 5).await);
    let after = follow.after();
    drop((follow, store));
    let store = place.open().await;
    for at in 5..9 {
        store.write(put(&format!("a{at}"), Expect::Absent, "{}")).await.unwrap();
    }
    let mut follow = store.follow(after);
    seen.extend(numbers(&read(&mut follow, 4).await));
    assert_eq!(seen, (2..=10).collect::<Vec<_>>());
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.objects.len(), loaded.revision.get()), (9, 10));
}

async fn stores_on_one_place_see_each_other(place: &dyn Place) {
    let (here, there) = (place.open().await, place.open().await);
    assert_eq!(here.load().await.unwrap().epoch, there.load().await.unwrap().epoch);
    let mut follow = there.follow(Revision::FIRST);
    for at in 0..20 {
        let (writer, name) = (if at % 3 == 0 { &there } else { &here }, format!("a{at}"));
        let commit = writer.write(put(&name, Expect::Absent, "{}")).await.unwrap();
        // Sooner than the slow tick: it is the notification that brings it.
        let seen = tokio::time::timeout(SOON, follow.next())
            .await
            .expect("not in time")
            .unwrap();
        assert_eq!(seen, [commit]);
    }
}

async fn a_slow_follower_misses_nothing(place: &dyn Place) {
    let store = place.open().await;
    let mut follow = store.follow(Revision::FIRST);
    let first = store.write(put("a", Expect::Absent, "{}")).await.unwrap();
    assert_eq!(read(&mut follow, 1).await, [first]);
    // More batches than the feed holds.
    for at in 0..600 {
        store.write(put(&format!("b{at}"), Expect::Absent, "{}")).await.unwrap();
    }
    assert_eq!(numbers(&read(&mut follow, 600).await), (3..=602).collect::<Vec<_>>());
}

async fn what_is_compacted_cannot_be_followed(place: &dyn Place) {
    let store = place.open().await;
    for at in 0..9 {
        store.write(put(&format!("a{at}"), Expect::Absent, "{}")).await.unwrap();
    }
    let at = |number| Revision::new(number).unwrap();
    assert_eq!(store.compact(at(6)).await.unwrap(), at(6));
    assert_eq!(store.compact(at(3)).await.unwrap(), at(6), "a floor does not sink");
    for store in [&store, &place.open().await] {
        match store.follow(at(5)).next().await {
            Err(error @ StoreError::Compacted { .. }) => assert!(error.needs_load(), "{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(numbers(&read(&mut store.follow(at(6)), 4).await), [7, 8, 9, 10]);
        let loaded = store.load().await.unwrap();
        assert_eq!((loaded.compacted, loaded.objects.len()), (at(6), 9));
    }
    assert_eq!(
        store.compact(at(1000)).await.unwrap(),
        at(10),
        "no further than there is"
    );
    let mut follow = store.follow(at(10));
    store.write(put("b", Expect::Absent, "{}")).await.unwrap();
    assert_eq!(numbers(&read(&mut follow, 1).await), [11]);
}

async fn revisions_ahead_of_the_store_cannot_be_followed(place: &dyn Place) {
    let store = place.open().await;
    let ahead = Revision::new(50).unwrap();
    let error = store.follow(ahead).next().await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Rewound {
                current: Revision::FIRST,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.needs_load());
}

async fn bodies_come_back_as_they_were(place: &dyn Place) {
    let store = place.open().await;
    let bodies: [Bytes; 6] = [
        Bytes::new(),
        Bytes::from_static(&[0]),
        Bytes::from_static(&[1, 0, 255]),
        "{\"grüße\":\"\u{1f30d}\\u0000\"}".into(),
        "abc".repeat(10_000).into(),
        (0..100_000_u32)
            .flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect::<Vec<_>>()
            .into(),
    ];
    for (at, body) in bodies.iter().enumerate() {
        store
            .write(put(&at.to_string(), Expect::Absent, body.clone()))
            .await
            .unwrap();
    }
    let store = place.open().await;
    let loaded = store.load().await.unwrap().objects;
    let logged = read(&mut store.follow(Revision::FIRST), bodies.len()).await;
    assert_eq!(loaded, logged);
    assert!(loaded.iter().zip(&bodies).all(|(object, body)| object.body == body));
}

async fn bodies_have_a_limit(place: &dyn Place) {
    let store = place.open().await;
    let largest = Bytes::from(vec![b' '; BODY_BYTES_MAX]);
    store.write(put("a", Expect::Absent, largest)).await.unwrap();
    let larger = Bytes::from(vec![b' '; BODY_BYTES_MAX + 1]);
    let error = store.write(put("b", Expect::Absent, larger)).await.unwrap_err();
    assert!(matches!(error, WriteError::TooLarge { .. }), "{error:?}");
}

async fn a_writer_that_leaves_harms_nobody(place: &dyn Place) {
    let store = place.open().await;
    for at in 0..20 {
        let (name, other) = (format!("a{at}"), format!("b{at}"));
        let mut leaving = Box::pin(store.write(put(&name, Expect::Absent, "{}")));
        tokio::select! {
            biased;
            _ = &mut leaving => {}
            () = std::future::ready(()) => {}
        }
        drop(leaving);
        store.write(put(&other, Expect::Absent, "{}")).await.unwrap();
    }
    assert_eq!(store.health().await.unwrap().get(), 41);
}
