//! `meridian dns` with master files, and NSD with the same; and dig's words on what they answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Failure, Process, eventually, ports, tools};

const PATIENCE: Duration = Duration::from_secs(20);

/// A DNS server on loopback.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) metrics: Option<u16>,
    process: Process,
    log: PathBuf,
}

/// A zone: origin and file.
pub(super) type Zone<'a> = (&'a str, PathBuf);

impl Server {
    /// `meridian dns` with these zones and further words.
    pub(super) fn meridian(dir: &Path, zones: &[Zone<'_>], words: &[&str]) -> Self {
        let (port, metrics) = two_ports();
        let mut command = Command::new(tools::meridian().unwrap());
        command.arg("dns").arg("--data-dir").arg(dir.join("data"));
        command.args(["--dns-address", &format!("127.0.0.1:{port}")]);
        command.args(["--metrics-address", &format!("127.0.0.1:{metrics}")]);
        command.args(words).env_remove("KUBECONFIG");
        for (origin, path) in zones {
            command.arg("--zone-file").arg(format!("{origin}={}", path.display()));
        }
        let log = dir.join("meridian.log");
        let process = Process::start("meridian dns", command, &log).unwrap();
        Self::up(process, port, Some(metrics), log)
    }

    /// NSD with these zones.
    pub(super) fn nsd(dir: &Path, zones: &[Zone<'_>]) -> Self {
        let mut text = String::new();
        for (origin, path) in zones {
            text.push_str(&format!(
                "zone:\n  name: \"{origin}\"\n  zonefile: \"{}\"\n",
                path.display()
            ));
        }
        Self::nsd_at(dir, two_ports().0, &text)
    }

    /// NSD with zones as its configuration has them.
    pub(super) fn nsd_at(dir: &Path, port: u16, zones: &str) -> Self {
        let own = |name: &str| dir.join(name).display().to_string();
        let mut text = format!(
            "server:\n  ip-address: 127.0.0.1\n  port: {port}\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{}\"\n  \
             pidfile: \"\"\n  database: \"\"\n  logfile: \"{}\"\n  xfrdfile: \"{}\"\n  xfrdir: \"{}\"\n  zonelistfile: \"{}\"\n  rrl-ratelimit: 0\n  \
             minimal-responses: yes\nremote-control:\n  control-enable: no\n",
            dir.display(),
            own("nsd.words"),
            own("xfrd"),
            dir.display(),
            own("zonelist"),
        );
        text.push_str(zones);
        let config = dir.join("nsd.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(program("nsd"));
        command.arg("-d").arg("-c").arg(&config);
        let log = dir.join("nsd.log");
        let process = Process::start("nsd", command, &log).unwrap();
        Self::up(process, port, None, log)
    }

    fn up(process: Process, port: u16, metrics: Option<u16>, log: PathBuf) -> Self {
        let mut server = Self {
            port,
            metrics,
            process,
            log,
        };
        eventually("an answer of any kind", PATIENCE, || {
            if !server.process.running() {
                return Err(format!("it ended: {}", server.said()));
            }
            server.dig(&["up.invalid"]).map(drop).map_err(|error| error.0)
        });
        server
    }

    /// What it logged.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// dig's output.
    pub(super) fn dig(&self, words: &[&str]) -> Result<String, Failure> {
        run(
            "dig",
            &["@127.0.0.1", "-p", &self.port.to_string(), "+tries=1", "+timeout=2"],
            words,
        )
    }

    /// kdig's output.
    pub(super) fn kdig(&self, words: &[&str]) -> Result<String, Failure> {
        self.kdig_at(self.port, words)
    }

    /// kdig's output from another port.
    pub(super) fn kdig_at(&self, port: u16, words: &[&str]) -> Result<String, Failure> {
        run(
            "kdig",
            &["@127.0.0.1", "-p", &port.to_string(), "+retry=0", "+timeout=2"],
            words,
        )
    }

    /// Waits until dig's output holds words.
    pub(super) fn until(&self, words: &[&str], wanted: &str) {
        eventually(&format!("{words:?} to hold {wanted:?}"), PATIENCE, || {
            let output = self.dig(words).map_err(|error| error.0)?;
            if output.contains(wanted) { Ok(()) } else { Err(output) }
        });
    }

    /// Stops it in order.
    pub(super) fn stop(self) {
        assert!(self.process.stop(PATIENCE).unwrap().success());
    }
}

/// A program that is root's business: not on everybody's PATH.
fn program(name: &str) -> PathBuf {
    let own = Path::new("/usr/sbin").join(name);
    if own.exists() { own } else { name.into() }
}

pub(super) fn two_ports() -> (u16, u16) {
    let free = ports::free(2).unwrap();
    (free[0], free[1])
}

pub(super) fn run(program: &str, first: &[&str], words: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new(program);
    command.args(first).args(words).stdin(Stdio::null());
    let missing = |error| {
        Failure::of(
            format!("{program} cannot run; next: scripts/install-dns-tools.sh"),
            error,
        )
    };
    let output = command.output().map_err(missing)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(Failure(text + &String::from_utf8_lossy(&output.stderr)))
    }
}

/// What a server says that does not start with these flags, with one zone of a file that is not there.
pub(super) fn refused(flags: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(e2e::tools::meridian().unwrap());
    let always = [
        "dns",
        "--zone-file",
        "example.org=/none",
        "--dns-address",
        "127.0.0.1:0",
    ];
    let output = command
        .args(always)
        .args(flags)
        .arg("--data-dir")
        .arg(dir.path())
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}
