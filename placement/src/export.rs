//! What a ServiceExport of the hub comes to (the Multi-Cluster Services API, KEP-1645): its conditions, and the ServiceImport that it
//! makes.
//!
//! In: the export, the federated Service of its name, where that is. Out: [`Exported`]. All clusters that hold the Service export it, and what
//! they hold is one hub object: exports of two clusters cannot disagree about ports, type or affinity. Absent: addresses, which the DNS
//! server knows; imports in members.

use std::collections::BTreeSet;

use api::{Condition, ConditionStatus, PlacementStatus};
use serde_json::{Map, Value, json};

/// Types of the conditions of a ServiceExport and a ServiceImport.
const VALID: &str = "Valid";
const READY: &str = "Ready";
const CONFLICT: &str = "Conflict";
/// Fields of a Service that an import has, too.
const COPIED: [&str; 5] = [
    "ipFamilies",
    "sessionAffinity",
    "sessionAffinityConfig",
    "internalTrafficPolicy",
    "trafficDistribution",
];

/// What an export comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Conditions of the export.
    pub conditions: Vec<Condition>,
    /// The import; none while the export is not valid.
    pub import: Option<Import>,
}

/// The import of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its labels.
    pub labels: Value,
    /// Its annotations.
    pub annotations: Value,
    /// Its spec.
    pub spec: Value,
    /// The clusters that export, by name.
    pub clusters: BTreeSet<String>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// Judges an export. `placed` is the status of the Service's Placement.
#[must_use]
pub fn exported(export: &Value, service: Option<&Value>, placed: Option<&PlacementStatus>) -> Exported {
    let generation = export.pointer("/metadata/generation").and_then(Value::as_i64);
    let judged = |type_: &str, status, reason: &str, message: String| Condition {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message,
        last_transition_time: None,
        observed_generation: generation,
    };
    let invalid = |reason: &str, message: &str| Exported {
        conditions: vec![
            judged(VALID, ConditionStatus::False, reason, message.to_owned()),
            judged(READY, ConditionStatus::False, "Pending", message.to_owned()),
        ],
        import: None,
    };
    let Some(service) = service else {
        return invalid("NoService", "the hub has no Service of this name in this namespace");
    };
    let of_service = |pointer: &str| service.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if of_service("/spec/type") == "ExternalName" {
        return invalid(
            "InvalidServiceType",
            "a Service of type ExternalName cannot be exported",
        );
    }
    let rows = placed.map(|placed| placed.clusters.as_slice()).unwrap_or_default();
    let clusters: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.applied)
        .map(|row| row.name.clone())
        .collect();
    let (status, reason, message) = match clusters.len() {
        0 => (
            ConditionStatus::False,
            "Pending",
            "no cluster holds the Service yet".to_owned(),
        ),
        1 => (
            ConditionStatus::True,
            "Exported",
            "exported from one cluster".to_owned(),
        ),
        many => (
            ConditionStatus::True,
            "Exported",
            format!("exported from {many} clusters"),
        ),
    };
    let ready = judged(READY, status, reason, message.clone());
    let import_ready = Condition {
        reason: if status == ConditionStatus::True {
            "Ready"
        } else {
            "Pending"
        }
        .to_owned(),
        observed_generation: None,
        ..judged(READY, status, reason, message)
    };
    let exported = |key: &str| {
        export
            .pointer(&format!("/spec/{key}"))
            .cloned()
            .unwrap_or_else(|| json!({}))
    };
    Exported {
        conditions: vec![
            judged(
                VALID,
                ConditionStatus::True,
                "Valid",
                "the Service can be exported".to_owned(),
            ),
            ready,
            judged(
                CONFLICT,
                ConditionStatus::False,
                "NoConflicts",
                "all clusters hold the hub's one Service".to_owned(),
            ),
        ],
        import: Some(Import {
            labels: exported("exportedLabels"),
            annotations: exported("exportedAnnotations"),
            spec: import_spec(service, of_service("/spec/clusterIP") == "None"),
            clusters,
            conditions: vec![import_ready],
        }),
    }
}

fn import_spec(service: &Value, headless: bool) -> Value {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    let port = |port: &Value| {
        let kept = ["name", "protocol", "appProtocol", "port"].into_iter();
        let fields: Map<String, Value> = kept
            .filter_map(|key| Some((key.to_owned(), port.get(key)?.clone())))
            .collect();
        Value::Object(fields)
    };
    let mut spec = json!({
        "type": if headless { "Headless" } else { "ClusterSetIP" },
        "ports": ports.into_iter().flatten().map(port).collect::<Vec<_>>(),
    });
    for key in COPIED {
        let value = service
            .pointer(&format!("/spec/{key}"))
            .filter(|value| !value.is_null());
        if let (Some(value), Value::Object(spec)) = (value, &mut spec) {
            spec.insert(key.to_owned(), value.clone());
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use api::placement::PlacedCluster;

    use super::*;

    fn placed(rows: &[(&str, bool)]) -> PlacementStatus {
        let row = |(name, applied): &(&str, bool)| PlacedCluster {
            name: (*name).to_owned(),
            applied: *applied,
            ..PlacedCluster::default()
        };
        PlacementStatus {
            clusters: rows.iter().map(row).collect(),
            ..PlacementStatus::default()
        }
    }

    fn words(conditions: &[Condition]) -> String {
        let word = |c: &Condition| format!("{}={:?}/{}", c.type_, c.status, c.reason);
        conditions.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_cannot_be_exported_makes_no_import() {
        let export = json!({"metadata": {"generation": 3}});
        for (service, said) in [
            (None, "Valid=False/NoService Ready=False/Pending"),
            (
                Some(json!({"spec": {"type": "ExternalName"}})),
                "Valid=False/InvalidServiceType Ready=False/Pending",
            ),
        ] {
            let out = exported(&export, service.as_ref(), Some(&placed(&[("a", true)])));
            assert_eq!((words(&out.conditions).as_str(), &out.import), (said, &None));
            assert_eq!(out.conditions[0].observed_generation, Some(3));
        }
    }

    #[test]
    fn an_import_is_the_services_with_its_clusters() {
        let export = json!({"spec": {"exportedLabels": {"team": "shop"}}});
        let service = json!({"spec": {
            "clusterIP": "10.0.0.1", "selector": {"a": "b"}, "sessionAffinity": "None", "ipFamilies": ["IPv4"],
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30001, "protocol": "TCP"}],
        }});
        let out = exported(&export, Some(&service), None);
        assert_eq!(
            words(&out.conditions),
            "Valid=True/Valid Ready=False/Pending Conflict=False/NoConflicts"
        );
        assert_eq!(words(&out.import.unwrap().conditions), "Ready=False/Pending");
        let out = exported(
            &export,
            Some(&service),
            Some(&placed(&[("us-1", true), ("eu-1", true), ("ap-1", false)])),
        );
        assert_eq!(
            words(&out.conditions),
            "Valid=True/Valid Ready=True/Exported Conflict=False/NoConflicts"
        );
        let import = out.import.unwrap();
        assert_eq!(import.clusters, ["eu-1".to_owned(), "us-1".to_owned()].into());
        assert_eq!(
            (import.labels, import.annotations),
            (json!({"team": "shop"}), json!({}))
        );
        assert_eq!(words(&import.conditions), "Ready=True/Ready");
        assert_eq!(
            import.spec,
            json!({"type": "ClusterSetIP", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
                "sessionAffinity": "None", "ipFamilies": ["IPv4"]})
        );
        let headless = json!({"spec": {"clusterIP": "None"}});
        let import = exported(&export, Some(&headless), None).import.unwrap();
        assert_eq!(import.spec, json!({"type": "Headless", "ports": []}));
    }
}
