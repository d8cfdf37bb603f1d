//! How long a request may take: a minute, or less where its `timeout` says so. Watches and other streams have times of their own.

use std::time::Duration;

use machinery::status::Status;

use super::path::{ResourcePath, Target};

/// How long a request may take that does not say.
const DEFAULT: Duration = Duration::from_secs(60);
/// Subresources that are streams.
const STREAMS: [&str; 7] = ["attach", "exec", "log", "manifests", "portforward", "proxy", "tunnel"];

/// The text of a request that took too long.
pub(super) fn passed() -> Status {
    Status::timeout("request did not complete within the allotted timeout", 0)
}

/// Whether a request is a stream, which no deadline ends.
pub(super) fn is_stream(verb: &str, target: &Target) -> bool {
    let of_path = |path: &ResourcePath| {
        let first = path.subresource.split('/').next().unwrap_or_default();
        STREAMS.contains(&first)
    };
    verb == "watch" || matches!(target, Target::Resource(path) if of_path(path))
}

/// The time that a request has.
pub(super) fn of(timeout: Option<&str>) -> Result<Duration, Status> {
    let Some(text) = timeout.filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT);
    };
    let asked = duration(text).ok_or_else(|| {
        Status::bad_request(format!(
            "invalid timeout specified in the request URL - time: invalid duration {text:?}"
        ))
    })?;
    Ok(asked
        .filter(|asked| !asked.is_zero())
        .map_or(DEFAULT, |asked| asked.min(DEFAULT)))
}

/// A duration as Go writes it, such as `1m30s` or `300ms`. Inner none for one below zero; none for what is no duration.
fn duration(text: &str) -> Option<Option<Duration>> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Some(Duration::ZERO));
    }
    let mut rest = rest;
    let mut seconds = 0.0_f64;
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let end = rest
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(rest.len());
        let unit = match rest.get(..end)? {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        seconds += number * unit;
        rest = rest.get(end..)?;
        if rest.is_empty() {
            break;
        }
    }
    if negative {
        return Some(None);
    }
    Some(Duration::try_from_secs_f64(seconds).ok().or(Some(DEFAULT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long() {
        let told = |text: &str| {
            of(Some(text))
                .map(|time| time.as_nanos())
                .map_err(|status| status.message)
        };
        let seconds = |number: u128| Ok(number * 1_000_000_000);
        assert_eq!(of(None).unwrap(), DEFAULT);
        for (text, want) in [
            ("32s", 32),
            ("1m30s", 60),
            ("0", 60),
            ("-5s", 60),
            ("100s", 60),
            ("", 60),
            ("0s", 60),
        ] {
            assert_eq!(told(text), seconds(want), "{text}");
        }
        assert_eq!(told("1ns"), Ok(1));
        assert_eq!(told("1.5s"), Ok(1_500_000_000));
        assert_eq!(
            told("abc").unwrap_err(),
            "invalid timeout specified in the request URL - time: invalid duration \"abc\""
        );
        for text in ["5", "s", "5x", "1.2.3s", "--1s"] {
            assert!(told(text).is_err(), "{text}");
        }
    }

    #[test]
    fn streams_have_their_own_time() {
        let target = |path: &str| super::super::path::parse(path).unwrap();
        assert!(is_stream("watch", &target("/api/v1/pods")));
        assert!(is_stream("get", &target("/api/v1/namespaces/a/pods/b/log")));
        assert!(is_stream("get", &target("/api/v1/namespaces/a/services/b/proxy/x/y")));
        assert!(!is_stream("list", &target("/api/v1/pods")));
    }
}
