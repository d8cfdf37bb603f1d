//! Keeps the definitions of ServiceExport and ServiceImport on the hub: kinds that others define, too, so they are custom ones, and
//! whoever has newer definitions of them may put those in their place.
//!
//! In: CustomResourceDefinitions. Out: those of the two that are missing. Absent: changing one that is there.

use std::time::Duration;

use api::well_known::{HUB_ONLY_LABEL, MULTICLUSTER_GROUP};
use serde_json::{Value, json};

use crate::runtime::drive::{Outcome, Reconcile, Work};
use crate::runtime::feed::News;
use crate::runtime::hub::Hub;
use crate::runtime::kind::{self, Kind};
use crate::runtime::shelf::Shelf;
use crate::runtime::watched::Id;

/// The kinds it watches.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![kind::DEFINITION]
}

/// The controller of the definitions.
pub(crate) struct Definitions {
    hub: Hub,
    there: Shelf,
}

impl Definitions {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            there: Shelf::default(),
        }
    }
}

impl Reconcile for Definitions {
    type Key = String;
    const NAME: &'static str = "definitions";

    fn observe(&mut self, news: News) -> Vec<String> {
        self.there.take(news.change);
        PLURALS
            .iter()
            .map(|(plural, ..)| format!("{plural}.{MULTICLUSTER_GROUP}"))
            .collect()
    }

    fn look(&mut self, name: &String) -> Option<Work> {
        let id = Id::new("", name);
        if self.there.get(&id).is_some() {
            return None;
        }
        let definition = definition(name)?;
        let hub = self.hub.clone();
        Some(Box::pin(async move {
            match hub.create(&kind::DEFINITION, &id, &definition).await {
                // Somebody else made it: news will tell.
                Err(error) if error.is_conflict() => Outcome::rest(Duration::ZERO),
                written => Outcome::wrote(&kind::DEFINITION, written, Duration::ZERO),
            }
        }))
    }
}

/// Plural, singular, kind and short name.
const PLURALS: [(&str, &str, &str, &str); 2] = [
    ("serviceexports", "serviceexport", "ServiceExport", "svcex"),
    ("serviceimports", "serviceimport", "ServiceImport", "svcim"),
];

/// The definition of a name.
fn definition(name: &str) -> Option<Value> {
    let (plural, singular, kind, short) = PLURALS
        .iter()
        .find(|(plural, ..)| name.strip_prefix(plural).is_some_and(|rest| rest.starts_with('.')))?;
    let (properties, columns) = if *kind == "ServiceExport" {
        (export_properties(), export_columns())
    } else {
        (import_properties(), import_columns())
    };
    let mut schema = json!({"type": "object", "properties": {
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
    }});
    if let (Some(Value::Object(all)), Value::Object(own)) = (schema.get_mut("properties"), properties) {
        all.extend(own);
    }
    let version = |name: &str, stored: bool| {
        json!({
            "name": name, "served": true, "storage": stored, "subresources": {"status": {}},
            "additionalPrinterColumns": columns, "schema": {"openAPIV3Schema": schema},
        })
    };
    Some(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "labels": {HUB_ONLY_LABEL: "true"}},
        "spec": {
            "group": MULTICLUSTER_GROUP, "scope": "Namespaced",
            "names": {"plural": plural, "singular": singular, "kind": kind, "listKind": format!("{kind}List"), "shortNames": [short]},
            "versions": [version("v1beta1", true), version("v1alpha1", false)],
        },
    }))
}

fn conditions() -> Value {
    json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
        "description": "What is known of it.",
        "items": {"type": "object", "required": ["type", "status", "lastTransitionTime", "reason", "message"], "properties": {
            "type": {"type": "string"}, "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": {"type": "string"}, "message": {"type": "string"},
            "observedGeneration": {"type": "integer", "format": "int64"},
            "lastTransitionTime": {"type": "string", "format": "date-time"},
        }},
    })
}

fn export_properties() -> Value {
    let words = |description: &str| json!({"type": "object", "additionalProperties": {"type": "string"}, "description": description});
    json!({
        "spec": {"type": "object", "properties": {
            "exportedLabels": words("Labels of the ServiceImport."),
            "exportedAnnotations": words("Annotations of the ServiceImport."),
        }},
        "status": {"type": "object", "properties": {"conditions": conditions()}},
    })
}

fn export_columns() -> Value {
    let condition = |name: &str| json!({"name": name, "type": "string", "jsonPath": format!(".status.conditions[?(@.type==\"{name}\")].status")});
    json!([
        condition("Valid"),
        condition("Ready"),
        condition("Conflict"),
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

fn import_properties() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let two = |description: &str| json!({"type": "array", "maxItems": 2, "x-kubernetes-list-type": "atomic", "items": {"type": "string"}, "description": description});
    json!({
        "spec": {"type": "object", "required": ["type", "ports"], "properties": {
            "type": {"type": "string", "enum": ["ClusterSetIP", "Headless"], "description": "Whether it has addresses of its own, or those of its endpoints."},
            "ips": two("Addresses of its own, one a family. With none, names lead to the addresses of the clusters' load balancers."),
            "ipFamilies": two("Families of its addresses."),
            "ports": {"type": "array", "x-kubernetes-list-type": "atomic", "description": "Ports that clients use.",
                "items": {"type": "object", "required": ["port"], "properties": {
                    "name": text("Its name, as in SRV records."),
                    "protocol": {"type": "string", "default": "TCP"},
                    "appProtocol": text("The protocol above it."),
                    "port": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 65535},
                }}},
            "sessionAffinity": text("Whether a client stays with one endpoint."),
            "sessionAffinityConfig": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "internalTrafficPolicy": text("Whether traffic stays on its node."),
            "trafficDistribution": text("Which endpoints are preferred."),
        }},
        "status": {"type": "object", "properties": {
            "clusters": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["cluster"],
                "description": "Clusters that export the Service.",
                "items": {"type": "object", "required": ["cluster"], "properties": {"cluster": text("Its name.")}}},
            "conditions": conditions(),
        }},
    })
}

fn import_columns() -> Value {
    json!([
        {"name": "Type", "type": "string", "jsonPath": ".spec.type"},
        {"name": "IP", "type": "string", "jsonPath": ".spec.ips"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}
