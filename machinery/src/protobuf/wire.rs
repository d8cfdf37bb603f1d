//! The wire format: tags, varints, lengths. Knows no message.

use super::ProtobufError;

/// One value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32,
}

/// The fields of a message, in the order in which they stand.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's number and value; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, ProtobufError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = take_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::Broken("a field number is too large"))?;
        if number == 0 {
            return Err(ProtobufError::Broken("a field has the number 0"));
        }
        let wire = match tag & 7 {
            0 => Wire::Varint(take_varint(&mut self.rest)?),
            1 => Wire::Fixed64(self.take_array()?),
            2 => {
                let length = take_varint(&mut self.rest)?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let (bytes, rest) = self
                    .rest
                    .split_at_checked(length)
                    .ok_or(ProtobufError::Broken("a length exceeds the message"))?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            5 => {
                self.take_array::<4>()?;
                Wire::Fixed32
            }
            _ => return Err(ProtobufError::Broken("a wire type is not in use")),
        };
        Ok(Some((number, wire)))
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], ProtobufError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(ProtobufError::Broken("the message ends in a number"))?;
        self.rest = rest;
        Ok(*array)
    }
}

/// Takes one varint off the front.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return Err(ProtobufError::Broken("the message ends in a number"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ProtobufError::Broken("a number is longer than 64 bits"))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes a number field.
pub(super) fn put_number(out: &mut Vec<u8>, number: u32, value: i64) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, value.cast_unsigned());
}

/// Writes a double field.
pub(super) fn put_double(out: &mut Vec<u8>, number: u32, value: f64) {
    put_varint(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Writes a text, bytes or message field.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for value in [0, 1, 127, 128, 300, i64::MAX, -1, i64::MIN] {
            let mut out = Vec::new();
            put_number(&mut out, 3, value);
            let field = Fields::new(&out).next().unwrap();
            assert_eq!(field, Some((3, Wire::Varint(value.cast_unsigned()))));
        }
    }

    #[test]
    fn broken_bytes_are_errors() {
        for bytes in [
            &[0x00][..],
            &[0x08],
            &[0x0a, 0x05, 0x01],
            &[0x0b],
            &[0x09, 1, 2],
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ] {
            assert!(Fields::new(bytes).next().is_err(), "{bytes:?}");
        }
    }
}
