//! The names: a hash from lower-case wire names to nodes, empty non-terminals included, so that "there", "there but empty"
//! and "not there" cost the same. Sharded and copied on write: a change touches the shards of its own names only, while
//! queries read the older table.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::names::{WireName, parents};
use super::node::Node;

/// Shards: small enough to copy within a few microseconds at 10,000 Services, few enough to clone the spine for each
/// snapshot.
const SHARDS: usize = 1024;

type Shard = HashMap<Box<[u8]>, Entry>;

/// A name: its node, if any, and how many names with nodes are below it.
#[derive(Clone, Debug, Default)]
struct Entry {
    node: Option<Arc<Node>>,
    below: u32,
}

/// What stands at a name.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// A node.
    Node(&'a Arc<Node>),
    /// Nothing, but something below it (an empty non-terminal): NOERROR without data.
    Empty,
    /// Nothing here and nothing below: NXDOMAIN (RFC 8020).
    Missing,
}

/// All names of the zone.
#[derive(Clone, Debug)]
pub struct Table {
    shards: Vec<Arc<Shard>>,
    hasher: RandomState,
    nodes: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            shards: vec![Arc::default(); SHARDS],
            hasher: RandomState::new(),
            nodes: 0,
        }
    }
}

impl Table {
    /// Looks a lower-case wire name up.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Found<'_> {
        let entry = self.shards.get(self.shard_of(name)).and_then(|shard| shard.get(name));
        match entry {
            Some(Entry { node: Some(node), .. }) => Found::Node(node),
            Some(Entry { node: None, .. }) => Found::Empty,
            None => Found::Missing,
        }
    }

    /// Names with nodes, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Arc<Node>)> {
        let entries = self.shards.iter().flat_map(|shard| shard.iter());
        entries.filter_map(|(name, entry)| Some((&**name, entry.node.as_ref()?)))
    }

    /// How many names have nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes
    }

    /// Whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes == 0
    }

    /// Puts a node at a name within `apex`; replaces one that is there.
    pub(crate) fn put(&mut self, apex: &WireName, name: &WireName, node: Arc<Node>) {
        let replaced = self
            .entry(name.as_bytes())
            .is_some_and(|entry| entry.node.replace(node).is_some());
        if replaced {
            return;
        }
        self.nodes += 1;
        for parent in parents(name.as_bytes()).take_while(|parent| parent.len() >= apex.as_bytes().len()) {
            if let Some(entry) = self.entry(parent) {
                entry.below += 1;
            }
        }
    }

    /// Takes the node at a name away, and the empty names above it that had nothing else below.
    pub(super) fn take(&mut self, apex: &WireName, name: &WireName) {
        let Some(entry) = self.entry(name.as_bytes()) else {
            return;
        };
        let had = entry.node.take().is_some();
        self.forget_if_bare(name.as_bytes());
        if !had {
            return;
        }
        self.nodes = self.nodes.saturating_sub(1);
        for parent in parents(name.as_bytes()).take_while(|parent| parent.len() >= apex.as_bytes().len()) {
            if let Some(entry) = self.entry(parent) {
                entry.below = entry.below.saturating_sub(1);
            }
            self.forget_if_bare(parent);
        }
    }

    fn shard_of(&self, name: &[u8]) -> usize {
        // Truncation is meant: any bits of the hash do.
        (self.hasher.hash_one(name) & (SHARDS as u64 - 1)) as usize
    }

    fn entry(&mut self, name: &[u8]) -> Option<&mut Entry> {
        let index = self.shard_of(name);
        let shard = Arc::make_mut(self.shards.get_mut(index)?);
        Some(shard.entry(name.into()).or_default())
    }

    fn forget_if_bare(&mut self, name: &[u8]) {
        let index = self.shard_of(name);
        let Some(shard) = self.shards.get_mut(index) else {
            return;
        };
        if shard
            .get(name)
            .is_some_and(|entry| entry.node.is_none() && entry.below == 0)
        {
            Arc::make_mut(shard).remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::{Level, NodeKind};
    use super::*;

    fn node() -> Arc<Node> {
        Arc::new(Node {
            service: None,
            level: Level::Zone,
            kind: NodeKind::Data(vec![]),
        })
    }

    fn word(table: &Table, name: &str) -> &'static str {
        match table.find(WireName::parse(name).unwrap().as_bytes()) {
            Found::Node(_) => "node",
            Found::Empty => "empty",
            Found::Missing => "missing",
        }
    }

    #[test]
    fn empty_names_come_and_go_with_what_is_below() {
        let name = |text| WireName::parse(text).unwrap();
        let apex = name("z");
        let mut table = Table::default();
        table.put(&apex, &apex, node());
        table.put(&apex, &name("a.b.c.z"), node());
        table.put(&apex, &name("x.b.c.z"), node());
        table.put(&apex, &name("x.b.c.z"), node());
        let before = table.clone();
        assert_eq!(table.len(), 3);
        assert_eq!(
            ["a.b.c.z", "b.c.z", "c.z", "z", "d.z"].map(|n| word(&table, n)),
            ["node", "empty", "empty", "node", "missing"]
        );
        table.take(&apex, &name("a.b.c.z"));
        assert_eq!(["a.b.c.z", "b.c.z"].map(|n| word(&table, n)), ["missing", "empty"]);
        table.take(&apex, &name("x.b.c.z"));
        table.take(&apex, &name("x.b.c.z"));
        assert_eq!(
            ["b.c.z", "c.z", "z"].map(|n| word(&table, n)),
            ["missing", "missing", "node"]
        );
        assert_eq!(word(&before, "a.b.c.z"), "node", "older snapshots keep their names");
        assert_eq!(table.len(), 1);
    }
}
