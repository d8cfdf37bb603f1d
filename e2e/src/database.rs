//! A real PostgreSQL that belongs to a test, and a streaming standby of it that can be promoted.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::process::Process;
use crate::wait::eventually;
use crate::{Failure, ports, tools};

const PATIENCE: Duration = Duration::from_secs(60);

/// One server.
#[derive(Debug)]
pub struct Database {
    programs: PathBuf,
    dir: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Database {
    /// Makes and starts a server with an empty database `postgres`, whose superuser needs no password on loopback.
    ///
    /// # Errors
    /// If PostgreSQL is not installed or does not start.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(dir: &Path) -> Result<Self, Failure> {
        let mut database = Self::new(dir)?;
        let mut initdb = database.program("initdb");
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        initdb.arg(database.data());
        crate::federation::output(initdb)?;
        database.run(&[])?;
        Ok(database)
    }

    fn new(dir: &Path) -> Result<Self, Failure> {
        let find = Command::new(tools::root().join("scripts/find-postgresql.sh"));
        let programs = PathBuf::from(crate::federation::output(find)?.trim());
        std::fs::create_dir_all(dir).map_err(|error| Failure::of(dir.display(), error))?;
        let database = Self {
            programs,
            dir: dir.to_owned(),
            port: ports::free(1)?.first().copied().unwrap_or_default(),
            process: None,
        };
        database.give_to_server_user()?;
        Ok(database)
    }

    /// A standby of this server, streaming from it, that it waits for with every commit from now on.
    ///
    /// # Errors
    /// If it cannot be made or started.
    ///
    /// # Panics
    /// If one of the two does not come up.
    pub fn standby(&mut self, dir: &Path) -> Result<Self, Failure> {
        let mut standby = Self::new(dir)?;
        self.stop()?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.data()).arg(&standby.dir);
        crate::federation::output(copy)?;
        let write = |name: &str, text: String| {
            let path = standby.data().join(name);
            std::fs::write(&path, text).map_err(|error| Failure::of(path.display(), error))
        };
        write("standby.signal", String::new())?;
        let source = format!(
            "host=127.0.0.1 port={} user=postgres application_name=standby",
            self.port
        );
        write("postgresql.auto.conf", format!("primary_conninfo = '{source}'\n"))?;
        standby.give_to_server_user()?;
        self.run(&["-c", "synchronous_standby_names=standby"])?;
        standby.run(&[])?;
        // The standby is in sync once the first commit on the primary comes back.
        self.sql("CREATE TABLE in_sync ()")?;
        Ok(standby)
    }

    fn run(&mut self, more: &[&str]) -> Result<(), Failure> {
        let mut server = self.program("postgres");
        server
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.dir)
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB"])
            .args(more);
        let mut process = Process::start("postgres", server, &self.dir.with_extension("log"))?;
        eventually("PostgreSQL", PATIENCE, || {
            if !process.running() {
                return Err(format!("it ended; {}", process.last_words()));
            }
            self.sql("SELECT 1").map_err(|error| error.0)
        });
        self.process = Some(process);
        Ok(())
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// With what psql said.
    pub fn sql(&self, statement: &str) -> Result<String, Failure> {
        let mut psql = self.psql("postgres");
        psql.args(["-c", statement]);
        crate::federation::output(psql)
    }

    /// `psql` as a role, for further words.
    #[must_use]
    pub fn psql(&self, role: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-h", "127.0.0.1", "-U", role, "-d", "postgres", "-qAt", "-p"])
            .arg(self.port.to_string());
        psql
    }

    /// Stops it in order and starts it with its settings read anew.
    ///
    /// # Errors
    /// If it does not start.
    ///
    /// # Panics
    /// If it does not end, or does not come up.
    pub fn restart(&mut self) -> Result<(), Failure> {
        self.stop()?;
        self.run(&[])
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it without a word.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&mut self) -> Result<(), Failure> {
        let process = self.process.take();
        // Dropped at the end, which waits for it.
        let process = process.ok_or_else(|| Failure("PostgreSQL does not run".to_owned()))?;
        process.signal(Signal::SIGKILL)
    }

    /// Stops it in order.
    fn stop(&mut self) -> Result<(), Failure> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::SIGINT)?;
        eventually("PostgreSQL stopped", PATIENCE, || {
            if process.running() {
                Err("it runs".to_owned())
            } else {
                Ok(())
            }
        });
        Ok(())
    }

    /// Makes a standby the server that takes writes.
    ///
    /// # Errors
    /// If it cannot be promoted.
    pub fn promote(&self) -> Result<(), Failure> {
        self.sql("SELECT pg_promote(true, 60)").map(drop)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A program as the user that may run the server: PostgreSQL refuses root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !nix::unistd::geteuid().is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir("/");
        command
    }

    fn give_to_server_user(&self) -> Result<(), Failure> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(());
        }
        let mut chown = Command::new("chown");
        chown.args(["-R", "postgres:postgres"]).arg(&self.dir);
        crate::federation::output(chown).map(drop)
    }
}
