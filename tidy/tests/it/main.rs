//! One test a house rule.

#![allow(clippy::expect_used, reason = "a test that cannot read the tree fails loudly")]

mod headers;
mod layers;
mod length;
mod names;
mod reasons;
mod tree;
mod words;
