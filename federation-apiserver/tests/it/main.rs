//! The server from outside: requests in, answers judged. Over the memory store; the PostgreSQL store keeps the same contract.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod admission;
mod apply;
mod audit;
mod conformance;
mod conversion;
mod credentials;
mod definitions;
mod fairness;
mod harness;
mod kinds;
mod lists;
mod objects;
mod oidc;
mod policies;
mod rbac;
mod refusals;
mod removals;
mod reviews;
mod service_account_tokens;
mod services;
mod streams;
mod surface;
mod tls;
mod versions;
mod watches;
mod webhook_server;
mod webhooks;
