//! Every kubectl of the newest three minor versions, through one long session that `e2e/kubectl/session.txt` writes down.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use e2e::{Federation, tools};

const VERSIONS: [&str; 3] = ["1.35", "1.36", "1.37"];
const SESSION: &str = include_str!("../../kubectl/session.txt");

/// A command, the status it must end with, and what its answer must or must not say.
struct Step {
    command: String,
    status: i32,
    says: Vec<String>,
    hides: Vec<String>,
}

fn session(namespace: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in SESSION.lines() {
        let line = line.trim_end().replace("$NS", namespace);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (status, command) = match line.split_once(' ') {
            Some(("$", command)) => (Some(0), command),
            Some(("$?", rest)) => {
                let (status, command) = rest.split_once(' ').unwrap();
                (Some(status.parse().unwrap()), command)
            }
            _ => (None, line.as_str()),
        };
        if let Some(status) = status {
            steps.push(Step {
                command: command.to_owned(),
                status,
                says: Vec::new(),
                hides: Vec::new(),
            });
            continue;
        }
        let step = steps.last_mut().unwrap();
        match line.strip_prefix('!') {
            Some(hidden) => step.hides.push(hidden.to_owned()),
            None => step.says.push(line.clone()),
        }
    }
    steps
}

/// White space in tables depends on what else is in them.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the session with one kubectl; what went wrong.
fn run(federation: &Federation, dir: &Path, version: &str) -> Vec<String> {
    let home = dir.join(format!("kubectl-{version}"));
    std::fs::create_dir_all(&home).unwrap();
    symlink(
        tools::cached(&format!("kubectl-{version}")).unwrap(),
        home.join("kubectl"),
    )
    .unwrap();
    std::fs::copy(federation.data_dir().join("kubeconfig"), home.join("config")).unwrap();
    let namespace = format!("kubectl-{}", version.replace('.', "-"));
    let path = std::env::var("PATH").unwrap_or_default();
    let bash = |line: &str| {
        Command::new("bash")
            .args(["-c", line])
            .env("PATH", format!("{}:{path}", home.display()))
            .env("HOME", &home)
            .env("KUBECONFIG", home.join("config"))
            .current_dir(tools::root())
            .output()
            .unwrap()
    };
    bash(&format!(
        "kubectl config use-context federation; kubectl config set-context --current --namespace={namespace}"
    ));
    let mut wrong = Vec::new();
    for step in session(&namespace) {
        let output = bash(&step.command);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let said = words(&text);
        let ended = output.status.code() == Some(step.status);
        let silent = step.says.iter().find(|line| !said.contains(&words(line)));
        let shown = step.hides.iter().find(|line| said.contains(&words(line)));
        if !ended || silent.is_some() || shown.is_some() {
            wrong.push(format!(
                "kubectl {version}: {}\nended with {:?}, wanted {}; lacks {silent:?}; shows {shown:?}; it said:\n{text}",
                step.command,
                output.status.code(),
                step.status,
            ));
        }
    }
    wrong
}

#[test]
fn a_session_with_every_kubectl() {
    let dir = tempfile::tempdir().unwrap();
    // The sessions delete their namespaces at the same moment, which is nearly all that is there.
    let federation = Federation::start_with(dir.path(), 2, &["--removals-share", "100"]).unwrap();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let sessions: Vec<_> = VERSIONS
            .iter()
            .map(|version| scope.spawn(|| run(&federation, dir.path(), version)))
            .collect();
        sessions
            .into_iter()
            .flat_map(|session| session.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
