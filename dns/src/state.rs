//! The snapshot that is served now, and how fresh it is; shared by everything, written by `follow` alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use crate::snapshot::{Snapshot, Standing};

/// Handle on a running server; cheap to clone.
#[derive(Clone, Debug)]
pub struct DnsState {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: ArcSwap<Snapshot>,
    published: watch::Sender<u64>,
    /// Milliseconds since the epoch up to which the hub was heard; `u64::MAX` while it is.
    heard: AtomicU64,
}

impl DnsState {
    pub(crate) fn new(first: Snapshot) -> Self {
        let published = watch::Sender::new(first.version);
        let shared = Shared {
            current: ArcSwap::from_pointee(first),
            published,
            heard: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The snapshot that answers now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.current.load_full()
    }

    /// The snapshot for one query, without touching its count.
    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.shared.current.load()
    }

    /// Every zone can be answered from: something is known of the federation, from the hub or from disk, and every master file was
    /// good once.
    #[must_use]
    pub fn ready(&self) -> bool {
        let snapshot = self.load();
        snapshot.zones.iter().all(|zone| zone.standing == Standing::Served)
    }

    /// Version of the snapshot that answers now.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.load().version
    }

    /// The hub is being heard: every watch is up.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.shared.heard.load(Ordering::Relaxed) == u64::MAX
    }

    /// For how long the hub has not been heard; zero while it is, none if it never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        match self.shared.heard.load(Ordering::Relaxed) {
            0 => None,
            u64::MAX => Some(Duration::ZERO),
            millis => Some(Duration::from_millis(now_millis().saturating_sub(millis))),
        }
    }

    /// Versions as they are published.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.published.subscribe()
    }

    /// Serves a snapshot from now on, unless it is older than the one that is served. Called by one task only.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let version = snapshot.version;
        if version < self.version() {
            tracing::error!(
                version,
                "DNS snapshot {version} is older than the one that is served; it is dropped"
            );
            return;
        }
        self.shared.current.store(Arc::new(snapshot));
        self.shared.published.send_replace(version);
    }

    /// Notes whether the hub is heard, and when it was heard last if that is known better than "now".
    pub(crate) fn heard(&self, connected: bool) {
        if connected {
            self.shared.heard.store(u64::MAX, Ordering::Relaxed);
        } else if self.connected() {
            self.shared.heard.store(now_millis(), Ordering::Relaxed);
        }
    }

    /// Notes that what is served was heard at that time, long ago.
    pub(crate) fn heard_at(&self, millis: u64) {
        self.shared
            .heard
            .store(millis.clamp(1, u64::MAX - 1), Ordering::Relaxed);
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_millis() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX - 1)
}
