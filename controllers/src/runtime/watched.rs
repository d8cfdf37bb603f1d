//! One object as the hub serves it: the whole JSON, and the few words of metadata that every controller needs.
//! In: JSON. Out: name, uid, version, and the JSON again. At rest an object is its text: as a tree it takes five times that, and
//! most objects are looked at once, when they change. Absent: types of kinds; who needs one parses `value`.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use api::Revision;
use kube::core::{ApiResource, DynamicResourceScope, ObjectMeta, Resource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Namespace (empty for cluster-scoped kinds) and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Id {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// An object as the hub serves it.
pub(crate) struct Watched {
    meta: ObjectMeta,
    is_deleting: bool,
    finalizers: Box<[String]>,
    text: Box<[u8]>,
    tree: Mutex<Tree>,
}

/// The object as a tree.
enum Tree {
    /// Kept, because it was just read and will be looked at.
    Held(Arc<Value>),
    /// As long as somebody looks at it.
    Lent(Weak<Value>),
}

impl Watched {
    /// Reads the metadata that is needed; absent parts stay empty.
    pub(crate) fn new(value: Value) -> Self {
        let text = |key: &str| {
            value
                .pointer("/metadata")
                .and_then(|m| m.get(key))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let meta = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        let metadata = |key: &str| value.get("metadata").and_then(|metadata| metadata.get(key));
        let finalizers = metadata("finalizers").and_then(Value::as_array);
        Self {
            meta,
            is_deleting: metadata("deletionTimestamp").is_some_and(|time| !time.is_null()),
            finalizers: finalizers
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            text: value.to_string().into_bytes().into(),
            tree: Mutex::new(Tree::Held(Arc::new(value))),
        }
    }

    /// The whole object.
    pub(crate) fn value(&self) -> Arc<Value> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match &*tree {
            Tree::Held(held) => Some(held.clone()),
            Tree::Lent(lent) => lent.upgrade(),
        };
        held.unwrap_or_else(|| {
            let built = Arc::new(serde_json::from_slice(&self.text).unwrap_or_else(|error| {
                // It was written from a tree; only a change of memory gets here.
                tracing::error!(%error, object = %self.id(), "a watched object is no longer JSON");
                Value::Null
            }));
            *tree = Tree::Lent(Arc::downgrade(&built));
            built
        })
    }

    /// The object as a type of its kind.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.text)
    }

    /// Keeps the text alone from now on, and hands out the tree to whoever is about to look at it.
    pub(crate) fn settle(&self) -> Option<Arc<Value>> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match &*tree {
            Tree::Held(held) => held.clone(),
            Tree::Lent(lent) => return lent.upgrade(),
        };
        *tree = Tree::Lent(Arc::downgrade(&held));
        Some(held)
    }

    pub(crate) fn id(&self) -> Id {
        Id {
            namespace: self.meta.namespace.clone().unwrap_or_default(),
            name: self.meta.name.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn uid(&self) -> &str {
        self.meta.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn resource_version(&self) -> &str {
        self.meta.resource_version.as_deref().unwrap_or_default()
    }

    /// For ordering versions of one object; none where the hub's versions are not numbers.
    pub(crate) fn revision(&self) -> Option<Revision> {
        Revision::parse(self.resource_version())
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.is_deleting
    }

    pub(crate) fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.finalizers.iter().map(String::as_str)
    }
}

impl Clone for Watched {
    fn clone(&self) -> Self {
        Self {
            meta: self.meta.clone(),
            is_deleting: self.is_deleting,
            finalizers: self.finalizers.clone(),
            text: self.text.clone(),
            tree: Mutex::new(Tree::Lent(Weak::new())),
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.id(), self.resource_version())
    }
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::new)
    }
}

impl Resource for Watched {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }
    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }
    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }
    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }
    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
