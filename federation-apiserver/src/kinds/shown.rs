//! How stored objects look through one version of their kind, and how objects of a version are stored.
//!
//! In: stored objects of any version; objects of this one. Out: each in the other's form. What was written in the version, and
//! of custom kinds since the definition last changed, is copied as it is. Others are spelled anew (built-in kinds of two versions),
//! converted, pruned and given defaults (custom kinds), or were asked for before ([`Kind::prepare`]).

use std::sync::Arc;

use bytes::Bytes;
use machinery::status::Status;
use machinery::versions;
use serde_json::Value;

use super::Kind;
use super::custom::CustomKind;
use crate::cache::{CachedObject, canonical, splice_revision};

impl Kind {
    /// An object as this version of its kind shows it.
    ///
    /// # Errors
    /// Somebody has to be asked for it, and was not.
    pub(crate) fn shown(&self, object: &CachedObject) -> Result<Arc<Value>, Status> {
        if let Some(second) = self.second {
            let mut value = (*object.value()).clone();
            second.from_stored(&mut value);
            return Ok(Arc::new(value));
        }
        match &self.custom {
            Some(custom) if custom.hook.is_some() && !self.is_written_in_it(object) => {
                let bytes = self.view(custom, object)?;
                let value = serde_json::from_slice(&bytes).map_err(|error| {
                    tracing::error!(%error, key = %object.key, "a converted object is no JSON");
                    Status::internal("a converted object cannot be read")
                })?;
                Ok(Arc::new(value))
            }
            Some(custom) if !self.is_as_stored(custom, object) => Ok(self.converted(custom, object)),
            Some(_) | None => Ok(object.value()),
        }
    }

    /// The bytes of an object as this version of its kind shows it.
    ///
    /// # Errors
    /// As [`Self::shown`].
    pub(crate) fn shown_bytes(&self, object: &CachedObject) -> Result<Bytes, Status> {
        match &self.custom {
            None if self.second.is_none() => Ok(object.bytes.clone()),
            Some(custom) if custom.hook.is_some() && !self.is_written_in_it(object) => self.view(custom, object),
            Some(custom) if self.is_as_stored(custom, object) => Ok(object.bytes.clone()),
            Some(_) | None => {
                let bytes = canonical(&*self.shown(object)?);
                Ok(splice_revision(&bytes, object.revision).unwrap_or(bytes))
            }
        }
    }

    /// An object for those who take any version of its kind: as it is stored where somebody would have to be asked.
    pub(crate) fn shown_unasked(&self, object: &CachedObject) -> Arc<Value> {
        match &self.custom {
            Some(custom) if custom.hook.is_none() && !self.is_as_stored(custom, object) => {
                self.converted(custom, object)
            }
            Some(_) | None => object.value(),
        }
    }

    /// Whether what is stored would be written otherwise today.
    pub(crate) fn is_stored_otherwise(&self, object: &CachedObject) -> bool {
        self.custom
            .as_ref()
            .is_some_and(|custom| !begins_with(&object.bytes, &[&self.kind], &[&custom.stored_api_version]))
    }

    /// The bytes that are stored of an object of this version.
    ///
    /// # Errors
    /// Whoever converts it fails.
    pub(crate) async fn to_store(&self, value: &Value) -> Result<Bytes, Status> {
        let Some(custom) = &self.custom else {
            return Ok(canonical(value));
        };
        if self.api_version() == *custom.stored_api_version {
            return Ok(canonical(value));
        }
        let mut value = value.clone();
        match &custom.hook {
            Some(hook) => value = Self::ask_for(custom, hook, &custom.stored_api_version, value).await?,
            None => set_api_version(&mut value, &custom.stored_api_version),
        }
        Ok(canonical(&value))
    }

    /// An object of any version of this kind, in this one.
    ///
    /// # Errors
    /// Whoever converts it fails.
    pub(crate) async fn in_this_version(&self, mut object: Value) -> Result<Value, Status> {
        let own = self.api_version();
        let given = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if given == own {
            return Ok(object);
        }
        match &self.custom {
            Some(custom) => match &custom.hook {
                Some(hook) => return Self::ask_for(custom, hook, &own, object).await,
                None => self.convert(custom, &mut object),
            },
            None => match (self.second, versions::second(given, &self.kind)) {
                (Some(second), _) => second.from_stored(&mut object),
                (None, Some(second)) => second.to_stored(&mut object),
                (None, None) => {}
            },
        }
        Ok(object)
    }

    /// Whether an object was written in this version.
    pub(super) fn is_written_in_it(&self, object: &CachedObject) -> bool {
        begins_with(&object.bytes, &[&self.kind], &[&self.group, "/", &self.version])
    }

    fn is_as_stored(&self, custom: &CustomKind, object: &CachedObject) -> bool {
        object.revision > custom.since && self.is_written_in_it(object)
    }

    fn view(&self, custom: &CustomKind, object: &CachedObject) -> Result<Bytes, Status> {
        object.views.get(custom.view).ok_or_else(|| {
            Status::internal(format!(
                "{} {} was not converted to {}; try again",
                self.kind,
                object.key.name,
                self.api_version()
            ))
        })
    }

    fn converted(&self, custom: &CustomKind, object: &CachedObject) -> Arc<Value> {
        let mut value = (*object.value()).clone();
        self.convert(custom, &mut value);
        Arc::new(value)
    }

    fn convert(&self, custom: &CustomKind, value: &mut Value) {
        set_api_version(value, &self.api_version());
        custom.version.prune(value);
        custom.version.fill_defaults(value);
    }
}

fn set_api_version(value: &mut Value, api_version: &str) {
    if let Some(object) = value.as_object_mut() {
        object.insert("apiVersion".to_owned(), Value::from(api_version));
    }
}

/// Whether canonical bytes are of a kind and version, given in pieces; none holds a letter that JSON escapes.
fn begins_with(bytes: &[u8], kind: &[&str], api_version: &[&str]) -> bool {
    let parts = [
        &["{\"kind\":\""],
        kind,
        &["\",\"apiVersion\":\""],
        api_version,
        &["\","],
    ];
    parts
        .into_iter()
        .flatten()
        .try_fold(bytes, |rest, part| rest.strip_prefix(part.as_bytes()))
        .is_some()
}
