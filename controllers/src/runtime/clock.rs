//! The wall clock, as text for conditions. Decisions never read it; they are given what this says.

/// Now, RFC 3339 in UTC to the second, as Kubernetes writes times.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Now to the microsecond, for names that must not collide.
pub(crate) fn now_micros() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
