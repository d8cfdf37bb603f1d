//! Names of objects inside the store: kind, namespace, name. In: text from requests. Out: cheap clones that order by
//! kind, then namespace, then name. Absent: checks of what Kubernetes allows in a name; those belong to validation.

use std::fmt;
use std::sync::Arc;

/// A kind as `GROUP/PLURAL`: `apps/deployments`, `/configmaps` for the core group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindKey(Arc<str>);

impl KindKey {
    /// The key of a kind; the group is empty for the core group.
    #[must_use]
    pub fn new(group: &str, plural: &str) -> Self {
        Self(format!("{group}/{plural}").into())
    }

    /// Takes a key as a store keeps it.
    pub(crate) fn stored(text: Arc<str>) -> Self {
        Self(text)
    }

    /// The key as the store keeps it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.0.split_once('/').map_or("", |(group, _)| group)
    }

    /// The plural name.
    #[must_use]
    pub fn plural(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, plural)| plural)
    }

    /// The resource as metrics name it: `deployments.apps`, `configmaps`.
    #[must_use]
    pub fn resource(&self) -> String {
        match self.group() {
            "" => self.plural().to_owned(),
            group => format!("{}.{group}", self.plural()),
        }
    }
}

impl fmt::Display for KindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One object: its kind, its namespace (empty for cluster-scoped kinds) and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Kind.
    pub kind: KindKey,
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of an object.
    #[must_use]
    pub fn new(kind: &KindKey, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.clone(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind.resource(), self.name)
        } else {
            write!(f, "{} {}/{}", self.kind.resource(), self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_name_their_parts() {
        for (group, plural, key, resource) in [
            ("apps", "deployments", "apps/deployments", "deployments.apps"),
            ("", "configmaps", "/configmaps", "configmaps"),
        ] {
            let kind = KindKey::new(group, plural);
            assert_eq!((kind.as_str(), kind.group(), kind.plural()), (key, group, plural));
            assert_eq!(kind.resource(), resource);
        }
    }
}
