//! Secondaries told of changes (RFC 1996): each by a task of its own, so that one that is away holds up no other. Changes within a second are one.
//!
//! In: snapshots as they are published. Out: NOTIFY messages, signed with the first key, again until they are answered or given up. What was given
//! up is tried again after a minute; a secondary asks by itself, too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::{Opcode, Rtype};
use domain::base::message_builder::MessageBuilder;
use domain::base::name::Name;
use domain::rdata::tsig::Time48;
use domain::tsig::ClientTransaction;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::content::serial;
use super::{TransferKeys, Transfers};
use crate::snapshot::{Standing, WireName};
use crate::state::{DnsState, now_millis};

/// Changes within this time are told at once.
const GATHERED: Duration = Duration::from_secs(1);
/// How long answers are waited for, one wait an attempt.
const WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// When a secondary that did not answer is told again.
const AGAIN: Duration = Duration::from_secs(60);

/// Tells all secondaries until stopped.
pub(crate) async fn run(state: DnsState, policy: Arc<Transfers>, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    for secondary in policy.notify.clone() {
        let (state, policy) = (state.clone(), policy.clone());
        tasks.spawn(async move { follow(&state, &policy.keys, secondary).await });
    }
    stop.cancelled().await;
    tasks.shutdown().await;
}

/// Tells one secondary of every change, for ever.
async fn follow(state: &DnsState, keys: &TransferKeys, secondary: SocketAddr) {
    let mut published = state.subscribe();
    let mut told: BTreeMap<WireName, u32> = BTreeMap::new();
    loop {
        published.mark_unchanged();
        let mut missed = false;
        for (apex, serial) in serials(state) {
            if told.get(&apex) == Some(&serial) {
                continue;
            }
            if tell(&apex, keys, secondary).await {
                metrics::counter!("meridian_dns_notifies_total", "result" => "answered").increment(1);
                told.insert(apex, serial);
            } else {
                metrics::counter!("meridian_dns_notifies_total", "result" => "unanswered").increment(1);
                tracing::warn!(%secondary, zone = %apex, "secondary {secondary} does not answer NOTIFY of {apex}; it is told again in a minute");
                missed = true;
                // The other zones would only wait as long.
                break;
            }
        }
        let changed = published.changed();
        if missed {
            sleep(AGAIN).await;
        } else if changed.await.is_err() {
            return;
        }
        sleep(GATHERED).await;
    }
}

fn serials(state: &DnsState) -> Vec<(WireName, u32)> {
    let snapshot = state.snapshot();
    let served = snapshot.zones.iter().filter(|zone| zone.standing == Standing::Served);
    served
        .filter_map(|zone| Some((zone.apex.clone(), serial(zone)?)))
        .collect()
}

/// Tells of one zone; true once the secondary answered.
async fn tell(apex: &WireName, keys: &TransferKeys, secondary: SocketAddr) -> bool {
    let any: SocketAddr = if secondary.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let Ok(socket) = UdpSocket::bind(any).await else {
        return false;
    };
    if socket.connect(secondary).await.is_err() {
        return false;
    }
    for wait in WAITS {
        let id: u16 = rand::random();
        let Some(message) = notify(id, apex, keys) else {
            return false;
        };
        // A refusal by the system, such as of a port where nobody listens, may be over by the next attempt.
        if socket.send(&message).await.is_ok() && timeout(wait, answered(&socket, id)).await == Ok(true) {
            return true;
        }
        sleep(wait).await;
    }
    false
}

/// Waits for the answer with this id; false where the system says that there will be none.
async fn answered(socket: &UdpSocket, id: u16) -> bool {
    let mut buffer = [0; 512];
    loop {
        let Ok(length) = socket.recv(&mut buffer).await else {
            return false;
        };
        let [i0, i1] = id.to_be_bytes();
        // An answer (QR), of opcode NOTIFY; whatever its code, the secondary has heard.
        let flags = 0x80 | Opcode::NOTIFY.to_int() << 3;
        if matches!(buffer.get(..length), Some(&[a, b, c, ..]) if (a, b) == (i0, i1) && c & 0xF8 == flags) {
            return true;
        }
    }
}

fn notify(id: u16, apex: &WireName, keys: &TransferKeys) -> Option<Vec<u8>> {
    let mut builder = MessageBuilder::from_target(Vec::new()).ok()?;
    let header = builder.header_mut();
    header.set_id(id);
    header.set_opcode(Opcode::NOTIFY);
    header.set_aa(true);
    let mut question = builder.question();
    let name = Name::from_octets(apex.as_bytes().to_vec()).ok()?;
    question.push((name, Rtype::SOA)).ok()?;
    let mut whole = question.additional();
    if let Some(key) = keys.own() {
        let now = Time48::from_u64(now_millis() / 1000);
        ClientTransaction::request(key.clone(), &mut whole, now).ok()?;
    }
    Some(whole.finish())
}
