//! Objects of Meridian's own kinds.

use serde_json::{Value, json};

use super::super::create;
use super::{Told, made, meta, told};
use crate::status::CauseReason as R;

#[test]
fn our_kinds() {
    const API: &str = "federation.meridian.dev/v1alpha1";
    let cluster = |spec: Value| json!({"metadata": {"name": "eu-1"}, "spec": spec});
    let policy = |spec: Value| json!({"metadata": meta("p"), "spec": spec});
    let web = json!([{"apiVersion": "apps/v1", "kind": "Deployment"}]);
    let rows: Vec<(&str, Value, Vec<Told>)> = vec![
        (
            "Cluster",
            cluster(json!({"apiEndpoint": "https://127.0.0.1:6443", "region": "eu-west", "zones": ["eu-west-1a"]})),
            vec![],
        ),
        (
            "Cluster",
            json!({"metadata": {"name": "eu.1"}}),
            vec![("metadata.name", R::FieldValueInvalid)],
        ),
        (
            "Cluster",
            cluster(json!({"apiEndpoint": "ftp://x", "region": "EU", "zones": ["a", "a"], "syncMode": "Sideways"})),
            vec![
                ("spec.syncMode", R::FieldValueNotSupported),
                ("spec.apiEndpoint", R::FieldValueInvalid),
                ("spec.region", R::FieldValueInvalid),
                ("spec.zones[1]", R::FieldValueDuplicate),
            ],
        ),
        (
            "Cluster",
            cluster(json!({"taints": [{"key": "a", "effect": "Explode"}], "dns": {"addresses": ["x"]}})),
            vec![
                ("spec.taints[0].effect", R::FieldValueNotSupported),
                ("spec.taints[0].effect", R::FieldValueNotSupported),
                ("spec.dns.addresses[0]", R::FieldValueInvalid),
            ],
        ),
        (
            "Cluster",
            cluster(json!({"dns": {"overrides": [
                {"serving": "Down", "until": "2026-01-31T12:00:00Z"},
                {"serving": "Up", "until": "soon", "address": "x"},
            ]}})),
            vec![
                ("spec.dns.overrides[1].address", R::FieldValueInvalid),
                ("spec.dns.overrides[1].until", R::FieldValueInvalid),
            ],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": web, "placement": {"clusterAffinity": {"clusterNames": ["eu-1"]}}})),
            vec![],
        ),
        (
            "PropagationPolicy",
            policy(json!({})),
            vec![("spec.resourceSelectors", R::FieldValueRequired)],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "matchExpression": "object.spec.replicas > 3"}],
                "activationPreference": "Lazy", "preemption": "Never", "propagateDeps": true,
                "suspension": {"dispatchingOnClusters": {"clusterNames": ["eu-1"]}}})),
            vec![],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "matchExpression": "object.spec.replicas >"}],
                "suspension": {"dispatching": true, "dispatchingOnClusters": {}}})),
            vec![
                ("spec.resourceSelectors[0].matchExpression", R::FieldValueInvalid),
                ("spec.suspension.dispatchingOnClusters", R::FieldValueForbidden),
                (
                    "spec.suspension.dispatchingOnClusters.clusterNames",
                    R::FieldValueRequired,
                ),
            ],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": [{"kind": "Deployment", "namespace": "other"}]})),
            vec![
                ("spec.resourceSelectors[0].apiVersion", R::FieldValueRequired),
                ("spec.resourceSelectors[0].namespace", R::FieldValueInvalid),
            ],
        ),
        (
            "PropagationPolicy",
            policy(
                json!({"resourceSelectors": web, "placement": {"replicaScheduling": {"replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted", "weightPreference": {"staticWeightList": [{"targetCluster": {"clusterNames": ["A"]}, "weight": 0}]}}}}),
            ),
            vec![
                (
                    "spec.placement.replicaScheduling.weightPreference.staticWeightList[0].targetCluster.clusterNames[0]",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.placement.replicaScheduling.weightPreference.staticWeightList[0].weight",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "ClusterPropagationPolicy",
            json!({"metadata": {"name": "p"}, "spec": {"resourceSelectors": web, "placement": {"clusterAffinity": {
            "fieldSelector": {"matchExpressions": [{"key": "planet", "operator": "In", "values": ["mars"]}]}}}}}),
            vec![(
                "spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].key",
                R::FieldValueNotSupported,
            )],
        ),
        (
            "PropagationPolicy",
            policy(
                json!({"resourceSelectors": web, "placement": {"clusterAffinityReturnSeconds": 60, "clusterAffinities": [
                {"affinityName": "own", "clusterNames": ["eu-1"]}, {"affinityName": "rented"}]}}),
            ),
            vec![],
        ),
        (
            "PropagationPolicy",
            policy(
                json!({"resourceSelectors": web, "placement": {"clusterAffinityReturnSeconds": -1, "clusterAffinity": {},
                "clusterAffinities": [{"affinityName": "a", "clusterNames": ["EU"]}, {"affinityName": "a"}, {"exclude": ["eu-1"]}]}}),
            ),
            vec![
                ("spec.placement.clusterAffinities", R::FieldValueForbidden),
                (
                    "spec.placement.clusterAffinities[0].clusterNames[0]",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.placement.clusterAffinities[1].affinityName",
                    R::FieldValueDuplicate,
                ),
                (
                    "spec.placement.clusterAffinities[2].affinityName",
                    R::FieldValueRequired,
                ),
                ("spec.placement.clusterAffinityReturnSeconds", R::FieldValueInvalid),
            ],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": web, "placement": {"spreadConstraints": [
                {"spreadByField": "region", "minGroups": 2, "maxGroups": 3}, {"spreadByLabel": "example.com/tier", "maxGroups": 0}]}})),
            vec![],
        ),
        (
            "PropagationPolicy",
            policy(json!({"resourceSelectors": web, "placement": {"spreadConstraints": [
                {}, {"spreadByField": "zone", "spreadByLabel": "tier"}, {"spreadByField": "region", "minGroups": 3, "maxGroups": 2},
                {"spreadByField": "region", "minGroups": -1}, {"spreadByLabel": "a b"}]}})),
            vec![
                (
                    "spec.placement.spreadConstraints[0].spreadByField",
                    R::FieldValueRequired,
                ),
                (
                    "spec.placement.spreadConstraints[1].spreadByLabel",
                    R::FieldValueForbidden,
                ),
                ("spec.placement.spreadConstraints[2].maxGroups", R::FieldValueInvalid),
                (
                    "spec.placement.spreadConstraints[3].spreadByField",
                    R::FieldValueDuplicate,
                ),
                ("spec.placement.spreadConstraints[3].minGroups", R::FieldValueInvalid),
                (
                    "spec.placement.spreadConstraints[4].spreadByLabel",
                    R::FieldValueInvalid,
                ),
            ],
        ),
        (
            "Region",
            json!({"metadata": {"name": "eu-west"}, "spec": {"latitude": 53.3, "longitude": -6.2, "cidrs": ["10.0.0.0/8"], "fallbacks": ["us-east"]}}),
            vec![],
        ),
        (
            "Region",
            json!({"metadata": {"name": "eu-west"}, "spec": {"latitude": 91, "cidrs": ["10.0.0.0/40"], "countries": ["de"], "continents": ["XX"], "fallbacks": ["eu-west"]}}),
            vec![
                ("spec.latitude", R::FieldValueInvalid),
                ("spec.longitude", R::FieldValueRequired),
                ("spec.cidrs[0]", R::FieldValueInvalid),
                ("spec.countries[0]", R::FieldValueInvalid),
                ("spec.continents[0]", R::FieldValueNotSupported),
                ("spec.fallbacks[0]", R::FieldValueInvalid),
            ],
        ),
        ("DNSPolicy", policy(json!({"ttl": 30, "steering": "Geo"})), vec![]),
        (
            "DNSPolicy",
            policy(
                json!({"ttl": 0, "steering": "Failover", "maxAnswers": 0, "weights": {"eu-1": 0}, "probe": {"port": 0}}),
            ),
            vec![
                ("spec.weights", R::FieldValueInvalid),
                ("spec.order", R::FieldValueRequired),
                ("spec.ttl", R::FieldValueInvalid),
                ("spec.maxAnswers", R::FieldValueInvalid),
                ("spec.probe.port", R::FieldValueInvalid),
            ],
        ),
        (
            "OverridePolicy",
            policy(json!({"overrideRules": [{"overriders": {"fieldOverrider": [
                {"fieldPath": "/data/a", "yaml": [{"subPath": "/b", "operator": "remove"}]},
                {"fieldPath": "data", "json": [{"subPath": "/b", "operator": "add"}], "yaml": [{"subPath": "/b", "operator": "remove"}]},
                {"fieldPath": "/data/a"}]}}]})),
            vec![
                (
                    "spec.overrideRules[0].overriders.fieldOverrider[1].fieldPath",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.overrideRules[0].overriders.fieldOverrider[1].yaml",
                    R::FieldValueForbidden,
                ),
                (
                    "spec.overrideRules[0].overriders.fieldOverrider[1].json[0].value",
                    R::FieldValueRequired,
                ),
                (
                    "spec.overrideRules[0].overriders.fieldOverrider[2].yaml",
                    R::FieldValueRequired,
                ),
            ],
        ),
        (
            "OverridePolicy",
            policy(json!({"overrideRules": [{"overriders": {"plaintext": [{"path": "spec", "operator": "add"}]}}]})),
            vec![
                (
                    "spec.overrideRules[0].overriders.plaintext[0].path",
                    R::FieldValueInvalid,
                ),
                (
                    "spec.overrideRules[0].overriders.plaintext[0].value",
                    R::FieldValueRequired,
                ),
            ],
        ),
        (
            "Placement",
            policy(
                json!({"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}, "resourceGeneration": 1,
            "clusters": [{"name": "eu-1", "replicas": 3}], "reason": "r"}),
            ),
            vec![],
        ),
        (
            "Placement",
            policy(
                json!({"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": ""},
            "clusters": [{"name": "eu-1", "replicas": -3}, {"name": "eu-1"}]}),
            ),
            vec![
                ("spec.resource.name", R::FieldValueRequired),
                ("spec.clusters[0].replicas", R::FieldValueInvalid),
                ("spec.clusters[1].name", R::FieldValueDuplicate),
            ],
        ),
        ("Report", policy(json!({"anything": 1})), vec![]),
    ];
    for (kind, object, expected) in rows {
        let object = made(API, kind, object);
        let causes = create(API, kind, &object);
        assert_eq!(told(&causes), expected, "{kind} {object}: {causes:?}");
    }
}
