//! HTTPS records (RFC 9460): that a Service speaks HTTPS and on which port, with the addresses that the same client would be given, so
//! that a browser needs no second question before it connects.
//!
//! In: ports of a Service, addresses by choice. Out: records. Absent: ALPN, which nobody tells the hub; browsers then ask in the handshake.

use std::net::IpAddr;

use super::input::PortFacts;
use super::records::{self, types};

/// The default port of HTTPS, which needs no saying.
const PORT: u16 = 443;
/// Keys of parameters (RFC 9460 14.3.2).
const PORT_KEY: u16 = 3;
const V4_KEY: u16 = 4;
const V6_KEY: u16 = 6;
/// Most addresses of a family; hints are for the first connection.
const HINTS_MAX: usize = 4;

/// The port on which a Service speaks HTTPS, as far as its ports say so: by `appProtocol`, or by the name `https`. Browsers take the record as
/// word that there is no plain HTTP to be used (RFC 9460 9.5), so a mere number is not enough.
pub(super) fn port(ports: &[PortFacts]) -> Option<u16> {
    let tcp = |port: &&PortFacts| port.protocol.is_empty() || port.protocol == "TCP";
    let says_so =
        |port: &&PortFacts| port.app_protocol == "https" || port.app_protocol.is_empty() && port.name == "https";
    ports.iter().filter(tcp).find(says_so).map(|port| port.port)
}

/// The record, with hints of these addresses.
pub(super) fn record(ttl: u32, port: u16, addresses: &[IpAddr]) -> Box<[u8]> {
    // Priority 1; the target is the owner itself.
    let mut data = vec![0, 1, 0];
    let mut parameter = |key: u16, value: &[u8]| {
        data.extend_from_slice(&key.to_be_bytes());
        // A few addresses at most.
        data.extend_from_slice(&(value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    };
    if port != PORT {
        parameter(PORT_KEY, &port.to_be_bytes());
    }
    let v4 = addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(address.octets()),
        IpAddr::V6(_) => None,
    });
    let v4: Vec<[u8; 4]> = v4.take(HINTS_MAX).collect();
    if !v4.is_empty() {
        parameter(V4_KEY, v4.as_flattened());
    }
    let v6 = addresses.iter().filter_map(|address| match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(address.octets()),
    });
    let v6: Vec<[u8; 16]> = v6.take(HINTS_MAX).collect();
    if !v6.is_empty() {
        parameter(V6_KEY, v6.as_flattened());
    }
    records::raw(types::HTTPS, ttl, &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, protocol: &str, port: u16, app_protocol: &str) -> PortFacts {
        PortFacts {
            name: name.into(),
            protocol: protocol.into(),
            port,
            app_protocol: app_protocol.into(),
        }
    }

    #[test]
    fn only_ports_that_say_so() {
        for (ports, expected) in [
            (
                vec![facts("http", "TCP", 80, ""), facts("https", "TCP", 443, "")],
                Some(443),
            ),
            (vec![facts("web", "TCP", 8443, "https")], Some(8443)),
            (vec![facts("https", "UDP", 443, "")], None),
            (vec![facts("https", "TCP", 443, "tcp")], None),
            (vec![facts("", "", 443, "")], None),
        ] {
            assert_eq!(port(&ports), expected, "{ports:?}");
        }
    }

    #[test]
    fn parameters_are_in_order() {
        let addresses = ["192.0.2.1", "2001:db8::1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let record = record(30, 8443, &addresses);
        assert_eq!(record[2..4], [0, 65]);
        let data = [
            &[
                0, 1, 0, 0, 3, 0, 2, 0x20, 0xfb, 0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2, 0, 6, 0, 16, 0x20, 1, 0xd,
                0xb8,
            ][..],
            &[0; 11],
            &[1],
        ]
        .concat();
        assert_eq!(record[12..], data);
        assert_eq!(super::record(30, 443, &[])[12..], [0, 1, 0]);
    }
}
