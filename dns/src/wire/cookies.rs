//! DNS cookies (RFC 7873) in the form that servers of different makes can share (RFC 9018): a client that shows a cookie we
//! gave its address is no reflection's victim, so it is not limited.
//!
//! In: the client's cookie, its address, the time. Out: whether it is ours, and the cookie to give. Absent: clocks, files.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

/// Length of a client cookie (RFC 7873 4).
const CLIENT: usize = 8;
/// Lengths that a server cookie may have (RFC 7873 4).
const SERVER: std::ops::RangeInclusive<usize> = 8..=32;
/// Length of the cookies we give: version, reserved, time, hash (RFC 9018 4).
const OURS: usize = 16;
/// Version of the cookies we give (RFC 9018 4.1).
const VERSION: u8 = 1;
/// Seconds that a cookie counts (RFC 9018 4.3).
const VALID: u32 = 3600;
/// Seconds that a cookie may be from the future, by servers' clocks that differ (RFC 9018 4.3).
const AHEAD: u32 = 300;
/// Age in seconds after which a cookie is renewed (RFC 9018 4.3).
const RENEWED: u32 = 1800;

/// A cookie option as a client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    client: [u8; CLIENT],
    server: [u8; 32],
    server_length: u8,
}

impl Cookie {
    /// Reads the option's data; none for lengths that it may not have (RFC 7873 5.2.2).
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let (client, rest) = data.split_first_chunk::<CLIENT>()?;
        if !rest.is_empty() && !SERVER.contains(&rest.len()) {
            return None;
        }
        let mut server = [0; 32];
        server.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Self {
            client: *client,
            server,
            server_length: u8::try_from(rest.len()).ok()?,
        })
    }

    /// The client's part.
    pub(super) fn client(&self) -> [u8; CLIENT] {
        self.client
    }

    fn server(&self) -> Option<[u8; OURS]> {
        if usize::from(self.server_length) == OURS {
            self.server.first_chunk().copied()
        } else {
            None
        }
    }
}

/// Secrets that cookies are made with: the first makes them, all are recognised, so that secrets can be rolled over.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieSecrets {
    secrets: Vec<[u8; 16]>,
}

/// A text that holds no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} is no secret: 32 hexadecimal digits are one")]
pub struct CookieSecretsError(pub usize);

impl fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.secrets.len())
    }
}

impl CookieSecrets {
    /// One secret.
    #[must_use]
    pub fn one(secret: [u8; 16]) -> Self {
        Self { secrets: vec![secret] }
    }

    /// Reads secrets, one a line, in 32 hexadecimal digits each; empty lines and those after `#` are skipped.
    ///
    /// # Errors
    /// [`CookieSecretsError`] for another line, or for line 0 where there is none.
    pub fn parse(text: &str) -> Result<Self, CookieSecretsError> {
        let mut secrets = Vec::new();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            secrets.push(unhex(line).ok_or(CookieSecretsError(number))?);
        }
        if secrets.is_empty() {
            return Err(CookieSecretsError(0));
        }
        Ok(Self { secrets })
    }

    /// Whether a cookie is one that we gave this address not long ago, and the server cookie to answer with.
    pub(super) fn judge(&self, cookie: &Cookie, source: IpAddr, now: u32) -> (bool, [u8; OURS]) {
        let shown = cookie.server().filter(|[version, _, _, _, rest @ ..]| {
            let made = rest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            // Times compare modulo 2^32 (RFC 9018 4.3, RFC 1982).
            let (age, ahead) = (now.wrapping_sub(made), made.wrapping_sub(now));
            *version == VERSION && (age <= VALID || ahead <= AHEAD)
        });
        let by = shown.and_then(|shown| {
            self.secrets
                .iter()
                .position(|secret| seal(secret, cookie.client, &shown, source) == shown)
        });
        if let (Some(shown), Some(0)) = (shown, by) {
            let [_, _, _, _, rest @ ..] = shown;
            let made = rest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            let age = now.wrapping_sub(made);
            if age <= RENEWED || age > VALID {
                return (true, shown);
            }
        }
        let mut fresh = [0; OURS];
        let [t0, t1, t2, t3] = now.to_be_bytes();
        for (slot, byte) in fresh.iter_mut().zip([VERSION, 0, 0, 0, t0, t1, t2, t3]) {
            *slot = byte;
        }
        let given = self
            .secrets
            .first()
            .map_or(fresh, |secret| seal(secret, cookie.client, &fresh, source));
        (by.is_some(), given)
    }
}

/// A server cookie with its hash made anew: SipHash-2-4 over client cookie, version, reserved, time and address (RFC 9018 4.4).
fn seal(secret: &[u8; 16], client: [u8; CLIENT], cookie: &[u8; OURS], source: IpAddr) -> [u8; OURS] {
    let mut sealed = *cookie;
    let Some((head, hash)) = sealed.split_at_mut_checked(8) else {
        return sealed;
    };
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(&client);
    hasher.write(head);
    match source.to_canonical() {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    hash.copy_from_slice(&hasher.finish().to_le_bytes());
    sealed
}

/// Sixteen bytes from their hexadecimal digits.
fn unhex(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, digit| value << 4 | digit);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    fn secrets(text: &str) -> CookieSecrets {
        CookieSecrets::parse(text).unwrap()
    }

    /// The answer to a cookie: whether it counted, and the whole cookie that is given.
    #[track_caller]
    fn judged(secrets: &CookieSecrets, cookie: &str, source: &str, now: u32) -> (bool, String) {
        let cookie = Cookie::parse(&bytes(cookie)).unwrap();
        let (valid, given) = secrets.judge(&cookie, source.parse().unwrap(), now);
        let whole: Vec<u8> = cookie.client().into_iter().chain(given).collect();
        (valid, whole.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The test vectors of RFC 9018, appendix A.
    #[test]
    fn cookies_of_the_standard() {
        let first = secrets("e5e973e5a6b2a43f48e7dc849e37bfcf");
        let given = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
        assert_eq!(
            judged(&first, "2464c4abcf10c957", "198.51.100.100", 1_559_731_985),
            (false, given.into())
        );
        assert_eq!(
            judged(&first, given, "198.51.100.100", 1_559_734_385),
            (true, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77".into()),
            "older than half an hour: renewed"
        );
        assert_eq!(
            judged(
                &first,
                "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
                "203.0.113.203",
                1_559_727_985
            ),
            (true, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5".into()),
            "reserved bits of another server count, as they are hashed"
        );
        let both = secrets("445536bcd2513298075a5d379663c962\n# the one before\ndd3bdf9344b678b185a6f5cb60fca715\n");
        assert_eq!(
            judged(
                &both,
                "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
                "2001:db8:220:1:59de:d0f4:8769:82b8",
                1_559_741_961
            ),
            (true, "22681ab97d52c298010000005cf7c609a6bb79d16625507a".into()),
            "made with the secret before: counts, and is replaced"
        );
    }

    #[test]
    fn cookies_count_for_their_address_and_time_only() {
        let ours = secrets("000102030405060708090a0b0c0d0e0f");
        let (_, given) = judged(&ours, "0102030405060708", "192.0.2.1", 1_000_000);
        let counts = |source, now| judged(&ours, &given, source, now).0;
        assert!(counts("192.0.2.1", 1_000_000) && counts("::ffff:192.0.2.1", 1_000_000));
        assert!(counts("192.0.2.1", 1_003_600) && !counts("192.0.2.1", 1_003_601));
        assert!(counts("192.0.2.1", 999_700) && !counts("192.0.2.1", 999_699));
        assert!(!counts("192.0.2.2", 1_000_000));
        assert!(
            !judged(
                &secrets("000102030405060708090a0b0c0d0e10"),
                &given,
                "192.0.2.1",
                1_000_000
            )
            .0
        );
        for length in [0, 1, 7, 9, 15, 41] {
            assert_eq!(Cookie::parse(&vec![1; length]), None, "{length}");
        }
        for length in [8, 16, 24, 40] {
            assert!(Cookie::parse(&vec![1; length]).is_some(), "{length}");
        }
        assert_eq!(CookieSecrets::parse("\n# none\n"), Err(CookieSecretsError(0)));
        assert_eq!(CookieSecrets::parse("\n0102"), Err(CookieSecretsError(2)));
    }
}
