//! IP addresses and ranges of them.

use std::net::IpAddr;

use super::super::eval::{Result, error, no_overload};
use super::super::value::Value;

const RANGE: &str = "network address parse error during conversion from string";

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Result<'a> {
    match (name, args) {
        ("isIP", [Value::Text(text)]) => Ok(Value::Bool(address(text).is_ok())),
        ("ip", [Value::Text(text)]) => match address(text) {
            Ok(address) => Ok(Value::Ip(address)),
            Err(wrong) => error(wrong),
        },
        ("ip.isCanonical", [Value::Text(text)]) => match address(text) {
            Ok(address) => Ok(Value::Bool(address.to_string() == text.as_ref())),
            Err(wrong) => error(wrong),
        },
        ("isCIDR", [Value::Text(text)]) => Ok(Value::Bool(range(text).is_ok())),
        ("cidr", [Value::Text(text)]) => match range(text) {
            Ok((address, length)) => Ok(Value::Cidr(address, length)),
            Err(wrong) => error(wrong),
        },
        (name, [Value::Ip(address)]) => of_address(name, *address),
        (name, [Value::Cidr(address, length)]) => Ok(match name {
            "ip" => Value::Ip(*address),
            "prefixLength" => Value::Int(i64::from(*length)),
            "masked" => Value::Cidr(masked(*address, *length), *length),
            _ => return no_overload(),
        }),
        ("containsIP", [Value::Cidr(own, length), Value::Ip(other)]) => Ok(Value::Bool(holds(*own, *length, *other))),
        ("containsIP", [Value::Cidr(own, length), Value::Text(text)]) => match address(text) {
            Ok(other) => Ok(Value::Bool(holds(*own, *length, other))),
            Err(wrong) => error(wrong),
        },
        ("containsCIDR", [Value::Cidr(own, length), Value::Cidr(other, longer)]) => {
            Ok(Value::Bool(length <= longer && holds(*own, *length, *other)))
        }
        ("containsCIDR", [Value::Cidr(own, length), Value::Text(text)]) => match range(text) {
            Ok((other, longer)) => Ok(Value::Bool(*length <= longer && holds(*own, *length, other))),
            Err(wrong) => error(wrong),
        },
        _ => no_overload(),
    }
}

fn address(text: &str) -> std::result::Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| {
        format!(
            "IP Address {} parse error during conversion from string: ParseAddr({}): unable to parse IP",
            crate::field::quoted(text),
            crate::field::quoted(text)
        )
    })?;
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => Err(format!(
            "IPv4-mapped IPv6 address {} is not allowed",
            crate::field::quoted(text)
        )),
        address => Ok(address),
    }
}

fn range(text: &str) -> std::result::Result<(IpAddr, u8), String> {
    let wrong = || {
        let quoted = crate::field::quoted(text);
        format!("{RANGE}: {RANGE}: netip.ParsePrefix({quoted}): no '/'")
    };
    let (address_text, length) = text.split_once('/').ok_or_else(wrong)?;
    let address = address(address_text)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length: u8 = length.parse().map_err(|_| wrong())?;
    if length > most {
        return Err(wrong());
    }
    Ok((address, length))
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    }
}

fn prefix(number: u128, width: u8, length: u8) -> u128 {
    let shift = u32::from(width.saturating_sub(length));
    number.checked_shr(shift).unwrap_or(0)
}

fn holds(own: IpAddr, length: u8, other: IpAddr) -> bool {
    let ((own, width), (other, other_width)) = (bits(own), bits(other));
    width == other_width && prefix(own, width, length) == prefix(other, width, length)
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    let (number, width) = bits(address);
    let shift = u32::from(width.saturating_sub(length));
    let number = prefix(number, width, length).checked_shl(shift).unwrap_or(0);
    match address {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(number).unwrap_or_default().into()),
        IpAddr::V6(_) => IpAddr::V6(number.into()),
    }
}

fn of_address<'a>(name: &str, address: IpAddr) -> Result<'a> {
    let (link_local, link_multicast) = match address {
        IpAddr::V4(four) => (four.is_link_local(), four.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(six) => (
            six.is_unicast_link_local(),
            six.segments().first().is_some_and(|s| s & 0xff0f == 0xff02),
        ),
    };
    Ok(match name {
        "family" => Value::Int(if address.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Value::Bool(address.is_unspecified()),
        "isLoopback" => Value::Bool(address.is_loopback()),
        "isLinkLocalMulticast" => Value::Bool(link_multicast),
        "isLinkLocalUnicast" => Value::Bool(link_local),
        "isGlobalUnicast" => {
            let broadcast = address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
            let other = address.is_unspecified() || address.is_loopback() || address.is_multicast() || link_local;
            Value::Bool(!other && !broadcast)
        }
        _ => return no_overload(),
    })
}
