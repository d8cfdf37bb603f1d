//! What stands at a name: answers as wire bytes, ready to be copied behind a question.

use std::sync::Arc;

use super::map::PlaceIndex;
use super::names::WireName;

/// What stands at a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// The Service it belongs to, `NAMESPACE/NAME`; none for names of the zone itself.
    pub service: Option<Arc<str>>,
    /// Which row of the name schema it is.
    pub level: Level,
    /// Its answers.
    pub kind: NodeKind,
}

/// Rows of the name schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// The zone itself: apex and name server.
    Zone,
    /// `SVC.NS.FED.svc.ZONE`.
    Global,
    /// `SVC.NS.FED.svc.REGION.ZONE`.
    Region(String),
    /// `SVC.NS.FED.svc.AZ.REGION.ZONE`.
    AvailabilityZone(String, String),
    /// `CLUSTER.SVC.NS.FED.svc.ZONE`.
    Cluster(String),
    /// `SVC.NS.svc.clusterset.local`.
    ClusterSet,
}

/// Either an alias or data: a name never has both (RFC 1034 3.6.2).
#[derive(Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A CNAME record and where it leads.
    Alias {
        /// The record.
        record: Box<[u8]>,
        /// Its target.
        target: WireName,
    },
    /// Record sets by type.
    Data(Vec<(u16, Answers)>),
    /// A delegation: what is at and below it is another server's, except the DS set (RFC 4035 2.4).
    Cut {
        /// Whose.
        servers: Vec<NameServer>,
        /// The DS set.
        ds: Option<Answers>,
    },
    /// A DNAME (RFC 6672): what is below it is elsewhere.
    Redirect {
        /// The record.
        record: Box<[u8]>,
        /// Its target.
        target: WireName,
        /// Record sets beside it, itself included.
        sets: Vec<(u16, Answers)>,
    },
}

/// A name server of a zone or delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// The NS record.
    pub(crate) record: Box<[u8]>,
    /// Address records of its name, as far as this zone has them.
    pub(crate) glue: Vec<Box<[u8]>>,
}

/// The answers of one type, a variant for each place.
#[derive(Debug, PartialEq, Eq)]
pub struct Answers {
    /// The answer depends on the client's place, so the scope of the place goes with it.
    pub tailored: bool,
    /// Index into `variants` by place; empty where all places share the first.
    pub by_place: Box<[u16]>,
    /// The distinct answers.
    pub variants: Box<[Variant]>,
}

/// One answer: groups to draw from.
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    /// Sum of the groups' weights; 0 means no data.
    pub total: u32,
    /// The groups.
    pub groups: Box<[RrGroup]>,
    /// Most records in an answer.
    pub limit: usize,
}

/// Records that are answered together, in rotation.
#[derive(Debug, PartialEq, Eq)]
pub struct RrGroup {
    /// Sum of the weights of this and all earlier groups.
    pub upto: u32,
    /// The records, one after another, each with the owner pointer 0xC00C.
    pub bytes: Box<[u8]>,
    /// Where each record ends.
    pub ends: Box<[u32]>,
}

impl Answers {
    /// The same answer for everyone.
    #[must_use]
    pub fn same(records: &[Box<[u8]>]) -> Self {
        Self {
            tailored: false,
            by_place: Box::default(),
            variants: Box::new([Variant::plain(records)]),
        }
    }

    /// The variant for a place.
    #[must_use]
    pub fn variant(&self, place: PlaceIndex) -> Option<&Variant> {
        let index = self.by_place.get(usize::from(place)).copied().unwrap_or(0);
        self.variants.get(usize::from(index))
    }

    /// No place gets any data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variants.iter().all(|variant| variant.total == 0)
    }
}

impl Variant {
    /// One group with all the records.
    #[must_use]
    pub fn plain(records: &[Box<[u8]>]) -> Self {
        let groups: &[(u32, &[Box<[u8]>])] = if records.is_empty() { &[] } else { &[(1, records)] };
        Self::weighted(groups, usize::MAX)
    }

    /// Groups of records with their weights.
    #[must_use]
    pub fn weighted<R: AsRef<[Box<[u8]>]>>(groups: &[(u32, R)], limit: usize) -> Self {
        let mut total = 0_u32;
        let mut compiled = Vec::with_capacity(groups.len());
        for (weight, records) in groups {
            total = total.saturating_add(*weight);
            let bytes: Vec<u8> = records
                .as_ref()
                .iter()
                .flat_map(|record| record.iter().copied())
                .collect();
            let mut end = 0_usize;
            let ends = records.as_ref().iter().map(|record| {
                end += record.len();
                u32::try_from(end).unwrap_or(u32::MAX)
            });
            compiled.push(RrGroup {
                upto: total,
                ends: ends.collect(),
                bytes: bytes.into(),
            });
        }
        Self {
            total,
            groups: compiled.into(),
            limit,
        }
    }

    /// The group that a draw in `0..=u32::MAX` falls on.
    #[must_use]
    pub fn draw(&self, draw: u32) -> Option<&RrGroup> {
        let ticket = (u64::from(draw) * u64::from(self.total)) >> 32;
        self.groups.iter().find(|group| ticket < u64::from(group.upto))
    }
}

impl RrGroup {
    /// How many records there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the record at an index.
    #[must_use]
    pub fn record(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(previous) => *self.ends.get(previous)? as usize,
            None => 0,
        };
        self.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let record: Box<[u8]> = Box::new([1, 2, 3]);
        let variant = Variant::weighted(&[(1, vec![record.clone()]), (3, vec![record.clone(), record])], 8);
        let mut counts = [0_u32; 2];
        for step in 0..4096_u32 {
            let group = variant.draw(step << 20).unwrap();
            counts[usize::from(group.upto == 4)] += 1;
        }
        assert_eq!(counts, [1024, 3072]);
        assert_eq!(variant.draw(u32::MAX).unwrap().record(1), Some([1, 2, 3].as_slice()));
        assert_eq!(variant.draw(u32::MAX).unwrap().record(2), None);
        assert!(Variant::plain(&[]).draw(7).is_none());
    }
}
