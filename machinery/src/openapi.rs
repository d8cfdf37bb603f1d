//! OpenAPI documents of what is served: v3, one a group and version, and v2 (swagger), with the standard operations, their
//! parameters, and the `x-kubernetes-*` marks that kubectl, Helm and client libraries read.
//!
//! In: the kinds that are served, as rows. Out: documents and their hashes. Schemas come from [`crate::schema`]. Which
//! kinds are served, HTTP caching and the choice of encoding belong to the server; watch paths of old are not told.

mod custom;
mod definitions;
mod paths;
mod v2;
mod v2_protobuf;
mod v3;

use serde_json::Value;
use sha2::{Digest, Sha512};

pub use definitions::definition_name;

/// A kind that is served.
#[derive(Clone, Debug)]
pub struct ServedKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural resource name.
    pub plural: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Verbs as discovery tells them: `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update`, `watch`.
    pub verbs: Vec<String>,
    /// Subresources.
    pub subresources: Vec<ServedSubresource>,
    /// The v3 schema of a custom kind, from [`crate::custom::Version::openapi`]; none for kinds that are built in.
    pub schema: Option<Value>,
    /// Kind of a list, where it is not the kind followed by `List`.
    pub list_kind: Option<String>,
}

impl ServedKind {
    /// `group/version`, or the version alone for the core group.
    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Kind of a list.
    fn list_kind(&self) -> String {
        self.list_kind.clone().unwrap_or_else(|| format!("{}List", self.kind))
    }
}

/// A subresource of a [`ServedKind`].
#[derive(Clone, Debug)]
pub struct ServedSubresource {
    /// Last part of the path, such as `status` or `scale`.
    pub name: String,
    /// `create`, `get`, `patch`, `update`.
    pub verbs: Vec<String>,
    /// API version of what it takes and answers.
    pub api_version: String,
    /// Kind of what it takes and answers.
    pub kind: String,
}

/// One OpenAPI v3 document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it stands below `/openapi/v3/`, such as `api/v1` and `apis/apps/v1`.
    pub path: String,
    /// Its JSON.
    pub body: Vec<u8>,
    /// SHA-512 of the JSON in upper-case hexadecimal.
    pub hash: String,
}

/// The v3 documents of the served kinds, one a group and version, sorted by path. `version` is the server's, such as `1.36`.
#[must_use]
pub fn v3_documents(kinds: &[ServedKind], version: &str) -> Vec<Document> {
    let mut groups: Vec<(&str, &str)> = kinds.iter().map(|k| (k.group.as_str(), k.version.as_str())).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut documents: Vec<Document> = groups
        .into_iter()
        .map(|(group, group_version)| {
            let rows: Vec<&ServedKind> = kinds
                .iter()
                .filter(|k| k.group == group && k.version == group_version)
                .collect();
            let body = v3::document(group, group_version, &rows, version)
                .to_string()
                .into_bytes();
            let path = if group.is_empty() {
                format!("api/{group_version}")
            } else {
                format!("apis/{group}/{group_version}")
            };
            Document {
                path,
                hash: hash(&body),
                body,
            }
        })
        .collect();
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    documents
}

/// What `/openapi/v3` answers: where each document is, with its hash.
#[must_use]
pub fn v3_root(documents: &[Document]) -> Value {
    let paths: serde_json::Map<String, Value> = documents
        .iter()
        .map(|document| {
            let url = format!("/openapi/v3/{}?hash={}", document.path, document.hash);
            (document.path.clone(), serde_json::json!({"serverRelativeURL": url}))
        })
        .collect();
    serde_json::json!({"paths": paths})
}

/// The v2 (swagger) document of all served kinds.
#[must_use]
pub fn v2_document(kinds: &[ServedKind], version: &str) -> Value {
    v2::document(kinds, version)
}

/// The v2 document in protobuf, for clients that ask for `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`.
#[must_use]
pub fn v2_protobuf(document: &Value) -> Vec<u8> {
    v2_protobuf::encode(document)
}

/// SHA-512 in upper-case hexadecimal, as the `hash` parameter and the ETag spell it.
#[must_use]
pub fn hash(body: &[u8]) -> String {
    Sha512::digest(body).iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests;
