//! The three patches that are not server-side apply.
