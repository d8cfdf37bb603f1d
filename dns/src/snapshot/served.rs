//! The zones that are served, whatever they are made from, and how a name is looked up in them: the deepest zone that holds it,
//! delegations above it, the name itself, a wildcard of its closest encloser (RFC 1034 4.3.2, RFC 4592).
//!
//! In: lower-case wire names. Out: what stands there. Absent: packets, and how zones come about.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::{WireName, parents};
use super::node::{Answers, NameServer, Node, NodeKind};
use super::records;
use super::table::{Found, Table};

/// Longest name on the wire.
const NAME_MAX: usize = 255;

/// Whether a zone can be answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Served,
    /// Nothing of it is known yet.
    NotReady,
    /// Its data cannot be used, and there was none before.
    Broken,
}

/// A zone as it is served.
#[derive(Debug)]
pub struct Served {
    /// Its apex.
    pub apex: WireName,
    /// Whether it can be answered from.
    pub standing: Standing,
    /// Its names.
    pub table: Table,
    /// SOA record of the apex; the owner pointer is patched.
    pub(crate) soa: Box<[u8]>,
    /// The same for negative answers, with the TTL they may be kept for (RFC 2308 5).
    pub(crate) negative: Box<[u8]>,
    /// HINFO record for ANY.
    pub(crate) any: Box<[u8]>,
    /// Name servers of the apex.
    pub(crate) servers: Vec<NameServer>,
    /// It has delegations or DNAMEs, so that what is above a name matters.
    pub(crate) has_cuts: bool,
    /// It has wildcards.
    pub(crate) has_wildcards: bool,
    /// It is made from what the hub says, so that answers tell for how long the hub has not been heard.
    pub(crate) follows_hub: bool,
}

/// What a look-up came to.
pub(crate) enum Look<'a> {
    /// Its node, or that of a wildcard.
    Node(&'a Node),
    /// It is below, or at, a delegation, whose name is as long as this.
    Cut {
        length: usize,
        servers: &'a [NameServer],
        ds: Option<&'a Answers>,
    },
    /// It is below a DNAME, whose name is as long as this.
    Redirect {
        length: usize,
        record: &'a [u8],
        target: &'a WireName,
    },
    /// It has nothing itself, but something is below it.
    Empty,
    /// It is not there.
    Missing,
}

impl Served {
    /// A zone of which nothing can be answered.
    pub(crate) fn without_data(apex: WireName, standing: Standing) -> Self {
        Self {
            apex,
            standing,
            table: Table::default(),
            soa: Box::default(),
            negative: Box::default(),
            any: Box::default(),
            servers: Vec::new(),
            has_cuts: false,
            has_wildcards: false,
            follows_hub: false,
        }
    }

    /// Looks up a lower-case name of the zone.
    pub(crate) fn look(&self, name: &[u8]) -> Look<'_> {
        if self.has_cuts
            && let Some(above) = self.cut(name)
        {
            return above;
        }
        match self.table.find(name) {
            Found::Node(node) => Look::Node(node),
            Found::Empty => Look::Empty,
            Found::Missing if self.has_wildcards => self.wildcard(name),
            Found::Missing => Look::Missing,
        }
    }

    /// The highest delegation at or above a name, or DNAME above it; names below either are not the zone's.
    fn cut(&self, name: &[u8]) -> Option<Look<'_>> {
        let apex = self.apex.as_bytes().len();
        let above = std::iter::once(name).chain(parents(name));
        let mut highest = None;
        for at in above.take_while(|at| at.len() >= apex) {
            let Found::Node(node) = self.table.find(at) else {
                continue;
            };
            match &node.kind {
                NodeKind::Cut { servers, ds } => {
                    highest = Some(Look::Cut {
                        length: at.len(),
                        servers,
                        ds: ds.as_ref(),
                    });
                }
                NodeKind::Redirect { record, target, .. } if at.len() < name.len() => {
                    highest = Some(Look::Redirect {
                        length: at.len(),
                        record,
                        target,
                    });
                }
                NodeKind::Redirect { .. } | NodeKind::Alias { .. } | NodeKind::Data(_) => {}
            }
        }
        highest
    }

    /// The wildcard below the closest encloser: the nearest name above that is there, and no other (RFC 4592 3.3.1).
    fn wildcard(&self, name: &[u8]) -> Look<'_> {
        let encloser = parents(name).find(|parent| !matches!(self.table.find(parent), Found::Missing));
        let Some(encloser) = encloser else { return Look::Missing };
        let mut buffer = [0; NAME_MAX + 2];
        let length = encloser.len() + 2;
        let Some(source) = buffer.get_mut(..length) else {
            return Look::Missing;
        };
        let (star, rest) = source.split_at_mut(2);
        star.copy_from_slice(b"\x01*");
        rest.copy_from_slice(encloser);
        match self.table.find(source) {
            Found::Node(node) => Look::Node(node),
            Found::Empty => Look::Empty,
            Found::Missing => Look::Missing,
        }
    }
}

/// All zones, by apex.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    by_apex: HashMap<WireName, Arc<Served>>,
    /// Bit `n`: a zone's apex has `n` labels.
    depths: u128,
}

impl Zones {
    /// These zones; of two with one apex, the first.
    #[must_use]
    pub fn new(zones: impl IntoIterator<Item = Arc<Served>>) -> Self {
        let mut all = Self::default();
        for zone in zones {
            all.depths |= 1_u128 << depth(zone.apex.as_bytes()).min(127);
            all.by_apex.entry(zone.apex.clone()).or_insert(zone);
        }
        all
    }

    /// The deepest zone that holds a lower-case name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<&Served> {
        let mut left = depth(name);
        for at in std::iter::once(name).chain(parents(name)) {
            if self.depths >> left.min(127) & 1 == 1
                && let Some(zone) = self.by_apex.get(at)
            {
                return Some(zone);
            }
            left = left.saturating_sub(1);
        }
        None
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.by_apex.values()
    }
}

/// How many labels a name has.
fn depth(name: &[u8]) -> usize {
    parents(name).count()
}

/// The HINFO that stands for everything (RFC 8482).
pub(crate) fn any(ttl: u32) -> Box<[u8]> {
    records::rfc8482(ttl).unwrap_or_default()
}
