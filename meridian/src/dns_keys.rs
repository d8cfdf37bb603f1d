//! Keys of signed zones in the data directory, a file a zone: `dnssec/ZONE.p8`, PKCS #8, readable by its owner alone. Copy the folder to servers that
//! are to answer alike.

use std::path::PathBuf;

use dns::ZoneKey;
use dns::snapshot::WireName;

use crate::data_dir::{DataDir, write_whole};

/// How key files end.
const ENDING: &str = ".p8";

/// Why a key is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// There is none, or it cannot be read.
    #[error(
        "DNSSEC key {path}: cannot be read; next: check its owner, or start a server with --dnssec, which makes it"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is something else.
    #[error(
        "DNSSEC key {path} cannot be used; next: restore it from a copy; a new key needs a new DS record in the zone above"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: dns::KeyError,
    },
    /// A new one cannot be written.
    #[error("{path}: a new DNSSEC key cannot be written; next: check owner and free space")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn path(dir: &DataDir, zone: &WireName) -> PathBuf {
    // A label may have a slash, a file may not.
    let name = zone.to_string().replace('/', "%2F");
    dir.dnssec().join(format!("{name}{ENDING}"))
}

/// Zones that have keys, by name.
pub(crate) fn zones(dir: &DataDir) -> Result<Vec<WireName>, KeyFileError> {
    let failed = |source| KeyFileError::Read {
        path: dir.dnssec(),
        source,
    };
    let entries = std::fs::read_dir(dir.dnssec()).map_err(failed)?;
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let zone = |name: String| WireName::parse(&name.strip_suffix(ENDING)?.replace("%2F", "/")).ok();
    let mut zones: Vec<WireName> = names.filter_map(zone).collect();
    zones.sort();
    Ok(zones)
}

/// The key of a zone.
pub(crate) fn read(dir: &DataDir, zone: &WireName) -> Result<ZoneKey, KeyFileError> {
    let path = path(dir, zone);
    let bytes = std::fs::read(&path).map_err(|source| KeyFileError::Read {
        path: path.clone(),
        source,
    })?;
    ZoneKey::read(&bytes).map_err(|source| KeyFileError::Key { path, source })
}

/// The key of a zone, made where there is none.
pub(crate) fn of(dir: &DataDir, zone: &WireName) -> Result<ZoneKey, KeyFileError> {
    let file = path(dir, zone);
    if !file.exists() {
        let wrong = |source| KeyFileError::Key {
            path: file.clone(),
            source,
        };
        let made = ZoneKey::generate().map_err(wrong)?;
        write_whole(&file, &made, true).map_err(|source| KeyFileError::Write {
            path: file.clone(),
            source,
        })?;
        tracing::info!(zone = %zone, "zone {zone} has a new key; give the zone above what `meridian ds` prints");
    }
    read(dir, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&root.path().join("data")).unwrap();
        let (one, two) = (
            WireName::parse("Example.org").unwrap(),
            WireName::parse("a/b.test").unwrap(),
        );
        assert!(zones(&dir).is_err() && read(&dir, &one).is_err());
        let tags = [of(&dir, &one).unwrap().tag(), of(&dir, &two).unwrap().tag()];
        assert_eq!([of(&dir, &one).unwrap().tag(), read(&dir, &two).unwrap().tag()], tags);
        assert_eq!(zones(&dir).unwrap().len(), 2);
        std::fs::write(path(&dir, &one), "x").unwrap();
        assert!(
            matches!(of(&dir, &one), Err(KeyFileError::Key { .. })),
            "a damaged key is not made anew"
        );
    }
}
