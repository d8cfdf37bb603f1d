//! EDNS Client Subnet (RFC 7871): strict in, exact echo out with our scope.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::codes;

/// What resolvers tell of their clients' addresses at most (RFC 7871 11.1).
const TOLD_V4: u8 = 24;
const TOLD_V6: u8 = 56;

/// A client subnet as a query carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Address family as it stood there: 1, 2, or 0 with an empty prefix.
    family: u16,
    /// SOURCE PREFIX-LENGTH.
    source: u8,
    address: [u8; 16],
}

/// The option breaks a rule of RFC 7871 6 or 7.1.2; the answer is FORMERR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed client subnet")]
pub struct SubnetError;

impl Subnet {
    /// Reads the option's data.
    ///
    /// # Errors
    /// For a wrong number of octets, bits beyond the prefix, a prefix too long, a scope that is not 0, an unknown family.
    pub fn parse(data: &[u8]) -> Result<Self, SubnetError> {
        let (&[f0, f1, source, scope], octets) = data.split_first_chunk::<4>().ok_or(SubnetError)?;
        let family = u16::from_be_bytes([f0, f1]);
        // Family 0 with an empty prefix is how `dig +subnet=0` says "do not use my address".
        let longest = match family {
            0 => 0,
            1 => 32,
            2 => 128,
            _ => return Err(SubnetError),
        };
        if source > longest || scope != 0 || octets.len() != usize::from(source.div_ceil(8)) {
            return Err(SubnetError);
        }
        let beyond = (8 - source % 8) % 8;
        if octets.last().is_some_and(|last| last & !(0xff_u8 << beyond) != 0) {
            return Err(SubnetError);
        }
        let mut address = [0_u8; 16];
        address
            .get_mut(..octets.len())
            .ok_or(SubnetError)?
            .copy_from_slice(octets);
        Ok(Self {
            family,
            source,
            address,
        })
    }

    /// The client's network, unless it opted out with an empty prefix.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        if self.source == 0 {
            return None;
        }
        let [a, b, c, d, ..] = self.address;
        match self.family {
            1 => Some(Ipv4Addr::new(a, b, c, d).into()),
            2 => Some(Ipv6Addr::from(self.address).into()),
            _ => None,
        }
    }

    /// The scope to answer, where the answer holds for the first `true_scope` bits: never longer than what resolvers tell of
    /// their clients, except to one that told more. Resolvers keep an answer for no less than what they told (RFC 7871 7.3.1), so
    /// a longer scope would only multiply what they keep.
    pub(super) fn scope(&self, true_scope: u8) -> u8 {
        let told = if self.family == 1 { TOLD_V4 } else { TOLD_V6 };
        true_scope.min(told.max(self.source))
    }

    /// Writes the option: all as it came, with the scope.
    pub(super) fn write(&self, scope: u8, out: &mut Vec<u8>) {
        let octets = usize::from(self.source.div_ceil(8));
        out.extend_from_slice(&codes::SUBNET.to_be_bytes());
        // At most 20.
        out.extend_from_slice(&((4 + octets) as u16).to_be_bytes());
        out.extend_from_slice(&self.family.to_be_bytes());
        out.extend_from_slice(&[self.source, scope]);
        out.extend_from_slice(self.address.get(..octets).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_subnets() {
        let client = |data: &[u8]| Subnet::parse(data).map(|subnet| subnet.client());
        assert_eq!(client(&[0, 1, 24, 0, 10, 1, 1]), Ok(Some("10.1.1.0".parse().unwrap())));
        assert_eq!(
            client(&[0, 1, 20, 0, 10, 1, 0x10]),
            Ok(Some("10.1.16.0".parse().unwrap()))
        );
        assert_eq!(
            client(&[0, 2, 33, 0, 0x20, 1, 0xd, 0xb8, 0x80]),
            Ok(Some("2001:db8:8000::".parse().unwrap()))
        );
        assert_eq!(client(&[0, 1, 0, 0]), Ok(None));
        assert_eq!(client(&[0, 0, 0, 0]), Ok(None));
        for bad in [
            &[0, 1, 24][..],
            &[0, 1, 24, 0, 10, 1],
            &[0, 1, 24, 0, 10, 1, 1, 0],
            &[0, 1, 20, 0, 10, 1, 0x11],
            &[0, 1, 33, 0, 10, 1, 1, 1, 0x80],
            &[0, 1, 24, 24, 10, 1, 1],
            &[0, 3, 0, 0],
            &[0, 0, 8, 0, 10],
        ] {
            assert_eq!(client(bad), Err(SubnetError), "{bad:?}");
        }
    }

    #[test]
    fn scopes_are_no_finer_than_what_is_told() {
        let scope = |data: &[u8], scope| Subnet::parse(data).unwrap().scope(scope);
        assert_eq!(scope(&[0, 1, 24, 0, 10, 1, 1], 20), 20);
        assert_eq!(scope(&[0, 1, 16, 0, 10, 1], 20), 20);
        assert_eq!(scope(&[0, 1, 16, 0, 10, 1], 32), 24);
        assert_eq!(scope(&[0, 1, 32, 0, 10, 1, 1, 1], 32), 32);
        assert_eq!(scope(&[0, 2, 48, 0, 0x20, 1, 0xd, 0xb8, 0, 1], 64), 56);
    }

    #[test]
    fn the_echo_is_exact() {
        let data = [0, 1, 20, 0, 10, 1, 0x10];
        let mut out = Vec::new();
        let subnet = Subnet::parse(&data).unwrap();
        subnet.write(13, &mut out);
        assert_eq!(out, [0, 8, 0, 7, 0, 1, 20, 13, 10, 1, 0x10]);
    }
}
