//! A child process with its log in a file, killed when dropped.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Failure;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its output goes to `log`.
    ///
    /// # Errors
    /// If the program or the log cannot be opened.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, Failure> {
        let wrong = |error: std::io::Error| Failure::of(format!("{name} cannot start"), error);
        let out = File::options().create(true).append(true).open(log).map_err(wrong)?;
        let err = out.try_clone().map_err(wrong)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(wrong)?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), Failure> {
        kill(self.pid(), signal).map_err(|error| Failure::of(format!("{} cannot be sent {signal}", self.name), error))
    }

    /// Whether it still runs.
    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to stop and waits; kills it if it does not.
    ///
    /// # Errors
    /// If it had to be killed.
    pub fn stop(mut self, patience: Duration) -> Result<ExitStatus, Failure> {
        self.signal(Signal::SIGTERM)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(Failure::of(&self.name, error)),
            }
        }
        Err(Failure(format!(
            "{} did not stop within {patience:?}; {}",
            self.name,
            self.last_words()
        )))
    }

    /// The end of its log, for messages of failed tests.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines
            .iter()
            .skip(lines.len().saturating_sub(25))
            .copied()
            .collect::<Vec<_>>()
            .join("\n");
        format!("last words of {}:\n{last}", self.name)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.running() {
            // A stopped process does not see SIGKILL's effect any later, but its children may wait for SIGCONT.
            for signal in [Signal::SIGCONT, Signal::SIGKILL] {
                if let Err(error) = kill(self.pid(), signal) {
                    eprintln!("{}: {error}", self.name);
                }
            }
            if let Err(error) = self.child.wait() {
                eprintln!("{}: {error}", self.name);
            }
        }
    }
}
