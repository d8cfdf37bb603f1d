//! OpenAPI documents of what is served: made by `machinery` from the registry's rows.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use machinery::openapi::{self, ServedKind, ServedSubresource};

use super::Registry;
use super::discovery::{Document, subresources};

/// Version that the documents carry.
const VERSION: &str = crate::PRESENTED_KUBERNETES_VERSION;

/// All OpenAPI documents of a server.
#[derive(Debug)]
pub struct OpenApi {
    /// `/openapi/v3`: where the documents are.
    pub(crate) root: Document,
    /// Documents by `api/v1` or `apis/GROUP/VERSION`.
    pub(crate) v3: BTreeMap<String, Document>,
    /// `/openapi/v2`.
    pub(crate) v2: Document,
    /// The same in protobuf; made at the first request for it.
    v2_protobuf: OnceLock<Document>,
}

impl OpenApi {
    /// The documents of a registry.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let kinds: Vec<ServedKind> = registry
            .kinds()
            .iter()
            .filter(|kind| kind.strategy.review.is_none())
            .map(|kind| served(kind))
            .collect();
        let documents = openapi::v3_documents(&kinds, VERSION);
        let root = Document::of(openapi::v3_root(&documents).to_string());
        let v3 = documents
            .into_iter()
            .map(|document| {
                (
                    document.path,
                    Document {
                        body: document.body.into(),
                        hash: document.hash,
                    },
                )
            })
            .collect();
        Self {
            root,
            v3,
            v2: Document::of(openapi::v2_document(&kinds, VERSION).to_string()),
            v2_protobuf: OnceLock::new(),
        }
    }

    /// `/openapi/v2` in protobuf.
    pub(crate) fn v2_protobuf(&self) -> &Document {
        self.v2_protobuf.get_or_init(|| {
            let document = serde_json::from_slice(&self.v2.body).unwrap_or_else(|error| {
                tracing::error!(%error, "our own OpenAPI document is not JSON");
                serde_json::Value::Null
            });
            Document::of(openapi::v2_protobuf(&document))
        })
    }
}

fn served(kind: &super::Kind) -> ServedKind {
    let texts = |verbs: &[&str]| verbs.iter().map(|verb| (*verb).to_owned()).collect();
    let subresources = subresources(kind).into_iter().map(|sub| ServedSubresource {
        name: sub.name.to_owned(),
        verbs: texts(sub.verbs),
        api_version: if sub.group.is_empty() {
            sub.version
        } else {
            format!("{}/{}", sub.group, sub.version)
        },
        kind: sub.kind,
    });
    ServedKind {
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
        namespaced: kind.namespaced,
        verbs: texts(kind.verbs),
        subresources: subresources.collect(),
        schema: kind.custom.as_ref().map(|custom| custom.version.openapi()),
        list_kind: kind.custom.as_ref().map(|_| kind.list_kind.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Profile;

    #[test]
    fn every_group_has_its_document() {
        let openapi = OpenApi::of(&Registry::of(Profile::Hub));
        for path in ["api/v1", "apis/apps/v1", "apis/federation.meridian.dev/v1alpha1"] {
            assert_eq!(
                openapi.v3.get(path).map(|document| document.hash.len()),
                Some(128),
                "{path}"
            );
        }
    }
}
