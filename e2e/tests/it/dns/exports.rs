//! ServiceExports of the hub: conditions, the ServiceImport, names in `clusterset.local`, and their end.

use std::time::Duration;

use e2e::{Federation, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

const SHOP: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "a:1"}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: shop}
spec: {type: ExternalName, externalName: www.example.org}
"#;

const EXPORTS: &str = r#"
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata: {name: web, namespace: shop}
spec: {exportedLabels: {team: shop}}
---
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceExport
metadata: {name: none, namespace: shop}
---
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata: {name: elsewhere, namespace: shop}
"#;

/// A condition of an export, once it is as wanted.
fn until(federation: &Federation, export: &str, type_: &str, wanted: &str) {
    eventually(&format!("{export} {type_} {wanted}"), PATIENCE, || {
        let words = ["-n", "shop", "get", "serviceexport", export];
        let object = federation.kubectl_json(&words).map_err(|error| error.0)?;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let word = |c: &Value| format!("{}/{}", c["status"].as_str().unwrap(), c["reason"].as_str().unwrap());
        let found = conditions.iter().find(|c| c["type"] == type_).map(word);
        if found.as_deref() == Some(wanted) {
            Ok(())
        } else {
            Err(format!("{conditions:?}"))
        }
    });
}

#[test]
fn exported_services_have_names_for_clusters() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--dnssec", "meridian.internal", "--dnssec", "clusterset.local"];
    let mut federation = Federation::start_with(dir.path(), 3, &flags).unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let kubectl = |words: &[&str]| federation.kubectl(words).unwrap();
    kubectl(&["apply", "-f", &file("shop.yaml", SHOP)]);
    let exports = file("exports.yaml", EXPORTS);
    // The hub makes the definitions at its first start.
    eventually("the exports", PATIENCE, || {
        federation.kubectl(&["apply", "-f", &exports]).map_err(|error| error.0)
    });
    until(&federation, "web", "Valid", "True/Valid");
    until(&federation, "web", "Conflict", "False/NoConflicts");
    until(&federation, "web", "Ready", "True/Exported");
    until(&federation, "none", "Valid", "False/NoService");
    until(&federation, "none", "Ready", "False/Pending");
    until(&federation, "elsewhere", "Valid", "False/InvalidServiceType");
    let import = eventually("an import of all clusters", PATIENCE, || {
        let import = federation
            .kubectl_json(&["-n", "shop", "get", "svcim", "web"])
            .map_err(|error| error.0)?;
        let clusters: Vec<&str> = import["status"]["clusters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c["cluster"].as_str())
            .collect();
        if clusters == ["ap-1", "eu-1", "us-1"] {
            Ok(import)
        } else {
            Err(import.to_string())
        }
    });
    assert_eq!(import["spec"]["type"], "ClusterSetIP");
    assert_eq!(import["spec"]["ports"][0]["name"], "http");
    assert_eq!(import["metadata"]["labels"]["team"], "shop");
    assert!(kubectl(&["-n", "shop", "get", "svcex"]).contains("VALID"), "columns");

    // The name leads each client where the federation's name does.
    let name = "web.shop.svc.clusterset.local";
    let mut answers = Vec::new();
    for subnet in ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"] {
        let subnet = format!("+subnet={subnet}");
        let ask = |name: &str| federation.dig(&[name, &subnet]).map_err(|error| error.0);
        let answer = eventually(&format!("{name} {subnet}"), PATIENCE, || {
            let (here, there) = (ask(name)?, ask("web.shop.fed.svc.meridian.internal")?);
            if here.len() == 1 && here == there {
                Ok(here)
            } else {
                Err(format!("{here:?} {there:?}"))
            }
        });
        answers.push(answer);
    }
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 3, "three places, three answers: {answers:?}");
    let srv = federation.dig(&["SRV", &format!("_http._tcp.{name}")]).unwrap();
    assert_eq!(srv, [format!("0 100 80 {name}.")]);
    assert_eq!(
        federation.dig(&["TXT", "dns-version.clusterset.local"]).unwrap(),
        ["\"1.0.0\""]
    );
    let nothing = |name: &str| federation.dig_long(&[name]).unwrap().contains("NXDOMAIN");
    assert!(nothing("us-1.web.shop.svc.clusterset.local") && nothing("none.shop.svc.clusterset.local"));
    // It reads the snapshot on disk, which is written a moment after it is answered from.
    eventually("the explanation", PATIENCE, || {
        let explain = ["explain", "dns", name, "--from", "198.51.100.7"];
        let explained = federation.command(&explain).map_err(|error| error.0)?;
        let says = explained.contains("the name for clusters");
        if says { Ok(()) } else { Err(explained) }
    });

    // Signed zones sign what each place is answered.
    let ds = federation.command(&["ds"]).unwrap();
    assert!(
        ds.contains("clusterset.local. IN DS ") && ds.contains("meridian.internal. IN DS "),
        "{ds}"
    );
    for (subnet, name) in [
        ("198.51.100.0/24", name),
        ("203.0.113.0/24", "web.shop.fed.svc.meridian.internal"),
    ] {
        let signed = federation
            .dig_long(&["+dnssec", &format!("+subnet={subnet}"), name])
            .unwrap();
        assert!(signed.contains("RRSIG\tA 13 "), "{signed}");
    }

    // Members hold none of it: what they all hold is the Service.
    let placements = kubectl(&["-n", "shop", "get", "placements", "-o", "name"]);
    assert!(!placements.contains("multicluster"), "{placements}");

    // Names and imports end with their exports, whichever way those end.
    kubectl(&["-n", "shop", "delete", "serviceexport", "web"]);
    eventually("the end of the name", PATIENCE, || {
        if nothing(name) {
            Ok(())
        } else {
            Err(format!("{:?}", federation.dig(&[name])))
        }
    });
    eventually("the end of the import", PATIENCE, || {
        let left = federation
            .kubectl(&["-n", "shop", "get", "svcim", "-o", "name"])
            .map_err(|error| error.0)?;
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    kubectl(&["apply", "-f", &exports]);
    eventually("the name again", PATIENCE, || {
        if nothing(name) { Err("not yet".into()) } else { Ok(()) }
    });
    kubectl(&["-n", "shop", "delete", "service", "web"]);
    until(&federation, "web", "Valid", "False/NoService");
    eventually("the end of the name with its Service", PATIENCE, || {
        if nothing(name) {
            Ok(())
        } else {
            Err(format!("{:?}", federation.dig(&[name])))
        }
    });
    federation.stop().unwrap();
}
