//! Tables and metadata-only views of objects.

use std::sync::Arc;

use api::Revision;
use api::well_known::CLUSTER_LABEL;
use jiff::Timestamp;
use machinery::custom::{PrinterColumn, Version};
use machinery::status::Status;
use machinery::table;
use machinery::versions;
use serde_json::{Map, Value, json};

use super::negotiate::Form;
use super::query::Query;

/// What a row carries of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// Its metadata.
    Metadata,
    /// All of it.
    Object,
}

impl Include {
    /// Reads `includeObject`.
    pub(crate) fn of(query: &Query) -> Result<Self, Status> {
        match query.get("includeObject") {
            None | Some("Metadata") => Ok(Self::Metadata),
            Some("None") => Ok(Self::None),
            Some("Object") => Ok(Self::Object),
            Some(other) => Err(Status::bad_request(format!(
                "unrecognized includeObject value: {other:?}; it is None, Metadata or Object"
            ))),
        }
    }
}

/// The metadata-only view of an object.
pub(crate) fn metadata_only(form: Form, object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{}", form.meta_version),
        "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
    })
}

/// How a kind is printed.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    /// `apiVersion` of the objects.
    pub(crate) api_version: String,
    /// Kind of the objects.
    pub(crate) kind: String,
    /// What a definition says of how they are printed.
    pub(crate) custom: Option<Arc<Version>>,
    /// What rows carry.
    pub(crate) include: Include,
    /// One column more: the cluster that an object is in.
    pub(crate) clusters: bool,
    /// The form that was asked for.
    pub(crate) form: Form,
}

impl Printer {
    /// Where the column of clusters stands: after those that are always printed.
    fn place_of_clusters(&self) -> Option<usize> {
        let columns = table::columns(&self.api_version, &self.kind);
        self.clusters
            .then(|| columns.iter().take_while(|column| column.priority == 0).count())
    }

    /// A row of an object.
    pub(crate) fn row(&self, object: &Value, now: Timestamp) -> Value {
        let second = versions::second(&self.api_version, &self.kind);
        let stored = second.map(|second| {
            let mut stored = object.clone();
            second.to_stored(&mut stored);
            stored
        });
        let printed = stored.as_ref().unwrap_or(object);
        let mut cells = match &self.custom {
            Some(custom) => custom.cells(printed, now),
            None => {
                let api_version = second.map_or(self.api_version.as_str(), |second| second.stored_api_version);
                table::cells(api_version, &self.kind, printed, now)
            }
        };
        if let Some(place) = self.place_of_clusters().filter(|place| *place <= cells.len()) {
            let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
            let cluster = labels.and_then(|labels| labels.get(CLUSTER_LABEL)).cloned();
            cells.insert(place, cluster.unwrap_or_else(|| Value::from("<none>")));
        }
        let mut row = Map::new();
        row.insert("cells".to_owned(), Value::Array(cells));
        match self.include {
            Include::None => {
                row.insert("object".to_owned(), Value::Null);
            }
            Include::Metadata => {
                // Without what only its version writes into annotations.
                row.insert("object".to_owned(), metadata_only(self.form, printed));
            }
            Include::Object => {
                row.insert("object".to_owned(), object.clone());
            }
        }
        Value::Object(row)
    }

    /// A table of rows; without `columns` for every watch event but the first.
    pub(crate) fn table(&self, rows: Vec<Value>, metadata: Value, columns: bool) -> Value {
        let mut definitions: Vec<Value> = match (&self.custom, columns) {
            (_, false) => Vec::new(),
            (Some(custom), true) => std::iter::once(table::NAME.to_value())
                .chain(custom.columns.iter().map(PrinterColumn::to_value))
                .collect(),
            (None, true) => {
                let second = versions::second(&self.api_version, &self.kind);
                let api_version = second.map_or(self.api_version.as_str(), |second| second.stored_api_version);
                let columns = table::columns(api_version, &self.kind);
                columns.iter().map(table::Column::to_value).collect()
            }
        };
        if let Some(place) = self
            .place_of_clusters()
            .filter(|place| *place <= definitions.len() && columns)
        {
            definitions.insert(place, table::CLUSTER.to_value());
        }
        json!({
            "kind": "Table",
            "apiVersion": format!("meta.k8s.io/{}", self.form.meta_version),
            "metadata": metadata,
            "columnDefinitions": if columns { Value::Array(definitions) } else { Value::Null },
            "rows": rows,
        })
    }

    /// A table of one object.
    pub(crate) fn one(&self, object: &Value, revision: Option<Revision>, now: Timestamp, columns: bool) -> Value {
        let metadata = match revision {
            Some(revision) => json!({ "resourceVersion": revision.to_string() }),
            None => json!({}),
        };
        self.table(vec![self.row(object, now)], metadata, columns)
    }
}
