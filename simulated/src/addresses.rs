//! Load-balancer addresses of one member: a range of loopback addresses, one for each Service.
//! In: the range, what is taken, who asks. Out: an address that is the same whenever it can be. Absent: listening on it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    base: u32,
    prefix: u8,
}

/// Why a text is not a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an IPv4 range of at least four addresses such as 127.101.0.0/24")]
pub struct RangeError(String);

impl FromStr for AddressRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let fail = || RangeError(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(fail)?;
        let address: Ipv4Addr = address.parse().map_err(|_| fail())?;
        let prefix: u8 = prefix.parse().map_err(|_| fail())?;
        if !(8..=30).contains(&prefix) {
            return Err(fail());
        }
        let mask = u32::MAX << (32 - prefix);
        Ok(Self {
            base: u32::from(address) & mask,
            prefix,
        })
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

impl AddressRange {
    /// Addresses that can be given away: all but the first and the last.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        (1_u32 << (32 - self.prefix)) - 2
    }

    /// Whether an address lies in it and can be given away.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let offset = u32::from(address).wrapping_sub(self.base);
        offset >= 1 && offset <= self.capacity()
    }

    /// An address for `who`: the same one every time unless another took it; none when all are taken.
    pub(crate) fn assign(&self, who: &str, taken: &BTreeMap<Ipv4Addr, String>) -> Option<Ipv4Addr> {
        let capacity = self.capacity();
        let start = u32::try_from(fnv1a(who.as_bytes()) % u64::from(capacity)).unwrap_or(0);
        (0..capacity)
            .map(|step| Ipv4Addr::from(self.base + 1 + (start + step) % capacity))
            .find(|address| taken.get(address).is_none_or(|owner| owner == who))
    }
}

/// FNV-1a: the same number in every build and run.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_refused() {
        let range: AddressRange = "127.101.0.7/24".parse().unwrap();
        assert_eq!(range.to_string(), "127.101.0.0/24");
        assert!(range.contains(Ipv4Addr::new(127, 101, 0, 254)));
        for outside in [
            Ipv4Addr::new(127, 101, 0, 0),
            Ipv4Addr::new(127, 101, 0, 255),
            Ipv4Addr::new(127, 101, 1, 1),
            Ipv4Addr::new(1, 1, 1, 1),
        ] {
            assert!(!range.contains(outside), "{outside}");
        }
        for bad in ["", "127.0.0.1", "127.0.0.0/31", "127.0.0.0/x", "::1/64", "300.0.0.0/24"] {
            assert!(bad.parse::<AddressRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_service_gets_its_own_until_none_is_left() {
        let range: AddressRange = "127.101.0.0/29".parse().unwrap();
        let mut taken = BTreeMap::new();
        for n in 0..6 {
            let who = format!("shop/s{n}");
            let address = range.assign(&who, &taken).unwrap();
            assert!(range.contains(address) && !taken.contains_key(&address));
            taken.insert(address, who.clone());
            assert_eq!(range.assign(&who, &taken), Some(address), "asking again gives the same");
        }
        assert_eq!(range.assign("shop/s6", &taken), None);
    }
}
