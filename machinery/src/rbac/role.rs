//! Roles and bindings as they are stored.

use serde::{Deserialize, Deserializer};

use super::{Rule, service_account_user};

/// A Role or a ClusterRole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Role {
    /// What it allows.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<Rule>,
}

/// Which role a binding gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleRef {
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// To whom a binding gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace of a service account; the binding's where it is empty.
    pub namespace: String,
}

/// A RoleBinding or a ClusterRoleBinding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Binding {
    /// Its name; filled in by [`super::Policy`].
    #[serde(skip)]
    pub name: String,
    /// Its namespace; empty for a ClusterRoleBinding.
    #[serde(skip)]
    pub namespace: String,
    /// The role.
    #[serde(deserialize_with = "or_default")]
    pub role_ref: RoleRef,
    /// To whom.
    #[serde(deserialize_with = "or_default")]
    pub subjects: Vec<Subject>,
}

/// A value that may be null.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Who a subject is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Party {
    User(String),
    Group(String),
}

impl Subject {
    /// Who this is, in a binding of a namespace; none where it can be nobody.
    pub(super) fn party(&self, namespace: &str) -> Option<Party> {
        match self.kind.as_str() {
            "User" => Some(Party::User(self.name.clone())),
            "Group" => Some(Party::Group(self.name.clone())),
            "ServiceAccount" => {
                let home = if self.namespace.is_empty() {
                    namespace
                } else {
                    &self.namespace
                };
                (!home.is_empty()).then(|| Party::User(service_account_user(home, &self.name)))
            }
            // Stored text of any kind may come; validation has refused the others.
            _ => None,
        }
    }
}
