//! Which of the answerable addresses a client at a place gets: the steering of the policy, tier by tier.
//! In: candidates, the usable ones, the policy's steering, the client's place. Out: a [`Choice`] with its reason.
//! Absent: verdicts (decided before) and the draw among weighted groups (made per query).

use std::collections::BTreeMap;
use std::fmt;

use api::dns_policy::Steering;

use super::verdict::{Candidate, Usable};

/// A region as steering sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The region's name.
    pub name: String,
    /// Regions to go to while this one has nothing, in order.
    pub fallbacks: Vec<String>,
}

/// How a policy steers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steer {
    /// The method.
    pub steering: Steering,
    /// Weights of clusters for `Weighted`; 1 where absent, 0 only where nothing else is left.
    pub weights: BTreeMap<String, u32>,
    /// Regions or clusters in order for `Failover`.
    pub order: Vec<String>,
}

/// What a client gets: one of the groups, drawn by weight, all of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Groups with weights above zero; one group where there is nothing to draw, none where there is no data.
    pub groups: Vec<Group>,
    /// Why these.
    pub because: Because,
}

/// Addresses that are answered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Share of the draws.
    pub weight: u32,
    /// Indices into the candidates.
    pub members: Vec<usize>,
}

/// Why a choice fell as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The client's own region has addresses.
    OwnRegion(String),
    /// The client's region has none; this fallback has.
    Fallback {
        /// The client's region.
        from: String,
        /// The region that answers.
        to: String,
    },
    /// The client's region and its fallbacks have none.
    Everyone(String),
    /// The client's place is unknown.
    Elsewhere,
    /// This entry of the policy's order is the first with addresses.
    FailoverEntry(String),
    /// No entry of the policy's order has addresses.
    FailoverRest,
    /// Clusters are drawn by weight.
    Weighted,
    /// Everyone in rotation, as the policy asks.
    RoundRobin,
    /// There is nothing to choose from.
    Nothing,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnRegion(region) => write!(f, "the client's own region {region} has addresses"),
            Self::Fallback { from, to } => write!(f, "region {from} has none; its fallback {to} has"),
            Self::Everyone(region) => write!(
                f,
                "region {region} and its fallbacks have none; all regions are answered"
            ),
            Self::Elsewhere => f.write_str("the client's place is unknown; all regions are answered in rotation"),
            Self::FailoverEntry(entry) => write!(f, "{entry} is the first of the policy's order that has addresses"),
            Self::FailoverRest => f.write_str("nothing in the policy's order has addresses; the others are answered"),
            Self::Weighted => f.write_str("one cluster is drawn by the policy's weights"),
            Self::RoundRobin => f.write_str("all are answered in rotation, as the policy asks"),
            Self::Nothing => f.write_str("there is nothing to choose from"),
        }
    }
}

/// Chooses for a client at `place` (none: unknown).
#[must_use]
pub fn select(steer: &Steer, candidates: &[Candidate], usable: &Usable, place: Option<&Place>) -> Choice {
    if usable.members.is_empty() {
        return Choice {
            groups: Vec::new(),
            because: Because::Nothing,
        };
    }
    match steer.steering {
        Steering::Geo => geo(candidates, usable, place),
        Steering::Failover => failover(&steer.order, candidates, usable),
        Steering::Weighted => weighted(&steer.weights, candidates, usable),
        Steering::RoundRobin => all(usable, Because::RoundRobin),
    }
}

fn all(usable: &Usable, because: Because) -> Choice {
    one(usable.members.clone(), because)
}

fn one(members: Vec<usize>, because: Because) -> Choice {
    Choice {
        groups: vec![Group { weight: 1, members }],
        because,
    }
}

/// Usable candidates that satisfy a predicate.
fn those(candidates: &[Candidate], usable: &Usable, wanted: impl Fn(&Candidate) -> bool) -> Vec<usize> {
    usable
        .members
        .iter()
        .copied()
        .filter(|index| candidates.get(*index).is_some_and(&wanted))
        .collect()
}

fn geo(candidates: &[Candidate], usable: &Usable, place: Option<&Place>) -> Choice {
    let Some(place) = place else {
        return all(usable, Because::Elsewhere);
    };
    let in_region = |region: &str| those(candidates, usable, |c| c.region.as_deref() == Some(region));
    let own = in_region(&place.name);
    if !own.is_empty() {
        return one(own, Because::OwnRegion(place.name.clone()));
    }
    for fallback in &place.fallbacks {
        let members = in_region(fallback);
        if !members.is_empty() {
            return one(
                members,
                Because::Fallback {
                    from: place.name.clone(),
                    to: fallback.clone(),
                },
            );
        }
    }
    all(usable, Because::Everyone(place.name.clone()))
}

fn failover(order: &[String], candidates: &[Candidate], usable: &Usable) -> Choice {
    for entry in order {
        let members = those(candidates, usable, |c| {
            c.region.as_ref() == Some(entry) || c.cluster == *entry
        });
        if !members.is_empty() {
            return one(members, Because::FailoverEntry(entry.clone()));
        }
    }
    all(usable, Because::FailoverRest)
}

fn weighted(weights: &BTreeMap<String, u32>, candidates: &[Candidate], usable: &Usable) -> Choice {
    let mut clusters: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for index in &usable.members {
        if let Some(candidate) = candidates.get(*index) {
            clusters.entry(&candidate.cluster).or_default().push(*index);
        }
    }
    let groups: Vec<Group> = clusters
        .into_iter()
        .map(|(cluster, members)| Group {
            weight: weights.get(cluster).copied().unwrap_or(1),
            members,
        })
        .filter(|group| group.weight > 0)
        .collect();
    if groups.is_empty() {
        // Weight 0 drains a cluster, but a drained cluster is better than none.
        return all(usable, Because::Weighted);
    }
    Choice {
        groups,
        because: Because::Weighted,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::verdict::{Family, Reported, Word, usable};
    use super::*;
    use crate::snapshot::ProbeState;

    /// `cluster region report` a word; `-` as region is none, `!` after the cluster means its probe fails.
    fn candidates(text: &str) -> Vec<Candidate> {
        text.split_whitespace()
            .enumerate()
            .map(|(index, word)| {
                let (word, down) = word.strip_suffix('!').map_or((word, false), |w| (w, true));
                let (cluster, region) = word.split_once('@').unwrap();
                Candidate {
                    address: IpAddr::from([127, 0, 0, index as u8 + 1]),
                    cluster: cluster.into(),
                    region: (region != "-").then(|| region.into()),
                    zones: vec![],
                    reported: Reported::Ready(1),
                    probe: if down { ProbeState::Down } else { ProbeState::Up },
                    word: Word::None,
                    note: String::new(),
                }
            })
            .collect()
    }

    #[track_caller]
    fn check(steer: &Steer, from: &str, text: &str, expected: &str) {
        let candidates = candidates(text);
        let usable = usable(&candidates, Family::V4);
        let (name, fallbacks) = from.split_once('>').unwrap_or((from, ""));
        let place = (name != "?").then(|| Place {
            name: name.into(),
            fallbacks: fallbacks.split('>').filter(|f| !f.is_empty()).map(Into::into).collect(),
        });
        let choice = select(steer, &candidates, &usable, place.as_ref());
        let groups: Vec<String> = choice
            .groups
            .iter()
            .map(|group| {
                let names: Vec<&str> = group.members.iter().map(|i| candidates[*i].cluster.as_str()).collect();
                format!("{}x{}", group.weight, names.join("+"))
            })
            .collect();
        assert_eq!(
            groups.join(" "),
            expected,
            "from {from} over {text}: {}",
            choice.because
        );
    }

    #[test]
    fn geo_goes_by_tiers() {
        let geo = Steer::default();
        check(&geo, "us", "u@us e@eu a@ap", "1xu");
        check(&geo, "us", "u1@us u2@us e@eu", "1xu1+u2");
        check(&geo, "us>eu>ap", "u@us! e@eu a@ap", "1xe");
        check(&geo, "us>eu>ap", "u@us! e@eu! a@ap", "1xa");
        check(&geo, "us", "u@us! e@eu a@ap", "1xe+a");
        check(&geo, "us>xx", "e@eu a@-", "1xe+a");
        check(&geo, "?", "u@us e@eu a@ap", "1xu+e+a");
        check(&geo, "us", "u@us! e@eu!", "1xu");
    }

    #[test]
    fn failover_takes_the_first_of_the_order() {
        let steer = Steer {
            steering: Steering::Failover,
            order: vec!["eu".into(), "u1".into()],
            ..Steer::default()
        };
        check(&steer, "us", "u1@us e@eu u2@us", "1xe");
        check(&steer, "us", "u1@us e@eu! u2@us", "1xu1");
        check(&steer, "us", "u2@us a@ap", "1xu2+a");
    }

    #[test]
    fn weights_draw_clusters() {
        let weights = [("u".to_owned(), 3), ("e".to_owned(), 0)].into();
        let steer = Steer {
            steering: Steering::Weighted,
            weights,
            ..Steer::default()
        };
        check(&steer, "us", "u@us e@eu a@ap", "1xa 3xu");
        check(&steer, "us", "u@us! e@eu a@ap!", "1xe");
        let round = Steer {
            steering: Steering::RoundRobin,
            ..Steer::default()
        };
        check(&round, "us", "u@us e@eu! a@ap", "1xu+a");
    }
}
