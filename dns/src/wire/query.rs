//! A query, read from bytes without copying or allocating.
//! In: a packet. Out: a [`Query`], or how it is [`Rejected`]. Absent: what is answered.

use super::options::{self, Edns};
use crate::snapshot::{WireName, types};

/// Length of the header.
pub(super) const HEADER: usize = 12;
/// Longest name on the wire.
const NAME_MAX: usize = 255;
/// Longest label; also tells labels from compression pointers.
const LABEL_MAX: u8 = 63;

/// Response codes this server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rcode {
    /// Fine.
    NoError,
    /// The query is malformed.
    FormErr,
    /// Nothing is known yet.
    ServFail,
    /// No such name.
    NxDomain,
    /// The name a DNAME leads to is too long.
    YxDomain,
    /// Not this kind of request.
    NotImp,
    /// Not here.
    Refused,
    /// Not this EDNS version.
    BadVers,
}

impl Rcode {
    /// The number, of which the upper eight bits travel in the OPT record.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::NoError => 0,
            Self::FormErr => 1,
            Self::ServFail => 2,
            Self::NxDomain => 3,
            Self::NotImp => 4,
            Self::Refused => 5,
            Self::YxDomain => 6,
            Self::BadVers => 16,
        }
    }

    /// The name, as in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::YxDomain => "YXDOMAIN",
            Self::BadVers => "BADVERS",
        }
    }
}

/// A name in lower case, on the stack.
#[derive(Clone, Copy)]
pub struct LowerName {
    bytes: [u8; NAME_MAX],
    length: usize,
}

impl LowerName {
    /// A name of ours.
    pub(super) fn of(name: &WireName) -> Option<Self> {
        Self::joined(&[], name.as_bytes())
    }

    /// Labels before a name; none where the whole is too long.
    pub(super) fn joined(labels: &[u8], name: &[u8]) -> Option<Self> {
        let length = labels.len() + name.len();
        let mut bytes = [0; NAME_MAX];
        let (first, rest) = bytes.get_mut(..length)?.split_at_mut_checked(labels.len())?;
        first.copy_from_slice(labels);
        rest.copy_from_slice(name);
        Some(Self { bytes, length })
    }

    /// The wire form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A query with exactly one question.
pub struct Query<'a> {
    /// Id.
    pub id: u16,
    /// Header flags.
    pub flags: u16,
    /// The question as it came, case and all.
    pub question: &'a [u8],
    /// Its name in lower case.
    pub name: LowerName,
    /// Its type.
    pub type_: u16,
    /// Its class.
    pub class: u16,
    /// The OPT record.
    pub edns: Option<Edns>,
    /// It ends in a signature (TSIG).
    pub signed: bool,
}

/// Why a packet is not answered as a query.
pub enum Rejected<'a> {
    /// It gets no answer at all: too short, or a response.
    Drop,
    /// It gets an error.
    Error {
        /// Id.
        id: u16,
        /// Header flags.
        flags: u16,
        /// The question, if it could be read.
        question: &'a [u8],
        /// The error; none where only a cookie was asked for.
        rcode: Rcode,
        /// It had an OPT record, so the answer has one.
        edns: Option<Edns>,
    },
}

/// Reads a packet.
///
/// # Errors
/// [`Rejected`] for what is no query of this server's kind.
pub fn parse(packet: &[u8]) -> Result<Query<'_>, Rejected<'_>> {
    let mut reader = Reader::new(packet);
    let header = reader.header().ok_or(Rejected::Drop)?;
    let [id, flags, questions, answers, authorities, additionals] = header;
    if flags & 0x8000 != 0 {
        return Err(Rejected::Drop);
    }
    // Another opcode is not implemented, whatever else is wrong; its OPT record is still looked for (RFC 6891 7).
    let foreign = flags & 0x7800 != 0;
    let error = |rcode, question, edns| {
        let rcode = if foreign { Rcode::NotImp } else { rcode };
        Rejected::Error {
            id,
            flags,
            question,
            rcode,
            edns,
        }
    };
    let malformed = || error(Rcode::FormErr, &[], None);
    if questions > 1 {
        return Err(malformed());
    }
    let mut asked = None;
    if questions == 1 {
        let name = reader.question_name().ok_or_else(malformed)?;
        let type_ = reader.u16().ok_or_else(malformed)?;
        let class = reader.u16().ok_or_else(malformed)?;
        asked = Some((name, type_, class));
    }
    let question = packet.get(HEADER..reader.at).unwrap_or_default();
    let records = u32::from(answers) + u32::from(authorities);
    // Each record is at least 11 bytes, so a lie about the counts ends with the packet.
    for _ in 0..records {
        reader.record().ok_or_else(|| error(Rcode::FormErr, question, None))?;
    }
    let mut edns = None;
    let mut signed = false;
    for _ in 0..additionals {
        match reader.additional() {
            Additional::Other => {}
            Additional::Signature => signed = true,
            Additional::Edns(_) if edns.is_some() => return Err(error(Rcode::FormErr, question, edns)),
            Additional::Edns(found) => edns = Some(found),
            Additional::BadOption => return Err(error(Rcode::FormErr, question, Some(Edns::default()))),
            Additional::Malformed => return Err(error(Rcode::FormErr, question, edns)),
        }
    }
    if foreign {
        return Err(error(Rcode::NotImp, question, edns));
    }
    if edns.is_some_and(|edns| edns.version > 0) {
        return Err(error(Rcode::BadVers, question, edns));
    }
    let Some((name, type_, class)) = asked else {
        // Who asks nothing may ask for a cookie (RFC 7873 5.4).
        let rcode = match &edns {
            Some(edns) if edns.cookie.is_some() => Rcode::NoError,
            Some(_) | None => Rcode::FormErr,
        };
        return Err(error(rcode, question, edns));
    };
    Ok(Query {
        id,
        flags,
        question,
        name,
        type_,
        class,
        edns,
        signed,
    })
}

/// A record of the additional section.
enum Additional {
    /// Not ours to read.
    Other,
    /// A signature of the message.
    Signature,
    /// The OPT record.
    Edns(Edns),
    /// An OPT record with an option that breaks its rules.
    BadOption,
    /// Not a record.
    Malformed,
}

/// Reads forward; every step may find the packet at its end.
pub(super) struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(packet: &'a [u8]) -> Self {
        Self { packet, at: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.packet.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.packet.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    fn header(&mut self) -> Option<[u16; 6]> {
        let mut fields = [0; 6];
        for field in &mut fields {
            *field = self.u16()?;
        }
        Some(fields)
    }

    /// The question's name. A pointer has nothing before it to point to, so it is malformed.
    fn question_name(&mut self) -> Option<LowerName> {
        let mut name = LowerName {
            bytes: [0; NAME_MAX],
            length: 0,
        };
        loop {
            let length = self.u8().filter(|length| *length <= LABEL_MAX)?;
            let label = self.take(usize::from(length))?;
            let slot = name.bytes.get_mut(name.length..name.length + 1 + label.len())?;
            let (first, rest) = slot.split_first_mut()?;
            *first = length;
            rest.copy_from_slice(label);
            rest.make_ascii_lowercase();
            name.length += 1 + label.len();
            if length == 0 {
                return Some(name);
            }
        }
    }

    /// Skips a name that may be compressed; true if it is the root.
    fn skip_name(&mut self) -> Option<bool> {
        let start = self.at;
        loop {
            match self.u8()? {
                0 => return Some(self.at == start + 1),
                length if length <= LABEL_MAX => self.take(usize::from(length)).map(|_| ())?,
                pointer if pointer >= 0xC0 => return self.u8().map(|_| false),
                _ => return None,
            }
            if self.at - start > NAME_MAX {
                return None;
            }
        }
    }

    fn additional(&mut self) -> Additional {
        match self.record() {
            None => Additional::Malformed,
            Some(record) if record.type_ == types::TSIG => Additional::Signature,
            Some(record) if record.type_ != types::OPT => Additional::Other,
            Some(record) if !record.owner_is_root => Additional::Malformed,
            Some(Raw {
                class: size,
                ttl: [_, version, flags, _],
                data,
                ..
            }) => {
                let edns = Edns {
                    size,
                    version,
                    dnssec_ok: flags & 0x80 != 0,
                    compact_ok: flags & 0x40 != 0,
                    ..Edns::default()
                };
                options::read(data, edns).map_or(Additional::BadOption, Additional::Edns)
            }
        }
    }

    fn record(&mut self) -> Option<Raw<'a>> {
        let owner_is_root = self.skip_name()?;
        let (type_, class) = (self.u16()?, self.u16()?);
        let ttl = *self.take(4)?.first_chunk()?;
        let length = self.u16()?;
        let data = self.take(usize::from(length))?;
        Some(Raw {
            owner_is_root,
            type_,
            class,
            ttl,
            data,
        })
    }
}

/// A record as it stands in the packet.
struct Raw<'a> {
    owner_is_root: bool,
    type_: u16,
    class: u16,
    ttl: [u8; 4],
    data: &'a [u8],
}

/// Seconds for which a whole answer may be kept: the TTL of its shortest record other than OPT; 0 where it has none, or is none.
pub(crate) fn lifetime(answer: &[u8]) -> u32 {
    let mut reader = Reader::new(answer);
    let Some([_, _, questions, answers, authorities, additionals]) = reader.header() else {
        return 0;
    };
    for _ in 0..questions {
        if reader.skip_name().is_none() || reader.take(4).is_none() {
            return 0;
        }
    }
    let records = u32::from(answers) + u32::from(authorities) + u32::from(additionals);
    let records = (0..records).map_while(|_| reader.record());
    let kept = records.filter(|record| record.type_ != types::OPT);
    kept.map(|record| u32::from_be_bytes(record.ttl)).min().unwrap_or(0)
}

impl Query<'_> {
    /// Length of the question's name.
    pub(super) fn name_length(&self) -> usize {
        self.name.length
    }
}
