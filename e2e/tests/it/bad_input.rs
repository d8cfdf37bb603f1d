//! What a user or a machine can do wrong, and what is said then. One hub for all of it: it must live on.

use std::cell::RefCell;
use std::process::Command;

use e2e::federation::output;
use e2e::{Federation, tools};

#[test]
fn wrong_requests_get_kubernetes_answers() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 0).unwrap();
    let file = |name: &str, content: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    // All are tried before the test fails, so that one run tells everything.
    let wrong = RefCell::new(Vec::new());
    let refused = |words: &[&str], wanted: &str| match federation.kubectl(words) {
        Ok(said) => wrong.borrow_mut().push(format!("{words:?} was taken: {said}")),
        Err(said) if said.0.contains(wanted) => {}
        Err(said) => wrong
            .borrow_mut()
            .push(format!("{words:?}: wanted {wanted:?} in {said}")),
    };
    let bad_name = file(
        "name.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n",
    );
    refused(
        &["apply", "--server-side=false", "-f", &bad_name],
        "is invalid: metadata.name: Invalid value",
    );
    let unknown = file(
        "field.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbogus: 1\n",
    );
    refused(
        &["apply", "--server-side=false", "-f", &unknown],
        "unknown field \"bogus\"",
    );
    let kind = file("kind.yaml", "apiVersion: v1\nkind: Nonsense\nmetadata: {name: a}\n");
    refused(&["apply", "--server-side=false", "-f", &kind], "no matches for kind");
    let version = file(
        "version.yaml",
        "apiVersion: apps/v9\nkind: Deployment\nmetadata: {name: a}\n",
    );
    refused(&["apply", "--server-side=false", "-f", &version], "no matches for kind");
    refused(&["get", "configmaps", "-l", "a=b=c"], "found '='");
    refused(
        &["get", "configmaps", "--field-selector", "data.x=1"],
        "is not a known field selector",
    );
    refused(
        &["-n", "nowhere", "create", "configmap", "a"],
        "namespaces \"nowhere\" not found",
    );
    let big = file("big.bin", &"x".repeat(1_100_000));
    refused(
        &["create", "configmap", "big", &format!("--from-file={big}")],
        "Too long",
    );
    let huge = file(
        "huge.json",
        &format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"h"}},"data":{{"x":"{}"}}}}"#,
            "x".repeat(3_300_000)
        ),
    );
    refused(
        &["create", "--raw", "/api/v1/namespaces/default/configmaps", "-f", &huge],
        "limit is 3145728",
    );
    let garbage = file("garbage.json", "{\"apiVersion\": \"v1\", ");
    refused(
        &[
            "create",
            "--raw",
            "/api/v1/namespaces/default/configmaps",
            "-f",
            &garbage,
        ],
        "BadRequest",
    );
    federation
        .kubectl(&["create", "deployment", "d", "--image=a:1"])
        .unwrap();
    refused(
        &[
            "patch",
            "deployment",
            "d",
            "--type=merge",
            "-p",
            r#"{"spec":{"selector":{"matchLabels":{"app":"other"}}}}"#,
        ],
        "field is immutable",
    );
    refused(
        &[
            "patch",
            "deployment",
            "d",
            "--type=merge",
            "-p",
            r#"{"metadata":{"resourceVersion":"1"},"spec":{"replicas":3}}"#,
        ],
        "the object has been modified",
    );
    refused(
        &[
            "patch",
            "deployment",
            "d",
            "--type=json",
            "-p",
            r#"[{"op":"test","path":"/spec/replicas","value":9}]"#,
        ],
        "is invalid",
    );
    refused(&["delete", "namespace", "default"], "this namespace may not be deleted");
    assert!(wrong.borrow().is_empty(), "{}", wrong.borrow().join("\n"));
    assert_eq!(federation.kubectl(&["get", "--raw", "/readyz"]).unwrap(), "ok");
}

#[test]
fn wrong_starts_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(tools::meridian().unwrap());
        command.args(words);
        output(command).unwrap_err().0
    };
    let foreign = dir.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("photo.jpg"), "x").unwrap();
    let said = run(&["up", "--data-dir", &foreign.display().to_string()]);
    assert!(said.contains("not Meridian's") && said.contains("next:"), "{said}");
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&[
        "up",
        "--data-dir",
        &dir.path().join("a").display().to_string(),
        "--address",
        &address,
    ]);
    assert!(said.contains(&address) && said.contains("next:"), "{said}");

    let nobody = e2e::ports::free(1).unwrap()[0];
    let database = format!("postgres://meridian@127.0.0.1:{nobody}/meridian");
    let said = run(&[
        "up",
        "--data-dir",
        &dir.path().join("b").display().to_string(),
        "--database-url",
        &database,
        "--address",
        "127.0.0.1:0",
    ]);
    assert!(said.contains(&nobody.to_string()) && said.contains("next:"), "{said}");

    let said = run(&["frobnicate"]);
    assert!(said.contains("unrecognized subcommand"), "{said}");
}
