//! Private PostgreSQL servers for tests: real, durable, on a socket in a directory of their own.
//!
//! A shell holds each server and watches a pipe from the test process: however that process ends, the pipe closes, the
//! server stops and its directory goes. Where tests run as root the server runs as the user `postgres`.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::PostgresConfig;

/// The server that all tests share; each has a database of its own.
static SHARED: LazyLock<TestServer> = LazyLock::new(TestServer::start);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// `$0` is the program, `$1` the directory; standard input is the pipe. A server that dies is started again, as an init
/// system would.
const HOLD: &str = r#"
while :; do "$0" -D "$1/data" -k "$1" -c listen_addresses= -c shared_buffers=32MB >>"$1/log" 2>&1; sleep 0.1; done &
keeper=$!
read -r _
kill -KILL $keeper
server=$(head -n 1 "$1/data/postmaster.pid")
kill -QUIT "$server"
while kill -0 "$server"; do sleep 0.05; done
rm -rf "$1"
"#;

/// A running server.
pub(crate) struct TestServer {
    programs: PathBuf,
    directory: PathBuf,
    /// Holds the pipe.
    holder: Child,
}

/// A new, empty database on the shared server.
pub(crate) async fn database() -> PostgresConfig {
    // The first caller waits for initdb; tests run on threads of their own.
    tokio::task::spawn_blocking(|| LazyLock::force(&SHARED)).await.unwrap();
    SHARED.database().await
}

/// Ends Meridian's connections to a database of the shared server, as an administrator can.
pub(crate) async fn cut_connections(config: &PostgresConfig) {
    let database = config.sessions[0].get_database().unwrap();
    let mut connection = SHARED.connection("postgres").await;
    let query =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'meridian'";
    let cut = sqlx::query(query)
        .bind(database)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(!cut.is_empty());
}

impl TestServer {
    /// Creates and starts a server of its own.
    pub(crate) fn start() -> Self {
        let programs = find_programs();
        let directory = tempfile::Builder::new()
            .prefix("meridian-pg-")
            .tempdir()
            .unwrap()
            .keep();
        if let Some((user, group)) = server_user() {
            chown(&directory, Some(user), Some(group)).unwrap();
        }
        let made = as_server_user(&programs.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
                "-D",
            ])
            .arg(directory.join("data"))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let holder = hold(&programs, &directory);
        let server = Self {
            programs,
            directory,
            holder,
        };
        server.wait_until_up();
        server
    }

    /// Kills the whole server without a word, and waits until it is up again.
    pub(crate) fn crash_and_restart(&self) {
        let pid_file = self.directory.join("data/postmaster.pid");
        let pid = || {
            fs::read_to_string(&pid_file)
                .unwrap_or_default()
                .lines()
                .next()
                .map(str::to_owned)
        };
        let before = pid().unwrap();
        assert!(
            Command::new("kill")
                .args(["-KILL", &before])
                .status()
                .unwrap()
                .success()
        );
        wait_for("a new server", || pid().is_some_and(|now| now != before));
        self.wait_until_up();
    }

    /// Kills the processes that serve Meridian's connections to a database, without a word. PostgreSQL then restarts
    /// all of its processes.
    pub(crate) async fn kill_backends(&self, config: &PostgresConfig) {
        let database = config.sessions[0].get_database().unwrap().to_owned();
        let mut connection = self.connection("postgres").await;
        let query = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name = 'meridian'";
        let pids: Vec<i32> = sqlx::query_scalar(query)
            .bind(database)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for pid in pids {
            let mut kill = Command::new("kill");
            let killed = kill
                .args(["-KILL", &pid.to_string()])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(killed.success() || !Path::new(&format!("/proc/{pid}")).exists());
        }
    }

    /// A new, empty database.
    pub(crate) async fn database(&self) -> PostgresConfig {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut connection = self.connection("postgres").await;
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        PostgresConfig::of(self.options(&name))
    }

    async fn connection(&self, database: &str) -> PgConnection {
        PgConnection::connect_with(&self.options(database)).await.unwrap()
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.directory)
            .username("postgres")
            .database(database)
    }

    fn wait_until_up(&self) {
        wait_for("PostgreSQL; its log is in meridian-pg-*/log", || {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            ask.arg("-q")
                .arg("-h")
                .arg(&self.directory)
                .status()
                .is_ok_and(|status| status.success())
        });
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.holder.stdin.take();
        self.holder.wait().unwrap();
    }
}

fn hold(programs: &Path, directory: &Path) -> Child {
    as_server_user(Path::new("/bin/sh"))
        .args(["-c", HOLD])
        .arg(programs.join("postgres"))
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "still waiting for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn as_server_user(program: &Path) -> Command {
    match server_user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
            command
                .args([&user, &group, "--clear-groups"])
                .arg(program)
                .current_dir("/");
            command
        }
    }
}

/// Who may run the server: PostgreSQL refuses root.
fn server_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
    Some(user.expect("running as root without a user postgres; run scripts/install-postgresql.sh"))
}

fn find_programs() -> PathBuf {
    let has_all = |bin: &PathBuf| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|program| bin.join(program).exists())
    };
    let system = || {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        let mut versions: Vec<_> = versions
            .map(|entry| entry.path())
            .filter(|path| number(path) >= Some(15))
            .collect();
        versions.sort_by_key(number);
        versions
            .into_iter()
            .rev()
            .map(|version| version.join("bin"))
            .find(has_all)
    };
    let scripted = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/find-postgresql.sh");
        let output = Command::new(script)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())).filter(has_all)
    };
    let told = std::env::var_os("MERIDIAN_POSTGRESQL_BIN")
        .map(PathBuf::from)
        .filter(has_all);
    told.or_else(system)
        .or_else(scripted)
        .expect("no PostgreSQL 15 or newer here; run scripts/install-postgresql.sh")
}
