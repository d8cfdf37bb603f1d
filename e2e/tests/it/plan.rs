//! What `meridian plan` says is what happens, and planning changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Federation, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

const BEFORE: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: planned}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: planned}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: planned}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"#;

const AFTER: &str = r#"
apiVersion: federation.meridian.dev/v1alpha1
kind: PropagationPolicy
metadata: {name: web, namespace: planned}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  placement:
    clusterAffinity: {clusterNames: [us-1, eu-1]}
    replicaScheduling:
      replicaDivisionPreference: Weighted
      weightPreference:
        staticWeightList:
          - {targetCluster: {clusterNames: [us-1]}, weight: 2}
          - {targetCluster: {clusterNames: [eu-1]}, weight: 1}
---
apiVersion: federation.meridian.dev/v1alpha1
kind: OverridePolicy
metadata: {name: web, namespace: planned}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  overrideRules:
    - targetCluster: {clusterNames: [eu-1]}
      overriders: {labelsOverrider: [{operator: add, value: {place: europe}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: planned}
spec:
  replicas: 9
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: new, namespace: planned}
data: {a: b}
"#;

type Shares = BTreeMap<String, String>;

fn plan(federation: &Federation, words: &[&str]) -> Value {
    let text = federation.command(&[&["plan", "-o", "json"], words].concat()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn of<'a>(plan: &'a Value, kind: &str) -> &'a Value {
    let objects = plan["objects"].as_array().unwrap();
    let found = objects.iter().find(|object| object["resource"]["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {plan:#}"))
}

/// `deed before>after` by cluster.
fn deeds(object: &Value) -> Shares {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let clusters = object["clusters"].as_array().unwrap();
    let deed = |at: &Value| format!("{} {}>{}", text(&at["deed"]), text(&at["before"]), text(&at["after"]));
    clusters.iter().map(|at| (text(&at["cluster"]), deed(at))).collect()
}

fn shares(placement: &Value) -> Shares {
    let clusters = placement["spec"]["clusters"].as_array().cloned().unwrap_or_default();
    let share = |at: &Value| (at["name"].as_str().unwrap().to_owned(), at["replicas"].to_string());
    clusters.iter().map(share).collect()
}

fn of_text(pairs: &[(&str, &str)]) -> Shares {
    pairs
        .iter()
        .map(|(name, share)| ((*name).to_owned(), (*share).to_owned()))
        .collect()
}

fn revision(federation: &Federation) -> Value {
    let list = federation.kubectl_json(&[
        "get",
        "placements,deployments,configmaps,propagationpolicies",
        "-n",
        "planned",
    ]);
    let items = list.unwrap()["items"].as_array().cloned().unwrap();
    let versions = |one: &Value| (one["metadata"]["name"].clone(), one["spec"].clone());
    items
        .iter()
        .map(versions)
        .map(|(name, spec)| serde_json::json!([name, spec]))
        .collect()
}

#[test]
fn what_a_plan_says_is_what_happens() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    eventually("three members", PATIENCE, || {
        let path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
        let ready = federation.kubectl(&["get", "clusters", "-o", path]);
        let ready = ready.map_err(|error| error.0)?;
        (ready.trim() == "True True True").then_some(()).ok_or(ready)
    });
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (before, after) = (write("before.yaml", BEFORE), write("after.yaml", AFTER));

    let first = plan(&federation, &["-f", &before]);
    let made = of_text(&[("ap-1", "create >2"), ("eu-1", "create >2"), ("us-1", "create >2")]);
    assert_eq!(
        deeds(of(&first, "Deployment")),
        made,
        "its namespace is not there yet: {first:#}"
    );
    assert!(
        federation.kubectl(&["get", "namespace", "planned"]).is_err(),
        "a plan changes nothing"
    );
    federation
        .kubectl(&["apply", "--server-side=false", "-f", &before])
        .unwrap();
    federation
        .kubectl(&["-n", "planned", "rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    let name = "web.planned.fed.svc.meridian.internal";
    eventually("all three answer", PATIENCE, || {
        let answers = federation.dig(&[name]).map_err(|error| error.0)?;
        (answers.len() == 3).then_some(()).ok_or(answers.join(" "))
    });

    let stood = revision(&federation);
    let second = plan(&federation, &["-f", &after, "--show-manifests"]);
    let text = federation.command(&["plan", "-f", &after]).unwrap();
    assert_eq!(revision(&federation), stood, "a plan changes nothing");
    let expected = of_text(&[("ap-1", "delete 2>"), ("eu-1", "change 2>3"), ("us-1", "change 2>6")]);
    assert_eq!(deeds(of(&second, "Deployment")), expected);
    for line in [
        "2 -> 6",
        "out: ap-1 AffinityMismatch",
        "overridden",
        "Nothing was done.",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let planned: BTreeMap<String, Value> = of(&second, "Deployment")["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| (at["cluster"].as_str().unwrap().to_owned(), at["manifest"].clone()))
        .collect();
    assert_eq!(planned["eu-1"]["metadata"]["labels"]["place"], "europe");

    federation
        .kubectl(&["apply", "--server-side=false", "-f", &after])
        .unwrap();
    let happened = of_text(&[("eu-1", "3"), ("us-1", "6")]);
    eventually("what was planned", PATIENCE, || {
        let placement = federation.kubectl_json(&["-n", "planned", "get", "placement", "deployment-web"]);
        let now = shares(&placement.map_err(|error| error.0)?);
        (now == happened).then_some(()).ok_or(format!("{now:?}"))
    });
    let again = plan(&federation, &["-f", &after]);
    let changes = again["objects"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|object| object["clusters"].as_array().unwrap().clone());
    assert!(
        changes.into_iter().all(|at| at["deed"] == "keep"),
        "nothing is left to do: {again:#}"
    );

    lose(&federation, name);
    let refused = federation.command(&["plan", "--lose", "nowhere"]).unwrap_err().0;
    assert!(refused.contains("no cluster \"nowhere\""), "{refused}");
    let status = federation.meridian().unwrap().arg("plan").output().unwrap().status;
    assert_eq!(status.code(), Some(2), "nothing to think of is wrong usage");
}

/// A lost member: what the plan says of names and replicas is what the hub and the DNS server then do.
fn lose(federation: &Federation, name: &str) {
    let lost = plan(federation, &["--lose", "us-1"]);
    let by_region = plan(federation, &["--lose-region", "us-east"]);
    assert_eq!(lost, by_region, "us-1 is all of us-east");
    assert_eq!(
        deeds(of(&lost, "Deployment")),
        of_text(&[("eu-1", "change 3>9"), ("us-1", "delete 6>")])
    );
    let stranded = lost["stranded"].as_array().unwrap();
    assert!(!stranded.iter().any(|one| one["resource"]["name"] == "web"), "{lost:#}");
    let most = plan(federation, &["--lose", "us-1", "--lose", "eu-1"]);
    assert!(
        most["objects"].as_array().unwrap().is_empty(),
        "never shrink on doubt: {most:#}"
    );
    assert!(most["notes"].to_string().contains("more than half"), "{most:#}");
    let names = lost["names"].as_array().unwrap();
    let us = names
        .iter()
        .find(|one| one["region"] == "us-east")
        .unwrap_or_else(|| panic!("{lost:#}"));
    assert_eq!(us["before"], serde_json::json!(["us-1"]));
    let then: Vec<&str> = us["after"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert!(!then.is_empty() && !then.contains(&"us-1"), "{us}");

    let address = |cluster: &str| federation.dig(&[&format!("{cluster}.{name}")]).unwrap().concat();
    let wanted: std::collections::BTreeSet<String> = then.iter().map(|cluster| address(cluster)).collect();
    let placement = || {
        shares(
            &federation
                .kubectl_json(&["-n", "planned", "get", "placement", "deployment-web"])
                .unwrap(),
        )
    };
    federation.command(&["simulate", "fail", "us-1"]).unwrap();
    eventually("clients in us-east go where the plan said", PATIENCE, || {
        let answers = federation
            .dig(&[name, "+subnet=198.51.100.0/24"])
            .map_err(|error| error.0)?;
        let answers: std::collections::BTreeSet<String> = answers.into_iter().collect();
        (!answers.is_empty() && answers.is_subset(&wanted))
            .then_some(())
            .ok_or(format!("{answers:?}, not {wanted:?}"))
    });
    let moved = of_text(&[("eu-1", "9")]);
    eventually("replicas go where the plan said", PATIENCE, || {
        let now = placement();
        (now == moved).then_some(()).ok_or(format!("{now:?}"))
    });
}
