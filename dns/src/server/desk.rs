//! Where every transport has its packets answered: from the snapshot that is served now, as the server's settings say.

use std::net::IpAddr;
use std::sync::Arc;

use crate::state::{DnsState, now_millis};
use crate::wire::{Ask, Outcome, Settings, Transport, answer};

/// What is answered, and how; cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    state: DnsState,
    settings: Arc<Settings>,
}

impl Desk {
    pub(crate) fn new(state: DnsState, settings: Arc<Settings>) -> Self {
        Self { state, settings }
    }

    /// Answers a packet that just came.
    pub(super) fn answer(
        &self,
        packet: &[u8],
        source: IpAddr,
        transport: Transport,
        out: &mut Vec<u8>,
    ) -> Option<Outcome> {
        let age = self.state.age().map_or(0, |age| age.as_secs());
        let ask = Ask {
            packet,
            source,
            transport,
            entropy: rand::random(),
            millis: now_millis(),
            age: u32::try_from(age).unwrap_or(u32::MAX),
        };
        answer(&self.state.load(), &self.settings, &ask, out)
    }
}
