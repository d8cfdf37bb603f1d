//! Master files followed: zones at the start, and again when a file changes.
//!
//! In: `ORIGIN=FILE` pairs. Out: zones by a channel, log lines, metrics.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use metrics::gauge;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::files::{Loaded, ZoneFile, load};
use crate::changes::Changes;
use crate::snapshot::{Served, Standing};

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
        let mut changes = Changes::new("zone files");
        loop {
            let files: BTreeSet<PathBuf> = self.kept.iter().flat_map(|kept| kept.files.iter().cloned()).collect();
            changes.cover(&files);
            // A change between reading and watching is found by reading once more.
            let Some(reread) = self.reread().await else { return };
            self = reread;
            tokio::select! {
                () = stop.cancelled() => return,
                () = changes.changed() => {}
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
