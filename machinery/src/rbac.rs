//! Role-based access control, as kube-apiserver 1.36 evaluates it.
//!
//! In: who asks (name and groups), what is asked, and the roles and bindings there are, in a [`Policy`] that is changed object
//! by object. Out: the [`Grant`] that allows it, or none; the rules somebody holds; and which rules of a role somebody does not
//! hold ([`uncovered`]). Deliberately absent: where roles are stored, users that need no role, and HTTP.

mod cover;
mod policy;
mod role;
mod rule;

pub use cover::{described, uncovered};
pub use policy::{Grant, Policy, Verdict};
pub use role::{Binding, Role, RoleRef, Subject};
pub use rule::Rule;

/// API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// User name.
    pub name: &'a str,
    /// Groups.
    pub groups: &'a [String],
}

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

/// The user name of a service account.
#[must_use]
pub fn service_account_user(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

#[cfg(test)]
mod tests;
