//! The world, the compiler and the disk in one hand, lent to a blocking thread for work that takes more than a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk;
use super::object::Kind;
use super::watches::Event;
use super::world::World;
use crate::master::Beside;
use crate::probe::{self, Targets};
use crate::snapshot::{Compiler, Dirty, ProbeState, Snapshot, Zone};
use crate::state::{DnsState, now_millis};

/// Versions that are skipped at a start from disk: those compiled after the last save are never given out twice.
const VERSIONS_UNSAVED: u64 = 4096;
/// Writing the file takes at most this share of the time.
const SAVE_SHARE: u32 = 20;

/// What `follow` owns.
pub(crate) struct Engine {
    world: World,
    compiler: Compiler,
    version: u64,
    path: Option<PathBuf>,
    /// Kinds whose first list is whole.
    listed: BTreeSet<Kind>,
    /// Kinds whose watch failed.
    lost: BTreeSet<Kind>,
    /// Something is known, from disk or from whole lists of every kind.
    served: bool,
    saved_version: u64,
    save_after: Instant,
}

/// A compilation's results.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) snapshot: Snapshot,
    pub(crate) targets: Targets,
}

impl Engine {
    /// Starts from the disk where it can; the state serves at once what was found. `alone` is a server without a hub: with nothing on
    /// disk, it has no federation to speak for.
    pub(crate) fn start(zone: Zone, path: Option<PathBuf>, beside: Beside, alone: bool) -> (Self, DnsState) {
        let saved = path.as_deref().map_or(Ok(None), disk::read).unwrap_or_else(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(cause, "{error}");
            None
        });
        let mut compiler = Compiler::new(zone);
        let served = saved.is_some();
        compiler.serve_beside(beside);
        if alone && !served {
            compiler.leave_federation();
        }
        let mut saved = saved.unwrap_or_default();
        // What expired while the server was down counts no more.
        saved.world.at(clock());
        // Seconds since the epoch, where the file is lost or far behind: versions still only grow.
        let version = (saved.version + VERSIONS_UNSAVED).max(now_millis() / 1000);
        let state = if served {
            let state = DnsState::new(compiler.rebuild(&saved.world.input, &Dirty::everything(), version));
            state.heard_at(saved.heard);
            state
        } else {
            DnsState::new(compiler.unready())
        };
        let engine = Self {
            world: saved.world,
            compiler,
            version,
            path,
            listed: BTreeSet::new(),
            lost: BTreeSet::new(),
            served,
            saved_version: version,
            save_after: Instant::now(),
        };
        (engine, state)
    }

    /// Probe states as they were when the file was written.
    pub(crate) fn last_verdicts(&self) -> BTreeMap<SocketAddr, ProbeState> {
        self.world.input.probes.clone()
    }

    /// There is something to serve.
    pub(crate) fn is_served(&self) -> bool {
        self.served
    }

    /// Every watch is up.
    pub(crate) fn is_connected(&self) -> bool {
        self.lost.is_empty() && self.has_listed()
    }

    /// Every kind that every hub serves was listed once.
    fn has_listed(&self) -> bool {
        let everywhere = Kind::ALL.iter().filter(|kind| kind.is_everywhere());
        everywhere.into_iter().all(|kind| self.listed.contains(kind))
    }

    /// Kinds whose watch failed and has not been heard since.
    pub(crate) fn lost(&self) -> Vec<Kind> {
        self.lost.iter().copied().collect()
    }

    pub(crate) fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// Serves these zones beside the federation's from now on; before anything is known of the federation, at once.
    pub(crate) fn serve_beside(&mut self, zones: Beside, state: &DnsState) -> Dirty {
        self.compiler.serve_beside(zones);
        if self.served {
            return Dirty {
                zones: true,
                ..Dirty::default()
            };
        }
        state.publish(self.compiler.unready());
        Dirty::default()
    }

    /// Takes an event in.
    pub(crate) fn take_in(&mut self, event: Event) -> Dirty {
        let mut dirty = Dirty::default();
        match &event {
            // A hub without this kind loses nothing.
            Event::Lost(kind) if !kind.is_everywhere() => {}
            Event::Lost(kind) => {
                if self.lost.insert(*kind) {
                    tracing::warn!(
                        kind = kind.as_str(),
                        "the hub is not heard for {}; DNS answers from what it knows",
                        kind.as_str()
                    );
                }
            }
            Event::ListEnded(kind) => {
                self.listed.insert(*kind);
                self.lost.remove(kind);
                if !self.served && self.has_listed() {
                    self.served = true;
                    dirty = Dirty::everything();
                }
            }
            Event::Seen(kind, _) | Event::Gone(kind, _) | Event::Alive(kind) | Event::Unreadable(kind, _) => {
                self.lost.remove(kind);
            }
            Event::ListBegan(_) | Event::Listed(..) => {}
        }
        dirty.absorb(self.world.apply(event));
        dirty
    }

    /// What the passing of time changes.
    pub(crate) fn look_at_the_clock(&mut self) -> Dirty {
        self.world.at(clock())
    }

    /// Compiles what is dirty; none if the compilation panicked, which is a defect.
    pub(crate) async fn compile(mut self, mut dirty: Dirty) -> Option<Compiled> {
        dirty.absorb(self.look_at_the_clock());
        let compiled = tokio::task::spawn_blocking(move || {
            self.version += 1;
            let snapshot = self.compiler.rebuild(&self.world.input, &dirty, self.version);
            let targets = targets(&snapshot);
            Compiled {
                engine: self,
                snapshot,
                targets,
            }
        });
        compiled
            .await
            .map_err(|error| tracing::error!(%error, "compiling the DNS snapshot failed"))
            .ok()
    }

    /// Writes the file if it is behind and not written too lately.
    pub(crate) async fn save(self, state: &DnsState) -> Option<Self> {
        let due = self.version != self.saved_version && Instant::now() >= self.save_after;
        if due { self.save_now(state).await } else { Some(self) }
    }

    /// Writes the file. A failure is logged and tried again.
    pub(crate) async fn save_now(mut self, state: &DnsState) -> Option<Self> {
        let Some(path) = self.path.clone().filter(|_| self.served) else {
            return Some(self);
        };
        let age = state.age().unwrap_or_default();
        let heard = now_millis().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let saved = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            match disk::write(&path, self.version, heard, &self.world) {
                Ok(()) => self.saved_version = self.version,
                Err(error) => tracing::error!(%error, "the DNS snapshot {} cannot be written", path.display()),
            }
            self.save_after = Instant::now() + (began.elapsed() * SAVE_SHARE).max(Duration::from_millis(500));
            self
        });
        saved
            .await
            .map_err(|error| tracing::error!(%error, "writing the DNS snapshot failed"))
            .ok()
    }
}

/// Milliseconds since the epoch.
fn clock() -> i64 {
    i64::try_from(now_millis()).unwrap_or(i64::MAX)
}

/// What to probe for a snapshot; the shortest interval wins where Services share an address.
fn targets(snapshot: &Snapshot) -> Targets {
    let mut targets = Targets::new();
    let wanted = snapshot
        .services
        .values()
        .flat_map(|service: &Arc<_>| service.targets.iter());
    for (target, seconds) in wanted {
        let interval = seconds.map_or(probe::INTERVAL, |seconds| {
            Duration::from_secs(u64::from(seconds.clamp(1, 3600)))
        });
        targets
            .entry(*target)
            .and_modify(|known| *known = interval.min(*known))
            .or_insert(interval);
    }
    targets
}
