//! Datagrams: a few threads that each block on the same socket, answer into their own buffer and send. No queue, no task a
//! datagram: under overload the kernel's bounded receive buffer drops, and nothing here grows.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::metric::QueryCounters;
use crate::server::Desk;
use crate::wire::{Transport, Verdict};

/// How long a thread blocks before it looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(200);
/// Largest datagram that is read; longer queries are cut and so malformed.
const DATAGRAM_MAX: usize = 4096;
/// Most threads; more only contend for the socket.
const THREADS_MAX: usize = 8;

/// The threads; they stop when the token is cancelled.
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts one thread a core.
    pub(crate) fn start(socket: UdpSocket, desk: &Desk, stop: &CancellationToken) -> std::io::Result<Self> {
        socket.set_read_timeout(Some(STOP_CHECK))?;
        let socket = Arc::new(socket);
        let counters = QueryCounters::new(Transport::Udp);
        let count = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS_MAX);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (socket, desk, stop, counters) = (socket.clone(), desk.clone(), stop.clone(), counters.clone());
            let thread = std::thread::Builder::new().name(format!("dns-udp-{index}"));
            threads.push(thread.spawn(move || serve(&socket, &desk, &stop, &counters))?);
        }
        Ok(Self { threads })
    }

    /// Waits until every thread has stopped.
    pub(crate) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a DNS worker ended by a panic");
            }
        }
    }
}

fn serve(socket: &UdpSocket, desk: &Desk, stop: &CancellationToken, counters: &QueryCounters) {
    let mut packet = vec![0_u8; DATAGRAM_MAX];
    let mut out = Vec::with_capacity(DATAGRAM_MAX);
    while !stop.is_cancelled() {
        let (length, source) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(error) => {
                // Timeouts are the look at the token; refusals are echoes of earlier answers nobody waited for.
                let expected = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                if !expected.contains(&error.kind()) && error.kind() != ErrorKind::ConnectionRefused {
                    tracing::warn!(%error, "DNS cannot receive a datagram");
                    std::thread::sleep(Duration::from_millis(10));
                }
                continue;
            }
        };
        // Port 0 and multicast cannot be answered.
        if source.port() == 0 || source.ip().is_multicast() {
            continue;
        }
        let bytes = packet.get(..length).unwrap_or_default();
        let outcome = desk.serve_one(bytes, source.ip(), Transport::Udp, &mut out);
        counters.count(outcome);
        if outcome.is_some_and(|outcome| outcome.verdict != Verdict::Drop)
            && let Err(error) = socket.send_to(&out, source)
        {
            tracing::debug!(%error, %source, "DNS cannot send an answer");
        }
    }
}
