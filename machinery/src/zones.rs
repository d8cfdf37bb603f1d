//! Time zones by name, from the database of IANA that is built in: what a name means does not depend on the machine.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zone of exactly that name, as Go's `time.LoadLocation` finds it: letters count, and no name is UTC.
#[must_use]
pub fn named(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC") {
        return Some(TimeZone::UTC);
    }
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for known in [
            "",
            "UTC",
            "Etc/UTC",
            "Europe/Berlin",
            "America/Argentina/Ushuaia",
            "EST5EDT",
            "Etc/GMT+3",
        ] {
            assert!(named(known).is_some(), "{known}");
        }
        for unknown in [
            "europe/berlin",
            "Europe/Nowhere",
            "Local",
            "../etc/passwd",
            "Europe/",
            " UTC",
        ] {
            assert!(named(unknown).is_none(), "{unknown}");
        }
    }
}
