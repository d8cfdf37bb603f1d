//! A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager, and Meridian's loop that plays
//! the machines (no kubelet runs). Four processes, one directory, ports of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::ports::Network;
use crate::process::Process;
use crate::wait::eventually;
use crate::{Failure, certificates, ports, tools};

/// The controllers that a member's objects need. Without the node lifecycle controller: our node has no kubelet that would
/// renew its lease, and would be called dead.
const CONTROLLERS: [&str; 11] = [
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "horizontal-pod-autoscaler-controller",
    "endpointslice-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
];

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    name: String,
    dir: PathBuf,
    processes: Vec<Process>,
    /// The loop that plays the machines, and the command that starts it; none while the power is cut.
    machines: Option<Process>,
    machines_command: Vec<String>,
    /// Where its load balancers listen.
    network: Option<Network>,
}

impl ControlPlane {
    /// Starts one in a directory and waits until it is ready. `number` (1 to 200) keeps its cluster IPs apart from others'.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(name: &str, number: u8, dir: &Path) -> Result<Self, Failure> {
        let network = Network::free()?;
        let mut plane = Self::start_with(name, number, dir, &tools::meridian()?, &network.cidr())?;
        plane.network = Some(network);
        Ok(plane)
    }

    /// As [`ControlPlane::start`], with the `meridian` binary that plays the machines, and the load balancers' network.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_with(name: &str, number: u8, dir: &Path, meridian: &Path, addresses: &str) -> Result<Self, Failure> {
        let mut plane = Self::start_api(name, number, dir)?;
        plane.machines_command = vec![
            meridian.display().to_string(),
            "simulate".to_owned(),
            "workloads".to_owned(),
            format!("--name={name}"),
            format!("--kubeconfig={}", plane.kubeconfig().display()),
            format!("--addresses={addresses}"),
        ];
        plane.start_machines()?;
        Ok(plane)
    }

    /// Starts etcd, kube-apiserver and kube-controller-manager alone, without machines.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_api(name: &str, number: u8, dir: &Path) -> Result<Self, Failure> {
        let mut plane = Self::start_server(name, number, dir)?;
        plane.start_controller_manager()?;
        Ok(plane)
    }

    /// Starts etcd and kube-apiserver alone.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_server(name: &str, number: u8, dir: &Path) -> Result<Self, Failure> {
        Self::start_server_with(name, number, dir, &[])
    }

    /// As [`ControlPlane::start_server`], with further flags of kube-apiserver.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_server_with(name: &str, number: u8, dir: &Path, flags: &[&str]) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir).map_err(|error| Failure::of(dir.display(), error))?;
        let dir = dir.canonicalize().map_err(|error| Failure::of(dir.display(), error))?;
        certificates::write(&dir)?;
        let ports = ports::free(3)?;
        let [client, peer, secure] = ports[..] else {
            return Err(Failure("three ports".to_owned()));
        };
        let mut plane = Self {
            name: name.to_owned(),
            dir,
            processes: Vec::new(),
            machines: None,
            machines_command: Vec::new(),
            network: None,
        };
        plane.write_kubeconfig(secure)?;
        plane.start_etcd(client, peer)?;
        plane.start_kube_apiserver(client, secure, number, flags)?;
        eventually(&format!("{name}: kube-apiserver"), Duration::from_secs(90), || {
            plane.check_running()?;
            plane.kubectl(&["get", "--raw", "/readyz"]).map_err(|error| error.0)
        });
        Ok(plane)
    }

    /// Process ids of its servers.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        self.processes.iter().map(Process::id).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// Runs `kubectl` against it.
    ///
    /// # Errors
    /// With what kubectl said.
    pub fn kubectl(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(tools::cached("kubectl")?);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(words);
        crate::federation::output(command)
    }

    /// Cuts the power: the machines and with them the data path are gone, the control plane answers nobody. What is stored
    /// stays stored.
    ///
    /// # Errors
    /// If a process is gone already.
    pub fn cut_power(&mut self) -> Result<(), Failure> {
        self.machines = None;
        self.processes
            .iter()
            .try_for_each(|process| process.signal(Signal::SIGSTOP))
    }

    /// Gives the power back.
    ///
    /// # Errors
    /// If a process is gone or does not start.
    pub fn restore_power(&mut self) -> Result<(), Failure> {
        self.processes
            .iter()
            .try_for_each(|process| process.signal(Signal::SIGCONT))?;
        self.start_machines()
    }

    /// Fails with the last words of a process that ended.
    ///
    /// # Errors
    /// If one ended.
    pub fn check_running(&mut self) -> Result<(), String> {
        match self
            .processes
            .iter_mut()
            .chain(&mut self.machines)
            .find_map(|process| (!process.running()).then(|| process.last_words()))
        {
            Some(words) => Err(words),
            None => Ok(()),
        }
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn launch(&mut self, name: &str, flags: &[String]) -> Result<(), Failure> {
        let mut command = Command::new(tools::cached(name)?);
        command.args(flags).current_dir(&self.dir);
        let process = Process::start(
            &format!("{} of {}", name, self.name),
            command,
            &self.dir.join(format!("{name}.log")),
        )?;
        self.processes.push(process);
        Ok(())
    }

    fn start_etcd(&mut self, client: u16, peer: u16) -> Result<(), Failure> {
        let flags = [
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
            "--log-level=warn".to_owned(),
        ];
        self.launch("etcd", &flags)
    }

    fn start_kube_apiserver(&mut self, etcd: u16, secure: u16, number: u8, more: &[&str]) -> Result<(), Failure> {
        let own = [
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={secure}"),
            format!("--cert-dir={}", self.path("apiserver")),
            format!("--tls-cert-file={}", self.path("server.crt")),
            format!("--tls-private-key-file={}", self.path("server.key")),
            format!("--client-ca-file={}", self.path("ca.crt")),
            format!("--service-account-key-file={}", self.path("service-accounts.pub")),
            format!(
                "--service-account-signing-key-file={}",
                self.path("service-accounts.key")
            ),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            // Kubernetes refuses to write a loopback address into Endpoints.
            "--endpoint-reconciler-type=none".to_owned(),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--service-cluster-ip-range=10.{number}.0.0/16"),
        ];
        let more = more.iter().map(|flag| (*flag).to_owned());
        let flags: Vec<String> = own.into_iter().chain(more).collect();
        self.launch("kube-apiserver", &flags)
    }

    fn start_controller_manager(&mut self) -> Result<(), Failure> {
        let flags = [
            format!("--kubeconfig={}", self.path("kubeconfig")),
            "--bind-address=127.0.0.1".to_owned(),
            // It listens nowhere: nobody asks it anything.
            "--secure-port=0".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                self.path("service-accounts.key")
            ),
            format!("--root-ca-file={}", self.path("ca.crt")),
            "--leader-elect=false".to_owned(),
            format!("--controllers={}", CONTROLLERS.join(",")),
        ];
        self.launch("kube-controller-manager", &flags)
    }

    fn start_machines(&mut self) -> Result<(), Failure> {
        let Some((program, words)) = self.machines_command.split_first() else {
            return Ok(());
        };
        let mut command = Command::new(program);
        command.args(words).env("MERIDIAN_LOG", "info,kube_client=off");
        let log = self.dir.join("machines.log");
        self.machines = Some(Process::start(&format!("machines of {}", self.name), command, &log)?);
        Ok(())
    }

    fn write_kubeconfig(&self, secure: u16) -> Result<(), Failure> {
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": {
                "server": format!("https://127.0.0.1:{secure}"),
                "certificate-authority": self.path("ca.crt"),
            }}],
            "users": [{"name": self.name, "user": {
                "client-certificate": self.path("admin.crt"),
                "client-key": self.path("admin.key"),
            }}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
        });
        let path = self.kubeconfig();
        std::fs::write(&path, kubeconfig.to_string()).map_err(|error| Failure::of(path.display(), error))
    }
}
