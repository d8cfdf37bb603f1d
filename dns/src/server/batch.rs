//! Many datagrams sent with one call: the only unsafe code of this server.
//!
//! In: a socket, answers and where they go. Out: how many went. Invariants: the kernel reads, for the length of the call only, bytes and addresses that are borrowed
//! for longer than it, through headers that stand on the stack and hold no other pointer; it is told no more headers than were filled. It writes nothing but
//! each header's own `msg_len`.

use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use socket2::SockAddr;

/// Most datagrams of a call.
pub(super) const BATCH: usize = 32;

/// Sends the first of these datagrams, as many as the kernel takes, at most [`BATCH`]. Returns how many went: at least one, unless there is none.
///
/// # Errors
/// The kernel's, about the first of them.
#[expect(
    unsafe_code,
    reason = "sendmmsg has no safe form: std has none, and nix's reads what was never written"
)]
pub(super) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (&'a [u8], &'a SockAddr)>,
) -> std::io::Result<usize> {
    let empty_part = libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    };
    let mut parts = [empty_part; BATCH];
    // SAFETY: a header of zeros is a valid one: no name, no parts, no control data.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let mut count: libc::c_uint = 0;
    for (((bytes, target), part), header) in datagrams.zip(&mut parts).zip(&mut headers) {
        part.iov_base = bytes.as_ptr().cast_mut().cast();
        part.iov_len = bytes.len();
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_name = target.as_ptr().cast_mut().cast();
        header.msg_hdr.msg_namelen = target.len();
        count += 1;
    }
    if count == 0 {
        return Ok(0);
    }
    // SAFETY: `count` headers were filled. Each points to one part of `parts`, which outlives the call, and that to bytes and an address that
    // are borrowed for 'a, so for longer than the call. The casts from const are those of the C interface: the kernel only reads what they point to.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_| std::io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_datagram_arrives_where_it_should() {
        let receivers: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = |index: usize| SockAddr::from(receivers[index % 3].local_addr().unwrap());
        let all: Vec<(Vec<u8>, SockAddr)> = (0..50).map(|index| (vec![index as u8; index], target(index))).collect();
        assert_eq!(send(&sender, std::iter::empty()).unwrap(), 0);
        let mut sent = 0;
        while sent < all.len() {
            let left = all.iter().skip(sent).map(|(bytes, target)| (bytes.as_slice(), target));
            let now = send(&sender, left).unwrap();
            assert!((1..=BATCH).contains(&now));
            sent += now;
        }
        for (index, (bytes, _)) in all.iter().enumerate() {
            let receiver = &receivers[index % 3];
            receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut buffer = [0; 100];
            let (length, from) = receiver.recv_from(&mut buffer).unwrap();
            assert_eq!(
                (&buffer[..length], from),
                (bytes.as_slice(), sender.local_addr().unwrap())
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let six = SockAddr::from("[::1]:9".parse::<SocketAddr>().unwrap());
        assert!(send(&sender, std::iter::once((&b"x"[..], &six))).is_err());
    }
}
