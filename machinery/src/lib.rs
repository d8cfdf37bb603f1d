//! Kubernetes API semantics as pure functions of JSON values: what a kind looks like, how a body is read, defaulted,
//! judged and patched, how it is printed and how it is spelled in protobuf.
//!
//! In: bytes and `serde_json::Value`s, and the API version and kind they claim to be. Out: values, field causes, `Status`
//! errors, tables, documents. Nothing here does I/O, knows a clock (times are parameters) or keeps state; the embedded
//! tables of facts under `data/` are parsed on first use. Which kinds are served, and what a write may touch, is the
//! server's business.

pub mod admission;
mod cel;
pub mod custom;
pub mod decode;
pub mod default;
pub mod expression;
pub mod field;
pub mod openapi;
pub mod patch;
pub mod protobuf;
pub mod quantity;
pub mod rbac;
pub mod schema;
pub mod select;
pub mod status;
pub mod table;
pub mod validate;
pub mod versions;
pub mod zones;

#[cfg(test)]
mod captures;
