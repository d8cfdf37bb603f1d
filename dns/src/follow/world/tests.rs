//! What each kind of news does to the world.

use super::*;
use crate::snapshot::{OverrideFacts, ServiceFacts};

fn service(key: &str, uid: &str, revision: u64) -> Seen {
    let (namespace, name) = key.split_once('/').unwrap();
    Seen {
        key: key.into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: uid.into(),
        revision,
        facts: Facts::Service(ServiceFacts {
            labels: [("revision".to_owned(), revision.to_string())].into(),
            ..ServiceFacts::default()
        }),
    }
}

fn list(world: &mut World, services: &[(&str, &str, u64)]) {
    world.apply(Event::ListBegan(Kind::Service));
    for (key, uid, revision) in services {
        world.apply(Event::Listed(Kind::Service, service(key, uid, *revision)));
    }
    world.apply(Event::ListEnded(Kind::Service));
}

fn deny_all(world: &mut World, now: Instant) {
    for doubted in world.questions(now) {
        world.answered(
            Answer {
                doubted,
                said: Said::NotThere,
            },
            now,
        );
    }
}

fn names(world: &World) -> String {
    world.input.services.keys().cloned().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_relist_is_never_a_deletion_by_itself() {
    let mut world = World::default();
    list(&mut world, &[("a/x", "1", 5), ("a/y", "2", 6)]);
    list(&mut world, &[("a/x", "1", 5)]);
    assert_eq!(names(&world), "a/x a/y");
    let start = Instant::now();
    deny_all(&mut world, start);
    assert_eq!(names(&world), "a/x a/y", "one denial is not enough");
    deny_all(&mut world, start + Duration::from_secs(1));
    assert_eq!(names(&world), "a/x a/y", "the second comes later");
    deny_all(&mut world, start + ASK_AGAIN);
    assert_eq!(names(&world), "a/x");
    assert!(world.doubts.is_empty());
}

#[test]
fn an_empty_list_is_held_long() {
    let mut world = World::default();
    list(&mut world, &[("a/x", "1", 5)]);
    list(&mut world, &[]);
    let start = Instant::now();
    for seconds in [0, 5, 10, 300] {
        deny_all(&mut world, start + Duration::from_secs(seconds));
    }
    assert_eq!(names(&world), "a/x");
    deny_all(&mut world, start + EMPTY_HOLD);
    assert_eq!(names(&world), "");
}

#[test]
fn errors_settle_nothing_and_the_object_itself_settles_it() {
    let mut world = World::default();
    list(&mut world, &[("a/x", "1", 5), ("a/y", "2", 6)]);
    list(&mut world, &[("a/y", "2", 6)]);
    let start = Instant::now();
    let doubted = world.questions(start).remove(0);
    world.answered(
        Answer {
            doubted: doubted.clone(),
            said: Said::Nothing,
        },
        start,
    );
    assert_eq!(world.doubts.len(), 1);
    world.answered(
        Answer {
            doubted,
            said: Said::There(Box::new(service("a/x", "1", 5))),
        },
        start,
    );
    assert!(world.doubts.is_empty());
}

#[test]
fn observed_deletions_delete_only_their_own_incarnation() {
    let mut world = World::default();
    world.apply(Event::Seen(Kind::Service, service("a/x", "2", 9)));
    assert!(
        world
            .apply(Event::Gone(Kind::Service, service("a/x", "1", 4)))
            .is_empty()
    );
    assert_eq!(names(&world), "a/x");
    assert!(
        !world
            .apply(Event::Gone(Kind::Service, service("a/x", "2", 10)))
            .is_empty()
    );
    assert_eq!(names(&world), "");
}

#[test]
fn older_never_replaces_newer() {
    let mut world = World::default();
    world.apply(Event::Seen(Kind::Service, service("a/x", "1", 9)));
    assert!(
        world
            .apply(Event::Seen(Kind::Service, service("a/x", "1", 8)))
            .is_empty()
    );
    assert_eq!(world.input.services["a/x"].labels["revision"], "9");
    world.apply(Event::Seen(Kind::Service, service("a/x", "2", 3)));
    assert_eq!(
        world.input.services["a/x"].labels["revision"], "3",
        "another incarnation is newer, whatever its revision"
    );
}

#[test]
fn a_cluster_that_cannot_be_reached_touches_only_what_its_word_was_none_for() {
    let mut world = World::default();
    let cluster = |fresh| Seen {
        key: "us-1".into(),
        namespace: String::new(),
        name: "us-1".into(),
        uid: "c".into(),
        revision: 1,
        facts: Facts::Cluster(ClusterFacts {
            fresh,
            ..ClusterFacts::default()
        }),
    };
    assert!(world.apply(Event::Seen(Kind::Cluster, cluster(true))).all);
    for (key, ready) in [("a/x", 2), ("a/y", 0)] {
        let row = RowFacts {
            cluster: "us-1".into(),
            ready_endpoints: Some(ready),
            ..RowFacts::default()
        };
        let facts = crate::snapshot::PlacementFacts {
            clusters: vec!["us-1".into()],
            rows: vec![row],
        };
        world.input.placements.insert(key.into(), facts);
    }
    let dirty = world.apply(Event::Seen(Kind::Cluster, cluster(false)));
    assert_eq!(
        dirty,
        Dirty {
            services: ["a/y".to_owned()].into(),
            ..Dirty::default()
        }
    );
    assert!(!world.input.clusters["us-1"].fresh);
    assert!(world.apply(Event::Seen(Kind::Cluster, cluster(false))).is_empty());
}

#[test]
fn a_hub_that_was_restored_from_a_backup_is_believed_when_it_insists() {
    let mut world = World::default();
    list(&mut world, &[("a/x", "1", 900)]);
    let says = |world: &World| world.input.services["a/x"].labels["revision"].clone();
    world.apply(Event::Seen(Kind::Service, service("a/x", "1", 5)));
    assert_eq!(says(&world), "900", "a late word changes nothing");
    let start = Instant::now();
    let mut ask = |after: Duration| {
        for doubted in world.questions(start + after) {
            let said = Said::There(Box::new(service("a/x", "1", 6)));
            world.answered(Answer { doubted, said }, start + after);
        }
        says(&world)
    };
    assert_eq!(ask(Duration::ZERO), "900");
    assert_eq!(ask(ASK_AGAIN), "900", "a replica that lags catches up in this time");
    assert_eq!(ask(RESTORED_HOLD), "6");
    assert_eq!(world.doubts.len(), 0);
    world.apply(Event::Seen(Kind::Service, service("a/x", "1", 7)));
    assert_eq!(says(&world), "7");
}

#[test]
fn an_older_version_that_the_hub_does_not_repeat_is_forgotten() {
    let mut world = World::default();
    list(&mut world, &[("a/x", "1", 900)]);
    world.apply(Event::Seen(Kind::Service, service("a/x", "1", 5)));
    let now = Instant::now();
    for doubted in world.questions(now) {
        let said = Said::There(Box::new(service("a/x", "1", 900)));
        world.answered(Answer { doubted, said }, now);
    }
    assert!(world.doubts.is_empty());
}

#[test]
fn an_override_expires_by_the_clock_of_this_server() {
    let mut world = World::default();
    let facts = ClusterFacts {
        overrides: vec![OverrideFacts {
            address: None,
            serving: api::cluster::ServingWord::Down,
            until: 1000,
            note: String::new(),
        }],
        ..ClusterFacts::default()
    };
    world.at(500);
    world.input.clusters.insert("us-1".into(), facts);
    assert!(world.at(999).is_empty());
    assert!(world.at(1000).all, "the names are compiled again");
    assert!(world.at(2000).is_empty());
    assert!(world.at(10).all, "a clock that is set back counts too");
}
