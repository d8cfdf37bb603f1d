//! What the server says of itself: NSID (RFC 5001) and the names of class CHAOS (RFC 4892).
//! In: an id, a version. Out: bytes. Absent: the zones.

use super::query::{HEADER, Query};
use super::reply::{Reply, Section};
use crate::snapshot::types;

/// Longest id and version; NSID must not fill an answer.
const TEXT_MAX: usize = 64;
/// Class CHAOS.
pub(super) const CHAOS: u16 = 3;
/// Names of class CHAOS for the id, lower case, on the wire.
const ID_NAMES: [&[u8]; 2] = [b"\x02id\x06server\x00", b"\x08hostname\x04bind\x00"];
/// Names of class CHAOS for the version.
const VERSION_NAMES: [&[u8]; 2] = [b"\x07version\x04bind\x00", b"\x07version\x06server\x00"];

/// What the server says of itself; an empty text is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    id: Box<[u8]>,
    version: Box<[u8]>,
}

impl Identity {
    /// From texts, of which the first 64 bytes are said.
    #[must_use]
    pub fn new(id: &str, version: &str) -> Self {
        let text = |text: &str| text.bytes().take(TEXT_MAX).collect();
        Self {
            id: text(id),
            version: text(version),
        }
    }

    /// What NSID says.
    pub(super) fn nsid(&self) -> Option<&[u8]> {
        Some(&*self.id).filter(|id| !id.is_empty())
    }

    /// What a name of class CHAOS says; none for names that are refused.
    pub(super) fn chaos(&self, query: &Query<'_>) -> Option<Chaos<'_>> {
        let name = query.name.as_bytes();
        let text = if ID_NAMES.contains(&name) {
            &self.id
        } else if VERSION_NAMES.contains(&name) {
            &self.version
        } else {
            return None;
        };
        if text.is_empty() {
            return None;
        }
        let asked = matches!(query.type_, types::TXT | types::ANY);
        Some(Chaos {
            text: asked.then_some(text),
        })
    }
}

/// The answer for a name of class CHAOS.
pub(super) struct Chaos<'a> {
    /// Its text; none where another type was asked for.
    text: Option<&'a [u8]>,
}

impl Chaos<'_> {
    /// Writes the TXT record, if it was asked for.
    pub(super) fn write(&self, reply: &mut Reply<'_>) {
        let Some(text) = self.text else { return };
        // At most TEXT_MAX.
        let length = text.len() as u8;
        let head = [
            0xC0,
            0x0C,
            0,
            types::TXT as u8,
            0,
            CHAOS as u8,
            0,
            0,
            0,
            0,
            0,
            length + 1,
            length,
        ];
        let mut record = [0; 13 + TEXT_MAX];
        for (slot, byte) in record.iter_mut().zip(head.iter().chain(text)) {
            *slot = *byte;
        }
        let record = record.get(..head.len() + text.len()).unwrap_or_default();
        reply.push(Section::Answer, HEADER, record);
    }
}
