//! The store's revision: orders writes inside, opaque text outside.

use std::fmt;
use std::num::NonZeroU64;

/// Number of a committed write. Gap-free and in commit order; shared by all kinds of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(NonZeroU64);

impl Revision {
    /// The revision of an empty store; the first write gets the next one.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The revision of a number; none for zero, which names no write.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number, for the store and for arithmetic on windows.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads a `resourceVersion`; none for anything but a positive decimal number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::new)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
