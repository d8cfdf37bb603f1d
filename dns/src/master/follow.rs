//! Master files followed: zones at the start, and again when a file changes.
//!
//! The directories of the files are watched, not the files: editors and mounted ConfigMaps put a new file in the old one's place.
//! In: `ORIGIN=FILE` pairs. Out: zones by a channel, log lines, metrics.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::files::{Loaded, ZoneFile, load};
use crate::snapshot::{Served, Standing};

/// How long changes are gathered before files are read again.
const SETTLE: Duration = Duration::from_millis(50);
/// When a directory that cannot be watched is tried again, and files are looked at meanwhile.
const AGAIN: Duration = Duration::from_secs(5);
/// Name of the link that a mounted ConfigMap turns to its new content.
const CONFIG_MAP_LINK: &str = "..data";

/// Zones beside the federation's, as they are served.
pub(crate) type Beside = Arc<[Arc<Served>]>;

/// What keeps the zones true to their files.
pub(crate) struct Keeper {
    kept: Vec<Kept>,
    zones: watch::Sender<Beside>,
}

/// One zone.
struct Kept {
    file: ZoneFile,
    zone: Arc<Served>,
    /// Of what was read last, good or not.
    fingerprint: u64,
    files: BTreeSet<PathBuf>,
}

impl Keeper {
    /// Reads all zones. One that cannot be read is answered with SERVFAIL until its file is mended.
    pub(crate) fn start(files: Vec<ZoneFile>) -> (Self, watch::Receiver<Beside>) {
        let kept: Vec<Kept> = files
            .into_iter()
            .map(|file| {
                let loaded = load(&file);
                let mut kept = Kept {
                    zone: Arc::new(Served::without_data(file.origin.clone(), Standing::Broken)),
                    fingerprint: 0,
                    files: BTreeSet::new(),
                    file,
                };
                kept.take_in(loaded);
                kept
            })
            .collect();
        let (zones, receiver) = watch::channel(beside(&kept));
        (Self { kept, zones }, receiver)
    }

    /// Follows the files until stopped.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        if self.kept.is_empty() {
            return stop.cancelled().await;
        }
        let mut watch = match Watch::new() {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::error!(%error, "master files cannot be watched; they are looked at every {} s", AGAIN.as_secs());
                None
            }
        };
        loop {
            let files: BTreeSet<PathBuf> = self.kept.iter().flat_map(|kept| kept.files.iter().cloned()).collect();
            let whole = watch.as_mut().is_some_and(|watch| watch.cover(&files));
            // A change between reading and watching is found by reading once more.
            let Some(reread) = self.reread().await else { return };
            self = reread;
            let changed = async {
                match &watch {
                    Some(watch) if whole => watch.changed().await,
                    Some(watch) => drop(timeout(AGAIN, watch.changed()).await),
                    None => sleep(AGAIN).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(SETTLE) => {}
            }
        }
    }

    /// Reads what changed; none if reading panicked, a defect.
    async fn reread(mut self) -> Option<Self> {
        let read = tokio::task::spawn_blocking(move || {
            let mut changed = false;
            for kept in &mut self.kept {
                let loaded = load(&kept.file);
                if loaded.fingerprint != kept.fingerprint || loaded.files != kept.files {
                    changed |= kept.take_in(loaded);
                }
            }
            if changed {
                self.zones.send_replace(beside(&self.kept));
            }
            self
        });
        read.await
            .map_err(|error| tracing::error!(%error, "reading master files failed"))
            .ok()
    }
}

fn beside(kept: &[Kept]) -> Beside {
    kept.iter().map(|kept| kept.zone.clone()).collect()
}

impl Kept {
    /// Takes in what was read; true if that changed what is served.
    fn take_in(&mut self, loaded: Loaded) -> bool {
        let Loaded {
            result,
            files,
            fingerprint,
        } = loaded;
        self.files = files;
        self.fingerprint = fingerprint;
        let origin = self.file.origin.to_string();
        gauge!("meridian_dns_zone_file_good", "zone" => origin.clone()).set(if result.is_ok() { 1.0 } else { 0.0 });
        match result {
            Ok(built) => {
                for remark in built.remarks {
                    tracing::warn!(zone = origin, "zone {origin} {remark}");
                }
                tracing::info!(
                    zone = origin,
                    serial = built.serial,
                    names = built.zone.table.len(),
                    "zone {origin} is served from {} with serial {}",
                    self.file.path.display(),
                    built.serial
                );
                gauge!("meridian_dns_zone_serial", "zone" => origin).set(f64::from(built.serial));
                self.zone = Arc::new(built.zone);
                true
            }
            Err(error) => {
                let meanwhile = match self.zone.standing {
                    Standing::Served => "its last good version is served on",
                    Standing::NotReady | Standing::Broken => "its names are answered with SERVFAIL",
                };
                tracing::error!(
                    zone = origin,
                    "zone {origin}: {error}; {meanwhile}; next: correct the file"
                );
                false
            }
        }
    }
}

/// The system's word on changes in directories.
struct Watch {
    watcher: RecommendedWatcher,
    changes: Arc<Notify>,
    names: Arc<Mutex<BTreeSet<OsString>>>,
}

impl Watch {
    fn new() -> notify::Result<Self> {
        let changes = Arc::new(Notify::new());
        let names: Arc<Mutex<BTreeSet<OsString>>> = Arc::default();
        let (told, known) = (changes.clone(), names.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let ours = match &event {
                Ok(event) => event.need_rescan() || is_change(event.kind) && is_of(&known, event),
                // Better one reading too many.
                Err(_) => true,
            };
            if ours {
                told.notify_one();
            }
        })?;
        Ok(Self {
            watcher,
            changes,
            names,
        })
    }

    /// Watches the directories of these files, also those watched already; false where one cannot be.
    fn cover(&mut self, files: &BTreeSet<PathBuf>) -> bool {
        let mut names: BTreeSet<OsString> = files
            .iter()
            .filter_map(|file| file.file_name().map(ToOwned::to_owned))
            .collect();
        names.insert(CONFIG_MAP_LINK.into());
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        let directory = |file: &PathBuf| match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => Path::new(".").to_owned(),
        };
        let directories: BTreeSet<PathBuf> = files.iter().map(directory).collect();
        let mut whole = true;
        for path in directories {
            if let Err(error) = self.watcher.watch(&path, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, "directory {} of a zone file cannot be watched; it is tried again", path.display());
                whole = false;
            }
        }
        whole
    }

    /// Waits until one of the files may have changed since this was asked last.
    async fn changed(&self) {
        self.changes.notified().await;
    }
}

/// Whether an event may have changed what a file holds, with the writing at its end: a file that is being written is no zone yet.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(modified) => matches!(modified, ModifyKind::Name(_)),
        EventKind::Remove(_) => true,
        EventKind::Any | EventKind::Create(_) | EventKind::Other => false,
    }
}

/// Whether an event is about a file of ours, or about a directory itself.
fn is_of(names: &Mutex<BTreeSet<OsString>>, event: &Event) -> bool {
    let names = names.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = |path: &PathBuf| path.file_name().is_none_or(|name| names.contains(name));
    event.paths.is_empty()
        || event.paths.iter().any(ours)
        || matches!(event.kind, EventKind::Remove(RemoveKind::Folder))
}
