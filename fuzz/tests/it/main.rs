//! The corpora, replayed as they are and damaged at random. What libFuzzer finds becomes a file there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod corpora;
