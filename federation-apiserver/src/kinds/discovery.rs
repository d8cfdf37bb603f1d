//! Discovery documents: what is served, in the legacy and the aggregated form, made once from the registry.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::{Kind, Registry};

/// Content type of aggregated discovery.
pub(crate) const AGGREGATED_MEDIA: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Verbs of a namespace's `finalize`.
const FINALIZE_VERBS: &[&str] = &["update"];
/// Streams of a Pod.
const OF_PODS: [(&str, &str, &[&str]); 4] = [
    ("attach", "PodAttachOptions", &["create", "get"]),
    ("exec", "PodExecOptions", &["create", "get"]),
    ("log", "Pod", &["get"]),
    ("portforward", "PodPortForwardOptions", &["create", "get"]),
];
const PART_VERBS: &[&str] = &["get", "patch", "update"];

/// A document, its bytes and their hash.
#[derive(Clone, Debug)]
pub struct Document {
    /// JSON.
    pub body: Bytes,
    /// SHA-512 in hexadecimal.
    pub hash: String,
}

impl Document {
    /// A document of some bytes.
    #[must_use]
    pub fn of(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = Sha512::digest(&body).iter().map(|byte| format!("{byte:02X}")).collect();
        Self { body, hash }
    }
}

/// All discovery documents of a server.
#[derive(Debug)]
pub struct Documents {
    pub(crate) core: Document,
    pub(crate) groups: Document,
    pub(crate) core_aggregated: Document,
    pub(crate) groups_aggregated: Document,
    by_group: BTreeMap<String, Document>,
    by_version: BTreeMap<(String, String), Document>,
}

/// A subresource of a kind as discovery tells it.
pub(super) struct Subresource {
    pub(super) name: &'static str,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) verbs: &'static [&'static str],
}

pub(super) fn subresources(kind: &Kind) -> Vec<Subresource> {
    let own = |name, verbs| Subresource {
        name,
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        verbs,
    };
    let mut list = Vec::new();
    if kind.is_signing_request() {
        list.push(own("approval", PART_VERBS));
    }
    if kind.is_namespace() {
        list.push(own("finalize", FINALIZE_VERBS));
    }
    if kind.strategy.scale.is_some() {
        list.push(Subresource {
            name: "scale",
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs: PART_VERBS,
        });
    }
    if kind.strategy.status {
        list.push(own("status", PART_VERBS));
    }
    if kind.key.as_str() == "/pods" {
        list.extend(OF_PODS.map(|(name, kind, verbs)| Subresource {
            kind: kind.to_owned(),
            ..own(name, verbs)
        }));
        list.push(Subresource {
            name: "eviction",
            group: "policy".to_owned(),
            version: "v1".to_owned(),
            kind: "Eviction".to_owned(),
            verbs: super::reviews::VERBS,
        });
    }
    if kind.key.as_str() == "/serviceaccounts" {
        list.push(Subresource {
            name: "token",
            group: "authentication.k8s.io".to_owned(),
            version: "v1".to_owned(),
            kind: "TokenRequest".to_owned(),
            verbs: super::reviews::VERBS,
        });
    }
    list
}

impl Documents {
    /// The documents of a registry.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let address = json!([{ "clientCIDR": "0.0.0.0/0", "serverAddress": "" }]);
        let core = json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": address });
        let groups: Vec<Value> = registry
            .groups()
            .iter()
            .map(|(group, versions)| group_entry(group, versions))
            .collect();
        let list = json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups });
        let by_group = registry.groups().into_iter().map(|(group, versions)| {
            let mut entry = group_entry(group, &versions);
            tag(&mut entry, "APIGroup", "v1");
            (group.to_owned(), Document::of(entry.to_string()))
        });
        let mut by_version = BTreeMap::new();
        for kind in registry.kinds() {
            let key = (kind.group.clone(), kind.version.clone());
            by_version
                .entry(key)
                .or_insert_with(|| Document::of(resource_list(registry, &kind.group, &kind.version).to_string()));
        }
        let aggregated: Vec<Value> = registry
            .groups()
            .iter()
            .map(|(group, versions)| aggregated_group(registry, group, versions))
            .collect();
        Self {
            core: Document::of(core.to_string()),
            groups: Document::of(list.to_string()),
            core_aggregated: Document::of(aggregated_list(vec![aggregated_group(registry, "", &["v1"])]).to_string()),
            groups_aggregated: Document::of(aggregated_list(aggregated).to_string()),
            by_group: by_group.collect(),
            by_version,
        }
    }

    pub(crate) fn group(&self, group: &str) -> Option<&Document> {
        self.by_group.get(group)
    }

    pub(crate) fn version(&self, group: &str, version: &str) -> Option<&Document> {
        self.by_version.get(&(group.to_owned(), version.to_owned()))
    }
}

fn tag(value: &mut Value, kind: &str, api_version: &str) {
    if let Some(object) = value.as_object_mut() {
        object.insert("kind".to_owned(), Value::from(kind));
        object.insert("apiVersion".to_owned(), Value::from(api_version));
    }
}

fn group_entry(group: &str, versions: &[&str]) -> Value {
    let entry = |version: &&str| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let all: Vec<Value> = versions.iter().map(entry).collect();
    json!({ "name": group, "versions": all, "preferredVersion": versions.first().map(entry) })
}

fn resource_list(registry: &Registry, group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for kind in registry
        .kinds()
        .iter()
        .filter(|k| k.group == group && k.version == version)
    {
        resources.push(resource_entry(kind));
        for sub in subresources(kind) {
            let mut entry = json!({
                "name": format!("{}/{}", kind.plural, sub.name),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": sub.kind,
                "verbs": sub.verbs,
            });
            if let (true, Some(entry)) = (sub.group != kind.group, entry.as_object_mut()) {
                entry.insert("group".to_owned(), Value::from(sub.group));
                entry.insert("version".to_owned(), Value::from(sub.version));
            }
            resources.push(entry);
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut list = json!({ "groupVersion": group_version, "resources": resources });
    tag(&mut list, "APIResourceList", "v1");
    list
}

fn resource_entry(kind: &Kind) -> Value {
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| entry.insert(key.to_owned(), value);
    put("name", Value::from(kind.plural.as_str()));
    put("singularName", Value::from(kind.singular.as_str()));
    put("namespaced", Value::from(kind.namespaced));
    put("kind", Value::from(kind.kind.as_str()));
    put("verbs", json!(kind.verbs));
    if !kind.short_names.is_empty() {
        put("shortNames", json!(kind.short_names));
    }
    if !kind.categories.is_empty() {
        put("categories", json!(kind.categories));
    }
    if kind.strategy.review.is_none() {
        put("storageVersionHash", Value::from(storage_version_hash(kind)));
    }
    Value::Object(entry)
}

fn storage_version_hash(kind: &Kind) -> String {
    let hash = Sha256::digest(format!("{}/{}/{}", kind.group, kind.version, kind.kind));
    STANDARD.encode(hash.iter().take(8).copied().collect::<Vec<u8>>())
}

fn aggregated_list(items: Vec<Value>) -> Value {
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}

fn aggregated_group(registry: &Registry, group: &str, versions: &[&str]) -> Value {
    let version = |version: &&str| {
        let kinds = registry
            .kinds()
            .iter()
            .filter(|k| k.group == group && k.version == *version);
        json!({
            "version": version,
            "freshness": "Current",
            "resources": kinds.map(|kind| aggregated_resource(kind)).collect::<Vec<_>>(),
        })
    };
    let metadata = if group.is_empty() {
        json!({})
    } else {
        json!({ "name": group })
    };
    json!({ "metadata": metadata, "versions": versions.iter().map(version).collect::<Vec<_>>() })
}

fn aggregated_resource(kind: &Kind) -> Value {
    let response = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| entry.insert(key.to_owned(), value);
    put("resource", Value::from(kind.plural.as_str()));
    put("responseKind", response(&kind.group, &kind.version, &kind.kind));
    put(
        "scope",
        Value::from(if kind.namespaced { "Namespaced" } else { "Cluster" }),
    );
    put("singularResource", Value::from(kind.singular.as_str()));
    put("verbs", json!(kind.verbs));
    if !kind.short_names.is_empty() {
        put("shortNames", json!(kind.short_names));
    }
    if !kind.categories.is_empty() {
        put("categories", json!(kind.categories));
    }
    let subresources: Vec<Value> = subresources(kind)
        .iter()
        .map(|sub| {
            json!({
                "subresource": sub.name,
                "responseKind": response(&sub.group, &sub.version, &sub.kind),
                "verbs": sub.verbs,
            })
        })
        .collect();
    if !subresources.is_empty() {
        put("subresources", Value::Array(subresources));
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Profile;

    #[test]
    fn both_forms_tell_the_same() {
        let documents = Documents::of(&Registry::of(Profile::Hub));
        let legacy: Value = serde_json::from_slice(&documents.version("apps", "v1").unwrap().body).unwrap();
        let names: Vec<&str> = legacy["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["name"].as_str().unwrap())
            .collect();
        assert!(
            names.contains(&"deployments") && names.contains(&"deployments/scale"),
            "{names:?}"
        );
        let aggregated: Value = serde_json::from_slice(&documents.groups_aggregated.body).unwrap();
        let apps = aggregated["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|g| g["metadata"]["name"] == "apps")
            .unwrap();
        let deployments = apps["versions"][0]["resources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|resource| resource["resource"] == "deployments")
            .unwrap();
        assert_eq!(deployments["shortNames"], json!(["deploy"]));
        assert_eq!(deployments["subresources"][0]["responseKind"]["kind"], "Scale");
        assert_eq!(documents.core.hash.len(), 128);
    }
}
