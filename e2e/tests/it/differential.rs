//! The differential suite: the same requests to a real kube-apiserver and to the hub, answers compared field by field.
//!
//! What is accepted stands in `e2e/differential/accepted.yaml`, each with a reason; anything else fails, and so does a rule
//! that explains nothing any more. `MERIDIAN_DIFFERENTIAL=Service` plays only cases whose name contains the word.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::differential::accepted::{Accepted, Rule};
use e2e::differential::matrix::{self, Kind};
use e2e::differential::script::Case;
use e2e::differential::server::Server;
use e2e::differential::{captured, folder, play, read, report};
use e2e::{ControlPlane, Failure, Process, eventually, ports, tools};

/// What is done to Pods and claims by the members that hold them, not by the hub: left out of the reference, so that
/// everything else about those kinds can be compared.
const NOT_THERE: &str =
    "--disable-admission-plugins=ServiceAccount,Priority,DefaultTolerationSeconds,StorageObjectInUseProtection";

/// The hub's API server alone: controllers would write beside the script, as kube-controller-manager would.
fn hub(dir: &Path) -> (Process, std::path::PathBuf) {
    let port = ports::free(1).unwrap()[0];
    let data = dir.join("hub");
    let mut command = Command::new(tools::meridian().unwrap());
    command
        .env("MERIDIAN_DATA_DIR", &data)
        .args(["apiserver", "--no-controllers", "--address"])
        .arg(format!("127.0.0.1:{port}"));
    let mut process = Process::start("meridian apiserver", command, &dir.join("hub.log")).unwrap();
    let kubeconfig = data.join("kubeconfig");
    eventually("the hub", Duration::from_secs(120), || {
        if !process.running() {
            return Err(process.last_words());
        }
        let mut command = Command::new(tools::cached("kubectl").unwrap());
        command
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["get", "--raw", "/readyz"]);
        e2e::federation::output(command).map_err(|error| error.0)
    });
    (process, kubeconfig)
}

fn cases() -> Result<Vec<Case>, Failure> {
    let kinds: Vec<Kind> = read(&folder().join("kinds.yaml"))?;
    let mut cases = matrix::cases(&kinds);
    cases.extend(captured::cases(&kinds)?);
    let scripts = folder().join("scripts");
    let listed = std::fs::read_dir(&scripts).map_err(|error| Failure::of(scripts.display(), error))?;
    for entry in listed {
        let path = entry.map_err(|error| Failure::of(scripts.display(), error))?.path();
        cases.extend(read::<Vec<Case>>(&path)?);
    }
    if let Ok(word) = std::env::var("MERIDIAN_DIFFERENTIAL") {
        cases.retain(|case| case.name.contains(&word));
    }
    Ok(cases)
}

#[tokio::test]
async fn differential() {
    let dir = tempfile::tempdir().unwrap();
    let cases = cases().unwrap();
    // The hub gives Services addresses of 10.96.0.0/12, so the other server does, too.
    let plane = ControlPlane::start_server_with("reference", 96, &dir.path().join("reference"), &[NOT_THERE]).unwrap();
    let (process, kubeconfig) = hub(dir.path());
    let kube = Server::open("kube-apiserver", &plane.kubeconfig(), "reference")
        .await
        .unwrap();
    let hub = Server::open("the hub", &kubeconfig, "federation").await.unwrap();

    let mut told = play::all(&cases, &kube, &hub).await;
    let rules: Vec<Rule> = read(&folder().join("accepted.yaml")).unwrap();
    let mut accepted = Accepted::new(rules);
    let mut explained = 0;
    let steps = told.len();
    for step in &mut told {
        let (case, name) = (step.case.clone(), step.step.clone());
        let before = step.differences.len();
        step.differences
            .retain(|difference| !accepted.explain(&case, &name, difference));
        explained += before - step.differences.len();
    }
    let left: usize = told.iter().map(|step| step.differences.len()).sum();
    println!(
        "{} cases, {steps} steps, {explained} differences accepted by {} rules, {left} not",
        cases.len(),
        accepted.len()
    );
    process.stop(Duration::from_secs(30)).unwrap();
    // Whole and by step, for whoever mends or accepts them.
    let whole = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differences.jsonl");
    std::fs::write(&whole, report::lines(&told)).unwrap();
    let needless = if std::env::var_os("MERIDIAN_DIFFERENTIAL").is_none() {
        accepted.needless()
    } else {
        Vec::new()
    };
    assert!(
        left == 0 && needless.is_empty(),
        "{}\nrules that explain nothing any more: {needless:#?}",
        report::of(&told)
    );
}
