//! PostgreSQL with a full disk, and PostgreSQL without a connection to give: writes are refused in words, reads go on, nothing
//! that was acknowledged is lost, and all heals without help.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::{Database, Federation, eventually};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::shop::PATIENCE;

/// A disk of a given size at a path; gone with the value.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: &Path, mebibytes: u32) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={mebibytes}m,mode=755");
        mount(Some("none"), at, Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))
            .expect("a disk of its own needs root");
        Self { at: at.to_owned() }
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).unwrap();
        let block = vec![7; 64 << 10];
        while ballast.write_all(&block).is_ok() {}
        while ballast.write_all(b"7").is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what still has a file open there is on its way out.
        if let Err(error) = umount2(&self.at, MntFlags::MNT_DETACH) {
            eprintln!("{}: {error}", self.at.display());
        }
    }
}

fn create(federation: &Federation, dir: &Path, name: &str) -> Result<(), String> {
    let file = dir.join("body");
    // Text that does not compress, so that the disk feels it.
    let noise: String = (0..12_000_u64)
        .map(|word| format!("{:016x}", word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name.len() as u64))
        .collect();
    std::fs::write(&file, noise).unwrap();
    federation
        .kubectl(&[
            "create",
            "configmap",
            name,
            &format!("--from-file={}", file.display()),
            "--request-timeout=40s",
        ])
        .map(drop)
        .map_err(|error| error.0)
}

fn names(federation: &Federation) -> Vec<String> {
    let list = federation.kubectl(&["get", "configmaps", "-o", "name"]).unwrap();
    list.lines()
        .filter_map(|line| line.strip_prefix("configmap/"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&dir.path().join("hub"), 160);
    let federation = Federation::start(dir.path(), 1).unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        let name = format!("before-{number}");
        create(&federation, dir.path(), &name).unwrap();
        acknowledged.push(name);
    }

    disk.fill();
    let refusal = (0..400).find_map(|number| {
        let name = format!("while-{number}");
        match create(&federation, dir.path(), &name) {
            Ok(()) => {
                acknowledged.push(name);
                None
            }
            Err(error) => Some(error),
        }
    });
    let refusal = refusal.expect("a full disk takes no 400 large objects");
    // In words, neither a hang nor a broken connection. A full disk can also end PostgreSQL in the middle of a commit.
    let words = [
        "the store takes no writes now: PostgreSQL",
        "whether the write happened is unknown",
    ];
    assert!(words.iter().any(|words| refusal.contains(words)), "{refusal}");
    println!("{refusal}");
    // Reads are answered from memory meanwhile, and say what was acknowledged.
    let listed = names(&federation);
    for name in &acknowledged {
        assert!(listed.contains(name), "{name} is gone while the disk is full");
    }

    disk.empty();
    eventually("a write after the disk has room", PATIENCE * 2, || {
        match create(&federation, dir.path(), "after") {
            Err(error) if error.contains("AlreadyExists") => Ok(()),
            other => other,
        }
    });
    let found = names(&federation);
    for name in &acknowledged {
        assert!(found.contains(name), "{name} was acknowledged and is gone");
        let whole = federation.kubectl_json(&["get", "configmap", name]).unwrap();
        assert_eq!(
            whole["data"]["body"].as_str().map(str::len),
            Some(16 * 12_000),
            "{name}"
        );
    }
}

/// Clients that hold a connection each.
struct Storm(Vec<Child>);

impl Storm {
    /// As many as the server takes, and some that try again and again.
    fn of(database: &Database, role: &str, clients: usize) -> Self {
        let held = (0..clients)
            .map(|_| {
                let psql = database.psql(role);
                // Connected and silent; refused, it tries again at once, as clients without backoff do.
                let mut again = Command::new("sh");
                again
                    .args(["-c", "while :; do \"$0\" \"$@\"; sleep 0.05; done"])
                    .arg(psql.get_program())
                    .args(psql.get_args())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                std::os::unix::process::CommandExt::process_group(&mut again, 0);
                again.spawn().unwrap()
            })
            .collect();
        Self(held)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
            if let Err(error) = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL) {
                eprintln!("{group}: {error}");
            }
            drop(child.wait());
        }
    }
}

#[test]
fn a_storm_of_connections_refuses_writes_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let mut database = Database::start(&dir.path().join("postgres")).unwrap();
    // As an operator sets it up: a role that owns its database and is no superuser, for whom no slot is reserved.
    database.sql("CREATE ROLE hub LOGIN").unwrap();
    database.sql("CREATE ROLE noise LOGIN").unwrap();
    database.sql("CREATE DATABASE hub OWNER hub").unwrap();
    database.sql("ALTER SYSTEM SET max_connections = 20").unwrap();
    database.restart().unwrap();
    let url = format!("postgres://hub@{}/hub", database.address());
    let federation = Federation::start_over(dir.path(), 1, &url).unwrap();
    federation.kubectl(&["create", "configmap", "before"]).unwrap();
    // A start is over once the simulated member has joined; one that cannot be written down ends the process in words.
    eventually("a copy in the member", PATIENCE, || {
        federation
            .kubectl(&["--context", "us-1", "get", "configmap", "before"])
            .map(drop)
            .map_err(|error| error.0)
    });

    let storm = Storm::of(&database, "noise", 40);
    let of_the_storm = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'noise'";
    eventually("a storm", PATIENCE, || {
        // What the hub holds is taken from it, until the storm has it.
        database
            .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hub'")
            .map_err(|error| error.0)?;
        let held = database.sql(of_the_storm).map_err(|error| error.0)?;
        let hub = database.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'hub'");
        match (held.trim().parse::<u32>(), hub.map_err(|error| error.0)?.trim()) {
            (Ok(17..), "0") => Ok(()),
            (held, hub) => Err(format!("{held:?} of the storm, {hub} of the hub")),
        }
    });
    let refusal = federation
        .kubectl(&["create", "configmap", "during", "--request-timeout=40s"])
        .expect_err("no connection is to be had")
        .0;
    let words = "the store takes no writes now: PostgreSQL has no connection left; the write did not happen, try again";
    assert!(refusal.contains(words), "{refusal}");
    assert!(names(&federation).contains(&"before".to_owned()));

    drop(storm);
    eventually("a write after the storm", PATIENCE, || {
        match federation.kubectl(&["create", "configmap", "after"]) {
            Err(error) if !error.0.contains("AlreadyExists") => Err(error.0),
            _ => Ok(()),
        }
    });
    let found = names(&federation);
    assert!(
        found.contains(&"before".to_owned()) && found.contains(&"after".to_owned()),
        "{found:?}"
    );
    // What is placed goes on, too: the object reaches the member through everything that had lost its connection.
    eventually("the copy in the member", PATIENCE, || {
        federation
            .kubectl(&["--context", "us-1", "get", "configmap", "after"])
            .map(drop)
            .map_err(|error| error.0)
    });
}
