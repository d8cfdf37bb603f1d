//! A new version goes over three members in waves; kubectl tells the truth of it; a version that cannot start goes back.

use e2e::{Federation, eventually};
use serde_json::json;

use crate::shop::{PATIENCE, until_ready};

const MEMBERS: [&str; 3] = ["ap-1", "eu-1", "us-1"];

fn images(federation: &Federation) -> Vec<String> {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    let image = |member: &&str| {
        let words = ["--context", member, "get", "deployment", "web", "-o", path];
        let image = federation.kubectl(&words).unwrap_or_default();
        image.rsplit(':').next().unwrap_or_default().to_owned()
    };
    MEMBERS.iter().map(image).collect()
}

fn until_images(federation: &Federation, what: &str, wanted: [&str; 3]) {
    eventually(what, PATIENCE, || {
        let images = images(federation);
        if images == wanted {
            Ok(())
        } else {
            Err(format!("{images:?}"))
        }
    });
}

fn phase(federation: &Federation) -> Result<String, String> {
    let path = "jsonpath={.spec.rollout.phase} {.spec.rollout.wave} {.spec.rollout.message}";
    let placement = federation.kubectl(&["get", "placement", "deployment-web", "-o", path]);
    placement.map_err(|error| error.0)
}

fn until_phase(federation: &Federation, what: &str, begins: &str) -> String {
    eventually(what, PATIENCE, || {
        let phase = phase(federation)?;
        if phase.starts_with(begins) {
            Ok(phase)
        } else {
            Err(phase)
        }
    })
}

#[test]
fn versions_go_in_waves_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    until_ready(&federation, 3);
    let apply = |objects: serde_json::Value| {
        let file = dir.path().join("objects.json");
        std::fs::write(&file, objects.to_string()).unwrap();
        federation
            .kubectl(&["apply", "-f", &file.display().to_string()])
            .unwrap();
    };
    let policy = |rollout: serde_json::Value| {
        json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "web", "namespace": "default"}, "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}], "rollout": rollout}})
    };
    let waves = json!([{"name": "canary", "clusterNames": ["eu-1"]}, {"name": "second", "clusterNames": ["us-1"]}]);
    let rollout = json!({"waves": waves, "progressDeadlineSeconds": 3, "onFailure": "Rollback"});
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": {
        "replicas": 6, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "example.com/web:1"}]}}}});
    apply(json!({"apiVersion": "v1", "kind": "List", "items": [policy(rollout.clone()), web]}));
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    until_images(&federation, "the first version is everywhere at once", ["1", "1", "1"]);

    // Held in the first wave, so that it can be looked at.
    let mut slow = rollout.clone();
    slow["waves"][0]["soakSeconds"] = json!(3600);
    apply(policy(slow));
    federation
        .kubectl(&["set", "image", "deployment/web", "c=example.com/web:2"])
        .unwrap();
    let told = until_phase(&federation, "the first wave soaks", "Soaking canary");
    assert!(told.contains("Wave canary (1 of 3) is well"), "{told}");
    until_images(&federation, "the others wait", ["1", "2", "1"]);
    let status = federation
        .kubectl(&["rollout", "status", "deployment/web", "--watch=false"])
        .unwrap();
    assert!(status.contains("2 out of 6 new replicas have been updated"), "{status}");
    // Scaling goes everywhere, whatever the version.
    federation
        .kubectl(&["scale", "deployment/web", "--replicas=9"])
        .unwrap();
    eventually("nine replicas of two versions", PATIENCE, || {
        let path = "jsonpath={.status.readyReplicas} {.status.updatedReplicas}";
        let counts = federation
            .kubectl(&["get", "deployment", "web", "-o", path])
            .map_err(|error| error.0)?;
        if counts == "9 3" { Ok(()) } else { Err(counts) }
    });
    apply(policy(rollout));
    let done = until_phase(&federation, "the rest follows", "Done");
    assert!(done.contains("Rolled out in 3 waves"), "{done}");
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    assert_eq!(images(&federation), ["2", "2", "2"]);

    // No registry has that: the wave is never well, and everything goes back without a word to the object.
    federation
        .kubectl(&["set", "image", "deployment/web", "c=registry.invalid/web:3"])
        .unwrap();
    let back = until_phase(&federation, "it goes back", "RolledBack canary");
    assert!(back.contains("eu-1"), "{back}");
    until_images(&federation, "the version before is everywhere", ["2", "2", "2"]);
    let failed = federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap_err();
    assert!(failed.0.contains("exceeded its progress deadline"), "{}", failed.0);
    let image = federation
        .kubectl(&[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.spec.template.spec.containers[0].image}",
        ])
        .unwrap();
    assert_eq!(image, "registry.invalid/web:3", "the object is its user's");
    let events = federation
        .kubectl(&[
            "get",
            "events",
            "--field-selector",
            "reason=RolledBack",
            "-o",
            "jsonpath={.items[*].message}",
        ])
        .unwrap();
    assert!(
        events.contains("Wave canary (1 of 3) was not well within 3 s (eu-1)"),
        "{events}"
    );

    // The user takes it back, as in one cluster.
    let history = federation.kubectl(&["rollout", "history", "deployment/web"]).unwrap();
    assert_eq!(
        history
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .count(),
        3,
        "{history}"
    );
    federation.kubectl(&["rollout", "undo", "deployment/web"]).unwrap();
    until_phase(&federation, "at rest", "Done");
    federation
        .kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"])
        .unwrap();
    assert_eq!(images(&federation), ["2", "2", "2"]);
}
