//! The snapshot on disk: what was known, not what was compiled, so that a newer program compiles it its own way.
//! Written whole to a neighbour and renamed over; a torn file cannot be. Format: JSON, `format` first.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::world::World;
use crate::error::DnsError;
use crate::snapshot::{Snapshot, Zone, compile};

/// The format this program writes and reads.
const FORMAT: u32 = 1;

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Saved {
    format: u32,
    /// Version of the last snapshot that was compiled from it.
    pub(super) version: u64,
    /// Milliseconds since the epoch at which the hub was last known to agree with it.
    pub(super) heard: u64,
    /// What was known.
    pub(super) world: World,
}

/// What is written; borrows the world.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saving<'a> {
    format: u32,
    version: u64,
    heard: u64,
    world: &'a World,
}

/// Writes the file.
pub(super) fn write(path: &Path, version: u64, heard: u64, world: &World) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let neighbour = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)?;
    }
    let mut out = BufWriter::new(File::create(&neighbour)?);
    serde_json::to_writer(
        &mut out,
        &Saving {
            format: FORMAT,
            version,
            heard,
            world,
        },
    )?;
    out.flush()?;
    out.get_ref().sync_all()?;
    std::fs::rename(&neighbour, path)
}

/// Reads the file; none where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Saved>, DnsError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(DnsError::SnapshotRead {
                path: path.to_owned(),
                source,
            });
        }
    };
    let saved: Saved = serde_json::from_slice(&bytes).map_err(|source| DnsError::SnapshotFormat {
        path: path.to_owned(),
        source,
    })?;
    if saved.format != FORMAT {
        return Err(DnsError::SnapshotVersion {
            path: path.to_owned(),
            found: saved.format,
            known: FORMAT,
        });
    }
    Ok(Some(saved))
}

/// The snapshot a file holds, compiled for a zone: what `explain` looks at without a server. None where there is no file.
///
/// # Errors
/// [`DnsError`] where the file or the zone's settings cannot be used.
pub fn load_snapshot(path: &Path, zone: &str, federation: &str) -> Result<Option<Snapshot>, DnsError> {
    let zone = Zone::new(zone, federation, None, None).map_err(DnsError::Zone)?;
    Ok(read(path)?.map(|saved| compile(&zone, &saved.world.input, saved.version)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ServiceFacts;

    #[test]
    fn what_is_written_is_read_and_garbage_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dns").join("snapshot.json");
        assert!(read(&path).unwrap().is_none());
        let mut world = World::default();
        world.input.services.insert("a/x".into(), ServiceFacts::default());
        world
            .input
            .probes
            .insert("127.0.0.1:80".parse().unwrap(), crate::snapshot::ProbeState::Down);
        write(&path, 7, 9, &world).unwrap();
        let saved = read(&path).unwrap().unwrap();
        assert_eq!((saved.version, saved.heard, saved.world.input), (7, 9, world.input));
        assert_eq!(load_snapshot(&path, "z", "fed").unwrap().unwrap().services.len(), 1);
        std::fs::write(&path, r#"{"format": 2}"#).unwrap();
        assert!(matches!(read(&path), Err(DnsError::SnapshotVersion { found: 2, .. })));
        std::fs::write(&path, r#"{"format": 1, "world": "#).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("snapshot.json") && error.contains("next:"), "{error}");
    }
}
