//! A backup: everything that exists at one revision, as lines of JSON that a person can read and a program can verify.
//!
//! In: a [`Loaded`] snapshot. Out: a header line, a line an object, a last line with the count and the SHA-256 of all lines
//! before it; and back. A backup that was cut short or changed does not read. Absent: files, databases, the log, and what
//! lives outside of the store, such as the certificate authority.

use std::io::{BufRead, Write};

use api::Revision;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Committed, KindKey, Loaded, ObjectKey, Op};

/// What the first line says of the format.
const FORMAT: &str = "meridian-backup/1";

/// Why a backup could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file could not be read or written.
    #[error("the backup cannot be read or written")]
    Io(#[from] std::io::Error),
    /// It is no backup, or one of a later Meridian.
    #[error(
        "the file is not a backup that this version reads ({FORMAT}); next: check the file, or use the Meridian that wrote it"
    )]
    NotABackup,
    /// A line is not what it should be.
    #[error("line {line} of the backup is damaged: {detail}; next: use another backup")]
    Damaged {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// The last line is missing.
    #[error(
        "the backup ends after {objects} objects without its last line: it was cut short; next: use another backup"
    )]
    CutShort {
        /// How many objects were read.
        objects: usize,
    },
    /// The content is not what was written.
    #[error("the backup's checksum does not match its content; next: use another backup")]
    Changed,
}

#[derive(Deserialize, Serialize)]
struct Header {
    format: String,
    revision: u64,
    epoch: String,
}

#[derive(Deserialize, Serialize)]
struct Line {
    kind: String,
    namespace: String,
    name: String,
    uid: String,
    revision: u64,
    created: u64,
    body: Box<RawValue>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Last {
    objects: usize,
    sha256: String,
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(error: serde_json::Error) -> std::io::Error {
    std::io::Error::other(error)
}

/// Writes a backup.
///
/// # Errors
/// [`BackupError::Io`] if the destination cannot be written; [`BackupError::Damaged`] if a stored body is no JSON.
pub fn write(loaded: &Loaded, out: &mut impl Write) -> Result<(), BackupError> {
    let mut hash = Sha256::new();
    let mut put = |mut line: String| {
        line.push('\n');
        hash.update(line.as_bytes());
        out.write_all(line.as_bytes())
    };
    let header = Header {
        format: FORMAT.to_owned(),
        revision: loaded.revision.get(),
        epoch: loaded.epoch.to_string(),
    };
    put(serde_json::to_string(&header).map_err(json)?)?;
    for (object, number) in loaded.objects.iter().zip(2..) {
        let damaged = |detail: String| BackupError::Damaged { line: number, detail };
        let body = std::str::from_utf8(&object.body).map_err(|error| damaged(error.to_string()))?;
        let body = RawValue::from_string(body.to_owned()).map_err(|error| damaged(error.to_string()))?;
        let line = Line {
            kind: object.key.kind.as_str().to_owned(),
            namespace: object.key.namespace.to_string(),
            name: object.key.name.to_string(),
            uid: object.uid.to_string(),
            revision: object.revision.get(),
            created: object.created_revision.get(),
            body,
        };
        put(serde_json::to_string(&line).map_err(json)?)?;
    }
    let last = Last {
        objects: loaded.objects.len(),
        sha256: hex(hash.finalize()),
    };
    let mut line = serde_json::to_string(&last).map_err(json)?;
    line.push('\n');
    out.write_all(line.as_bytes())?;
    Ok(out.flush()?)
}

/// Reads and verifies a whole backup.
///
/// # Errors
/// [`BackupError`] says what is wrong; nothing of a damaged backup is returned.
pub fn read(mut from: impl BufRead) -> Result<Loaded, BackupError> {
    let mut hash = Sha256::new();
    let mut text = String::new();
    from.read_line(&mut text)?;
    let header: Header = serde_json::from_str(&text).map_err(|_| BackupError::NotABackup)?;
    if header.format != FORMAT {
        return Err(BackupError::NotABackup);
    }
    hash.update(text.as_bytes());
    let mut loaded = Loaded {
        revision: Revision::new(header.revision).ok_or(BackupError::NotABackup)?,
        compacted: Revision::new(header.revision).ok_or(BackupError::NotABackup)?,
        epoch: header.epoch.as_str().into(),
        objects: Vec::new(),
    };
    for number in 2.. {
        text.clear();
        if from.read_line(&mut text)? == 0 {
            break;
        }
        if let Ok(last) = serde_json::from_str::<Last>(&text) {
            let whole = last.objects == loaded.objects.len() && last.sha256 == hex(hash.finalize());
            return if whole { Ok(loaded) } else { Err(BackupError::Changed) };
        }
        hash.update(text.as_bytes());
        let damaged = |detail: String| BackupError::Damaged { line: number, detail };
        let line: Line = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        loaded.objects.push(committed(line, &loaded).map_err(damaged)?);
    }
    Err(BackupError::CutShort {
        objects: loaded.objects.len(),
    })
}

fn committed(line: Line, loaded: &Loaded) -> Result<Committed, String> {
    let revision = |number: u64| {
        Revision::new(number)
            .filter(|revision| *revision <= loaded.revision)
            .ok_or_else(|| format!("revision {number} is not one of the backup's"))
    };
    let (changed, created) = (revision(line.revision)?, revision(line.created)?);
    Ok(Committed {
        key: ObjectKey {
            kind: KindKey::stored(line.kind.as_str().into()),
            namespace: line.namespace.as_str().into(),
            name: line.name.as_str().into(),
        },
        uid: line.uid.as_str().into(),
        op: if changed == created { Op::Created } else { Op::Updated },
        revision: changed,
        created_revision: created,
        body: Bytes::from(line.body.get().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> Loaded {
        let object = |name: &str, revision: u64| Committed {
            key: ObjectKey::new(&KindKey::new("apps", "deployments"), "shop", name),
            uid: format!("uid-{name}").as_str().into(),
            op: Op::Updated,
            revision: Revision::new(revision).unwrap(),
            created_revision: Revision::new(2).unwrap(),
            body: Bytes::from(format!("{{\"metadata\":{{\"name\":\"{name}\"}},\"spec\":\"ü\\n\"}}")),
        };
        Loaded {
            revision: Revision::new(9).unwrap(),
            compacted: Revision::new(9).unwrap(),
            epoch: "6f0c9c6e-5c52-4a1c-8a5e-0a7d9d0f7d4b".into(),
            objects: vec![object("a", 3), object("b", 9)],
        }
    }

    fn text() -> Vec<u8> {
        let mut out = Vec::new();
        write(&loaded(), &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_written_reads_back() {
        let back = read(text().as_slice()).unwrap();
        assert_eq!(back.objects, loaded().objects);
        assert_eq!((back.revision, &back.epoch), (loaded().revision, &loaded().epoch));
    }

    #[test]
    fn damage_is_found() {
        let whole = String::from_utf8(text()).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let read = |text: String| read(text.as_bytes()).unwrap_err();
        assert!(matches!(read(String::new()), BackupError::NotABackup));
        assert!(matches!(read("{}\n".to_owned()), BackupError::NotABackup));
        let cut = lines[..3].join("\n");
        assert!(matches!(read(cut), BackupError::CutShort { objects: 2 }));
        let torn = &whole[..lines[0].len() + 20];
        assert!(matches!(read(torn.to_owned()), BackupError::Damaged { .. }));
        assert!(matches!(read(whole.replace("uid-a", "uid-x")), BackupError::Changed));
        let without_one = [lines[0], lines[2], lines[3]].join("\n");
        assert!(matches!(read(without_one), BackupError::Changed));
        let beyond = whole.replace("\"revision\":3", "\"revision\":30");
        assert!(matches!(read(beyond), BackupError::Damaged { line: 2, .. }));
    }
}
