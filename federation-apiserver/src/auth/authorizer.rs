//! May this user do that? Role-based access control over the roles in the watch cache, and the little that needs no role:
//!
//! | who | what |
//! |---|---|
//! | `system:masters` | everything |
//! | `system:meridian:clusters`, user `system:meridian:cluster:NAME` | its own Cluster and manifests (get, list, watch), reports (create) and tunnel (get), the identity of the federation, requests for its next certificate |
//! | anybody | health |
//!
//! Roles are kept in a compiled form that follows the cache's history, so that a request parses none of them.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use api::well_known::{GROUP, MASTERS_GROUP};
use machinery::rbac::{self, Grant, Policy, Rule, Verdict, Who};
use serde::de::DeserializeOwned;

pub use machinery::rbac::Asked;

use super::UserInfo;
use crate::cache::{Cache, CachedObject, EventType, KindCache, WatchCursor};
use crate::store::KindKey;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on; by this binding, or without any role.
    Allowed(Option<Grant>),
    /// No; with the roles that the asker's bindings name and that are missing.
    Denied(Vec<String>),
}

impl Decision {
    /// Whether it is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed(_) => true,
            Self::Denied(_) => false,
        }
    }

    /// Goes on, or tells what was refused to whom.
    pub(crate) fn or_refusal(&self, user: &UserInfo, asked: Asked<'_>) -> Result<(), String> {
        if self.is_allowed() {
            return Ok(());
        }
        let refusal = refusal(user, asked);
        let reason = self.reason();
        Err(if reason.is_empty() {
            refusal
        } else {
            format!("{refusal}: {reason}")
        })
    }

    /// Why, as reviews tell it; empty where there is nothing to tell.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Allowed(None) => String::new(),
            Self::Allowed(Some(grant)) => format!("RBAC: allowed by {grant}"),
            Self::Denied(missing) => match missing.as_slice() {
                [] => String::new(),
                [one] => format!("RBAC: {one}"),
                more => format!("RBAC: [{}]", more.join(", ")),
            },
        }
    }
}

/// Load balancers and supervisors ask without credentials, and must not depend on any object.
static HEALTH: LazyLock<Rule> = LazyLock::new(|| {
    let paths = ["/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*"];
    Rule::paths(&paths, &["get"])
});

/// What a member's syncer may do, whatever roles say: its own streams.
fn own_streams(user: &UserInfo) -> Option<[Rule; 6]> {
    let cluster = user.cluster()?;
    let on = |stream, verbs: &[&str]| Rule::on(&[GROUP], &[stream], verbs).named(&[cluster]);
    let read = ["get", "list", "watch"];
    Some([
        on("clusters/manifests", &read),
        on("clusters/reports", &["create"]),
        on("clusters/tunnel", &["get"]),
        on("clusters", &read),
        // Its uid is the identity of the federation, which members carry as a mark.
        Rule::on(&[""], &["namespaces"], &["get"]).named(&["kube-system"]),
        Rule::on(
            &["certificates.k8s.io"],
            &["certificatesigningrequests"],
            &["create", "get", "list", "watch"],
        ),
    ])
}

/// The four kinds that a policy is made of.
#[derive(Clone, Copy, Debug)]
enum Part {
    ClusterRole,
    Role,
    ClusterRoleBinding,
    RoleBinding,
}

const PARTS: [(Part, &str); 4] = [
    (Part::ClusterRole, "clusterroles"),
    (Part::Role, "roles"),
    (Part::ClusterRoleBinding, "clusterrolebindings"),
    (Part::RoleBinding, "rolebindings"),
];

impl Part {
    /// Takes an object up, or out where it is gone.
    fn put(self, policy: &mut Policy, object: &CachedObject, there: bool) {
        let (namespace, name) = (&*object.key.namespace, &*object.key.name);
        match self {
            Self::ClusterRole => policy.cluster_role(name, read(object, there)),
            Self::Role => policy.role(namespace, name, read(object, there)),
            Self::ClusterRoleBinding => policy.binding("", name, read(object, there)),
            Self::RoleBinding => policy.binding(namespace, name, read(object, there)),
        }
    }
}

/// What cannot be read grants nothing.
fn read<T: DeserializeOwned>(object: &CachedObject, there: bool) -> Option<T> {
    if !there {
        return None;
    }
    serde_json::from_slice(&object.bytes)
        .inspect_err(|error| tracing::error!(%error, key = %object.key, "a stored role or binding cannot be read and grants nothing; write it anew"))
        .ok()
}

/// What was read so far.
#[derive(Debug, Default)]
struct Followed {
    policy: Arc<Policy>,
    /// A place in the history of each part; none where all must be read anew.
    places: Option<Vec<WatchCursor>>,
}

/// Judges requests.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer {
    kinds: Arc<[(Part, Arc<KindCache>)]>,
    followed: Arc<Mutex<Followed>>,
}

impl Authorizer {
    pub(crate) fn new(cache: &Cache) -> Self {
        let kind = |(part, plural)| (part, cache.kind(&KindKey::new(rbac::GROUP, plural)));
        Self {
            kinds: PARTS.into_iter().map(kind).collect(),
            followed: Arc::default(),
        }
    }

    /// The roles and bindings as of now.
    fn policy(&self) -> Arc<Policy> {
        // A poisoned lock may guard a half-applied change: read everything anew then.
        let mut followed = self.followed.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut followed = poisoned.into_inner();
            followed.places = None;
            self.followed.clear_poison();
            followed
        });
        if !self.catch_up(&mut followed) {
            self.read_anew(&mut followed);
        }
        followed.policy.clone()
    }

    /// Applies what is new; false where the history no longer tells.
    fn catch_up(&self, followed: &mut Followed) -> bool {
        let Some(places) = &mut followed.places else {
            return false;
        };
        for ((part, _), place) in self.kinds.iter().zip(places) {
            loop {
                let Ok(events) = place.ready() else { return false };
                if events.is_empty() {
                    break;
                }
                let policy = Arc::make_mut(&mut followed.policy);
                for event in events {
                    part.put(policy, &event.object, event.event_type != EventType::Deleted);
                }
            }
        }
        true
    }

    fn read_anew(&self, followed: &mut Followed) {
        let mut policy = Policy::default();
        let place = |(part, kind): &(Part, Arc<KindCache>)| {
            let snapshot = kind.snapshot();
            for object in snapshot.iter() {
                part.put(&mut policy, object, true);
            }
            kind.watch(snapshot.revision).ok()
        };
        // Where a history has moved past its snapshot meanwhile, the next question begins anew.
        followed.places = self.kinds.iter().map(place).collect();
        followed.policy = Arc::new(policy);
    }

    /// Decides.
    pub(crate) fn judge(&self, user: &UserInfo, asked: Asked<'_>) -> Decision {
        if user.in_group(MASTERS_GROUP)
            || HEALTH.allows(asked)
            || own_streams(user).is_some_and(|rules| rules.iter().any(|rule| rule.allows(asked)))
        {
            return Decision::Allowed(None);
        }
        match self.policy().judge(who(user), asked) {
            Verdict::Allowed(grant) => Decision::Allowed(Some(grant)),
            Verdict::Silent(missing) => Decision::Denied(missing),
        }
    }

    /// Goes on, or tells what kube-apiserver tells: `User "x" cannot ...`.
    pub(crate) fn permit(&self, user: &UserInfo, asked: Asked<'_>) -> Result<(), String> {
        self.judge(user, asked).or_refusal(user, asked)
    }

    /// All rules that a user holds in a namespace, and which of the user's roles are missing.
    pub(crate) fn held(&self, user: &UserInfo, namespace: &str) -> (Vec<Rule>, Vec<String>) {
        let (mut rules, missing) = self.policy().held(who(user), namespace);
        rules.extend(own_streams(user).into_iter().flatten());
        (rules, missing)
    }

    /// The rules of a role that a binding names; an error tells that it is missing.
    pub(crate) fn rules_of(&self, kind: &str, name: &str, namespace: &str) -> Result<Vec<Rule>, String> {
        Ok(self.policy().rules_of(kind, name, namespace)?.rules.clone())
    }
}

fn who(user: &UserInfo) -> Who<'_> {
    Who {
        name: &user.name,
        groups: &user.groups,
    }
}

fn refusal(user: &UserInfo, asked: Asked<'_>) -> String {
    let who = &user.name;
    match asked {
        Asked::Path { verb, path } => format!("User {who:?} cannot {verb} path {path:?}"),
        Asked::Resource {
            verb,
            group,
            resource,
            subresource,
            namespace,
            name: _,
        } => {
            let resource = if subresource.is_empty() {
                resource.to_owned()
            } else {
                format!("{resource}/{subresource}")
            };
            let place = if namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {namespace:?}")
            };
            format!("User {who:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use api::Revision;
    use serde_json::{Value, json};

    use super::*;
    use crate::cache::{HistoryConfig, canonical};
    use crate::store::{Committed, ObjectKey, Op};

    /// An authorizer over caches that no store feeds.
    fn authorizer() -> Authorizer {
        let kind = |(part, plural)| {
            let key = KindKey::new(rbac::GROUP, plural);
            (
                part,
                KindCache::detached(key, Revision::FIRST, HistoryConfig::default()),
            )
        };
        Authorizer {
            kinds: PARTS.into_iter().map(kind).collect(),
            followed: Arc::default(),
        }
    }

    fn commit(kind: &KindCache, number: u64, namespace: &str, name: &str, op: Op, mut body: Value) -> Committed {
        body["metadata"] = json!({ "name": name });
        let revision = Revision::new(number).unwrap();
        Committed {
            key: ObjectKey::new(kind.kind(), namespace, name),
            uid: name.into(),
            op,
            revision,
            created_revision: revision,
            body: canonical(&body),
        }
    }

    fn bound(role: &str, user: &str) -> Value {
        json!({"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": [{"kind": "User", "name": user}]})
    }

    fn reads(authorizer: &Authorizer, user: &UserInfo, resource: &str) -> bool {
        let asked = Asked::Resource {
            verb: "get",
            group: "",
            resource,
            subresource: "",
            namespace: "shop",
            name: "a",
        };
        authorizer.judge(user, asked).is_allowed()
    }

    #[test]
    fn roles_are_followed() {
        let authorizer = authorizer();
        let (roles, bindings) = (authorizer.kinds[0].1.clone(), authorizer.kinds[2].1.clone());
        let user = UserInfo::new("u", Vec::<String>::new());
        let role = |resource: &str| json!({"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": [resource]}]});
        assert!(!reads(&authorizer, &user, "configmaps"));
        roles.apply(&[commit(&roles, 10, "", "r", Op::Created, role("configmaps"))]);
        bindings.apply(&[commit(&bindings, 11, "", "b", Op::Created, bound("r", "u"))]);
        assert!(reads(&authorizer, &user, "configmaps"));
        roles.apply(&[commit(&roles, 12, "", "r", Op::Updated, role("secrets"))]);
        assert!(!reads(&authorizer, &user, "configmaps") && reads(&authorizer, &user, "secrets"));

        // More news than are told at once.
        for number in 0..600 {
            let name = format!("r{number}");
            roles.apply(&[commit(&roles, 20 + number, "", &name, Op::Created, role(&name))]);
        }
        bindings.apply(&[commit(&bindings, 700, "", "last", Op::Created, bound("r599", "u"))]);
        assert!(reads(&authorizer, &user, "r599"));

        // Null lists are empty; what cannot be read grants nothing.
        roles.apply(&[commit(&roles, 701, "", "r", Op::Updated, json!({"rules": null}))]);
        roles.apply(&[commit(&roles, 702, "", "r599", Op::Updated, json!({"rules": "all"}))]);
        assert!(!reads(&authorizer, &user, "secrets") && !reads(&authorizer, &user, "r599"));

        bindings.apply(&[commit(&bindings, 703, "", "b", Op::Updated, bound("r1", "u"))]);
        assert!(reads(&authorizer, &user, "r1"));
        bindings.apply(&[commit(&bindings, 704, "", "b", Op::Deleted, bound("r1", "u"))]);
        assert!(!reads(&authorizer, &user, "r1"));

        let revision = Revision::new(800).unwrap();
        bindings.reset(
            revision,
            &[commit(&bindings, 750, "", "c", Op::Created, bound("r2", "u"))],
        );
        assert!(
            reads(&authorizer, &user, "r2"),
            "a history that began anew is read anew"
        );
        roles.reset(revision, &[]);
        assert!(!reads(&authorizer, &user, "r2"));
    }

    #[test]
    fn what_needs_no_role() {
        let authorizer = authorizer();
        let cluster = UserInfo::new("system:meridian:cluster:eu-1", ["system:meridian:clusters"]);
        let pretender = UserInfo::new("system:meridian:cluster:eu-1", Vec::<String>::new());
        let admin = UserInfo::new("a", [MASTERS_GROUP]);
        let nobody = UserInfo::anonymous();
        let stream = |user: &UserInfo, verb, resource, subresource, name| {
            let asked = Asked::Resource {
                verb,
                group: GROUP,
                resource,
                subresource,
                namespace: "",
                name,
            };
            authorizer.judge(user, asked).is_allowed()
        };
        for (user, verb, subresource, name, want) in [
            (&cluster, "watch", "manifests", "eu-1", true),
            (&cluster, "list", "manifests", "eu-1", true),
            (&cluster, "watch", "manifests", "us-1", false),
            (&cluster, "create", "reports", "eu-1", true),
            (&cluster, "create", "reports", "us-1", false),
            (&cluster, "create", "manifests", "eu-1", false),
            (&cluster, "get", "", "eu-1", true),
            (&cluster, "get", "", "us-1", false),
            (&cluster, "list", "", "", false),
            (&cluster, "patch", "", "eu-1", false),
            (&cluster, "get", "tunnel", "eu-1", true),
            (&cluster, "get", "tunnel", "us-1", false),
            (&pretender, "get", "tunnel", "eu-1", false),
            (&cluster, "list", "manifests", "", false),
            (&pretender, "watch", "manifests", "eu-1", false),
            (&admin, "delete", "", "eu-1", true),
            (&nobody, "get", "", "eu-1", false),
        ] {
            assert_eq!(
                stream(user, verb, "clusters", subresource, name),
                want,
                "{} {verb} {subresource} {name}",
                user.name
            );
        }
        assert!(!stream(&cluster, "get", "placements", "manifests", "eu-1"));
        for (path, want) in [
            ("/livez", true),
            ("/livez/ping", true),
            ("/livezz", false),
            ("/metrics", false),
            ("/apis", false),
        ] {
            let decision = authorizer.judge(&nobody, Asked::Path { verb: "get", path });
            assert_eq!(decision.is_allowed(), want, "{path}");
        }
        assert_eq!(
            authorizer.permit(
                &nobody,
                Asked::Path {
                    verb: "get",
                    path: "/metrics"
                }
            ),
            Err("User \"system:anonymous\" cannot get path \"/metrics\"".to_owned())
        );
        assert!(!reads(&authorizer, &cluster, "secrets"));
    }
}
