//! Proofs that a name or a type is not there: an NSEC record of the very name, whose next name is the first that could follow it (RFC 9824 3).

use std::collections::BTreeSet;

use crate::snapshot::{raw_record, types};

/// Type that says that a name is not there (RFC 9824 3.2).
const NXNAME: u16 = 128;

/// What stands at a name that is asked for in vain.
pub(crate) enum Names {
    /// Nothing, nor below it.
    Missing,
    /// These types, perhaps none.
    There(BTreeSet<u16>),
}

/// The NSEC record of a lower-case name.
pub(crate) fn nsec(name: &[u8], names: &Names, ttl: u32) -> Box<[u8]> {
    // The name below that sorts first.
    let mut data = vec![1, 0];
    data.extend_from_slice(name);
    let mut present = BTreeSet::from([types::RRSIG, types::NSEC]);
    match names {
        Names::Missing => drop(present.insert(NXNAME)),
        Names::There(these) => present.extend(these),
    }
    data.extend(bitmap(&present));
    raw_record(types::NSEC, ttl, &data)
}

/// Types as a bitmap in windows of 256 (RFC 4034 4.1.2).
fn bitmap(present: &BTreeSet<u16>) -> Vec<u8> {
    let mut out = Vec::new();
    let windows: BTreeSet<u16> = present.iter().map(|type_| type_ >> 8).collect();
    for window in windows {
        let mut bits = [0_u8; 32];
        let mut length = 0_u8;
        for type_ in present.iter().filter(|type_| **type_ >> 8 == window) {
            let low = type_ & 0xFF;
            if let Some(byte) = bits.get_mut(usize::from(low >> 3)) {
                *byte |= 0x80 >> (low & 7);
            }
            // At most 32.
            length = (low >> 3) as u8 + 1;
        }
        out.extend_from_slice(&[window as u8, length]);
        out.extend_from_slice(bits.get(..usize::from(length)).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmaps_and_next_names() {
        // A, MX, RRSIG, NSEC and TYPE1234: the example of RFC 4034 4.3.
        let mut expected = vec![0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27];
        expected.extend([0; 26]);
        expected.push(0x20);
        assert_eq!(bitmap(&BTreeSet::from([1, 15, 46, 47, 1234])), expected);
        let record = nsec(b"\x01a\x00", &Names::Missing, 5);
        assert_eq!(
            record[12..],
            [
                1, 0, 1, b'a', 0, 0, 17, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80
            ]
        );
        let record = nsec(b"\x01a\x00", &Names::There(BTreeSet::from([1])), 5);
        assert_eq!(record[12..], [1, 0, 1, b'a', 0, 0, 6, 0x40, 0, 0, 0, 0, 3]);
    }
}
