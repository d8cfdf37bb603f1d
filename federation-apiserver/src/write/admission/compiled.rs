//! Stored configurations as they are used: made once a version of their object.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::Revision;
use serde_json::Value;

use crate::cache::KindCache;

/// What was made of the objects of a kind.
pub(super) struct Compiled<T> {
    cache: Arc<KindCache>,
    known: Mutex<BTreeMap<String, Made<T>>>,
}

struct Made<T> {
    revision: Revision,
    made: Arc<T>,
}

impl<T> Compiled<T> {
    pub(super) fn new(cache: Arc<KindCache>) -> Self {
        Self {
            cache,
            known: Mutex::default(),
        }
    }

    /// Whether there are no objects of the kind.
    pub(super) fn is_empty(&self) -> bool {
        self.cache.snapshot().is_empty()
    }

    /// What is made of all objects, in the order of their names.
    pub(super) fn all(&self, make: impl Fn(&Value) -> T) -> Vec<Arc<T>> {
        let stored = self.cache.snapshot();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| stored.get("", name).is_some());
        let mut all = Vec::new();
        for object in stored.iter() {
            let name = object.key.name.to_string();
            let present = known.get(&name).filter(|made| made.revision == object.revision);
            let made = match present {
                Some(present) => present.made.clone(),
                None => {
                    let made = Arc::new(make(&object.value()));
                    let revision = object.revision;
                    known.insert(
                        name,
                        Made {
                            revision,
                            made: made.clone(),
                        },
                    );
                    made
                }
            };
            all.push(made);
        }
        all
    }
}
