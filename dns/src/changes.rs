//! Files watched for changes. Their directories are, not they: editors, renewed certificates and mounted ConfigMaps put a new file in the old one's
//! place.
//!
//! In: files. Out: that one of them may have changed. Absent: reading them; who reads finds out what changed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// How long changes are gathered.
const SETTLE: Duration = Duration::from_millis(50);
/// When a directory that cannot be watched is tried again, and files are looked at meanwhile.
const AGAIN: Duration = Duration::from_secs(5);
/// Name of the link that a mounted ConfigMap or Secret turns to its new content.
const MOUNTED_LINK: &str = "..data";

/// Changes of some files.
pub(crate) struct Changes {
    watch: Option<Watch>,
    whole: bool,
}

impl Changes {
    /// Nothing is watched yet; where the system cannot watch at all, files are to be looked at now and then.
    pub(crate) fn new(what: &str) -> Self {
        let watch = Watch::new().map_err(|error| {
            tracing::error!(%error, "{what} cannot be watched; they are looked at every {} s", AGAIN.as_secs());
        });
        Self {
            watch: watch.ok(),
            whole: false,
        }
    }

    /// Watches these files from now on, also those watched already.
    pub(crate) fn cover(&mut self, files: &BTreeSet<PathBuf>) {
        self.whole = self.watch.as_mut().is_some_and(|watch| watch.cover(files));
    }

    /// Waits until one of the files may have changed since this was asked last, or must be looked at anyway.
    pub(crate) async fn changed(&self) {
        match &self.watch {
            Some(watch) if self.whole => watch.changed().await,
            Some(watch) => drop(timeout(AGAIN, watch.changed()).await),
            None => sleep(AGAIN).await,
        }
        sleep(SETTLE).await;
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
        names.insert(MOUNTED_LINK.into());
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        let directory = |file: &PathBuf| match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => Path::new(".").to_owned(),
        };
        let directories: BTreeSet<PathBuf> = files.iter().map(directory).collect();
        let mut whole = true;
        for path in directories {
            if let Err(error) = self.watcher.watch(&path, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, "directory {} cannot be watched for changes of files; it is tried again", path.display());
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
