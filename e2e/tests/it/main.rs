//! Black-box tests: the running program as its users meet it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot do its step fails with what it saw"
)]

mod backup;
mod bad_input;
mod clients;
mod controller_manager;
mod crash;
mod credentials;
mod definitions;
mod differential;
mod directory;
mod dns;
mod drain;
mod failover;
mod following;
mod helm;
mod hostile_clients;
mod identities;
mod kubectl;
mod kubernetes_members;
mod member_loss;
mod membership;
mod names;
mod plan;
mod policies;
mod policy_effects;
mod probes;
mod promote;
mod pull;
mod read_through;
mod removals;
mod replicas;
mod rollout;
mod shop;
mod simulated_members;
mod store_stress;
mod usage;
