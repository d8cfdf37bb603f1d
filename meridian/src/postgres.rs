//! The private PostgreSQL server: found, made, started, reused and stopped by `meridian up`.
//!
//! In: a directory of ours. Out: connection options of a running server. It listens on a Unix socket only, demands a
//! password that lies beside it, and runs as an unprivileged system user where we run as root (PostgreSQL refuses root).
//! A server that a killed Meridian left running is taken over, not started twice; one that dies is started again.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::data_dir::write_whole;

pub(crate) mod programs;

/// How long a start may take; recovery after a crash replays the log first.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a fast shutdown may take before the server is told to stop at once (it recovers at the next start).
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest socket path that Linux takes is 107 bytes; PostgreSQL appends `/.s.PGSQL.5432`.
const SOCKET_DIR_MAX: usize = 90;

/// What went wrong with the private server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostgresError {
    /// No programs.
    #[error(
        "no PostgreSQL 15 or newer found; next: run scripts/install-postgresql.sh, or give --database-url for a server of your own"
    )]
    NotFound,
    /// A file could not be made.
    #[error("private PostgreSQL: cannot {what} {path}; next: check owner and free space")]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A program failed.
    #[error("private PostgreSQL: {program} failed: {output}; next: see {log}")]
    Program {
        /// Which.
        program: &'static str,
        /// The end of what it printed.
        output: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// It did not come up.
    #[error("private PostgreSQL did not come up within {} s; next: see {log}", START_TIMEOUT.as_secs())]
    NotReady {
        /// Its log.
        log: PathBuf,
        /// The last refusal.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// No system user to run it as.
    #[error(
        "private PostgreSQL cannot run as root and there is no user `postgres` or `nobody`; next: run meridian as another user"
    )]
    NoUser,
}

/// Rest after a start, before the next one may be tried.
const RESTART_AFTER: Duration = Duration::from_secs(3);
/// How often it is looked whether the server lives. It may be no child of ours (taken over), so nobody tells us.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A running private server.
#[derive(Clone, Debug)]
pub(crate) struct PrivatePostgres {
    bin: PathBuf,
    data: PathBuf,
    socket_dir: PathBuf,
    log: PathBuf,
    run_as: RunAs,
    options: PgConnectOptions,
}

/// As whom the server runs; none: as ourselves.
type RunAs = Option<(u32, u32)>;

impl PrivatePostgres {
    /// Starts the server in `dir`, or takes over the one that runs there.
    pub(crate) async fn start(dir: &Path) -> Result<Self, PostgresError> {
        let bin = programs::find().ok_or(PostgresError::NotFound)?;
        let run_as = unprivileged_user()?;
        let home = prepare_home(dir, run_as)?;
        let data = home.join("data");
        let log = home.join("postgresql.log");
        let password = password(&home, run_as)?;
        if !data.join("PG_VERSION").exists() {
            initialize(&bin, &home, &data, &log, run_as)?;
        }
        let socket_dir = socket_dir(&home, run_as)?;
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&socket_dir)
            .port(5432)
            .username("meridian")
            .password(&password)
            .database("postgres")
            .application_name("meridian")
            .disable_statement_logging();
        let server = Self {
            bin,
            data,
            socket_dir,
            log,
            run_as,
            options,
        };
        if server.running_pid().is_none() {
            server.launch()?;
        }
        server.wait_ready().await?;
        Ok(server)
    }

    /// Starts the server again whenever it is gone, until told to stop. The store waits meanwhile.
    pub(crate) async fn keep_alive(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => {}
            }
            if self.running_pid().is_some() {
                continue;
            }
            tracing::warn!(log = %self.log.display(), "the private PostgreSQL is gone; starting it again");
            if let Err(error) = self.launch() {
                tracing::error!(
                    error = crate::output::with_causes(&error),
                    "the private PostgreSQL cannot be started"
                );
            }
            // A server that ends at once is not started twice a second.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RESTART_AFTER) => {}
            }
        }
    }

    /// How to connect.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Stops the server: fast, and if that takes too long, at once.
    pub(crate) async fn stop(self) {
        let Some(pid) = self.running_pid() else { return };
        for (signal, patience) in [
            (Signal::SIGINT, STOP_TIMEOUT),
            (Signal::SIGQUIT, Duration::from_secs(5)),
        ] {
            if let Err(error) = kill(pid, signal) {
                tracing::warn!(%pid, %error, "the private PostgreSQL could not be told to stop");
                return;
            }
            let deadline = tokio::time::Instant::now() + patience;
            while tokio::time::Instant::now() < deadline {
                if self.running_pid().is_none() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        tracing::warn!(%pid, "the private PostgreSQL did not stop; it stays and is taken over at the next start");
    }

    /// The postmaster, if it is alive and this directory's: a pid file outlives a power cut, a pid is used again.
    fn running_pid(&self) -> Option<Pid> {
        let pid_file = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let mut lines = pid_file.lines();
        let pid: i32 = lines.next()?.trim().parse().ok()?;
        let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let is_postgres = command_line
            .split(|byte| *byte == 0)
            .next()
            .is_some_and(|program| program.ends_with(b"postgres"));
        (is_postgres && lines.next().is_some_and(|dir| Path::new(dir) == self.data)).then_some(Pid::from_raw(pid))
    }

    fn launch(&self) -> Result<(), PostgresError> {
        let Self {
            bin,
            data,
            socket_dir,
            log,
            run_as,
            options: _,
        } = self;
        let file = |what, path: &Path| {
            let path = path.to_owned();
            move |source| PostgresError::File { what, path, source }
        };
        let out = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(file("open", log))?;
        let err = out.try_clone().map_err(file("open", log))?;
        let mut command = as_user(bin.join("postgres"), *run_as);
        command
            .arg("-D")
            .arg(data)
            .arg("-k")
            .arg(socket_dir)
            .args(["-c", "listen_addresses="])
            .args(["-c", "max_connections=60"])
            .args(["-c", "shared_buffers=64MB"])
            .args(["-c", "max_wal_size=1GB"])
            .args(["-c", "unix_socket_permissions=0700"])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .current_dir(data)
            // A group of its own: Ctrl-C at the terminal is for us, and we stop it in order.
            .process_group(0);
        let mut child = command.spawn().map_err(file("run", &bin.join("postgres")))?;
        // Reaped in the background, so that a server that ends is not left as a zombie that looks alive.
        std::thread::spawn(move || match child.wait() {
            Ok(status) => tracing::info!(%status, "the private PostgreSQL ended"),
            Err(error) => tracing::warn!(%error, "the private PostgreSQL cannot be waited for"),
        });
        Ok(())
    }

    async fn wait_ready(&self) -> Result<(), PostgresError> {
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        loop {
            let refusal = match tokio::time::timeout(Duration::from_secs(5), self.options.connect()).await {
                Ok(Ok(connection)) => {
                    if let Err(error) = sqlx::Connection::close(connection).await {
                        tracing::debug!(%error, "closing the first connection");
                    }
                    return Ok(());
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            if tokio::time::Instant::now() >= deadline {
                return Err(PostgresError::NotReady {
                    log: self.log.clone(),
                    source: refusal,
                });
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// The user to run as where we are root.
fn unprivileged_user() -> Result<RunAs, PostgresError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Some((user.uid.as_raw(), user.gid.as_raw())))
        .ok_or(PostgresError::NoUser)
}

/// Makes the server's home. Where the unprivileged user may not enter the data directory (a home directory of root),
/// the home lies under `/var/lib/meridian` and a symbolic link stands in its place.
fn prepare_home(dir: &Path, run_as: RunAs) -> Result<PathBuf, PostgresError> {
    let file = |what, path: &Path| {
        let path = path.to_owned();
        move |source| PostgresError::File { what, path, source }
    };
    if !dir.exists() && run_as.is_some() && !others_may_enter(dir) {
        use sha2::Digest;
        let mark: String = sha2::Sha256::digest(dir.as_os_str().as_encoded_bytes())
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let elsewhere = Path::new("/var/lib/meridian").join(format!("postgres-{mark}"));
        std::fs::create_dir_all(&elsewhere).map_err(file("make", &elsewhere))?;
        std::os::unix::fs::symlink(&elsewhere, dir).map_err(file("link", dir))?;
    }
    std::fs::create_dir_all(dir).map_err(file("make", dir))?;
    let home = dir.canonicalize().map_err(file("find", dir))?;
    own(&home, run_as, 0o700)?;
    Ok(home)
}

fn others_may_enter(dir: &Path) -> bool {
    dir.ancestors()
        .skip(1)
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .all(|ancestor| std::fs::metadata(ancestor).is_ok_and(|found| found.permissions().mode() & 0o001 != 0))
}

fn own(path: &Path, run_as: RunAs, mode: u32) -> Result<(), PostgresError> {
    let file = |what| {
        move |source| PostgresError::File {
            what,
            path: path.to_owned(),
            source,
        }
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(file("set the mode of"))?;
    if let Some((uid, gid)) = run_as {
        chown(path, Some(uid), Some(gid)).map_err(file("give away"))?;
    }
    Ok(())
}

fn password(home: &Path, run_as: RunAs) -> Result<String, PostgresError> {
    let path = home.join("password");
    let file = |what| {
        let path = path.clone();
        move |source| PostgresError::File { what, path, source }
    };
    if !path.exists() {
        let made = uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string();
        write_whole(&path, made.as_bytes(), true).map_err(file("write"))?;
    }
    own(&path, run_as, 0o600)?;
    std::fs::read_to_string(&path).map_err(file("read"))
}

fn socket_dir(home: &Path, run_as: RunAs) -> Result<PathBuf, PostgresError> {
    let beside = home.join("run");
    let dir = if beside.as_os_str().len() <= SOCKET_DIR_MAX {
        beside
    } else {
        let name = home
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        std::env::temp_dir().join(format!("meridian-{name}-{:x}", home.as_os_str().len()))
    };
    std::fs::create_dir_all(&dir).map_err(|source| PostgresError::File {
        what: "make",
        path: dir.clone(),
        source,
    })?;
    own(&dir, run_as, 0o700)?;
    Ok(dir)
}

/// Makes the database cluster beside its final place and renames it there, so that a kill in the middle leaves nothing
/// that looks finished.
fn initialize(bin: &Path, home: &Path, data: &Path, log: &Path, run_as: RunAs) -> Result<(), PostgresError> {
    let unfinished = home.join("data.new");
    let file = |what, path: &Path| {
        let path = path.to_owned();
        move |source| PostgresError::File { what, path, source }
    };
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(file("remove", &unfinished))?;
    }
    let mut command = as_user(bin.join("initdb"), run_as);
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(home.join("password"))
        .args([
            "--username=meridian",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .current_dir(home);
    let output = command.output().map_err(file("run", &bin.join("initdb")))?;
    if !output.status.success() {
        return Err(PostgresError::Program {
            program: "initdb",
            output: last_lines(&output.stderr),
            log: log.to_owned(),
        });
    }
    std::fs::rename(&unfinished, data).map_err(file("rename", &unfinished))
}

fn as_user(program: PathBuf, run_as: RunAs) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = run_as {
        command.uid(uid).gid(gid);
    }
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
}

fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(3))
        .copied()
        .collect::<Vec<_>>()
        .join(" | ")
}
