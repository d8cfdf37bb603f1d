//! The server's metrics; names are promises (docs). Counters are looked up once, so a query pays one addition.

use std::sync::Arc;

use metrics::{Counter, counter, gauge};

use crate::snapshot::types;
use crate::state::DnsState;
use crate::wire::{Outcome, Rcode, Transport, Verdict};

const QTYPES: [(u16, &str); 10] = [
    (types::A, "A"),
    (types::AAAA, "AAAA"),
    (types::SRV, "SRV"),
    (types::SOA, "SOA"),
    (types::NS, "NS"),
    (types::CNAME, "CNAME"),
    (types::TXT, "TXT"),
    (types::HTTPS, "HTTPS"),
    (types::ANY, "ANY"),
    (0, "other"),
];
const RCODES: [Rcode; 8] = [
    Rcode::NoError,
    Rcode::FormErr,
    Rcode::ServFail,
    Rcode::NxDomain,
    Rcode::NotImp,
    Rcode::Refused,
    Rcode::YxDomain,
    Rcode::BadVers,
];

/// Query counters of one transport.
#[derive(Clone)]
pub(crate) struct QueryCounters {
    counters: Arc<Vec<Counter>>,
    dropped: Counter,
    limited: [(Verdict, Counter); 3],
}

impl QueryCounters {
    pub(crate) fn new(transport: Transport) -> Self {
        let transport = transport.as_str();
        let all = QTYPES
            .iter()
            .flat_map(|(_, qtype)| RCODES.iter().map(move |rcode| (*qtype, rcode.as_str())));
        let counters = all.map(|(qtype, rcode)| {
            counter!("meridian_dns_queries_total", "qtype" => qtype, "rcode" => rcode, "transport" => transport)
        });
        let dropped = counter!("meridian_dns_dropped_total", "transport" => transport);
        let limited = [
            (Verdict::Drop, "dropped"),
            (Verdict::Truncate, "truncated"),
            (Verdict::Tried, "tried"),
        ];
        Self {
            counters: Arc::new(counters.collect()),
            dropped,
            limited: limited.map(|(verdict, word)| {
                let counter = counter!("meridian_dns_limited_total", "transport" => transport, "verdict" => word);
                (verdict, counter)
            }),
        }
    }

    /// Counts an answer, or a packet that got none.
    pub(crate) fn count(&self, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else {
            return self.dropped.increment(1);
        };
        if outcome.verdict != Verdict::Send
            && let Some((_, limited)) = self.limited.iter().find(|(verdict, _)| *verdict == outcome.verdict)
        {
            limited.increment(1);
        }
        let type_ = QTYPES
            .iter()
            .position(|(number, _)| *number == outcome.type_)
            .unwrap_or(QTYPES.len() - 1);
        let rcode = RCODES.iter().position(|rcode| *rcode == outcome.rcode).unwrap_or(0);
        if let Some(counter) = self.counters.get(type_ * RCODES.len() + rcode) {
            counter.increment(1);
        }
    }
}

/// Writes how fresh the snapshot is.
pub(crate) fn freshness(state: &DnsState) {
    gauge!("meridian_dns_snapshot_version").set(state.version() as f64);
    gauge!("meridian_dns_hub_connected").set(if state.connected() { 1.0 } else { 0.0 });
    if let Some(age) = state.age() {
        gauge!("meridian_dns_snapshot_age_seconds").set(age.as_secs_f64());
    }
}
