//! Who may depend on whom: binary -> edges -> cores -> api.

use std::collections::BTreeSet;

use crate::tree;

/// Our crates, and what of ours each may depend on outside of tests.
const LAYERS: [(&str, &[&str]); 13] = [
    ("api", &[]),
    ("machinery", &["api"]),
    ("placement", &["api"]),
    ("federation-apiserver", &["api", "machinery", "placement"]),
    ("controllers", &["api", "machinery", "placement"]),
    ("syncer", &["api"]),
    ("dns", &["api"]),
    ("simulated", &["api", "federation-apiserver"]),
    ("fuzz", &["dns", "federation-apiserver", "machinery"]),
    ("fuzz/libfuzzer", &["fuzz"]),
    (
        "meridian",
        &[
            "api",
            "machinery",
            "placement",
            "federation-apiserver",
            "controllers",
            "syncer",
            "dns",
            "simulated",
        ],
    ),
    (
        "e2e",
        &[
            "api",
            "machinery",
            "placement",
            "federation-apiserver",
            "controllers",
            "syncer",
            "dns",
            "simulated",
        ],
    ),
    ("tidy", &[]),
];

/// Crates that do I/O or schedule; a pure core never names them.
const IMPURE: [&str; 8] = [
    "tokio",
    "kube",
    "k8s-openapi",
    "sqlx",
    "axum",
    "hyper",
    "futures",
    "rand",
];

fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = tree::text(format!("{name}/Cargo.toml").as_ref());
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some(name) = line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()) {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let ours: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in LAYERS {
        for dependency in dependencies(name) {
            assert!(
                !ours.contains(dependency.as_str()) || allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn cores_stay_pure() {
    for name in ["api", "machinery", "placement"] {
        let found = dependencies(name);
        assert!(
            !found.is_empty(),
            "{name}: no dependencies were read, the reader is broken"
        );
        for dependency in found {
            assert!(
                !IMPURE.contains(&dependency.as_str()),
                "{name} is pure and must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn every_crate_is_in_the_list() {
    for manifest in tree::files(&["/Cargo.toml"]) {
        let folder = manifest
            .parent()
            .expect("a manifest lies in a folder")
            .display()
            .to_string();
        assert!(
            LAYERS.iter().any(|(name, _)| *name == folder),
            "{folder}: say in tidy's layers what it may depend on"
        );
    }
}
