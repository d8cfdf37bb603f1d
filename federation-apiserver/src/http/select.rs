//! Which objects of a collection a list or a watch means: namespace, labels, fields.

use std::sync::Arc;

use machinery::select::{FieldSelector, LabelSelector};
use machinery::status::Status;

use super::query::Query;
use crate::cache::CachedObject;
use crate::kinds::Kind;

/// A selection.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Namespace; empty for all.
    pub(crate) namespace: String,
    labels: LabelSelector,
    fields: FieldSelector,
    /// The fields need the object's tree, not only its key.
    deep: bool,
}

impl Selection {
    /// Reads the selectors of a query, of the fields that a kind lets select.
    pub(crate) fn of(query: &Query, namespace: &str, kind: Option<&Kind>) -> Result<Self, Status> {
        let labels = match query.get("labelSelector") {
            Some(text) => LabelSelector::parse(text).map_err(Status::from)?,
            None => LabelSelector::everything(),
        };
        let mut fields = FieldSelector::parse(query.get("fieldSelector").unwrap_or_default()).map_err(Status::from)?;
        let mut all = vec!["metadata.name", "metadata.namespace"];
        all.extend(kind.iter().flat_map(|kind| &kind.fields).map(String::as_str));
        fields.check_known(&all).map_err(Status::from)?;
        if let Some(second) = kind.and_then(|kind| kind.second) {
            // Objects are looked at as they are stored.
            fields.rename(second.fields);
        }
        let deep = fields
            .terms()
            .iter()
            .any(|term| !matches!(term.field.as_str(), "metadata.name" | "metadata.namespace"));
        Ok(Self {
            namespace: namespace.to_owned(),
            labels,
            fields,
            deep,
        })
    }

    /// Only the object of this name, as a watch on one object means it.
    pub(crate) fn named(mut self, name: &str) -> Result<Self, Status> {
        if !name.is_empty() {
            let text = format!("metadata.name={name}");
            self.fields = FieldSelector::parse(&text).map_err(Status::from)?;
        }
        Ok(self)
    }

    /// Whether a selector is given: then the number of remaining items is not told.
    pub(crate) fn is_narrow(&self) -> bool {
        !self.labels.is_everything() || !self.fields.is_everything()
    }

    /// The one name that is selected, if there is one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.required("metadata.name")
    }

    /// Whether an object is selected.
    pub(crate) fn has(&self, object: &Arc<CachedObject>) -> bool {
        if !self.namespace.is_empty() && *self.namespace != *object.key.namespace {
            return false;
        }
        if !self.labels.is_everything() && !self.labels.matches(&object.labels) {
            return false;
        }
        if self.fields.is_everything() {
            return true;
        }
        if self.deep {
            return self.fields.matches_object(&object.value());
        }
        self.fields.terms().iter().all(|term| {
            let found = if term.field == "metadata.name" {
                &*object.key.name
            } else {
                &*object.key.namespace
            };
            (found == term.value) == term.equal
        })
    }
}
