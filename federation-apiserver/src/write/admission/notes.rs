//! What admission tells the audit log besides its verdicts.

/// Notes something about the request at hand.
pub(super) fn note(key: &str, said: &str) {
    tracing::info!(target: "audit", key, said, "an annotation of admission");
}
