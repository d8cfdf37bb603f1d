//! The Kubernetes clients of other languages, and Rust's own, as programs use them. What they do stands in `e2e/clients/`.

use std::process::Command;
use std::time::Duration;

use e2e::federation::output;
use e2e::{Federation, tools};

mod rust_client;

/// Patience of a program that only talks to the hub.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn python_javascript_and_rust() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 1).unwrap();
    let kubeconfig = federation.data_dir().join("kubeconfig");
    let scripts = tools::root().join("e2e/clients");
    let python = || {
        let mut command = Command::new("python3");
        command
            .arg("-B")
            .arg(scripts.join("python/client.py"))
            .arg(&kubeconfig)
            .arg("python")
            .env("PYTHONPATH", tools::client("python").unwrap());
        output(command).unwrap()
    };
    let javascript = || {
        let mut command = Command::new("node");
        command
            .arg(scripts.join("javascript/client.mjs"))
            .arg(tools::client("javascript").unwrap())
            .arg(&kubeconfig)
            .arg("javascript");
        output(command).unwrap()
    };
    std::thread::scope(|scope| {
        let programs = [scope.spawn(python), scope.spawn(javascript)];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, rust_client::run(&kubeconfig, "rust"))
                .await
                .unwrap();
        });
        for program in programs {
            assert_eq!(program.join().unwrap().trim(), "done");
        }
    });
}
