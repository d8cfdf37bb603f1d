//! Which ClusterRoles and ClusterRoleBindings there are from the start: those that clients of Kubernetes expect, and Meridian's.

use api::well_known::{BOOTSTRAP_GROUP, DNS_USER, GROUP, MASTERS_GROUP};
use machinery::rbac::Rule;

use crate::auth::{AUTHENTICATED, UNAUTHENTICATED, VIEWERS_GROUP};
use crate::kinds::Registry;

/// A ClusterRole.
pub(super) struct DefaultRole {
    pub(super) name: &'static str,
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) rules: Vec<Rule>,
    /// Its rules are those of all roles with this label.
    pub(super) made_of: Option<&'static str>,
}

/// A ClusterRoleBinding.
pub(super) struct DefaultBinding {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    /// Kind and name; of a ServiceAccount, `namespace/name`.
    pub(super) subjects: &'static [(&'static str, &'static str)],
}

const TO_ADMIN: &str = "rbac.authorization.k8s.io/aggregate-to-admin";
const TO_EDIT: &str = "rbac.authorization.k8s.io/aggregate-to-edit";
const TO_VIEW: &str = "rbac.authorization.k8s.io/aggregate-to-view";

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];
const READ_AND_WRITE: &[&str] = crate::kinds::ALL_VERBS;

const ISSUER_DISCOVERY: &str = "system:service-account-issuer-discovery";
const VIEWERS: &str = "system:meridian:viewers";
const BOOTSTRAPPER: &str = "system:meridian:cluster-bootstrapper";

pub(super) const BINDINGS: &[DefaultBinding] = &[
    DefaultBinding {
        name: "cluster-admin",
        role: "cluster-admin",
        subjects: &[("Group", MASTERS_GROUP)],
    },
    DefaultBinding {
        name: "system:basic-user",
        role: "system:basic-user",
        subjects: &[("Group", AUTHENTICATED)],
    },
    DefaultBinding {
        name: "system:discovery",
        role: "system:discovery",
        subjects: &[("Group", AUTHENTICATED)],
    },
    DefaultBinding {
        name: "system:monitoring",
        role: "system:monitoring",
        subjects: &[("Group", "system:monitoring")],
    },
    DefaultBinding {
        name: "system:public-info-viewer",
        role: "system:public-info-viewer",
        subjects: &[("Group", AUTHENTICATED), ("Group", UNAUTHENTICATED)],
    },
    DefaultBinding {
        name: ISSUER_DISCOVERY,
        role: ISSUER_DISCOVERY,
        subjects: &[("Group", "system:serviceaccounts")],
    },
    DefaultBinding {
        name: VIEWERS,
        role: VIEWERS,
        subjects: &[("Group", VIEWERS_GROUP)],
    },
    DefaultBinding {
        name: BOOTSTRAPPER,
        role: BOOTSTRAPPER,
        subjects: &[("Group", BOOTSTRAP_GROUP)],
    },
    DefaultBinding {
        name: "system:meridian:dns",
        role: "system:meridian:dns",
        subjects: &[("User", DNS_USER)],
    },
];

fn plain(name: &'static str, rules: Vec<Rule>) -> DefaultRole {
    DefaultRole {
        name,
        labels: &[],
        rules,
        made_of: None,
    }
}

fn labelled(name: &'static str, labels: &'static [(&'static str, &'static str)], rules: Vec<Rule>) -> DefaultRole {
    DefaultRole {
        labels,
        ..plain(name, rules)
    }
}

fn made_of(name: &'static str, labels: &'static [(&'static str, &'static str)], label: &'static str) -> DefaultRole {
    DefaultRole {
        labels,
        made_of: Some(label),
        ..plain(name, Vec::new())
    }
}

/// All default ClusterRoles of a server.
pub(super) fn cluster_roles(registry: &Registry) -> Vec<DefaultRole> {
    vec![
        plain(
            "cluster-admin",
            vec![Rule::on(&["*"], &["*"], &["*"]), Rule::paths(&["*"], &["*"])],
        ),
        made_of("admin", &[], TO_ADMIN),
        made_of("edit", &[(TO_ADMIN, "true")], TO_EDIT),
        made_of("view", &[(TO_EDIT, "true")], TO_VIEW),
        labelled("system:aggregate-to-admin", &[(TO_ADMIN, "true")], administer()),
        labelled("system:aggregate-to-edit", &[(TO_EDIT, "true")], edit()),
        labelled("system:aggregate-to-view", &[(TO_VIEW, "true")], view()),
        labelled(
            "system:meridian:aggregate-to-edit",
            &[(TO_EDIT, "true")],
            vec![Rule::on(
                &[GROUP],
                &["dnspolicies", "overridepolicies", "propagationpolicies"],
                WRITE,
            )],
        ),
        labelled(
            "system:meridian:aggregate-to-view",
            &[(TO_VIEW, "true")],
            vec![Rule::on(
                &[GROUP],
                &[
                    "dnspolicies",
                    "overridepolicies",
                    "placements",
                    "propagationpolicies",
                    "reports",
                    "resolutions",
                ],
                READ,
            )],
        ),
        plain(
            "system:auth-delegator",
            vec![
                Rule::on(&["authentication.k8s.io"], &["tokenreviews"], &["create"]),
                Rule::on(&["authorization.k8s.io"], &["subjectaccessreviews"], &["create"]),
            ],
        ),
        plain(
            "system:basic-user",
            vec![
                Rule::on(
                    &["authorization.k8s.io"],
                    &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
                    &["create"],
                ),
                Rule::on(&["authentication.k8s.io"], &["selfsubjectreviews"], &["create"]),
            ],
        ),
        plain(
            "system:discovery",
            vec![Rule::paths(
                &[
                    "/",
                    "/api",
                    "/api/*",
                    "/apis",
                    "/apis/*",
                    "/healthz",
                    "/livez",
                    "/openapi",
                    "/openapi/*",
                    "/readyz",
                    "/version",
                    "/version/",
                ],
                &["get"],
            )],
        ),
        plain(
            "system:monitoring",
            vec![Rule::paths(
                &[
                    "/healthz",
                    "/healthz/*",
                    "/livez",
                    "/livez/*",
                    "/metrics",
                    "/metrics/slis",
                    "/readyz",
                    "/readyz/*",
                ],
                &["get"],
            )],
        ),
        plain(
            "system:public-info-viewer",
            vec![Rule::paths(
                &["/healthz", "/livez", "/readyz", "/version", "/version/"],
                &["get"],
            )],
        ),
        plain(
            ISSUER_DISCOVERY,
            vec![Rule::paths(
                &[
                    "/.well-known/openid-configuration",
                    "/.well-known/openid-configuration/",
                    "/openid/v1/jwks",
                    "/openid/v1/jwks/",
                ],
                &["get"],
            )],
        ),
        plain(VIEWERS, viewers(registry)),
        plain(
            BOOTSTRAPPER,
            vec![Rule::on(
                &["certificates.k8s.io"],
                &["certificatesigningrequests"],
                &["create", "get", "list", "watch"],
            )],
        ),
        plain("system:meridian:dns", dns()),
    ]
}

fn administer() -> Vec<Rule> {
    vec![
        Rule::on(&["authorization.k8s.io"], &["localsubjectaccessreviews"], &["create"]),
        Rule::on(&[machinery::rbac::GROUP], &["rolebindings", "roles"], READ_AND_WRITE),
    ]
}

fn edit() -> Vec<Rule> {
    let secret = [
        "pods/attach",
        "pods/exec",
        "pods/portforward",
        "pods/proxy",
        "secrets",
        "services/proxy",
    ];
    let pods = ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"];
    let core = [
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "secrets",
        "serviceaccounts",
        "services",
        "services/proxy",
    ];
    let apps = [
        "daemonsets",
        "deployments",
        "deployments/rollback",
        "deployments/scale",
        "replicasets",
        "replicasets/scale",
        "statefulsets",
        "statefulsets/scale",
    ];
    vec![
        Rule::on(&[""], &secret, READ),
        Rule::on(&[""], &["serviceaccounts"], &["impersonate"]),
        Rule::on(&[""], &pods, WRITE),
        Rule::on(&[""], &["pods/eviction"], &["create"]),
        Rule::on(&[""], &core, WRITE),
        Rule::on(&[""], &["serviceaccounts/token"], &["create"]),
        Rule::on(&["", "events.k8s.io"], &["events"], WRITE),
        Rule::on(&["apps"], &apps, WRITE),
        Rule::on(&["autoscaling"], &["horizontalpodautoscalers"], WRITE),
        Rule::on(&["batch"], &["cronjobs", "jobs"], WRITE),
        Rule::on(&["policy"], &["poddisruptionbudgets"], WRITE),
        Rule::on(&["networking.k8s.io"], &["ingresses", "networkpolicies"], WRITE),
        Rule::on(&["coordination.k8s.io"], &["leases"], READ_AND_WRITE),
    ]
}

fn view() -> Vec<Rule> {
    let core = [
        "configmaps",
        "endpoints",
        "persistentvolumeclaims",
        "persistentvolumeclaims/status",
        "pods",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "serviceaccounts",
        "services",
        "services/status",
    ];
    let told = [
        "bindings",
        "limitranges",
        "namespaces/status",
        "pods/log",
        "pods/status",
        "replicationcontrollers/status",
        "resourcequotas",
        "resourcequotas/status",
    ];
    let apps = [
        "controllerrevisions",
        "daemonsets",
        "daemonsets/status",
        "deployments",
        "deployments/scale",
        "deployments/status",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
        "statefulsets",
        "statefulsets/scale",
        "statefulsets/status",
    ];
    let scalers = ["horizontalpodautoscalers", "horizontalpodautoscalers/status"];
    let batch = ["cronjobs", "cronjobs/status", "jobs", "jobs/status"];
    let budgets = ["poddisruptionbudgets", "poddisruptionbudgets/status"];
    let networking = ["ingresses", "ingresses/status", "networkpolicies"];
    vec![
        Rule::on(&[""], &core, READ),
        Rule::on(&[""], &told, READ),
        Rule::on(&[""], &["namespaces"], READ),
        Rule::on(&["", "events.k8s.io"], &["events"], READ),
        Rule::on(&["discovery.k8s.io"], &["endpointslices"], READ),
        Rule::on(&["apps"], &apps, READ),
        Rule::on(&["autoscaling"], &scalers, READ),
        Rule::on(&["batch"], &batch, READ),
        Rule::on(&["policy"], &budgets, READ),
        Rule::on(&["networking.k8s.io"], &networking, READ),
    ]
}

/// Everything that is served but Secrets; streams of members, which carry Secrets, are no kinds and not among it.
fn viewers(registry: &Registry) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for kind in registry.kinds() {
        if kind.strategy.review.is_some() || (kind.group.is_empty() && kind.plural == "secrets") {
            continue;
        }
        let mut resources = vec![kind.plural.to_owned()];
        if kind.strategy.status {
            resources.push(format!("{}/status", kind.plural));
        }
        if kind.strategy.scale.is_some() {
            resources.push(format!("{}/scale", kind.plural));
        }
        match rules.iter_mut().find(|rule| rule.api_groups == [kind.group.as_str()]) {
            Some(rule) => rule.resources.extend(resources),
            None => rules.push(Rule {
                resources,
                ..Rule::on(&[&kind.group], &[], READ)
            }),
        }
    }
    rules.push(Rule::paths(&["/metrics"], &["get"]));
    rules
}

/// What answers are compiled from, and where they are told.
fn dns() -> Vec<Rule> {
    let ours = [
        "clusters",
        "dnspolicies",
        "heartbeats",
        "placements",
        "regions",
        "reports",
        "resolutions",
    ];
    vec![
        Rule::on(&[""], &["namespaces", "services"], READ),
        Rule::on(&[GROUP], &ours, READ),
        Rule::on(&[GROUP], &["resolutions"], &["create", "delete", "patch", "update"]),
    ]
}

#[cfg(test)]
mod tests {
    use machinery::rbac::uncovered;

    use super::*;
    use crate::kinds::Profile;

    #[test]
    fn viewers_never_see_secrets_or_manifests() {
        let rules = viewers(&Registry::of(Profile::Hub));
        let may = |group, resource| uncovered(&rules, &[Rule::on(&[group], &[resource], &["get"])]).is_empty();
        assert!(may("", "configmaps") && may("apps", "deployments/scale") && may(GROUP, "clusters/status"));
        assert!(!may("", "secrets") && !may("", "*") && !may(GROUP, "clusters/manifests"));
        assert!(
            rules
                .iter()
                .all(|rule| !rule.verbs.iter().any(|verb| WRITE.contains(&verb.as_str())))
        );
    }

    #[test]
    fn bindings_name_roles_that_are_there() {
        let roles = cluster_roles(&Registry::of(Profile::Hub));
        for binding in BINDINGS {
            assert!(roles.iter().any(|role| role.name == binding.role), "{}", binding.name);
        }
    }
}
