//! Bytes of libFuzzer to the target that the environment names: `TARGET=yaml`.
//!
//! One program for all targets, so that it is linked once. How to run it: `../README.md`.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").unwrap_or_default();
    match fuzz::named(&name) {
        Some(target) => target,
        None => panic!("TARGET is {name:?}; it must be one of {:?}", fuzz::TARGETS.map(|target| target.name)),
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.attack)(data));
