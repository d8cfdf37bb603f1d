//! The house rules as tests: file length, banned names, headers, crate layers, words that do not belong.
//!
//! In: the files under version control. Out: a failed test with the place and the rule. No dependencies; under a second.
