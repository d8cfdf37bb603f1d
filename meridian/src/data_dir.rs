//! The data directory: whose it is, who uses it now, and what lies where in it.
//!
//! In: a path. Out: the path, proven ours and locked for this process. A directory with something else in it is refused,
//! never written to.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Name of the file that marks a directory as Meridian's.
const MARKER: &str = "meridian-data";
/// Version of the directory's layout, written into the marker.
const LAYOUT: &str = "1\n";

/// What is wrong with a data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Something else is in it.
    #[error("data directory {0} is not empty and not Meridian's; next: give an empty or new directory with --data-dir")]
    Foreign(PathBuf),
    /// Written by a version with another layout.
    #[error("data directory {0} has layout {1:?}, this version knows \"1\"; next: use the version that wrote it")]
    Layout(PathBuf, String),
    /// Another process uses it.
    #[error("data directory {0} is in use by another meridian; next: stop that one or give another --data-dir")]
    InUse(PathBuf),
    /// The file system said no.
    #[error("data directory {path}: cannot {what}; next: check its owner and the free space")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// A data directory that is ours.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
}

/// Held while a process uses the directory; the lock goes with the process, however that ends.
#[derive(Debug)]
pub(crate) struct InUse {
    _lock: File,
}

impl DataDir {
    /// Opens or makes the directory.
    pub(crate) fn open(root: &Path) -> Result<Self, DataDirError> {
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Io { path, what, source }
        };
        std::fs::create_dir_all(root).map_err(io("make it", root))?;
        let marker = root.join(MARKER);
        match File::open(&marker) {
            Ok(mut file) => {
                let mut layout = String::new();
                file.read_to_string(&mut layout).map_err(io("read", &marker))?;
                if layout != LAYOUT {
                    return Err(DataDirError::Layout(root.to_owned(), layout.trim().to_owned()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut entries = std::fs::read_dir(root).map_err(io("list it", root))?;
                if entries.next().is_some() {
                    return Err(DataDirError::Foreign(root.to_owned()));
                }
                let mut file = File::create(&marker).map_err(io("write", &marker))?;
                file.write_all(LAYOUT.as_bytes()).map_err(io("write", &marker))?;
            }
            Err(source) => {
                return Err(DataDirError::Io {
                    path: marker,
                    what: "read",
                    source,
                });
            }
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Locks the directory for this process.
    pub(crate) fn lock(&self) -> Result<InUse, DataDirError> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| DataDirError::Io {
                path: path.clone(),
                what: "open",
                source,
            })?;
        match file.try_lock() {
            Ok(()) => Ok(InUse { _lock: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(DataDirError::InUse(self.root.clone())),
            Err(std::fs::TryLockError::Error(source)) => Err(DataDirError::Io {
                path,
                what: "lock",
                source,
            }),
        }
    }

    /// Who the process that uses the directory is, among those of one hub: made once, the same after a restart.
    pub(crate) fn identity(&self) -> Result<String, DataDirError> {
        let path = self.root.join("identity");
        let io = |what| {
            let path = path.clone();
            move |source| DataDirError::Io { path, what, source }
        };
        match std::fs::read_to_string(&path) {
            Ok(identity) if !identity.trim().is_empty() => Ok(identity.trim().to_owned()),
            Ok(_) => self.new_identity(&path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.new_identity(&path),
            Err(error) => Err(io("read")(error)),
        }
    }

    fn new_identity(&self, path: &Path) -> Result<String, DataDirError> {
        let identity: String = uuid::Uuid::new_v4().simple().to_string();
        write_whole(path, identity.as_bytes(), false).map_err(|source| DataDirError::Io {
            path: path.to_owned(),
            what: "write",
            source,
        })?;
        Ok(identity)
    }

    /// Certificates, keys and tokens.
    pub(crate) fn pki(&self) -> PathBuf {
        self.root.join("pki")
    }

    /// The private PostgreSQL server.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The kubeconfig with the context `federation`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.root.join("kubeconfig")
    }

    /// What the DNS server starts from while the hub is away.
    pub(crate) fn dns_snapshot(&self) -> PathBuf {
        self.root.join("dns-snapshot.json")
    }

    /// Keys of signed zones.
    pub(crate) fn dnssec(&self) -> PathBuf {
        self.root.join("dnssec")
    }

    /// Secrets of the DNS server's cookies.
    pub(crate) fn dns_cookie_secret(&self) -> PathBuf {
        self.root.join("dns-cookie.secret")
    }
}

/// Writes a file whole or not at all: to a neighbour first, then renamed over it. `private` files are readable by their
/// owner alone.
pub(crate) fn write_whole(path: &Path, content: &[u8], private: bool) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut neighbour = path.as_os_str().to_owned();
    neighbour.push(".new");
    let neighbour = PathBuf::from(neighbour);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(if private { 0o600 } else { 0o644 })
        .open(&neighbour)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&neighbour, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_becomes_ours_and_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data");
        DataDir::open(&root).unwrap();
        std::fs::write(root.join("anything"), "x").unwrap();
        DataDir::open(&root).unwrap();
    }

    #[test]
    fn a_foreign_directory_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("photo.jpg"), "x").unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(DataDirError::Foreign(_))));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_users_at_once_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        let first = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(DataDirError::InUse(_))));
        drop(first);
        data.lock().unwrap();
    }
}
