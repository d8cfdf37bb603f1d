//! A running `meridian up` on ports and in a directory of its own, and the tools pointed at it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::ports::Network;
use crate::process::Process;
use crate::wait::eventually;
use crate::{Failure, ports, tools};

/// How long a hub may take to become ready: it may have to make its database first.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running federation.
#[derive(Debug)]
pub struct Federation {
    data_dir: PathBuf,
    api: u16,
    dns: u16,
    simulate: u16,
    network: Network,
    flags: Vec<String>,
    process: Option<Process>,
}

impl Federation {
    /// Starts `meridian up --simulate N` in a directory and waits until it is ready.
    ///
    /// # Errors
    /// If the binary is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(dir: &Path, simulate: u16) -> Result<Self, Failure> {
        Self::start_with(dir, simulate, &[])
    }

    /// As [`Federation::start`], with further flags.
    ///
    /// # Errors
    /// If the binary is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_with(dir: &Path, simulate: u16, flags: &[&str]) -> Result<Self, Failure> {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::start_in(dir.join("hub"), simulate, flags)
    }

    /// Starts `meridian up` over a database that others may use too.
    ///
    /// # Errors
    /// If the binary is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_over(dir: &Path, simulate: u16, database: &str) -> Result<Self, Failure> {
        Self::start_with(dir, simulate, &["--database-url", database])
    }

    /// Starts another process of the same hub: over the same database, with the same authority.
    ///
    /// # Errors
    /// If its directory cannot be made, or it does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_another(&self, dir: &Path) -> Result<Self, Failure> {
        let data_dir = dir.join("another");
        std::fs::create_dir_all(&data_dir).map_err(|error| Failure::of(data_dir.display(), error))?;
        let mut copy = Command::new("cp");
        copy.arg("-a")
            .args(["meridian-data", "pki"].map(|part| self.data_dir.join(part)))
            .arg(&data_dir);
        output(copy)?;
        Self::start_in(data_dir, 0, self.flags.clone())
    }

    fn start_in(data_dir: PathBuf, simulate: u16, flags: Vec<String>) -> Result<Self, Failure> {
        let ports = ports::free(2)?;
        let [api, dns] = ports[..] else {
            return Err(Failure("two ports".to_owned()));
        };
        let mut federation = Self {
            data_dir,
            api,
            dns,
            simulate,
            network: Network::free()?,
            flags,
            process: None,
        };
        federation.restart()?;
        Ok(federation)
    }

    /// Starts the process again, on the same ports and directory.
    ///
    /// # Errors
    /// If it does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn restart(&mut self) -> Result<(), Failure> {
        let mut command = self.meridian()?;
        command
            .args(["up", "--simulate", &self.simulate.to_string()])
            .args(["--simulate-network", &self.network.cidr()])
            .args(["--address", &format!("127.0.0.1:{}", self.api)])
            .args(["--dns-address", &format!("127.0.0.1:{}", self.dns)])
            .args(&self.flags);
        let log = self.data_dir.with_extension("log");
        let mut process = Process::start("meridian up", command, &log)?;
        eventually("the hub", START_PATIENCE, || {
            if !process.running() {
                return Err(format!("it ended; {}", process.last_words()));
            }
            self.kubectl(&["get", "--raw", "/readyz"]).map_err(|error| error.0)
        });
        self.process = Some(process);
        Ok(())
    }

    /// `meridian` with this federation's data directory.
    ///
    /// # Errors
    /// If the binary was not built.
    pub fn meridian(&self) -> Result<Command, Failure> {
        let mut command = Command::new(tools::meridian()?);
        command
            .env("MERIDIAN_DATA_DIR", &self.data_dir)
            .env("MERIDIAN_DNS_ADDRESS", format!("127.0.0.1:{}", self.dns));
        Ok(command)
    }

    /// Runs a `meridian` command and gives what it printed.
    ///
    /// # Errors
    /// With what it said.
    pub fn command(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = self.meridian()?;
        command.args(words);
        output(command)
    }

    /// Runs `kubectl --context federation`.
    ///
    /// # Errors
    /// With what kubectl said.
    pub fn kubectl(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = self.kubectl_command()?;
        command.args(words);
        output(command)
    }

    /// `kubectl --context federation`, for further words and variables.
    ///
    /// # Errors
    /// If kubectl is not installed.
    pub fn kubectl_command(&self) -> Result<Command, Failure> {
        let mut command = Command::new(tools::cached("kubectl")?);
        command
            .arg("--kubeconfig")
            .arg(self.data_dir.join("kubeconfig"))
            .args(["--context", "federation", "--cache-dir"])
            .arg(self.data_dir.with_extension("kubectl-cache"))
            .current_dir(tools::root());
        Ok(command)
    }

    /// Runs `kubectl` and reads what it printed as JSON.
    ///
    /// # Errors
    /// With what kubectl said, or if it is no JSON.
    pub fn kubectl_json(&self, words: &[&str]) -> Result<Value, Failure> {
        let text = self.kubectl(&[words, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|error| Failure::of(text, error))
    }

    /// Runs `dig +short` and gives the lines of the answer.
    ///
    /// # Errors
    /// If dig fails.
    pub fn dig(&self, words: &[&str]) -> Result<Vec<String>, Failure> {
        Ok(self
            .dig_long(&[&["+short"], words].concat())?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// Runs `dig`, whole.
    ///
    /// # Errors
    /// If dig fails.
    pub fn dig_long(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new("dig");
        command
            .args(["@127.0.0.1", "-p", &self.dns.to_string(), "+tries=1", "+timeout=2"])
            .args(words);
        output(command)
    }

    /// Kills the hub as a power cut would: no goodbye. PostgreSQL, its child, stays.
    ///
    /// # Errors
    /// If it is gone already.
    pub fn kill(&mut self) -> Result<(), Failure> {
        let process = self
            .process
            .take()
            .ok_or_else(|| Failure("the hub does not run".to_owned()))?;
        process.signal(Signal::SIGKILL)
    }

    /// Stops the hub in order.
    ///
    /// # Errors
    /// If it had to be killed.
    pub fn stop(&mut self) -> Result<(), Failure> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        let status = process.stop(Duration::from_secs(60))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure(format!("the hub ended with {status}")))
        }
    }

    /// Process id of the hub.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Port of the API.
    #[must_use]
    pub fn api_port(&self) -> u16 {
        self.api
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.process.as_ref().map(Process::last_words).unwrap_or_default()
    }
}

impl Drop for Federation {
    fn drop(&mut self) {
        // In order, so that the private PostgreSQL does not stay behind.
        if let Err(error) = self.stop() {
            eprintln!("{error}");
        }
    }
}

/// What a command printed.
///
/// # Errors
/// With what it said, if it failed.
pub fn output(mut command: Command) -> Result<String, Failure> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| Failure::of(&shown, error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(Failure(format!(
            "{shown}: {}{}",
            text(&output.stdout),
            text(&output.stderr).trim()
        )))
    }
}
