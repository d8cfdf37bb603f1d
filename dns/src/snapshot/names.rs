//! Names in wire form, lower case, and how names of the zone are built from labels.
//! In: text and labels. Out: [`WireName`]. Absent: what the names mean; `service.rs` draws the schema.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use hickory_proto::rr::Name;

/// Longest name on the wire, root label included (RFC 1035 2.3.4).
const NAME_MAX: usize = 255;
/// Longest label (RFC 1035 2.3.4).
const LABEL_MAX: usize = 63;

/// Why a text is not a domain name.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a domain name: {detail}")]
pub struct NameError {
    /// The text.
    pub text: String,
    /// The rule it breaks.
    pub detail: &'static str,
}

/// A domain name in wire form: lower case, root label included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireName(Arc<[u8]>);

impl Borrow<[u8]> for WireName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl WireName {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self(Arc::from([0_u8].as_slice()))
    }

    /// Reads a name as people write it, with or without a final dot. No escapes: the names of this server need none.
    ///
    /// # Errors
    /// [`NameError`] for empty or over-long labels and names.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fail = |detail| NameError {
            text: text.to_owned(),
            detail,
        };
        let trimmed = text.strip_suffix('.').unwrap_or(text);
        if trimmed.is_empty() {
            return if text == "." {
                Ok(Self::root())
            } else {
                Err(fail("it is empty"))
            };
        }
        trimmed.split('.').rev().try_fold(Self::root(), |parent, label| {
            parent
                .child(label)
                .ok_or_else(|| fail("labels have 1 to 63 printable characters, the whole at most 253"))
        })
    }

    /// A name from its wire form, put into lower case; none where the bytes are no uncompressed name.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        loop {
            let (&length, tail) = rest.split_first()?;
            match length {
                0 if tail.is_empty() && bytes.len() <= NAME_MAX => break,
                0 => return None,
                1..=63 => rest = tail.get(usize::from(length)..)?,
                64.. => return None,
            }
        }
        // Lengths are below 'A', so they stay as they are.
        Some(Self(bytes.to_ascii_lowercase().into()))
    }

    /// The name `label.self`; none where the label or the result would not be a name.
    #[must_use]
    pub fn child(&self, label: &str) -> Option<Self> {
        let fits = !label.is_empty() && label.len() <= LABEL_MAX && self.0.len() + label.len() < NAME_MAX;
        if !fits || !label.bytes().all(|b| b.is_ascii_graphic() && b != b'.' && b != b'\\') {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.0.len() + label.len() + 1);
        bytes.push(u8::try_from(label.len()).ok()?);
        bytes.extend(label.bytes().map(|b| b.to_ascii_lowercase()));
        bytes.extend_from_slice(&self.0);
        Some(Self(bytes.into()))
    }

    /// The name below `labels`, which stand in writing order.
    #[must_use]
    pub fn below(&self, labels: &[&str]) -> Option<Self> {
        labels
            .iter()
            .rev()
            .try_fold(self.clone(), |name, label| name.child(label))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this name is `other` or below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0 == other.0 || parents(&self.0).any(|parent| parent == other.as_bytes())
    }

    /// As hickory has it, for encoding record data.
    #[must_use]
    pub(super) fn to_hickory(&self) -> Option<Name> {
        let mut labels: Vec<&[u8]> = Vec::new();
        let mut rest = self.as_bytes();
        while let Some((&length, tail)) = rest.split_first() {
            if length == 0 {
                break;
            }
            let (label, after) = tail.split_at_checked(usize::from(length))?;
            labels.push(label);
            rest = after;
        }
        Name::from_labels(labels).ok()
    }
}

/// Names above a wire name, nearest first, down to the root. Ends at the first malformed label.
pub(crate) fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(parent(name), |name| parent(name))
}

/// The name without its first label.
fn parent(name: &[u8]) -> Option<&[u8]> {
    let (&length, tail) = name.split_first()?;
    if length == 0 {
        None
    } else {
        tail.get(usize::from(length)..)
    }
}

impl fmt::Display for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.as_bytes();
        while let Some((&length, tail)) = rest.split_first() {
            let Some((label, after)) = tail.split_at_checked(usize::from(length)) else {
                break;
            };
            if length == 0 {
                break;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                    b'!'..=b'~' => write!(f, "{}", char::from(*byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
            f.write_str(".")?;
            rest = after;
        }
        if self.0.len() == 1 {
            f.write_str(".")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_built_and_bounded() {
        let zone = WireName::parse("Meridian.Internal.").unwrap();
        assert_eq!(zone.to_string(), "meridian.internal.");
        let web = zone.below(&["web", "shop", "fed", "svc"]).unwrap();
        assert_eq!(web.to_string(), "web.shop.fed.svc.meridian.internal.");
        assert!(web.is_within(&zone) && !zone.is_within(&web) && zone.is_within(&zone));
        assert_eq!(parents(web.as_bytes()).count(), 6);
        assert_eq!(
            web.to_hickory().unwrap().to_string(),
            "web.shop.fed.svc.meridian.internal."
        );
        for bad in ["", "a..b", &"x".repeat(64), &vec!["y".repeat(63); 4].join("."), "a b"] {
            assert!(WireName::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(WireName::parse(".").unwrap(), WireName::root());
        assert_eq!(
            WireName::from_wire(b"\x01A\x03b.\x07\0").unwrap().to_string(),
            "a.b\\.\\007."
        );
        for bad in [&b""[..], b"\x01a", b"\x02a\0", b"\0\0", b"\xc0\x0c", &[1; 257]] {
            assert_eq!(WireName::from_wire(bad), None, "{bad:?}");
        }
    }
}
