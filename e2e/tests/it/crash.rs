//! A hub that is killed in the middle of an apply, and started again, ends where it would have ended.

use e2e::Federation;

use crate::shop;

#[test]
fn kill_in_the_middle_of_the_first_apply() {
    let dir = tempfile::tempdir().unwrap();
    let mut federation = Federation::start(dir.path(), 3).unwrap();
    // One object a call, so that what was acknowledged is known; the kill comes in the middle of them.
    let text = std::fs::read_to_string(e2e::tools::root().join("examples/shop.yaml")).unwrap();
    let parts: Vec<&str> = text.split("\n---\n").filter(|part| part.contains("kind:")).collect();
    let (before, _) = parts.split_at(parts.len() / 2);
    for (number, part) in before.iter().enumerate() {
        let file = dir.path().join(format!("part-{number}.yaml"));
        std::fs::write(&file, part).unwrap();
        federation
            .kubectl(&["apply", "--server-side=false", "-f", &file.display().to_string()])
            .unwrap();
    }
    let acknowledged = everything(&federation);
    assert!(acknowledged.len() > 5, "{acknowledged:?}");
    federation.kill().unwrap();
    federation.restart().unwrap();
    let found = everything(&federation);
    for object in &acknowledged {
        assert!(
            found.contains(object),
            "{object} was acknowledged and is gone; found {found:?}"
        );
    }
    shop::walk(&federation);
}

/// Kind, name and uid of every object in the shop's namespace.
fn everything(federation: &Federation) -> Vec<String> {
    let list = federation
        .kubectl_json(&[
            "-n",
            "shop",
            "get",
            "deployment,service,configmap,secret,serviceaccount",
        ])
        .unwrap();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            format!(
                "{} {} {}",
                item["kind"], item["metadata"]["name"], item["metadata"]["uid"]
            )
        })
        .collect()
}
