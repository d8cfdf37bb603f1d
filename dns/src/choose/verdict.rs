//! Whether an address may be answered: the serving verdict, and when it is disbelieved.
//! In: candidates as last seen. Out: one [`Verdict`] an address, and the set that may be answered with the [`Belief`] it
//! rests on. Absent: places and weights; those come after.

use std::fmt;
use std::net::IpAddr;

use crate::snapshot::ProbeState;

/// An address of a Service, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub address: IpAddr,
    /// The cluster that gave it.
    pub cluster: String,
    /// The cluster's region, where it has one.
    pub region: Option<String>,
    /// The cluster's availability zones.
    pub zones: Vec<String>,
    /// What the cluster reported last.
    pub reported: Reported,
    /// What probes of the address say.
    pub probe: ProbeState,
}

/// What a cluster reported last of the endpoints behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// At least one is ready.
    Ready(i64),
    /// It never said; nothing speaks against the address.
    Unknown,
    /// None is ready, and the cluster can be reached: its word is fresh.
    Empty,
    /// None was ready when the cluster was last heard; its API has been unreachable since.
    EmptyStale,
    /// The Service is leaving this cluster.
    Leaving,
    /// The cluster is no member of the federation any more.
    Unjoined,
}

/// Whether one address may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Serving,
    /// Probes fail.
    ProbeDown,
    /// No ready endpoint.
    NoEndpoints,
    /// No ready endpoint when last heard.
    NoEndpointsStale,
    /// The Service leaves the cluster.
    Leaving,
    /// The cluster left the federation.
    Unjoined,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serving => "serving",
            Self::ProbeDown => "probes of the address fail",
            Self::NoEndpoints => "its cluster reports no ready endpoint",
            Self::NoEndpointsStale => "no endpoint was ready when its cluster was last heard",
            Self::Leaving => "the Service is leaving its cluster",
            Self::Unjoined => "its cluster left the federation",
        })
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// What the answerable set rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// Verdicts are taken at their word.
    Verdicts,
    /// Every address fails its probes: probes are disbelieved.
    ProbesDisbelieved,
    /// Every report says "no endpoint", some of them stale, and probes of those addresses succeed: probes are believed.
    StaleReportsDisbelieved,
    /// Nothing may be answered.
    Nothing,
}

impl fmt::Display for Belief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verdicts => "the verdicts are believed",
            Self::ProbesDisbelieved => "every address fails its probes, so the probes are disbelieved (fail open)",
            Self::StaleReportsDisbelieved => {
                "every report is \"no endpoint\", but some are stale and their addresses answer probes, so those are used"
            }
            Self::Nothing => "no address may be answered",
        })
    }
}

/// Indices of the candidates that may be answered, and why these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usable {
    /// Indices into the candidates, ascending.
    pub members: Vec<usize>,
    /// What the set rests on.
    pub belief: Belief,
}

/// The serving verdict on one address.
#[must_use]
pub fn verdict(candidate: &Candidate) -> Verdict {
    match candidate.reported {
        Reported::Leaving => Verdict::Leaving,
        Reported::Unjoined => Verdict::Unjoined,
        Reported::Empty => Verdict::NoEndpoints,
        Reported::EmptyStale => Verdict::NoEndpointsStale,
        Reported::Ready(_) | Reported::Unknown => match candidate.probe {
            ProbeState::Down => Verdict::ProbeDown,
            ProbeState::Up | ProbeState::Unknown => Verdict::Serving,
        },
    }
}

/// Whether a rung of the ladder takes a candidate.
type Wanted<'a> = &'a dyn Fn(&Candidate) -> bool;

/// The candidates of one family that may be answered. Belief is a matter of the whole Service: that one cluster's
/// addresses all fail is no reason to disbelieve the probes while others succeed.
#[must_use]
pub fn usable(candidates: &[Candidate], family: Family) -> Usable {
    let pick = |wanted: Wanted<'_>| -> Vec<usize> {
        let of_family = candidates
            .iter()
            .enumerate()
            .filter(|(_, c)| Family::of(c.address) == family);
        of_family.filter(|(_, c)| wanted(c)).map(|(index, _)| index).collect()
    };
    let ladder: [(Belief, Wanted<'_>); 3] = [
        (Belief::Verdicts, &|c| verdict(c) == Verdict::Serving),
        (Belief::ProbesDisbelieved, &|c| verdict(c) == Verdict::ProbeDown),
        (Belief::StaleReportsDisbelieved, &|c| {
            verdict(c) == Verdict::NoEndpointsStale && c.probe == ProbeState::Up
        }),
    ];
    for (belief, wanted) in ladder {
        let members = pick(wanted);
        if !members.is_empty() {
            return Usable { members, belief };
        }
    }
    Usable {
        members: Vec::new(),
        belief: Belief::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(word: &str) -> Reported {
        match word {
            "ready" => Reported::Ready(2),
            "unknown" => Reported::Unknown,
            "empty" => Reported::Empty,
            "stale" => Reported::EmptyStale,
            "leaving" => Reported::Leaving,
            other => panic!("{other}"),
        }
    }

    fn probe(word: &str) -> ProbeState {
        match word {
            "up" => ProbeState::Up,
            "down" => ProbeState::Down,
            "?" => ProbeState::Unknown,
            other => panic!("{other}"),
        }
    }

    /// Each row: `cluster report probe`; then the belief and the clusters that are answered.
    #[track_caller]
    fn check(rows: &str, belief: Belief, answered: &str) {
        let candidates: Vec<Candidate> = rows
            .lines()
            .enumerate()
            .map(|(index, line)| {
                let words: Vec<&str> = line.split_whitespace().collect();
                Candidate {
                    address: IpAddr::from([127, 0, 0, index as u8 + 1]),
                    cluster: words[0].into(),
                    region: None,
                    zones: vec![],
                    reported: reported(words[1]),
                    probe: probe(words[2]),
                }
            })
            .collect();
        let usable = usable(&candidates, Family::V4);
        let names: Vec<&str> = usable.members.iter().map(|i| candidates[*i].cluster.as_str()).collect();
        assert_eq!((usable.belief, names.join(" ").as_str()), (belief, answered), "{rows}");
    }

    #[test]
    fn verdicts_and_their_limits() {
        check("a ready up\nb ready up", Belief::Verdicts, "a b");
        check("a ready ?\nb unknown ?", Belief::Verdicts, "a b");
        check("a ready up\nb ready down", Belief::Verdicts, "a");
        check("a ready up\nb empty up", Belief::Verdicts, "a");
        check("a ready up\nb stale up", Belief::Verdicts, "a");
        check("a ready up\nb leaving up", Belief::Verdicts, "a");
        // Everything down by probes alone: it is probably us.
        check("a ready down\nb ready down", Belief::ProbesDisbelieved, "a b");
        // A report of no endpoints is not a probe: that one stays out even then.
        check("a ready down\nb empty down", Belief::ProbesDisbelieved, "a");
        check("a ready down\nb stale up", Belief::ProbesDisbelieved, "a");
        // Fresh reports of nothing everywhere: nothing.
        check("a empty up\nb empty down", Belief::Nothing, "");
        // A stale report of nothing loses to a probe that succeeds, and only to that.
        check("a stale up\nb empty up", Belief::StaleReportsDisbelieved, "a");
        check("a stale ?\nb empty up", Belief::Nothing, "");
        check("a leaving up", Belief::Nothing, "");
    }
}
