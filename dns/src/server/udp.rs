//! Datagrams: a thread a core, each with a socket of its own on the same address (SO_REUSEPORT), so that the kernel spreads clients over them. A thread takes
//! what has come, at most [`BATCH`] datagrams a call, answers each into a buffer that it keeps, and sends all answers with one more. No queue, no task a
//! datagram, no lock: under overload the kernel's bounded receive buffer drops, and nothing here grows.

use std::io::{ErrorKind, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio_util::sync::CancellationToken;

use super::batch::{self, BATCH};
use crate::metric::QueryCounters;
use crate::server::Desk;
use crate::wire::{Transport, Verdict};

/// How long a thread blocks before it looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(200);
/// How seldom a thread says that it limits answers.
const SAY_AGAIN: Duration = Duration::from_secs(60);
/// Largest datagram that is read; longer queries are cut and so malformed.
const DATAGRAM_MAX: usize = 4096;
/// Bytes that the kernel keeps for a socket while its thread is busy; it may grant less.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The threads; they stop when the token is cancelled.
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a thread a socket.
    pub(crate) fn start(sockets: Vec<UdpSocket>, desk: &Desk, stop: &CancellationToken) -> std::io::Result<Self> {
        let counters = QueryCounters::new(Transport::Udp);
        let mut threads = Vec::with_capacity(sockets.len());
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_read_timeout(Some(STOP_CHECK))?;
            let (desk, stop, counters) = (desk.clone(), stop.clone(), counters.clone());
            let thread = std::thread::Builder::new().name(format!("dns-udp-{index}"));
            threads.push(thread.spawn(move || Worker::new(socket).serve(&desk, &stop, &counters))?);
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

/// Sockets on one address, one a core; the first decides the port where none is asked for.
pub(super) fn bind(listen: SocketAddr) -> std::io::Result<Vec<UdpSocket>> {
    let first = socket(listen)?;
    let address = first.local_addr()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let others = (1..cores).map(|_| socket(address));
    std::iter::once(Ok(first)).chain(others).collect()
}

fn socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_reuse_port(true)?;
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        tracing::debug!(%error, "the kernel keeps its own size of receive buffers");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A thread's socket and all that it writes into.
struct Worker {
    socket: UdpSocket,
    packets: Vec<[u8; DATAGRAM_MAX]>,
    /// Length and origin of what came.
    came: [(usize, Option<SocketAddr>); BATCH],
    /// Answers, and where they go.
    answers: Vec<Vec<u8>>,
    targets: Vec<Option<SockAddr>>,
    receiving: MultiHeaders<SockaddrStorage>,
    /// When it was said last that answers are limited.
    said: Option<Instant>,
}

impl Worker {
    fn new(socket: UdpSocket) -> Self {
        Self {
            socket,
            packets: vec![[0; DATAGRAM_MAX]; BATCH],
            came: [(0, None); BATCH],
            answers: (0..BATCH).map(|_| Vec::with_capacity(DATAGRAM_MAX)).collect(),
            targets: vec![None; BATCH],
            receiving: MultiHeaders::preallocate(BATCH, None),
            said: None,
        }
    }

    fn serve(mut self, desk: &Desk, stop: &CancellationToken, counters: &QueryCounters) {
        while !stop.is_cancelled() {
            match self.receive() {
                Ok(count) => {
                    let answers = self.answer(count, desk, counters);
                    self.send(answers);
                }
                // The look at the token; or an echo of an earlier answer that nobody waited for.
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => {}
                Err(error) => {
                    tracing::warn!(%error, "DNS cannot receive a datagram");
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }

    /// Takes what has come; waits for the first. Returns how many.
    fn receive(&mut self) -> nix::Result<usize> {
        let mut slices = self.packets.iter_mut().map(|packet| [IoSliceMut::new(packet)]);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| slices.next().unwrap_or([IoSliceMut::new(&mut [])]));
        let fd = self.socket.as_raw_fd();
        let received = recvmmsg(fd, &mut self.receiving, &mut slices, MsgFlags::MSG_WAITFORONE, None)?;
        let mut count = 0;
        for (slot, message) in self.came.iter_mut().zip(received) {
            *slot = (message.bytes, message.address.as_ref().and_then(origin));
            count += 1;
        }
        Ok(count)
    }

    /// Answers what came. Returns how many answers there are to be sent.
    fn answer(&mut self, count: usize, desk: &Desk, counters: &QueryCounters) -> usize {
        let mut answers = 0;
        for ((length, source), packet) in self.came.iter().zip(&self.packets).take(count) {
            // Port 0 and multicast cannot be answered.
            let Some(source) = source.filter(|source| source.port() != 0 && !source.ip().is_multicast()) else {
                continue;
            };
            let (Some(out), Some(target)) = (self.answers.get_mut(answers), self.targets.get_mut(answers)) else {
                break;
            };
            let bytes = packet.get(..*length).unwrap_or_default();
            let outcome = desk.serve_one(bytes, source.ip(), Transport::Udp, out);
            counters.count(outcome);
            if outcome.is_some_and(|outcome| outcome.verdict != Verdict::Send)
                && self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN)
            {
                self.said = Some(Instant::now());
                tracing::warn!(
                    source = %source.ip(),
                    "answers to the network of {} are above --dns-rate-limit; meridian_dns_limited_total counts them",
                    source.ip()
                );
            }
            if outcome.is_some_and(|outcome| outcome.verdict != Verdict::Drop) {
                *target = Some(source.into());
                answers += 1;
            }
        }
        answers
    }

    /// Sends the answers; one that cannot be sent is left out.
    fn send(&mut self, count: usize) {
        let mut sent = 0;
        while sent < count {
            let answers = self.answers.iter().zip(&self.targets).take(count).skip(sent);
            let datagrams = answers.filter_map(|(answer, target)| Some((answer.as_slice(), target.as_ref()?)));
            match batch::send(&self.socket, datagrams) {
                Ok(went) => sent += went.max(1),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::debug!(%error, "DNS cannot send an answer");
                    sent += 1;
                }
            }
        }
    }
}

/// Where a datagram came from.
fn origin(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}
