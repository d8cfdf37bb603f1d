//! Rows of bindings; roles are printed as kinds that are not known, by name and time.

use serde_json::Value;

use super::{AGE, Column, NAME, Printer, age, list, name, text};

pub(super) static BINDING: Printer = Printer {
    columns: &[
        NAME,
        Column::text("Role", "The role that is given."),
        AGE,
        Column::text("Users", "Users to whom it is given.").wide(),
        Column::text("Groups", "Groups to which it is given.").wide(),
        Column::text("ServiceAccounts", "Service accounts to which it is given.").wide(),
    ],
    cells: |object, now| {
        let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
        vec![
            name(object),
            Value::from(role),
            age(object, now),
            Value::from(subjects(object, "User")),
            Value::from(subjects(object, "Group")),
            Value::from(subjects(object, "ServiceAccount")),
        ]
    },
};

fn subjects(binding: &Value, kind: &str) -> String {
    let of_kind = list(binding, "/subjects")
        .iter()
        .filter(|subject| text(subject, "/kind") == kind);
    let names: Vec<String> = of_kind
        .map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")),
            _ => text(subject, "/name").to_owned(),
        })
        .collect();
    names.join(", ")
}
