//! A hub that is killed in the middle of an apply, and started again, ends where it would have ended.

use e2e::{Federation, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::identities::identities;
use crate::shop::{self, PATIENCE};

/// What the shop is made of.
const KINDS: &str = "deployment,service,configmap,secret,serviceaccount";

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
    let acknowledged = identities(&federation, "shop", KINDS);
    assert!(acknowledged.len() > 5, "{acknowledged:?}");
    federation.kill().unwrap();
    federation.restart().unwrap();
    let found = identities(&federation, "shop", KINDS);
    for object in &acknowledged {
        assert!(
            found.contains(object),
            "{object} was acknowledged and is gone; found {found:?}"
        );
    }
    shop::walk(&federation);
}

#[test]
fn kill_of_the_database_in_the_middle_of_writes() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 1).unwrap();
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..60 {
        if number == 20 || number == 40 {
            kill_postmaster(&federation);
        }
        let name = format!("kept-{number}");
        match federation.kubectl(&["create", "configmap", &name, "--request-timeout=20s"]) {
            Ok(_) => acknowledged.push(name),
            Err(_) => refused += 1,
        }
    }
    assert!(
        acknowledged.len() > 40,
        "only {} of 60 were acknowledged; {}",
        acknowledged.len(),
        federation.last_words()
    );
    let list = federation.kubectl(&["get", "configmaps", "-o", "name"]).unwrap();
    for name in &acknowledged {
        assert!(
            list.lines().any(|line| line == format!("configmap/{name}")),
            "{name} was acknowledged and is gone"
        );
    }
    println!("{} acknowledged, {refused} refused, none lost", acknowledged.len());
}

/// SIGKILL to the private PostgreSQL's first process.
fn kill_postmaster(federation: &Federation) {
    let file = federation.data_dir().join("postgres/data/postmaster.pid");
    let pid: i32 = eventually("a postmaster", PATIENCE, || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        text.lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
            .ok_or(text)
    });
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}
