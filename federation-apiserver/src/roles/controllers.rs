//! Roles and bindings of the generic controllers, under the names and with the rules that a kube-controller-manager expects: with
//! them it works against the hub without being an administrator. Absent: the controllers of workloads, nodes and volumes,
//! which have nothing to do on a hub.

use machinery::rbac::{GROUP, Rule};

use super::defaults::{DefaultBinding, DefaultRole};

/// The user as which a kube-controller-manager is known.
const MANAGER: &str = "system:kube-controller-manager";

/// A binding of a controller's role to the account in `kube-system` under which it acts.
macro_rules! account {
    ($name:literal) => {
        DefaultBinding {
            name: concat!("system:controller:", $name),
            role: concat!("system:controller:", $name),
            subjects: &[("ServiceAccount", concat!("kube-system/", $name))],
        }
    };
}

/// The bindings.
pub(super) const BINDINGS: &[DefaultBinding] = &[
    DefaultBinding {
        name: MANAGER,
        role: MANAGER,
        subjects: &[("User", MANAGER)],
    },
    account!("clusterrole-aggregation-controller"),
    account!("generic-garbage-collector"),
    account!("namespace-controller"),
    account!("resourcequota-controller"),
    account!("root-ca-cert-publisher"),
    account!("service-account-controller"),
];

/// The roles.
pub(super) fn cluster_roles() -> Vec<DefaultRole> {
    let events = || Rule::on(&["", "events.k8s.io"], &["events"], &["create", "patch", "update"]);
    let role = |name: &'static str, rules: Vec<Rule>| DefaultRole {
        name,
        labels: &[],
        rules,
        made_of: None,
    };
    vec![
        role(MANAGER, manager(events())),
        role(
            "system:controller:clusterrole-aggregation-controller",
            vec![Rule::on(
                &[GROUP],
                &["clusterroles"],
                &["escalate", "get", "list", "patch", "update", "watch"],
            )],
        ),
        role(
            "system:controller:generic-garbage-collector",
            vec![
                Rule::on(&["*"], &["*"], &["delete", "get", "list", "patch", "update", "watch"]),
                events(),
            ],
        ),
        role(
            "system:controller:namespace-controller",
            vec![
                Rule::on(&[""], &["namespaces"], &["delete", "get", "list", "watch"]),
                Rule::on(&[""], &["namespaces/finalize", "namespaces/status"], &["update"]),
                Rule::on(&["*"], &["*"], &["delete", "deletecollection", "get", "list", "watch"]),
            ],
        ),
        role(
            "system:controller:resourcequota-controller",
            vec![
                Rule::on(&["*"], &["*"], &["list", "watch"]),
                Rule::on(&[""], &["resourcequotas/status"], &["update"]),
                events(),
            ],
        ),
        role(
            "system:controller:root-ca-cert-publisher",
            vec![Rule::on(&[""], &["configmaps"], &["create", "update"]), events()],
        ),
        role(
            "system:controller:service-account-controller",
            vec![Rule::on(&[""], &["serviceaccounts"], &["create"]), events()],
        ),
    ]
}

/// What the manager needs itself: to lead, to see everything, and to let its controllers act under accounts of their own.
fn manager(events: Rule) -> Vec<Rule> {
    let lease = Rule {
        resource_names: vec!["kube-controller-manager".to_owned()],
        ..Rule::on(&["coordination.k8s.io"], &["leases"], &["get", "update"])
    };
    vec![
        events,
        Rule::on(&["coordination.k8s.io"], &["leases"], &["create"]),
        lease,
        Rule::on(&[""], &["secrets", "serviceaccounts"], &["create", "update"]),
        Rule::on(&[""], &["secrets"], &["delete"]),
        Rule::on(
            &[""],
            &["configmaps", "namespaces", "secrets", "serviceaccounts"],
            &["get"],
        ),
        Rule::on(&["authentication.k8s.io"], &["tokenreviews"], &["create"]),
        Rule::on(&["authorization.k8s.io"], &["subjectaccessreviews"], &["create"]),
        Rule::on(&["*"], &["*"], &["list", "watch"]),
        Rule::on(&[""], &["serviceaccounts/token"], &["create"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_its_role() {
        let roles = cluster_roles();
        for binding in BINDINGS {
            assert!(roles.iter().any(|role| role.name == binding.role), "{}", binding.name);
        }
        assert_eq!(roles.len(), BINDINGS.len());
    }

    #[test]
    fn only_the_controllers_that_must_may_write_everything() {
        let everything = |role: &&DefaultRole| {
            role.rules
                .iter()
                .any(|rule| rule.resources == ["*"] && rule.verbs.iter().any(|verb| verb == "delete"))
        };
        let roles = cluster_roles();
        let names: Vec<_> = roles.iter().filter(everything).map(|role| role.name).collect();
        assert_eq!(
            names,
            [
                "system:controller:generic-garbage-collector",
                "system:controller:namespace-controller"
            ]
        );
    }
}
