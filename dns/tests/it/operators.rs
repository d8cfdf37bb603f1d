//! Drains and overrides: whose addresses leave the answers, until when, and what is said of them.

use std::net::IpAddr;

use dns::explain;
use dns::snapshot::compile;

use crate::fixture::{input, zone};

const NAME: &str = "web.shop.fed.svc.meridian.internal";

/// The addresses in the answer to somebody anywhere, and the steps that explain it.
fn answered(world: &str, now: i64, name: &str) -> (String, String) {
    let mut input = input(world);
    input.now = now;
    let client: IpAddr = "192.0.2.1".parse().unwrap();
    let explained = explain(&compile(&zone(), &input, 1), name, client).unwrap();
    let mut addresses: Vec<&str> = explained
        .answers
        .iter()
        .filter_map(|record| record.split_whitespace().last())
        .collect();
    addresses.sort_unstable();
    (addresses.join(" "), explained.steps.join("\n"))
}

fn world(us: &str, eu: &str) -> String {
    format!(
        "cluster us-1 us {us}\ncluster eu-1 eu {eu}\nservice shop/web http/TCP/80\n\
         at shop/web us-1 10.0.0.1 10.0.0.2 endpoints=2\nat shop/web eu-1 10.0.1.1 endpoints=2"
    )
}

#[test]
fn a_drained_cluster_leaves_the_names_but_never_the_last_one() {
    let (addresses, steps) = answered(&world("drained", ""), 0, NAME);
    assert_eq!(addresses, "10.0.1.1");
    assert!(
        steps.contains("10.0.0.1 of cluster us-1 (us): its cluster is being drained"),
        "{steps}"
    );
    let (regional, _) = answered(&world("drained", ""), 0, "web.shop.fed.svc.us.meridian.internal");
    assert!(
        regional.starts_with("10.0.1.1 web.shop"),
        "the region's name leads to the others: {regional}"
    );
    let (all, steps) = answered(&world("drained", "drained"), 0, NAME);
    assert_eq!(all, "10.0.0.1 10.0.0.2 10.0.1.1");
    assert!(steps.contains("fail open"), "{steps}");
}

#[test]
fn an_override_counts_until_it_expires() {
    let down = world("override=*/Down/1000", "");
    let (addresses, steps) = answered(&down, 999, NAME);
    assert_eq!(addresses, "10.0.1.1");
    assert!(
        steps.contains("an operator says that it is down: until 1000"),
        "{steps}"
    );
    assert_eq!(answered(&down, 1000, NAME).0, "10.0.0.1 10.0.0.2 10.0.1.1");
    // One address alone, and its word goes before the one for all.
    let one = world("override=10.0.0.1/Down/1000", "");
    assert_eq!(answered(&one, 0, NAME).0, "10.0.0.2 10.0.1.1");
    let both = world("override=*/Down/1000 override=10.0.0.1/Up/500", "");
    assert_eq!(answered(&both, 0, NAME).0, "10.0.0.1 10.0.1.1");
    assert_eq!(answered(&both, 500, NAME).0, "10.0.1.1");
}

#[test]
fn up_is_believed_against_probes_and_reports_and_not_against_a_drain() {
    let silent = |us: &str| format!("{}\nprobe 10.0.0.1:80 down\nprobe 10.0.0.2:80 down", world(us, ""));
    assert_eq!(answered(&silent(""), 0, NAME).0, "10.0.1.1");
    assert_eq!(
        answered(&silent("override=*/Up/9"), 0, NAME).0,
        "10.0.0.1 10.0.0.2 10.0.1.1"
    );
    assert_eq!(answered(&silent("drained override=*/Up/9"), 0, NAME).0, "10.0.1.1");
    let empty = world("override=*/Up/9", "").replace("10.0.0.2 endpoints=2", "10.0.0.2 endpoints=0");
    assert_eq!(answered(&empty, 0, NAME).0, "10.0.0.1 10.0.0.2 10.0.1.1");
}
