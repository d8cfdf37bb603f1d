//! Where a client is: the merged map from networks to regions, and how far each answer of it reaches.
//!
//! In: the CIDRs of all regions. Out: a place for any address, by longest match, with the EDNS Client Subnet scope: the
//! widest prefix around the address in which every address has this place (RFC 7871 7.2.1). Computed once at load: an
//! exception inside a network splits that network into pieces that do not overlap, neighbours with the same place are
//! joined again. Absent: health. What is down changes answers, never scopes.

use std::net::IpAddr;

use ipnet::IpNet;

/// Index of a place: 0 is "elsewhere", `n + 1` the n-th region by name.
pub type PlaceIndex = u16;

/// Bits before an IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// A client's place and how far it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The place.
    pub place: PlaceIndex,
    /// Length of the widest prefix around the address with this place only.
    pub scope: u8,
}

/// A piece of the address space with one place; pieces cover everything and do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: u128,
    length: u8,
    place: PlaceIndex,
}

/// The map of both families.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMap {
    v4: Vec<Piece>,
    v6: Vec<Piece>,
}

impl ClientMap {
    /// Builds the map. Where two places claim the very same network, the first keeps it.
    #[must_use]
    pub fn build(networks: &[(IpNet, PlaceIndex)]) -> Self {
        let mut v4 = Trie::default();
        let mut v6 = Trie::default();
        for (network, place) in networks {
            let network = network.trunc();
            match network.network() {
                IpAddr::V4(address) => v4.insert(v4_key(address), network.prefix_len(), *place),
                IpAddr::V6(address) => v6.insert(u128::from(address), network.prefix_len(), *place),
            }
        }
        Self {
            v4: v4.pieces(),
            v6: v6.pieces(),
        }
    }

    /// The place of an address. IPv4 addresses mapped into IPv6 are looked up as IPv4; their scope counts the bits before them,
    /// too.
    #[must_use]
    pub fn locate(&self, address: IpAddr) -> Located {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(mapped)) => {
                let Located { place, scope } = find(&self.v4, v4_key(mapped));
                Located {
                    place,
                    scope: scope.saturating_add(MAPPED_BITS),
                }
            }
            (_, IpAddr::V4(address)) => find(&self.v4, v4_key(address)),
            (_, IpAddr::V6(address)) => find(&self.v6, u128::from(address)),
        }
    }
}

/// IPv4 in the upper bits, so that prefix lengths mean the same in both families.
fn v4_key(address: std::net::Ipv4Addr) -> u128 {
    u128::from(u32::from(address)) << 96
}

fn find(pieces: &[Piece], key: u128) -> Located {
    let after = pieces.partition_point(|piece| piece.start <= key);
    // The first piece starts at 0, so there is always one at or before the key.
    let piece = after.checked_sub(1).and_then(|index| pieces.get(index));
    piece.map_or(Located { place: 0, scope: 0 }, |piece| Located {
        place: piece.place,
        scope: piece.length,
    })
}

/// A binary trie of the claims, before they are cut into pieces.
struct Trie {
    nodes: Vec<TrieNode>,
}

#[derive(Clone, Copy, Default)]
struct TrieNode {
    below: [Option<u32>; 2],
    place: Option<PlaceIndex>,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![TrieNode::default()],
        }
    }
}

impl Trie {
    fn insert(&mut self, key: u128, length: u8, place: PlaceIndex) {
        let mut at = 0_usize;
        for depth in 0..length {
            let bit = usize::from(key >> (127 - depth) & 1 == 1);
            let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            let Some(slot) = self.nodes.get_mut(at).and_then(|node| node.below.get_mut(bit)) else {
                return;
            };
            at = match *slot {
                Some(child) => child as usize,
                None => {
                    *slot = Some(next);
                    self.nodes.push(TrieNode::default());
                    next as usize
                }
            };
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.place.get_or_insert(place);
        }
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut out = Vec::new();
        self.cut(Some(0), 0, 0, 0, &mut out);
        out
    }

    /// Cuts the subtree at `start`/`depth` into pieces. Depth is at most 128, so the recursion is bounded.
    fn cut(&self, at: Option<u32>, start: u128, depth: u8, inherited: PlaceIndex, out: &mut Vec<Piece>) {
        let Some(node) = at.and_then(|index| self.nodes.get(index as usize)) else {
            out.push(Piece {
                start,
                length: depth,
                place: inherited,
            });
            return;
        };
        let place = node.place.unwrap_or(inherited);
        let [left, right] = node.below;
        if left.is_none() && right.is_none() {
            out.push(Piece {
                start,
                length: depth,
                place,
            });
            return;
        }
        let before = out.len();
        let half = 1_u128 << (127 - depth);
        self.cut(left, start, depth + 1, place, out);
        self.cut(right, start | half, depth + 1, place, out);
        if let Some([a, b]) = out.get(before..)
            && a.place == b.place
        {
            let joined = Piece {
                start,
                length: depth,
                place: a.place,
            };
            out.truncate(before);
            out.push(joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(networks: &[(&str, PlaceIndex)]) -> ClientMap {
        let parsed: Vec<(IpNet, PlaceIndex)> = networks.iter().map(|(n, p)| (n.parse().unwrap(), *p)).collect();
        ClientMap::build(&parsed)
    }

    #[test]
    fn scopes_are_the_widest_that_are_true() {
        // 1 = us (also everyone else's), 2 = eu, 3 = asia: the rest of the space joins 10/8 where it can.
        let map = map(&[
            ("0.0.0.0/0", 1),
            ("10.0.0.0/8", 1),
            ("172.16.0.0/12", 2),
            ("192.168.0.0/16", 3),
            ("::/0", 1),
        ]);
        for (client, place, scope) in [
            ("10.1.1.0", 1, 1),
            ("172.16.5.0", 2, 12),
            ("192.168.7.0", 3, 16),
            ("8.8.8.0", 1, 1),
            ("2001:db8:77::", 1, 0),
            ("::ffff:172.16.5.1", 2, 108),
        ] {
            assert_eq!(
                map.locate(client.parse().unwrap()),
                Located { place, scope },
                "{client}"
            );
        }
    }

    #[test]
    fn unknown_space_is_tailored_too() {
        let map = map(&[("10.0.0.0/8", 1), ("10.9.0.0/16", 2), ("10.9.9.9/32", 1)]);
        for (client, place, scope) in [
            ("8.8.8.8", 0, 7),
            ("200.0.0.1", 0, 1),
            ("10.0.0.1", 1, 13),
            ("10.9.0.1", 2, 21),
            ("10.9.9.9", 1, 32),
            ("10.9.9.8", 2, 32),
            ("10.128.0.1", 1, 9),
        ] {
            assert_eq!(
                map.locate(client.parse().unwrap()),
                Located { place, scope },
                "{client}"
            );
        }
        assert_eq!(
            map.locate("2001:db8::1".parse().unwrap()),
            Located { place: 0, scope: 0 }
        );
    }

    /// Longest match over the claims themselves.
    fn brute(claims: &[(u8, u8, PlaceIndex)], octet: u8) -> PlaceIndex {
        let mut best: Option<(u8, PlaceIndex)> = None;
        for (network, length, place) in claims {
            let mask = if *length == 0 { 0 } else { 0xff_u8 << (8 - length) };
            if octet & mask == network & mask && best.is_none_or(|(longest, _)| *length > longest) {
                best = Some((*length, *place));
            }
        }
        best.map_or(0, |(_, place)| place)
    }

    proptest! {
        /// Over one octet of address space: the place is the longest match, the scope covers only that place, and the
        /// next wider prefix does not.
        #[test]
        fn scopes_by_brute_force(claims in prop::collection::vec((any::<u8>(), 0_u8..=8, 1_u16..4), 0..12)) {
            let networks: Vec<(IpNet, PlaceIndex)> = claims
                .iter()
                .map(|(network, length, place)| (format!("{network}.0.0.0/{length}").parse().unwrap(), *place))
                .collect();
            let map = ClientMap::build(&networks);
            for octet in 0..=255_u8 {
                let located = map.locate(IpAddr::from([octet, 7, 7, 7]));
                prop_assert_eq!(located.place, brute(&claims, octet));
                let uniform = |length: u8| {
                    let mask = if length == 0 { 0 } else { 0xff_u8 << (8 - length) };
                    (0..=255_u8).filter(|o| o & mask == octet & mask).all(|o| brute(&claims, o) == located.place)
                };
                prop_assert!(located.scope <= 8);
                prop_assert!(uniform(located.scope));
                prop_assert!(located.scope == 0 || !uniform(located.scope - 1));
            }
        }
    }
}
