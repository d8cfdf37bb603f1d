//! How a body is kept in a row: as it is, or as an lz4 block where it is large and that helps; Secrets sealed, where there is a
//! key.
//!
//! The first byte tells: `LZ4` begins a block, `SEALED` what only a key opens, `RAW` precedes a body that would otherwise look
//! like one of these, anything else is the body itself. JSON begins with a brace, so small objects stay readable in psql.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::seal::{Keyring, SealError, is_secret};
use crate::store::{BODY_BYTES_MAX, ObjectKey};

const RAW: u8 = 0;
const LZ4: u8 = 1;
const SEALED: u8 = 2;
/// Below this a row fits a page anyway, and the bytes stay readable.
const COMPRESSED_FROM: usize = 2048;

/// How rows are written and read.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoding {
    /// What Secrets are sealed with.
    pub(super) keyring: Option<Arc<Keyring>>,
}

/// Why the bytes of a row are no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("{0}")]
    Damaged(String),
    #[error(transparent)]
    Sealed(#[from] SealError),
}

impl Encoding {
    /// The bytes of a row.
    pub(super) fn encode<'a>(&self, key: &ObjectKey, body: &'a [u8]) -> Result<Cow<'a, [u8]>, SealError> {
        let plain = encode(body);
        match &self.keyring {
            Some(keyring) if is_secret(key) => {
                let mut row = keyring.seal(key, &plain)?;
                row.insert(0, SEALED);
                Ok(row.into())
            }
            Some(_) | None => Ok(plain),
        }
    }

    /// The body of a row.
    pub(super) fn decode(&self, key: &ObjectKey, row: &[u8]) -> Result<Bytes, RowError> {
        match row {
            [SEALED, sealed @ ..] => {
                let keyring = self.keyring.as_ref().ok_or(SealError::NoKeys)?;
                decode(&keyring.open(key, sealed)?).map_err(RowError::Damaged)
            }
            row => decode(row).map_err(RowError::Damaged),
        }
    }

    /// Whether a Secret's row is as it would be written today.
    pub(super) fn is_current(&self, row: &[u8]) -> bool {
        match (&self.keyring, row) {
            (Some(keyring), [SEALED, sealed @ ..]) => keyring.is_current(sealed),
            (Some(_), _) => false,
            (None, _) => true,
        }
    }
}

fn encode(body: &[u8]) -> Cow<'_, [u8]> {
    if body.len() > COMPRESSED_FROM {
        let block = lz4_flex::block::compress_prepend_size(body);
        if block.len() + 1 < body.len() {
            return [&[LZ4], &block[..]].concat().into();
        }
    }
    match body.first() {
        Some(&RAW | &LZ4 | &SEALED) => [&[RAW], body].concat().into(),
        Some(_) | None => body.into(),
    }
}

/// The body of a row; what is wrong with it otherwise.
fn decode(row: &[u8]) -> Result<Bytes, String> {
    match row {
        [RAW, body @ ..] => Ok(Bytes::copy_from_slice(body)),
        [LZ4, block @ ..] => {
            let (size, block) = lz4_flex::block::uncompressed_size(block).map_err(|error| error.to_string())?;
            if size > BODY_BYTES_MAX {
                return Err(format!("a body claims {size} bytes"));
            }
            lz4_flex::block::decompress(block, size)
                .map(Bytes::from)
                .map_err(|error| error.to_string())
        }
        body => Ok(Bytes::copy_from_slice(body)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn large_bodies_shrink_and_small_ones_stay_readable() {
        let large = "{\"a\":1}".repeat(2000);
        assert!(encode(large.as_bytes()).len() < large.len() / 10);
        assert_eq!(&*encode(b"{\"a\":1}"), b"{\"a\":1}");
    }

    #[test]
    fn damaged_blocks_are_errors() {
        for row in [
            &[LZ4][..],
            &[LZ4, 1, 0, 0],
            &[LZ4, 255, 255, 255, 255, 0],
            &[LZ4, 9, 0, 0, 0, 0xf0],
        ] {
            assert!(decode(row).is_err(), "{row:?}");
        }
    }

    proptest! {
        #[test]
        fn bodies_come_back(body in proptest::collection::vec(any::<u8>(), 0..5000), repeat in 1_usize..4) {
            let body = body.repeat(repeat);
            prop_assert_eq!(decode(&encode(&body)).unwrap(), body);
        }

        #[test]
        fn any_row_is_read_or_refused(row in proptest::collection::vec(any::<u8>(), 0..100)) {
            match decode(&row) { Ok(_) | Err(_) => {} }
        }
    }
}
