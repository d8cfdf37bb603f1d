//! From single looks at an address to a state that does not flap: failures in a row take it down (two, where no policy says otherwise), as
//! many successes in a row bring it back; the first success of an address nobody has seen yet is enough. A look that failed for a reason on this side says nothing.

use std::io::ErrorKind;

use crate::snapshot::{Pace, ProbeState};

/// What one look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A connection.
    Accepted,
    /// None, and that is the other side's doing.
    Failed,
    /// Nothing that says anything of the other side.
    Inconclusive,
}

/// Reads the error of a connection attempt.
pub(super) fn read(error: &std::io::Error) -> Seen {
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::TimedOut
        | ErrorKind::HostUnreachable => Seen::Failed,
        // No route, no descriptors, no local address, no permission: it is us.
        _ => Seen::Inconclusive,
    }
}

/// The state of an address and what speaks against it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Health {
    state: ProbeState,
    against: u32,
}

impl Health {
    pub(super) fn new(state: ProbeState) -> Self {
        Self { state, against: 0 }
    }

    pub(super) fn state(&self) -> ProbeState {
        self.state
    }

    /// The last look contradicted the state, so the next should come soon.
    pub(super) fn is_wavering(&self) -> bool {
        self.against > 0
    }

    /// Takes a look in; true if the state changed.
    pub(super) fn observe(&mut self, seen: Seen, pace: Pace) -> bool {
        let (towards, needed) = match (seen, self.state) {
            (Seen::Inconclusive, _) => return false,
            (Seen::Accepted, ProbeState::Up) | (Seen::Failed, ProbeState::Down) => {
                self.against = 0;
                return false;
            }
            (Seen::Accepted, ProbeState::Unknown) => (ProbeState::Up, 1),
            (Seen::Accepted, ProbeState::Down) => (ProbeState::Up, pace.successes),
            (Seen::Failed, ProbeState::Up | ProbeState::Unknown) => (ProbeState::Down, pace.failures),
        };
        self.against += 1;
        if self.against < needed {
            return false;
        }
        *self = Self::new(towards);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(start: ProbeState, looks: &str, states: &str) {
        let mut health = Health::new(start);
        let seen: String = looks
            .chars()
            .map(|look| {
                let seen = match look {
                    '+' => Seen::Accepted,
                    '-' => Seen::Failed,
                    _ => Seen::Inconclusive,
                };
                health.observe(seen, Pace::default());
                match health.state() {
                    ProbeState::Up => 'u',
                    ProbeState::Down => 'd',
                    ProbeState::Unknown => '?',
                }
            })
            .collect();
        assert_eq!(seen, states, "{looks}");
    }

    #[test]
    fn states_do_not_flap() {
        check(ProbeState::Unknown, "+-+--+-++", "uuuuddddu");
        check(ProbeState::Unknown, "--", "?d");
        check(ProbeState::Unknown, "-.-", "??d");
        check(ProbeState::Up, "-.+-+-", "uuuuuu");
        check(ProbeState::Down, "+-++", "dddu");
    }
}
