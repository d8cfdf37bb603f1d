//! The server from outside: requests in, answers judged. Over the memory store; the PostgreSQL store keeps the same contract.

mod apply;
mod harness;
mod lists;
mod objects;
mod services;
mod streams;
mod surface;
mod tls;
mod watches;
