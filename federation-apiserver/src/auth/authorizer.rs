//! May this user do that? A fixed answer by group, until roles are served.
//!
//! | who | what |
//! |---|---|
//! | `system:masters` | everything |
//! | `system:meridian:clusters`, user `system:meridian:cluster:NAME` | its own manifests (get, list, watch) and reports (create) |
//! | `system:meridian:dns` | what it compiles (read) and Resolutions |
//! | `system:meridian:viewers` | get, list, watch of everything but Secrets |
//! | whoever proved who they are | discovery, OpenAPI, version, health; to ask who they are and what they may |
//! | anybody | version, health |

use api::well_known::{DNS_USER, GROUP, MASTERS_GROUP};

use super::{AUTHENTICATED, UserInfo, VIEWERS_GROUP};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// A verb on a resource.
    Resource {
        /// Verb, in lower case.
        verb: &'a str,
        /// Group, empty for core.
        group: &'a str,
        /// Resource.
        resource: &'a str,
        /// Subresource, empty for none.
        subresource: &'a str,
        /// Namespace, empty for none.
        namespace: &'a str,
        /// Name, empty for a collection.
        name: &'a str,
    },
    /// A verb on a path that is no resource.
    Path {
        /// HTTP method, in lower case.
        verb: &'a str,
        /// The path.
        path: &'a str,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed,
    /// No; the text is kube-apiserver's: `User "x" cannot ...`.
    Denied(String),
}

const PUBLIC_PATHS: &[&str] = &["/version", "/livez", "/readyz", "/healthz"];
const DISCOVERY_PATHS: &[&str] = &["/api", "/apis", "/openapi", "/version", "/"];

/// What the DNS servers compile their answers from.
const DNS_READS: &[(&str, &str)] = &[
    ("", "services"),
    ("", "namespaces"),
    (GROUP, "placements"),
    (GROUP, "clusters"),
    (GROUP, "regions"),
    (GROUP, "dnspolicies"),
    (GROUP, "heartbeats"),
    (GROUP, "reports"),
    (GROUP, "resolutions"),
];

/// Whoever is known may ask about themselves.
const SELF_REVIEWS: &[(&str, &str)] = &[
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
];

fn under(path: &str, roots: &[&str]) -> bool {
    roots.iter().any(|root| {
        path == *root || (*root != "/" && path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')))
    })
}

fn reads(verb: &str) -> bool {
    matches!(verb, "get" | "list" | "watch")
}

/// Decides.
#[must_use]
pub fn authorize(user: &UserInfo, asked: Asked<'_>) -> Decision {
    if user.in_group(MASTERS_GROUP) {
        return Decision::Allowed;
    }
    let allowed = match asked {
        Asked::Path { verb, path } => {
            matches!(verb, "get" | "head")
                && (under(path, PUBLIC_PATHS)
                    || (user.in_group(AUTHENTICATED) && under(path, DISCOVERY_PATHS))
                    || (user.in_group(VIEWERS_GROUP) && path == "/metrics"))
        }
        Asked::Resource {
            verb,
            group,
            resource,
            subresource,
            namespace: _,
            name,
        } => {
            let own_stream = user.cluster().is_some_and(|own| own == name)
                && group == GROUP
                && resource == "clusters"
                && match subresource {
                    "manifests" => reads(verb),
                    "reports" => verb == "create",
                    _ => false,
                };
            let dns = user.name == DNS_USER
                && ((reads(verb) && DNS_READS.contains(&(group, resource)))
                    || (group == GROUP && resource == "resolutions" && verb != "deletecollection"));
            let about_oneself =
                user.in_group(AUTHENTICATED) && verb == "create" && SELF_REVIEWS.contains(&(group, resource));
            let viewer = user.in_group(VIEWERS_GROUP)
                && reads(verb)
                && resource != "*"
                && !(group.is_empty() && resource == "secrets")
                && !(resource == "clusters" && subresource == "manifests");
            own_stream || dns || viewer || about_oneself
        }
    };
    if allowed {
        Decision::Allowed
    } else {
        Decision::Denied(reason(user, asked))
    }
}

fn reason(user: &UserInfo, asked: Asked<'_>) -> String {
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
    use super::*;

    fn allowed(user: &UserInfo, verb: &str, group: &str, resource: &str, sub: &str, name: &str) -> bool {
        let asked = Asked::Resource {
            verb,
            group,
            resource,
            subresource: sub,
            namespace: "",
            name,
        };
        authorize(user, asked) == Decision::Allowed
    }

    #[test]
    fn groups() {
        let admin = UserInfo::new("a", ["system:masters"]);
        let viewer = UserInfo::new("v", [VIEWERS_GROUP]);
        let eu = UserInfo::new("system:meridian:cluster:eu-1", ["system:meridian:clusters"]);
        let dns = UserInfo::new(DNS_USER, Vec::<String>::new());
        let nobody = UserInfo::anonymous();
        // who | verb group resource subresource name | allowed
        for (user, verb, group, resource, sub, name, want) in [
            (&admin, "delete", "", "secrets", "", "x", true),
            (&viewer, "list", "apps", "deployments", "", "", true),
            (&viewer, "list", "", "secrets", "", "", false),
            (&viewer, "get", GROUP, "clusters", "manifests", "eu-1", false),
            (&viewer, "create", "apps", "deployments", "", "", false),
            (&eu, "watch", GROUP, "clusters", "manifests", "eu-1", true),
            (&eu, "watch", GROUP, "clusters", "manifests", "us-1", false),
            (&eu, "create", GROUP, "clusters", "reports", "eu-1", true),
            (&eu, "create", GROUP, "clusters", "reports", "us-1", false),
            (&eu, "get", GROUP, "clusters", "", "eu-1", false),
            (&eu, "list", "", "secrets", "", "", false),
            (&dns, "update", GROUP, "resolutions", "", "web", true),
            (&dns, "list", "", "secrets", "", "", false),
            (&nobody, "list", "", "configmaps", "", "", false),
            (&viewer, "get", "", "*", "", "", false),
            (
                &eu,
                "create",
                "authorization.k8s.io",
                "selfsubjectaccessreviews",
                "",
                "",
                true,
            ),
            (
                &eu,
                "create",
                "authorization.k8s.io",
                "subjectaccessreviews",
                "",
                "",
                false,
            ),
            (
                &nobody,
                "create",
                "authorization.k8s.io",
                "selfsubjectaccessreviews",
                "",
                "",
                false,
            ),
            (&viewer, "impersonate", "", "users", "", "x", false),
        ] {
            assert_eq!(
                allowed(user, verb, group, resource, sub, name),
                want,
                "{} {verb} {resource}/{sub}",
                user.name
            );
        }
    }

    #[test]
    fn paths() {
        let allowed = |user: &UserInfo, path| authorize(user, Asked::Path { verb: "get", path }) == Decision::Allowed;
        let known = UserInfo::new("k", Vec::<String>::new());
        let nobody = UserInfo::anonymous();
        assert!(allowed(&nobody, "/version") && allowed(&nobody, "/livez/ping"));
        assert!(!allowed(&nobody, "/apis") && !allowed(&nobody, "/metrics") && !allowed(&nobody, "/versions"));
        assert!(allowed(&known, "/openapi/v3/api/v1") && allowed(&known, "/") && !allowed(&known, "/metrics"));
        assert_eq!(
            authorize(
                &nobody,
                Asked::Path {
                    verb: "get",
                    path: "/metrics"
                }
            ),
            Decision::Denied("User \"system:anonymous\" cannot get path \"/metrics\"".into())
        );
    }
}
