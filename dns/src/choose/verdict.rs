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
    /// What an operator says of it.
    pub word: Word,
    /// Reason, end and speaker of an override, for people; empty where there is none.
    pub note: String,
}

/// What an operator says of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    #[default]
    None,
    /// An override says that it is down.
    Down,
    /// Its cluster is being drained.
    Drained,
    /// An override says that it is up.
    Up,
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
    /// The cluster is being drained.
    Drained,
    /// An operator says that it is down.
    SaidDown,
    /// An operator says that it is up.
    SaidUp,
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
            Self::Drained => "its cluster is being drained",
            Self::SaidDown => "an operator says that it is down",
            Self::SaidUp => "an operator says that it is up",
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
    /// No other address serves: those of drained clusters that would serve are answered.
    DrainedAreLast,
    /// No other address serves: those that an operator calls down and that would serve are answered.
    SaidDownAreLast,
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
            Self::DrainedAreLast => "no other address serves, so those of clusters that are being drained are used (fail open)",
            Self::SaidDownAreLast => "no other address serves, so those that an operator calls down are used (fail open)",
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

impl Candidate {
    /// The verdict in words, with the operator's where that is one.
    #[must_use]
    pub fn said(&self) -> String {
        let verdict = verdict(self);
        match verdict {
            Verdict::SaidDown | Verdict::SaidUp if !self.note.is_empty() => format!("{verdict}: {}", self.note),
            _ => verdict.to_string(),
        }
    }
}

/// The serving verdict on one address. An operator's word goes before what was observed, except that the Service is gone there.
#[must_use]
pub fn verdict(candidate: &Candidate) -> Verdict {
    match (observed(candidate), candidate.word) {
        (gone @ (Verdict::Leaving | Verdict::Unjoined), _) => gone,
        (_, Word::Down) => Verdict::SaidDown,
        (_, Word::Drained) => Verdict::Drained,
        (_, Word::Up) => Verdict::SaidUp,
        (observed, Word::None) => observed,
    }
}

/// What reports and probes alone say of one address.
fn observed(candidate: &Candidate) -> Verdict {
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
    // What nobody speaks for goes before what an operator takes away; probes are disbelieved only when nothing else is left.
    let ladder: [(Belief, Wanted<'_>); 7] = [
        (Belief::Verdicts, &|c| {
            matches!(verdict(c), Verdict::Serving | Verdict::SaidUp)
        }),
        (Belief::DrainedAreLast, &|c| {
            verdict(c) == Verdict::Drained && observed(c) == Verdict::Serving
        }),
        (Belief::SaidDownAreLast, &|c| {
            verdict(c) == Verdict::SaidDown && observed(c) == Verdict::Serving
        }),
        (Belief::ProbesDisbelieved, &|c| verdict(c) == Verdict::ProbeDown),
        (Belief::ProbesDisbelieved, &|c| observed(c) == Verdict::ProbeDown),
        (Belief::StaleReportsDisbelieved, &|c| {
            verdict(c) == Verdict::NoEndpointsStale && c.probe == ProbeState::Up
        }),
        (Belief::StaleReportsDisbelieved, &|c| {
            observed(c) == Verdict::NoEndpointsStale && c.probe == ProbeState::Up
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
    use proptest::prelude::*;

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

    fn word(word: &str) -> Word {
        match word {
            "" => Word::None,
            "said-down" => Word::Down,
            "drained" => Word::Drained,
            "said-up" => Word::Up,
            other => panic!("{other}"),
        }
    }

    /// Each row: `cluster report probe [word]`; then the belief and the clusters that are answered.
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
                    word: word(words.get(3).copied().unwrap_or_default()),
                    note: String::new(),
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
    #[test]
    fn an_operator_is_believed_unless_nothing_is_left() {
        check("a ready up\nb ready up drained", Belief::Verdicts, "a");
        check("a ready up\nb ready up said-down", Belief::Verdicts, "a");
        check("a ready up\nb ready down said-up", Belief::Verdicts, "a b");
        check("a ready up\nb empty ? said-up", Belief::Verdicts, "a b");
        check("a leaving up said-up", Belief::Nothing, "");
        // The last ones that would serve: drained before those that somebody calls down.
        check("a ready up drained\nb ready up drained", Belief::DrainedAreLast, "a b");
        check("a ready up drained\nb ready down", Belief::DrainedAreLast, "a");
        check("a ready up drained\nb ready up said-down", Belief::DrainedAreLast, "a");
        check("a empty up\nb ready up said-down", Belief::SaidDownAreLast, "b");
        // Those that nobody takes away are tried before those that somebody does.
        check("a ready down drained\nb ready down", Belief::ProbesDisbelieved, "b");
        check(
            "a ready down drained\nb ready down said-down",
            Belief::ProbesDisbelieved,
            "a b",
        );
        check("a stale up drained\nb empty up", Belief::StaleReportsDisbelieved, "a");
        check("a empty up drained", Belief::Nothing, "");
    }

    proptest! {
        /// No word of an operator leaves a name without any address that had one, and up adds to what is answered.
        #[test]
        fn words_take_no_last_address(
            rows in prop::collection::vec((
                prop::sample::select(vec!["ready", "unknown", "empty", "stale", "leaving"]),
                prop::sample::select(vec!["up", "down", "?"]),
                prop::sample::select(vec!["", "said-down", "drained", "said-up"]),
            ), 1..6),
        ) {
            let candidates = |spoken: bool| -> Vec<Candidate> {
                let one = |(index, (said, seen, by)): (usize, &(&str, &str, &str))| Candidate {
                    address: IpAddr::from([127, 0, 0, index as u8 + 1]),
                    cluster: String::new(),
                    region: None,
                    zones: vec![],
                    reported: reported(said),
                    probe: probe(seen),
                    word: if spoken { word(by) } else { Word::None },
                    note: String::new(),
                };
                rows.iter().enumerate().map(one).collect()
            };
            let (quiet, spoken) = (candidates(false), candidates(true));
            let (before, after) = (usable(&quiet, Family::V4), usable(&spoken, Family::V4));
            prop_assert!(before.members.is_empty() || !after.members.is_empty());
            for (index, candidate) in spoken.iter().enumerate() {
                let said_up = verdict(candidate) == Verdict::SaidUp;
                prop_assert!(!said_up || after.members.contains(&index));
                let taken = matches!(verdict(candidate), Verdict::Drained | Verdict::SaidDown);
                prop_assert!(!(taken && after.belief == Belief::Verdicts && after.members.contains(&index)));
            }
        }
    }
}
