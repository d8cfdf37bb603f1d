//! The programs that tests run, where the install scripts and cargo put them.

use std::path::{Path, PathBuf};

use crate::Failure;

/// A program of the tool cache: `kubectl`, `etcd`, `kube-apiserver`, `kube-controller-manager`.
///
/// # Errors
/// If it is not installed; the message says how to.
pub fn cached(name: &str) -> Result<PathBuf, Failure> {
    installed(&Path::new("bin").join(name))
}

/// The folder with the Kubernetes client for a language: `python`, `javascript`.
///
/// # Errors
/// If it is not installed; the message says how to.
pub fn client(language: &str) -> Result<PathBuf, Failure> {
    installed(&Path::new("clients").join(language))
}

fn installed(place: &Path) -> Result<PathBuf, Failure> {
    let cache = std::env::var_os("MERIDIAN_CACHE_DIR").map(PathBuf::from).or_else(|| {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .map(|base| base.join("meridian"))
    });
    let path = cache.unwrap_or_default().join(place);
    if path.exists() {
        Ok(path)
    } else {
        Err(Failure(format!(
            "{} is missing; next: scripts/install-all.sh",
            path.display()
        )))
    }
}

/// The `meridian` binary: `$MERIDIAN_BIN`, else the one beside this test's own target directory.
///
/// # Errors
/// If it was not built.
pub fn meridian() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("MERIDIAN_BIN").map(PathBuf::from) {
        return Ok(path);
    }
    let own = std::env::current_exe().map_err(|error| Failure::of("this test's own path", error))?;
    own.ancestors()
        .map(|dir| dir.join("meridian"))
        .find(|path| path.is_file())
        .ok_or_else(|| Failure("the meridian binary is missing; next: cargo build -p meridian".to_owned()))
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}
