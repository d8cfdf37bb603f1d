//! Rows of roles and bindings.

use super::{PLAIN, Row, Strategy};

fn row(kind: &'static str, plural: &'static str, singular: &'static str, namespaced: bool) -> Row {
    Row {
        group: machinery::rbac::GROUP,
        version: "v1",
        kind,
        plural,
        singular,
        short_names: &[],
        categories: &[],
        namespaced,
        fields: &[],
        built_in: true,
        strategy: Strategy {
            create_on_update: true,
            ..PLAIN
        },
    }
}

/// All rows of the group.
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding", false),
        row("ClusterRole", "clusterroles", "clusterrole", false),
        row("RoleBinding", "rolebindings", "rolebinding", true),
        row("Role", "roles", "role", true),
    ]
}
