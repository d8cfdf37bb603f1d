//! Records from the text of a master file. `domain` knows the record types and their presentation.
//!
//! In: an origin, text, and where included files come from. Out: records with their places, or the first error and where it is.
//! Absent: whether the records make a zone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use domain::base::RecordData;
use domain::base::iana::Class;
use domain::base::name::{Name, ToName};
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry as Scanned, ScannedRecord, Zonefile};

use super::entries::entries;
use super::{At, MasterError, MasterRecord};
use crate::snapshot::WireName;

/// Deepest `$INCLUDE`; also the end of loops.
const DEPTH_MAX: usize = 8;

/// A file: its name for messages, and its text.
pub(super) struct Text {
    pub(super) file: Arc<str>,
    pub(super) bytes: Vec<u8>,
}

/// Finds the file that an `$INCLUDE` in a file names; the error says why it cannot be had.
pub(super) type Include<'a> = dyn FnMut(&str, &str) -> Result<Text, String> + 'a;

/// Reads a file and those it includes.
pub(super) fn read(
    origin: &WireName,
    text: &Text,
    include: &mut Include<'_>,
) -> Result<Vec<MasterRecord>, MasterError> {
    let whole = |detail: &str| MasterError::Whole(text.file.to_string(), detail.to_owned());
    let origin = Name::from_octets(Bytes::copy_from_slice(origin.as_bytes())).map_err(|_| whole("no origin"))?;
    let mut records = Vec::new();
    read_into(&mut records, origin, None, text, include, 0)?;
    Ok(records)
}

fn read_into(
    records: &mut Vec<MasterRecord>,
    origin: Name<Bytes>,
    mut default_ttl: Option<u32>,
    text: &Text,
    include: &mut Include<'_>,
    depth: usize,
) -> Result<(), MasterError> {
    let mut scanner = Zonefile::new();
    scanner.set_origin(origin);
    scanner.set_default_class(Class::IN);
    if let Some(ttl) = default_ttl {
        scanner.extend_from_slice(format!("$TTL {ttl}\n").as_bytes());
    }
    for entry in entries(&text.bytes) {
        let at = At {
            file: text.file.clone(),
            line: entry.line,
        };
        let failed = |detail: String| MasterError::At(at.clone(), detail);
        default_ttl = entry.default_ttl.or(default_ttl);
        let origin = || {
            scanner
                .origin()
                .map(|origin| origin.fmt_with_dot().to_string())
                .unwrap_or_default()
        };
        let bytes = entry.text_at(origin);
        scanner.extend_from_slice(&bytes);
        while let Some(scanned) = next(&mut scanner).map_err(failed)? {
            match scanned {
                Scanned::Record(record) => records.push(taken(&record, &at)?),
                Scanned::Include { path, origin } => {
                    if depth >= DEPTH_MAX {
                        return Err(failed(format!("$INCLUDE goes deeper than {DEPTH_MAX} files")));
                    }
                    let included = include(&text.file, &path).map_err(failed)?;
                    // Origin and last owner of the including file go on behind it (RFC 1035 5.1); the default TTL goes into it.
                    let origin = match origin {
                        Some(origin) => origin,
                        None => scanner.origin().map_err(|error| failed(error.to_string()))?,
                    };
                    read_into(records, origin, default_ttl, &included, include, depth + 1)?;
                }
            }
        }
    }
    Ok(())
}

/// The next entry, or what is wrong with it. `domain` panics over some malformed words; one strange file must not end a server of many
/// zones.
fn next(scanner: &mut Zonefile) -> Result<Option<Scanned>, String> {
    match catch_unwind(AssertUnwindSafe(|| scanner.next_entry())) {
        Ok(entry) => entry.map_err(|error| words(&error.to_string())),
        Err(_) => Err("malformed; look for a quote or blank that is missing".to_owned()),
    }
}

/// The words of an error without the position, which is that within the entry.
fn words(error: &str) -> String {
    error.splitn(3, ':').last().unwrap_or(error).trim().to_owned()
}

fn taken(record: &ScannedRecord, at: &At) -> Result<MasterRecord, MasterError> {
    let failed = |detail: &str| MasterError::At(at.clone(), detail.to_owned());
    if record.class() != Class::IN {
        return Err(failed("only class IN is served"));
    }
    let owner = record.owner().to_vec();
    let mut data = Vec::new();
    // In the form that signatures are over (RFC 4034 6.2). Writing into a vector does not fail.
    let Ok(()) = record.data().compose_canonical_rdata(&mut data);
    if data.len() > usize::from(u16::MAX) {
        return Err(failed("the record is longer than a record may be"));
    }
    Ok(MasterRecord {
        owner: WireName::from_wire(owner.as_octets()).ok_or_else(|| failed("the owner is no domain name"))?,
        type_: record.data().rtype().to_int(),
        ttl: record.ttl().as_secs(),
        data: data.into(),
        at: at.clone(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(file: &str, bytes: &str) -> Text {
        Text {
            file: file.into(),
            bytes: bytes.into(),
        }
    }

    /// `OWNER TTL TYPE DATA-IN-HEX @ LINE` of every record, or the error.
    fn records(main: &str, others: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut include = |_: &str, path: &str| {
            let other = others.iter().find(|(name, _)| *name == path);
            other
                .map(|(name, bytes)| text(name, bytes))
                .ok_or_else(|| format!("{path}: not there"))
        };
        let origin = WireName::parse("example.org").unwrap();
        let records = read(&origin, &text("main", main), &mut include).map_err(|error| error.to_string())?;
        let line = |record: &MasterRecord| {
            let data: String = record.data.iter().map(|byte| format!("{byte:02x}")).collect();
            format!(
                "{} {} {} {data} @ {}",
                record.owner, record.ttl, record.type_, record.at
            )
        };
        Ok(records.iter().map(line).collect())
    }

    #[test]
    fn records_of_every_form() {
        let main = "$TTL 1h\nWWW A 192.0.2.1\n\tAAAA 2001:db8::1\n@ IN 5m MX 10 mail\n$ORIGIN sub\n\
                    x TXT \"a;b\" c\\100d\ny TYPE65280 \\# 3 010203\nz.example.net. 7 A 192.0.2.9\n\
                    * CNAME www.example.org.\n_s._tcp SRV 0 1 80 @\nd DNAME t\nc CAA 0 issue \"ca\"\nh HTTPS 1 . alpn=h2\n";
        assert_eq!(
            records(main, &[]).unwrap(),
            [
                "www.example.org. 3600 1 c0000201 @ main:2",
                "www.example.org. 3600 28 20010db8000000000000000000000001 @ main:3",
                "example.org. 300 15 000a046d61696c076578616d706c65036f726700 @ main:4",
                "x.sub.example.org. 3600 16 03613b620363 @ main:6"
                    .replace("0363", "03636464")
                    .as_str(),
                "y.sub.example.org. 3600 65280 010203 @ main:7",
                "z.example.net. 7 1 c0000209 @ main:8",
                "*.sub.example.org. 3600 5 03777777076578616d706c65036f726700 @ main:9",
                "_s._tcp.sub.example.org. 3600 33 00000001005003737562076578616d706c65036f726700 @ main:10",
                "d.sub.example.org. 3600 39 017403737562076578616d706c65036f726700 @ main:11",
                "c.sub.example.org. 3600 257 000569737375656361 @ main:12",
                "h.sub.example.org. 3600 65 000100000100030268 @ main:13"
                    .replace("0268 @", "026832 @")
                    .as_str(),
            ]
        );
    }

    #[test]
    fn included_files_begin_where_they_are_named() {
        let main = "$TTL 1m\na A 192.0.2.1\n$INCLUDE more sub\nb A 192.0.2.2\n$INCLUDE more\n";
        let more = "x A 192.0.2.3\n$ORIGIN deep\n$TTL 5\ny A 192.0.2.4\n";
        assert_eq!(
            records(main, &[("more", more)]).unwrap(),
            [
                "a.example.org. 60 1 c0000201 @ main:2",
                "x.sub.example.org. 60 1 c0000203 @ more:1",
                "y.deep.sub.example.org. 5 1 c0000204 @ more:4",
                "b.example.org. 60 1 c0000202 @ main:4",
                "x.example.org. 60 1 c0000203 @ more:1",
                "y.deep.example.org. 5 1 c0000204 @ more:4",
            ]
        );
        let error = records("$INCLUDE none\n", &[]).unwrap_err();
        assert_eq!(error, "main:1: none: not there");
        let error = records("$INCLUDE loop\n", &[("loop", "\n$INCLUDE loop\n")]).unwrap_err();
        assert_eq!(error, "loop:2: $INCLUDE goes deeper than 8 files");
    }

    proptest! {
        /// Whatever the words: an error or records, no panic.
        #[test]
        fn any_words(words in prop::collection::vec(prop::sample::select(vec![
            "a", "@", "\n", "\n", " ", "IN", "CH", "1h", "60", "A", "192.0.2.1", "TXT", "\"x", "\"", "(", ")", ";", "SOA", "MX",
            "$TTL", "$ORIGIN", "$INCLUDE", "\\# 2 beef", "\\300", "\\", "TYPE65280", "CNAME", "b.", "..", "\u{fffd}", "SVCB", "1", "NAPTR",
        ]), 0..40)) {
            let text = words.join(" ");
            records(&text, &[("a", "x A 192.0.2.1"), ("60", "$INCLUDE 60")]).ok();
        }
    }

    #[test]
    fn errors_say_where_they_are() {
        for (main, place) in [
            ("a A 192.0.2.1\nb A 192.0.2\n", "main:2: "),
            ("a A 192.0.2.1\n\n\nb SOA x y (1 2\n3 4 x)\n", "main:4: "),
            ("a TXT \"open\nb A 192.0.2.1\n", "main:1: "),
            ("a NOTYPE 1\n", "main:1: "),
            ("$GENERATE 1-2 a A 192.0.2.$\n", "main:1: "),
            (" A 192.0.2.1\n", "main:1: "),
            ("a CH TXT x\n", "main:1: "),
            ("a A 192.0.2.1 extra\n", "main:1: "),
            ("a SOA x y (1 2 3 4 5\n", "main:1: "),
        ] {
            let error = records(main, &[]).unwrap_err();
            assert!(
                error.starts_with(place) && error.len() > place.len() + 3,
                "{main:?}: {error}"
            );
        }
    }
}
