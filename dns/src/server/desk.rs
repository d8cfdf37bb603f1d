//! Where every transport has its packets answered: from the snapshot that is served now, as the server's settings say.

use std::net::IpAddr;
use std::sync::Arc;

use crate::state::{DnsState, now_millis};
use crate::transfer::{Request, Transfer, Transfers, answer_signed};
use crate::wire::{Ask, Outcome, Settings, Transport, Wish, answer, wish};

/// What is answered, and how; cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    state: DnsState,
    settings: Arc<Settings>,
    transfers: Arc<Transfers>,
}

/// What became of a packet.
pub(super) enum Served {
    /// It is answered, or must not be.
    Answered(Option<Outcome>),
    /// A zone is asked for: these messages are the answer.
    Transfer(Box<Transfer>),
}

impl Desk {
    pub(crate) fn new(state: DnsState, settings: Arc<Settings>, transfers: Arc<Transfers>) -> Self {
        Self {
            state,
            settings,
            transfers,
        }
    }

    /// Serves a packet that just came. Where nobody is given zones, signatures and transfers are not looked for: the second are refused.
    pub(super) fn serve(&self, packet: &[u8], source: IpAddr, transport: Transport, out: &mut Vec<u8>) -> Served {
        if self.transfers.is_empty() {
            return Served::Answered(self.answer(packet, source, transport, out));
        }
        let seconds = now_millis() / 1000;
        match wish(packet) {
            Wish::Answer => Served::Answered(self.answer(packet, source, transport, out)),
            Wish::SignedAnswer => {
                let mut outcome = None;
                let signed = answer_signed(&self.transfers.keys, packet, seconds, |unsigned| {
                    outcome = self.answer(unsigned, source, transport, out);
                    Some(std::mem::take(out))
                });
                *out = signed.unwrap_or_default();
                // A signature that does not count has an answer, too.
                let outcome = outcome.or((!out.is_empty()).then_some(Outcome::NOT_AUTHENTIC));
                Served::Answered(outcome.filter(|_| !out.is_empty()))
            }
            Wish::Transfer => {
                let request = Request {
                    packet,
                    source,
                    transport,
                    seconds,
                };
                match Transfer::begin(&self.transfers, &self.state.load(), &request) {
                    Some(transfer) => {
                        let result = if transfer.is_given() { "given" } else { "refused" };
                        metrics::counter!("meridian_dns_transfers_total", "result" => result).increment(1);
                        Served::Transfer(Box::new(transfer))
                    }
                    None => Served::Answered(None),
                }
            }
        }
    }

    /// Serves a packet that came by a way that carries one message back.
    pub(super) fn serve_one(
        &self,
        packet: &[u8],
        source: IpAddr,
        transport: Transport,
        out: &mut Vec<u8>,
    ) -> Option<Outcome> {
        match self.serve(packet, source, transport, out) {
            Served::Answered(outcome) => outcome,
            Served::Transfer(mut transfer) => {
                *out = transfer.next()?;
                Some(Outcome::TRANSFER)
            }
        }
    }

    fn answer(&self, packet: &[u8], source: IpAddr, transport: Transport, out: &mut Vec<u8>) -> Option<Outcome> {
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
