//! Master files on disk: what is named on the command line, and reading it with what it includes.
//!
//! In: `ORIGIN=FILE`. Out: a zone, and every file that it is from. An included file is looked for beside the file that names it and
//! must lie in or below the directory of the zone's own file: who may write a zone may not thereby read what the server can.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::MasterError;
use super::build::{Built, build};
use super::read::{Text, read};
use crate::snapshot::{NameError, WireName};

/// Most bytes of a zone's files together.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A zone and the master file it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFile {
    /// Its apex.
    pub origin: WireName,
    /// The file.
    pub path: PathBuf,
}

/// A text that names no zone and file.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFileError {
    /// It has no `=`, or nothing behind it.
    #[error("{0:?} is not ORIGIN=FILE, such as example.org=/etc/zones/example.org")]
    Form(String),
    /// What is before it is no name.
    #[error(transparent)]
    Origin(#[from] NameError),
}

impl FromStr for ZoneFile {
    type Err = ZoneFileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('=').filter(|(_, path)| !path.is_empty());
        let (origin, path) = parts.ok_or_else(|| ZoneFileError::Form(text.to_owned()))?;
        Ok(Self {
            origin: WireName::parse(origin)?,
            path: path.into(),
        })
    }
}

/// What reading a zone came to.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) result: Result<Built, MasterError>,
    /// Every file that was read or looked for.
    pub(super) files: BTreeSet<PathBuf>,
    /// Hash of what was read: the same bytes are not read into a zone again.
    pub(super) fingerprint: u64,
}

/// Reads a zone.
pub(super) fn load(zone: &ZoneFile) -> Loaded {
    let mut disk = Disk {
        directory: zone.path.parent().map(Path::to_owned).unwrap_or_default(),
        files: BTreeSet::new(),
        left: BYTES_MAX,
        hasher: std::hash::DefaultHasher::new(),
    };
    let result = load_from(zone, &mut disk);
    Loaded {
        result,
        files: disk.files,
        fingerprint: std::hash::Hasher::finish(&disk.hasher),
    }
}

fn load_from(zone: &ZoneFile, disk: &mut Disk) -> Result<Built, MasterError> {
    let name = zone.path.display().to_string();
    let text = disk
        .text(&zone.path)
        .map_err(|detail| MasterError::Whole(name, detail))?;
    let records = read(&zone.origin, &text, &mut |from, path| disk.included(from, path))?;
    build(&zone.origin, &records)
}

/// Files as they are read.
struct Disk {
    directory: PathBuf,
    files: BTreeSet<PathBuf>,
    left: u64,
    hasher: std::hash::DefaultHasher,
}

impl Disk {
    fn text(&mut self, path: &Path) -> Result<Text, String> {
        self.files.insert(path.to_owned());
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        let read = file
            .take(self.left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(read)
            .ok_or_else(|| format!("the zone's files are longer than {BYTES_MAX} bytes"))?;
        std::hash::Hash::hash(&bytes, &mut self.hasher);
        Ok(Text {
            file: path.display().to_string().into(),
            bytes,
        })
    }

    fn included(&mut self, from: &str, path: &str) -> Result<Text, String> {
        let beside = Path::new(from).parent().unwrap_or(Path::new(""));
        let path = beside.join(path);
        // Looked for even where it is not there, so that its coming is noticed.
        self.files.insert(path.clone());
        let own = if self.directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            self.directory.as_path()
        };
        let real = |path: &Path| {
            path.canonicalize()
                .map_err(|error| format!("{}: {error}", path.display()))
        };
        let (directory, file) = (real(own)?, real(&path)?);
        if !file.starts_with(&directory) {
            return Err(format!("{} is not below {}", path.display(), own.display()));
        }
        self.text(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "$TTL 60\n@ SOA ns x 7 1 1 1 30\n@ NS ns\nns A 192.0.2.1\n";

    #[test]
    fn files_are_named_with_their_origin() {
        let zone: ZoneFile = "Example.org.=/a/b=c".parse().unwrap();
        assert_eq!(
            (zone.origin.to_string().as_str(), zone.path),
            ("example.org.", PathBuf::from("/a/b=c"))
        );
        for bad in ["", "example.org", "example.org=", "=x", "a..b=x"] {
            assert!(bad.parse::<ZoneFile>().is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_read_with_what_they_include_and_nothing_outside() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("zones")).unwrap();
        std::fs::write(path("secret"), "x A 192.0.2.66\n").unwrap();
        std::fs::write(path("zones/hosts"), "h A 192.0.2.2\n").unwrap();
        let zone = ZoneFile {
            origin: WireName::parse("example.org").unwrap(),
            path: path("zones/main"),
        };
        let load_with = |line: &str| {
            std::fs::write(&zone.path, format!("{ZONE}{line}\n")).unwrap();
            load(&zone)
        };
        let first = load_with("$INCLUDE hosts");
        assert_eq!(first.result.unwrap().serial, 7);
        assert_eq!(first.files, [path("zones/hosts"), path("zones/main")].into());
        assert_eq!(first.fingerprint, load(&zone).fingerprint);
        std::fs::write(path("zones/hosts"), "h A 192.0.2.3\n").unwrap();
        assert_ne!(first.fingerprint, load(&zone).fingerprint, "an included file changed");
        for (line, words) in [
            ("$INCLUDE ../secret", "is not below"),
            ("$INCLUDE none", "No such file"),
        ] {
            let loaded = load_with(line);
            let error = loaded.result.unwrap_err().to_string();
            assert!(error.contains("main:5: ") && error.contains(words), "{error}");
        }
        std::os::unix::fs::symlink(path("secret"), path("zones/link")).unwrap();
        assert!(load_with("$INCLUDE link").result.is_err(), "nor by a link");
        std::fs::remove_file(&zone.path).unwrap();
        assert!(load(&zone).result.unwrap_err().to_string().contains("No such file"));
    }
}
