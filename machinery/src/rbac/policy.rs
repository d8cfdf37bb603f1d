//! All roles and bindings in a form that answers quickly: bindings are found by whom they name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::role::Party;
use super::{Asked, Binding, GROUP, Role, Rule, Who};

/// All roles and bindings. Cheap to clone: the objects are shared.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    cluster_roles: BTreeMap<String, Arc<Role>>,
    roles: BTreeMap<String, BTreeMap<String, Arc<Role>>>,
    everywhere: Scope,
    within: BTreeMap<String, Scope>,
}

/// Where a binding counts.
#[derive(Clone, Debug, Default)]
struct Scope {
    bindings: BTreeMap<String, Arc<Binding>>,
    users: BTreeMap<String, Vec<Grant>>,
    groups: BTreeMap<String, Vec<Grant>>,
}

/// Why something is allowed: a binding, and the subject of it that the asker is. Prints as kube-apiserver's reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    binding: Arc<Binding>,
    subject: usize,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binding, subject } = self;
        let role = &binding.role_ref;
        if binding.namespace.is_empty() {
            write!(f, "ClusterRoleBinding {:?}", binding.name)?;
        } else {
            write!(f, "RoleBinding \"{}/{}\"", binding.name, binding.namespace)?;
        }
        write!(f, " of {} {:?}", role.kind, role.name)?;
        let Some(subject) = binding.subjects.get(*subject) else {
            return Ok(());
        };
        if subject.kind == "ServiceAccount" {
            write!(f, " to {} \"{}/{}\"", subject.kind, subject.name, subject.namespace)
        } else {
            write!(f, " to {} {:?}", subject.kind, subject.name)
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some binding allows it.
    Allowed(Grant),
    /// No binding does. Roles that the asker's bindings name and that are missing, as kube-apiserver tells them.
    Silent(Vec<String>),
}

impl Scope {
    fn put(&mut self, name: &str, binding: Option<Arc<Binding>>) {
        if let Some(old) = self.bindings.remove(name) {
            for subject in &old.subjects {
                let (map, key) = match subject.party(&old.namespace) {
                    Some(Party::User(key)) => (&mut self.users, key),
                    Some(Party::Group(key)) => (&mut self.groups, key),
                    None => continue,
                };
                if let Some(grants) = map.get_mut(&key) {
                    grants.retain(|grant| grant.binding.name != name);
                    if grants.is_empty() {
                        map.remove(&key);
                    }
                }
            }
        }
        let Some(binding) = binding else { return };
        for (index, subject) in binding.subjects.iter().enumerate() {
            let grants = match subject.party(&binding.namespace) {
                Some(Party::User(key)) => self.users.entry(key).or_default(),
                Some(Party::Group(key)) => self.groups.entry(key).or_default(),
                None => continue,
            };
            grants.push(Grant {
                binding: binding.clone(),
                subject: index,
            });
        }
        self.bindings.insert(name.to_owned(), binding);
    }

    fn grants<'a>(&'a self, who: Who<'a>) -> impl Iterator<Item = &'a Grant> {
        let groups = who.groups.iter().filter_map(|group| self.groups.get(group));
        self.users.get(who.name).into_iter().chain(groups).flatten()
    }
}

impl Policy {
    /// Sets a ClusterRole, or removes it.
    pub fn cluster_role(&mut self, name: &str, role: Option<Role>) {
        match role {
            Some(role) => self.cluster_roles.insert(name.to_owned(), Arc::new(role)),
            None => self.cluster_roles.remove(name),
        };
    }

    /// Sets a Role, or removes it.
    pub fn role(&mut self, namespace: &str, name: &str, role: Option<Role>) {
        let roles = self.roles.entry(namespace.to_owned()).or_default();
        match role {
            Some(role) => roles.insert(name.to_owned(), Arc::new(role)),
            None => roles.remove(name),
        };
        if roles.is_empty() {
            self.roles.remove(namespace);
        }
    }

    /// Sets a binding, or removes it; a ClusterRoleBinding where the namespace is empty.
    pub fn binding(&mut self, namespace: &str, name: &str, binding: Option<Binding>) {
        let binding = binding.map(|binding| {
            Arc::new(Binding {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                ..binding
            })
        });
        if namespace.is_empty() {
            self.everywhere.put(name, binding);
            return;
        }
        let scope = self.within.entry(namespace.to_owned()).or_default();
        scope.put(name, binding);
        if scope.bindings.is_empty() {
            self.within.remove(namespace);
        }
    }

    /// The rules of the role that a binding of a namespace names.
    ///
    /// # Errors
    /// The role is missing: what kube-apiserver says of it.
    pub fn rules_of(&self, kind: &str, name: &str, namespace: &str) -> Result<&Arc<Role>, String> {
        let (found, what) = if kind == "ClusterRole" {
            (self.cluster_roles.get(name), "clusterrole")
        } else {
            (self.roles.get(namespace).and_then(|roles| roles.get(name)), "role")
        };
        found.ok_or_else(|| format!("{what}.{GROUP} {name:?} not found"))
    }

    /// What somebody was given, cluster-wide first.
    fn given<'a>(
        &'a self,
        who: Who<'a>,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Grant, Result<&'a Arc<Role>, String>)> {
        let within = self.within.get(namespace);
        let local = within.into_iter().flat_map(move |scope| scope.grants(who));
        self.everywhere.grants(who).chain(local).map(|grant| {
            let Binding {
                role_ref, namespace, ..
            } = &*grant.binding;
            (grant, self.rules_of(&role_ref.kind, &role_ref.name, namespace))
        })
    }

    /// Whether somebody may do something.
    #[must_use]
    pub fn judge(&self, who: Who<'_>, asked: Asked<'_>) -> Verdict {
        let namespace = match asked {
            Asked::Resource { namespace, .. } => namespace,
            // Paths are of no namespace, so Roles never speak of them.
            Asked::Path { .. } => "",
        };
        let mut missing = Vec::new();
        for (grant, role) in self.given(who, namespace) {
            match role {
                Ok(role) if role.rules.iter().any(|rule| rule.allows(asked)) => return Verdict::Allowed(grant.clone()),
                Ok(_) => {}
                Err(error) if missing.contains(&error) => {}
                Err(error) => missing.push(error),
            }
        }
        Verdict::Silent(missing)
    }

    /// All rules that somebody holds in a namespace (everywhere, where it is empty), and which roles are missing.
    #[must_use]
    pub fn held(&self, who: Who<'_>, namespace: &str) -> (Vec<Rule>, Vec<String>) {
        let (mut rules, mut missing) = (Vec::new(), Vec::new());
        for (_, role) in self.given(who, namespace) {
            match role {
                Ok(role) => rules.extend(role.rules.iter().cloned()),
                Err(error) if missing.contains(&error) => {}
                Err(error) => missing.push(error),
            }
        }
        (rules, missing)
    }
}
