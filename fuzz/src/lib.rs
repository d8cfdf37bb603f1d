//! What must hold whatever bytes come.
//!
//! In: bytes of an enemy, for one [`Target`]. Out: nothing; a target panics where a property does not hold: something
//! panicked below, a value did not survive being written and read again, or an answer was many times its question. The
//! tests replay `corpus/` and damage it; `libfuzzer/` drives the same functions with coverage. Absent: time limits, which
//! libFuzzer has.

mod applying;
mod decoding;
mod expressions;
mod packets;
mod patching;
mod protobuf;
mod selecting;
mod size;

/// One thing to attack.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Attacks it with bytes; panics where a property does not hold.
    pub attack: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 15] = [
    target("json", decoding::json),
    target("yaml", decoding::yaml),
    target("strict", decoding::strict),
    target("protobuf", protobuf::enveloped),
    target("protobuf-kinds", protobuf::bare),
    target("strategic-merge-patch", patching::strategic),
    target("merge-patch", patching::merge),
    target("json-patch", patching::json),
    target("apply", applying::apply),
    target("label-selector", selecting::labels),
    target("field-selector", selecting::fields),
    target("quantity", selecting::quantity),
    target("cel", expressions::cel),
    target("structural-schema", expressions::structural),
    target("dns-query", packets::query),
];

const fn target(name: &'static str, attack: fn(&[u8])) -> Target {
    Target { name, attack }
}

/// The target of that name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
