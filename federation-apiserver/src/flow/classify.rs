//! Which level and flow a request belongs to. Pure: the tables are built in, as in kube-apiserver those that nobody may delete.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use api::well_known::{CLUSTERS_GROUP, MASTERS_GROUP};
use http::HeaderValue;

use crate::auth::UserInfo;
use crate::http::path::{ResourcePath, Target};

/// A level: requests that share seats.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) name: &'static str,
    /// Of all seats, in parts.
    pub(super) shares: u32,
    pub(super) queues: usize,
    /// Queues that one flow may use.
    pub(super) hand: usize,
    /// Requests in one queue.
    pub(super) length: usize,
}

const fn level(name: &'static str, shares: u32, queues: usize, hand: usize) -> Level {
    Level {
        name,
        shares,
        queues,
        hand,
        length: 50,
    }
}

pub(super) const LEVELS: [Level; 5] = [
    level("leader-election", 10, 16, 4),
    level("system", 30, 64, 6),
    level("workload-high", 40, 128, 6),
    level("workload-low", 100, 128, 6),
    level("global-default", 20, 128, 6),
];

/// A rule that puts requests into a level.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) name: &'static str,
    /// Place in [`LEVELS`]; none for what needs no seat.
    pub(super) level: Option<usize>,
}

const fn schema(name: &'static str, level: usize) -> Schema {
    Schema {
        name,
        level: Some(level),
    }
}

static EXEMPT: Schema = Schema {
    name: "exempt",
    level: None,
};
static PROBES: Schema = Schema {
    name: "probes",
    level: None,
};
static LEADER_ELECTION: Schema = schema("system-leader-election", 0);
static MEMBERS: Schema = schema("meridian-members", 1);
static SYSTEM_ACCOUNTS: Schema = schema("kube-system-service-accounts", 2);
static ACCOUNTS: Schema = schema("service-accounts", 3);
static DEFAULT: Schema = schema("global-default", 4);

static NAMES: LazyLock<BTreeMap<&'static str, HeaderValue>> = LazyLock::new(|| {
    let schemas = [
        &EXEMPT,
        &PROBES,
        &LEADER_ELECTION,
        &MEMBERS,
        &SYSTEM_ACCOUNTS,
        &ACCOUNTS,
        &DEFAULT,
    ];
    let names = schemas
        .iter()
        .map(|schema| schema.name)
        .chain(LEVELS.iter().map(|level| level.name));
    names.filter_map(|name| Some((name, super::uid(name)?))).collect()
});

/// The uid of a schema or level.
pub(super) fn named(name: &str) -> Option<&'static HeaderValue> {
    NAMES.get(name)
}

fn is_probe(target: &Target) -> bool {
    let Target::Page(path) = target else { return false };
    ["/healthz", "/livez", "/readyz"].iter().any(|probe| {
        path.strip_prefix(probe)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn is_election(verb: &str, path: &ResourcePath) -> bool {
    path.group == "coordination.k8s.io" && path.resource == "leases" && matches!(verb, "get" | "create" | "update")
}

/// The schema of a request: the first that matches.
pub(super) fn of(user: &UserInfo, verb: &str, target: &Target) -> &'static Schema {
    if user.in_group(MASTERS_GROUP) {
        return &EXEMPT;
    }
    if is_probe(target) {
        return &PROBES;
    }
    let of_system = user.in_group("system:serviceaccounts:kube-system");
    let runs_system = of_system || user.name.starts_with("system:kube-") || user.name.starts_with("system:meridian:");
    match target {
        Target::Resource(path) if runs_system && is_election(verb, path) => &LEADER_ELECTION,
        _ if user.in_group(CLUSTERS_GROUP) || user.name == api::well_known::DNS_USER => &MEMBERS,
        _ if of_system => &SYSTEM_ACCOUNTS,
        _ if user.in_group("system:serviceaccounts") => &ACCOUNTS,
        _ => &DEFAULT,
    }
}

/// The flow of a request within its schema: one a user.
pub(super) fn flow(schema: &Schema, user: &UserInfo) -> u64 {
    let mut hasher = DefaultHasher::new();
    (schema.name, &user.name).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::path::parse;

    #[test]
    fn who_goes_where() {
        let of = |name: &str, groups: &[&str], verb: &str, path: &str| {
            let user = UserInfo::new(name, groups.iter().copied());
            super::of(&user, verb, &parse(path).unwrap()).name
        };
        let pods = "/api/v1/namespaces/a/pods";
        let lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x";
        assert_eq!(of("admin", &[MASTERS_GROUP], "list", pods), "exempt");
        assert_eq!(of("system:anonymous", &[], "get", "/readyz/ping"), "probes");
        assert_eq!(of("system:anonymous", &[], "get", "/readyzz"), "global-default");
        assert_eq!(
            of("system:kube-scheduler", &[], "update", lease),
            "system-leader-election"
        );
        assert_eq!(of("alice", &[], "update", lease), "global-default");
        assert_eq!(
            of("system:meridian:cluster:eu-1", &[CLUSTERS_GROUP], "watch", pods),
            "meridian-members"
        );
        let groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
        assert_eq!(
            of("system:serviceaccount:kube-system:gc", &groups, "list", pods),
            "kube-system-service-accounts"
        );
        assert_eq!(
            of("system:serviceaccount:a:b", &groups[..1], "list", pods),
            "service-accounts"
        );
        let (alice, bob) = (UserInfo::new("alice", ["devs"]), UserInfo::new("bob", ["devs"]));
        assert_ne!(flow(&DEFAULT, &alice), flow(&DEFAULT, &bob));
        assert_eq!(flow(&DEFAULT, &alice), flow(&DEFAULT, &alice));
        assert!(named("exempt").is_some() && named("workload-low").is_some());
    }
}
