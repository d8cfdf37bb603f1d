//! Priority and fairness: how many requests are worked on at once, and whose is next when there are more.
//!
//! Decided: which level and flow a request belongs to ([`classify`]), how many seats it takes ([`width`]), and in which order waiting
//! requests get seats ([`scheduler`], pure). In: who asks what. Out: a seat, or 429. Members of `system:masters` and health checks
//! take none. Absent: rights, and the work itself.

mod classify;
mod gate;
mod scheduler;

use std::time::Duration;

use http::HeaderValue;
use machinery::status::Status;
use sha2::{Digest, Sha256};

use crate::auth::UserInfo;
use crate::http::path::Target;
use classify::{LEVELS, Schema};
use gate::Gate;
pub(crate) use gate::Seat;

/// Objects that one seat lists.
const OBJECTS_A_SEAT: u64 = 100;
/// Most seats of one request.
const WIDTH_MAX: u32 = 10;

/// How much is done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowConfig {
    /// Seats of all levels together.
    pub seats: u32,
}

impl Default for FlowConfig {
    fn default() -> Self {
        // As many as kube-apiserver: 400 that read and 200 that write.
        Self { seats: 600 }
    }
}

/// What a request belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    schema: &'static Schema,
    flow: u64,
}

/// All levels of a server.
#[derive(Debug)]
pub(crate) struct Flow {
    gates: Vec<Gate>,
}

/// The name of an object that is built in, as answers tell it: a uid made of the name.
fn uid(name: &str) -> Option<HeaderValue> {
    let hash = Sha256::digest(name.as_bytes());
    let bytes: [u8; 16] = hash.get(..16)?.try_into().ok()?;
    HeaderValue::from_str(&uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()).ok()
}

impl Flow {
    pub(crate) fn new(config: FlowConfig) -> Self {
        let shares: u32 = LEVELS.iter().map(|level| level.shares).sum();
        let gate = |level| Gate::new(level, config.seats, shares);
        Self {
            gates: LEVELS.iter().map(gate).collect(),
        }
    }

    /// What a request belongs to.
    pub(crate) fn class(user: &UserInfo, verb: &str, target: &Target) -> Class {
        let schema = classify::of(user, verb, target);
        Class {
            schema,
            flow: classify::flow(schema, user),
        }
    }

    /// A seat for a request; none where it needs none. It waits at most for `patience`.
    pub(crate) async fn admit(&self, class: &Class, width: u32, patience: Duration) -> Result<Option<Seat>, Status> {
        let Some(level) = class.schema.level else {
            return Ok(None);
        };
        let Some(gate) = self.gates.get(level) else {
            return Ok(None);
        };
        gate.admit(class.schema, class.flow, width, patience).await.map(Some)
    }
}

impl Class {
    /// The two names that an answer carries.
    pub(crate) fn headers(&self) -> [(&'static str, Option<&'static HeaderValue>); 2] {
        let schema = self.schema;
        let level = schema
            .level
            .and_then(|level| LEVELS.get(level))
            .map_or("exempt", |level| level.name);
        [
            ("x-kubernetes-pf-flowschema-uid", classify::named(schema.name)),
            ("x-kubernetes-pf-prioritylevel-uid", classify::named(level)),
        ]
    }
}

/// How many seats a request takes: a list more the more it lists.
pub(crate) fn width(verb: &str, objects: u64, limit: Option<u64>) -> u32 {
    if !matches!(verb, "list" | "watch") {
        return 1;
    }
    let objects = limit
        .filter(|limit| *limit > 0)
        .map_or(objects, |limit| limit.min(objects));
    u32::try_from(objects / OBJECTS_A_SEAT)
        .unwrap_or(WIDTH_MAX)
        .clamp(1, WIDTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_lists_take_more_seats() {
        assert_eq!(width("get", 100_000, None), 1);
        assert_eq!(width("list", 99, None), 1);
        assert_eq!(width("list", 500, None), 5);
        assert_eq!(width("list", 100_000, None), 10);
        assert_eq!(width("list", 100_000, Some(300)), 3);
        assert_eq!(width("watch", 1_000, Some(0)), 10);
    }

    #[test]
    fn names_look_like_uids() {
        let name = uid("exempt").unwrap();
        assert_eq!(name.to_str().unwrap().len(), 36);
        assert_ne!(name, uid("system").unwrap());
    }
}
