//! What the PostgreSQL store does when PostgreSQL, or the way to it, fails in the middle of things.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::Revision;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::test_server::{self, TestServer};
use super::{PostgresConfig, PostgresStore};
use crate::store::contract::{numbers, put, read};
use crate::store::{Committed, Expect, Lack, Op, Store, StoreError, WriteError};

/// Counts acknowledged writes and keeps them.
#[derive(Default)]
struct Acknowledged {
    commits: Mutex<Vec<Committed>>,
    unavailable: AtomicUsize,
    stop: AtomicBool,
}

impl Acknowledged {
    fn count(&self) -> usize {
        self.commits.lock().unwrap().len()
    }

    async fn wait_for_more(&self, more: usize) {
        let (goal, began) = (self.count() + more, Instant::now());
        while self.count() < goal {
            assert!(began.elapsed() < Duration::from_secs(60), "writes do not go on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Creates objects and counts one up, until told to stop. It is the only writer of its keys, so every refusal is a lie.
async fn write_on(store: Arc<PostgresStore>, writer: usize, acknowledged: Arc<Acknowledged>) {
    let counter = format!("counter-{writer}");
    let mut base = Expect::Absent;
    for round in 0.. {
        if acknowledged.stop.load(Ordering::Relaxed) {
            return;
        }
        let created = store
            .write(put(
                &format!("w{writer}-{round}"),
                Expect::Absent,
                format!("{{{round}}}"),
            ))
            .await;
        let counted = store.write(put(&counter, base, format!("{{{round}}}"))).await;
        if let Ok(commit) = &counted {
            base = Expect::Revision(commit.revision);
        }
        let unsure = counted.is_err();
        for result in [created, counted] {
            match result {
                Ok(commit) => acknowledged.commits.lock().unwrap().push(commit),
                Err(WriteError::Unavailable { .. } | WriteError::NotTaken { .. }) => {
                    _ = acknowledged.unavailable.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        while unsure && !acknowledged.stop.load(Ordering::Relaxed) {
            if let Ok(loaded) = store.load().await {
                let found = loaded.objects.iter().find(|object| *object.key.name == *counter);
                base = found.map_or(Expect::Absent, |object| Expect::Revision(object.revision));
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    let server = Arc::new(tokio::task::spawn_blocking(TestServer::start).await.unwrap());
    let config = server.database().await;
    let store = Arc::new(PostgresStore::connect(config.clone()).await.unwrap());
    let other = PostgresStore::connect(config.clone()).await.unwrap();
    let acknowledged = Arc::new(Acknowledged::default());
    let writers: Vec<_> = (0..8)
        .map(|writer| tokio::spawn(write_on(store.clone(), writer, acknowledged.clone())))
        .collect();
    for round in 0..3 {
        acknowledged.wait_for_more(200).await;
        if round % 2 == 0 {
            server.kill_backends(&config).await;
        } else {
            let server = server.clone();
            tokio::task::spawn_blocking(move || server.crash_and_restart())
                .await
                .unwrap();
        }
    }
    acknowledged.wait_for_more(200).await;
    acknowledged.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }

    let fresh = PostgresStore::connect(config).await.unwrap();
    let loaded = fresh.load().await.unwrap();
    let count = usize::try_from(loaded.revision.get()).unwrap() - 1;
    let log = read(&mut fresh.follow(Revision::FIRST), count).await;
    assert_eq!(numbers(&log), (2..=loaded.revision.get()).collect::<Vec<_>>());
    let acknowledged_commits = acknowledged.commits.lock().unwrap().clone();
    println!(
        "{} acknowledged, {} unavailable",
        acknowledged_commits.len(),
        acknowledged.unavailable.load(Ordering::Relaxed)
    );
    let by_revision: BTreeMap<_, _> = log.iter().map(|commit| (commit.revision, commit)).collect();
    for commit in &acknowledged_commits {
        assert_eq!(by_revision.get(&commit.revision), Some(&commit));
    }
    let mut folded = BTreeMap::new();
    for commit in &log {
        folded.insert(commit.key.clone(), commit.body.clone());
        assert_ne!(commit.op, Op::Deleted);
    }
    let current: BTreeMap<_, _> = loaded
        .objects
        .into_iter()
        .map(|object| (object.key, object.body))
        .collect();
    assert_eq!(current, folded);
    for lived_through in [&*store, &other] {
        assert_eq!(read(&mut lived_through.follow(Revision::FIRST), count).await, log);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_said_to_be_gone() {
    let server = tokio::task::spawn_blocking(TestServer::start).await.unwrap();
    let mut config = server.database().await;
    config.write_timeout = Duration::from_millis(300);
    let store = PostgresStore::connect(config.clone()).await.unwrap();
    let mut follow = store.follow(Revision::FIRST);
    store.write(put("a", Expect::Absent, "{}")).await.unwrap();
    assert_eq!(numbers(&read(&mut follow, 1).await), [2]);
    tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
    let write = tokio::time::timeout(Duration::from_secs(20), store.write(put("b", Expect::Absent, "{}")));
    let error = write.await.unwrap().unwrap_err();
    assert!(
        matches!(error, WriteError::NotTaken { lack: Lack::Reach, .. }),
        "{error:?}"
    );
    assert!(matches!(store.health().await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(
        PostgresStore::connect(config).await,
        Err(StoreError::Unavailable { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_are_made_again_and_others_commits_arrive() {
    let config = test_server::database().await;
    let (here, there) = (
        PostgresStore::connect(config.clone()).await.unwrap(),
        PostgresStore::connect(config.clone()).await.unwrap(),
    );
    let mut follow = there.follow(Revision::FIRST);
    for round in 0..3 {
        for at in 0..5 {
            let commit = here
                .write(put(&format!("a{round}-{at}"), Expect::Absent, "{}"))
                .await
                .unwrap();
            assert_eq!(read(&mut follow, 1).await, [commit]);
        }
        test_server::cut_connections(&config).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_postgresql_refuses_does_not_fail_its_batch() {
    let store = Arc::new(PostgresStore::connect(test_server::database().await).await.unwrap());
    for round in 0..5 {
        let writes: Vec<_> = (0..12)
            .map(|at| {
                let name = if at == 7 {
                    format!("nul\0{round}")
                } else {
                    format!("a{round}-{at}")
                };
                let store = store.clone();
                tokio::spawn(async move { store.write(put(&name, Expect::Absent, "{}")).await })
            })
            .collect();
        for (at, write) in writes.into_iter().enumerate() {
            let result = write.await.unwrap();
            assert_eq!(
                matches!(result, Err(WriteError::NotTaken { lack: Lack::Form, .. })),
                at == 7,
                "{at}: {result:?}"
            );
            assert_eq!(result.is_ok(), at != 7, "{at}: {result:?}");
        }
    }
    assert_eq!(store.health().await.unwrap().get(), 1 + 5 * 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_commits_what_is_queued_and_refuses_the_rest() {
    let config = test_server::database().await;
    let store = Arc::new(PostgresStore::connect(config.clone()).await.unwrap());
    let mut follow = store.follow(Revision::FIRST);
    store.write(put("a", Expect::Absent, "{}")).await.unwrap();
    let writes: Vec<_> = (0..50)
        .map(|at| {
            let store = store.clone();
            tokio::spawn(async move { store.write(put(&format!("b{at}"), Expect::Absent, "{}")).await })
        })
        .collect();
    store.close().await;
    let mut done = 1;
    for write in writes {
        match write.await.unwrap() {
            Ok(_) => done += 1,
            Err(WriteError::Closed { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(matches!(
        store.write(put("c", Expect::Absent, "{}")).await,
        Err(WriteError::Closed { .. })
    ));
    let ended = async {
        loop {
            if let Err(error) = follow.next().await {
                return error;
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    assert!(
        matches!(ended, StoreError::Closed | StoreError::Unavailable { .. }),
        "{ended:?}"
    );
    let again = PostgresStore::connect(config).await.unwrap();
    assert_eq!(again.load().await.unwrap().objects.len(), done);
}

/// Where the connection breaks around a COMMIT.
#[derive(Clone, Copy)]
enum Cut {
    /// PostgreSQL never hears it.
    BeforeCommit,
    /// PostgreSQL commits, the answer is lost.
    BeforeAnswer,
}

/// A way to PostgreSQL that breaks at the next COMMIT once it is armed.
async fn breaking_way(config: &PostgresConfig, at: &Path, cut: Cut, armed: Arc<AtomicBool>) -> PostgresConfig {
    let listener = UnixListener::bind(at.join(".s.PGSQL.5432")).unwrap();
    let behind = config.sessions[0].get_socket().unwrap().join(".s.PGSQL.5432");
    tokio::spawn(async move {
        while let Ok((front, _)) = listener.accept().await {
            let back = UnixStream::connect(&behind).await.unwrap();
            tokio::spawn(relay(front, back, cut, armed.clone()));
        }
    });
    let sessions = vec![config.sessions[0].clone().socket(at)];
    PostgresConfig {
        sessions,
        ..config.clone()
    }
}

async fn relay(mut front: UnixStream, mut back: UnixStream, cut: Cut, armed: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = front.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let commits = up[..read].windows(6).any(|window| window == b"COMMIT") && armed.swap(false, Ordering::SeqCst);
                if commits && matches!(cut, Cut::BeforeCommit) {
                    return;
                }
                if back.write_all(&up[..read]).await.is_err() {
                    return;
                }
                if commits {
                    // PostgreSQL has answered once there is something to read: the commit is done.
                    let answered = back.read(&mut down).await;
                    assert!(answered.is_ok_and(|read| read > 0));
                    return;
                }
            }
            read = back.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if front.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    for cut in [Cut::BeforeCommit, Cut::BeforeAnswer] {
        let config = test_server::database().await;
        let place = tempfile::tempdir().unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let through = breaking_way(&config, place.path(), cut, armed.clone()).await;
        let store = PostgresStore::connect(through).await.unwrap();
        let first = store.write(put("a", Expect::Absent, "{1}")).await.unwrap();
        armed.store(true, Ordering::SeqCst);
        let second = store
            .write(put("a", Expect::Revision(first.revision), "{2}"))
            .await
            .unwrap();
        assert!(!armed.load(Ordering::SeqCst), "the connection was to break");
        assert_eq!((second.op, second.revision.get()), (Op::Updated, 3));
        let third = store
            .write(put("a", Expect::Revision(second.revision), "{3}"))
            .await
            .unwrap();
        assert_eq!(
            read(&mut store.follow(Revision::FIRST), 3).await,
            [first, second, third]
        );
    }
}
