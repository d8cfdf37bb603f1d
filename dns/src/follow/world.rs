//! What is known of the hub, and how sure it is. Pure: events in, what changed out.
//!
//! Each object carries a stamp (uid and revision). News older than the stamp are ignored, until the hub, asked for the object,
//! has shown an older version twice and for [`RESTORED_HOLD`]: then its data was restored from a backup. An object that a relist does
//! not show is doubted, not gone: it is asked for, and goes when the hub has said twice, [`ASK_AGAIN`] apart, that it is
//! not there. If the relist showed no object of the kind at all, the hub may have lost its data: then only after
//! [`EMPTY_HOLD`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::object::{Facts, Kind, Seen};
use super::watches::{Answer, Event, Said};
use crate::probe::Verdicts;
use crate::snapshot::{ClusterFacts, Dirty, Input, ProbeState, RowFacts};

/// Time between two questions for a doubted object.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// "Not there" this often makes it so.
const DENIALS: u32 = 2;
/// How long everything of a kind stays that an empty list did not show.
const EMPTY_HOLD: Duration = Duration::from_secs(600);
/// How long the hub must show an older version of an object before that is the truth.
const RESTORED_HOLD: Duration = Duration::from_secs(60);
/// Questions at a time.
const QUESTIONS_MAX: usize = 16;

/// What is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct World {
    /// The facts.
    pub(crate) input: Input,
    /// Which version of which object each fact is from.
    stamps: BTreeMap<Kind, BTreeMap<String, Stamp>>,
    #[serde(skip)]
    lists: BTreeMap<Kind, BTreeSet<String>>,
    #[serde(skip)]
    doubts: BTreeMap<(Kind, String), Doubt>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stamp {
    namespace: String,
    name: String,
    uid: String,
    revision: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    since: Option<Instant>,
    asked: Option<Instant>,
    denials: u32,
    list_was_empty: bool,
}

/// An object to ask the hub for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doubted {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl World {
    /// Takes an event in.
    pub(crate) fn apply(&mut self, event: Event) -> Dirty {
        match event {
            Event::Seen(kind, seen) => self.seen(kind, seen),
            Event::Gone(kind, seen) => {
                let known = self.stamps.get(&kind).and_then(|stamps| stamps.get(&seen.key));
                // A late word on an earlier incarnation says nothing of this one.
                let same = known.is_some_and(|stamp| stamp.uid == seen.uid || seen.uid.is_empty());
                if same {
                    self.remove(kind, &seen.key)
                } else {
                    Dirty::default()
                }
            }
            Event::ListBegan(kind) => {
                self.lists.insert(kind, BTreeSet::new());
                Dirty::default()
            }
            Event::Listed(kind, seen) => {
                // What is not for names may share a key with what is: the Placement of a Deployment with that of a Service.
                if seen.facts != Facts::NotOurs {
                    self.lists.entry(kind).or_default().insert(seen.key.clone());
                }
                self.seen(kind, seen)
            }
            Event::ListEnded(kind) => {
                self.compare(kind);
                Dirty::default()
            }
            Event::Unreadable(kind, key) => {
                // It is there, whatever it says.
                self.lists.entry(kind).or_default().insert(key.clone());
                self.doubts.remove(&(kind, key));
                Dirty::default()
            }
            Event::Lost(_) | Event::Alive(_) => Dirty::default(),
        }
    }

    /// Takes the time in: overrides expire by this server's clock.
    pub(crate) fn at(&mut self, now: i64) -> Dirty {
        let before = std::mem::replace(&mut self.input.now, now);
        if self.input.clusters.values().any(|facts| facts.turns(before, now)) {
            Dirty::everything()
        } else {
            Dirty::default()
        }
    }

    /// Takes probe states in.
    pub(crate) fn probed(&mut self, verdicts: &Verdicts) -> Dirty {
        let state = |of: &BTreeMap<_, ProbeState>, target| of.get(target).copied().unwrap_or_default();
        let targets: BTreeSet<_> = self.input.probes.keys().chain(verdicts.keys()).copied().collect();
        let changed: BTreeSet<_> = targets
            .iter()
            .filter(|t| state(&self.input.probes, t) != state(verdicts, t))
            .map(|t| t.ip())
            .collect();
        self.input.probes = BTreeMap::clone(verdicts);
        let shared = self
            .input
            .clusters
            .iter()
            .filter(|(_, facts)| facts.addresses.iter().any(|a| changed.contains(a)));
        let shared: BTreeSet<&String> = shared.map(|(name, _)| name).collect();
        let touched = self.input.placements.iter().filter(|(_, placement)| {
            let own = |row: &RowFacts| row.addresses.iter().any(|a| changed.contains(a));
            placement
                .rows
                .iter()
                .any(|row| own(row) || shared.contains(&row.cluster))
        });
        Dirty {
            services: touched.map(|(key, _)| key.clone()).collect(),
            ..Dirty::default()
        }
    }

    /// Doubted objects that it is time to ask for.
    pub(crate) fn questions(&mut self, now: Instant) -> Vec<Doubted> {
        let mut questions = Vec::new();
        for ((kind, key), doubt) in &mut self.doubts {
            doubt.since.get_or_insert(now);
            let waits = doubt.asked.is_some_and(|asked| now.duration_since(asked) < ASK_AGAIN);
            let stamp = self.stamps.get(kind).and_then(|stamps| stamps.get(key));
            if let Some(stamp) = stamp.filter(|_| !waits && questions.len() < QUESTIONS_MAX) {
                doubt.asked = Some(now);
                let (namespace, name) = (stamp.namespace.clone(), stamp.name.clone());
                questions.push(Doubted {
                    kind: *kind,
                    key: key.clone(),
                    namespace,
                    name,
                });
            }
        }
        questions
    }

    /// Takes the hub's answer about a doubted object in.
    pub(crate) fn answered(&mut self, answer: Answer, now: Instant) -> Dirty {
        let Answer {
            doubted: Doubted { kind, key, .. },
            said,
        } = answer;
        match said {
            Said::There(seen) => {
                if self.is_older(kind, &seen) && !self.went_back(kind, &key, now) {
                    return Dirty::default();
                }
                self.doubts.remove(&(kind, key));
                self.seen(kind, *seen)
            }
            Said::Nothing => Dirty::default(),
            Said::NotThere => {
                let Some(doubt) = self.doubts.get_mut(&(kind, key.clone())) else {
                    return Dirty::default();
                };
                doubt.denials += 1;
                let held = doubt.since.map_or(Duration::ZERO, |since| now.duration_since(since));
                let settled = doubt.denials >= DENIALS && (!doubt.list_was_empty || held >= EMPTY_HOLD);
                if settled {
                    self.remove(kind, &key)
                } else {
                    Dirty::default()
                }
            }
        }
    }

    /// Whether a newer version of the same object is known.
    fn is_older(&self, kind: Kind, seen: &Seen) -> bool {
        let stamp = self.stamps.get(&kind).and_then(|stamps| stamps.get(&seen.key));
        stamp.is_some_and(|stamp| stamp.uid == seen.uid && stamp.revision > seen.revision)
    }

    /// Counts that the hub, asked for an object, showed an older version; true once that is the truth, and the object's stamp
    /// then stands in its way no longer.
    fn went_back(&mut self, kind: Kind, key: &str, now: Instant) -> bool {
        let Some(doubt) = self.doubts.get_mut(&(kind, key.to_owned())) else {
            return false;
        };
        doubt.denials += 1;
        let held = doubt.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        if doubt.denials < DENIALS || held < RESTORED_HOLD {
            return false;
        }
        if let Some(stamp) = self.stamps.get_mut(&kind).and_then(|stamps| stamps.get_mut(key)) {
            stamp.revision = 0;
        }
        true
    }

    fn seen(&mut self, kind: Kind, seen: Seen) -> Dirty {
        if self.is_older(kind, &seen) {
            let Seen { key, revision, .. } = seen;
            let kind_name = kind.as_str();
            if !self.doubts.contains_key(&(kind, key.clone())) {
                tracing::warn!(
                    kind = kind_name,
                    key,
                    revision,
                    "the hub showed an older version of {kind_name} {key}; it is ignored until the hub insists"
                );
                self.doubts.insert((kind, key), Doubt::default());
            }
            return Dirty::default();
        }
        let Seen {
            key,
            namespace,
            name,
            uid,
            revision,
            facts,
        } = seen;
        self.doubts.remove(&(kind, key.clone()));
        let stamps = self.stamps.entry(kind).or_default();
        if facts == Facts::NotOurs {
            // Another object may hold the key: a Placement of a deleted Service beside the one of its successor.
            let same = stamps.get(&key).is_some_and(|stamp| stamp.uid == uid);
            return if same {
                self.remove(kind, &key)
            } else {
                Dirty::default()
            };
        }
        stamps.insert(
            key.clone(),
            Stamp {
                namespace,
                name,
                uid,
                revision,
            },
        );
        if let Facts::Cluster(facts) = &facts {
            let known = self.input.clusters.get(&key);
            if let Some(known) = known.filter(|known| {
                ClusterFacts {
                    fresh: facts.fresh,
                    ..(*known).clone()
                } == *facts
            }) {
                return if known.fresh == facts.fresh {
                    Dirty::default()
                } else {
                    self.freshness(&key, facts.fresh)
                };
            }
        }
        let input = &mut self.input;
        let changed = match facts {
            Facts::Service(facts) => replace(&mut input.services, &key, facts),
            Facts::Placement(facts) => replace(&mut input.placements, &key, facts),
            Facts::Cluster(facts) => replace(&mut input.clusters, &key, facts),
            Facts::Region(facts) => replace(&mut input.regions, &key, facts),
            Facts::DnsPolicy(facts) => replace(&mut input.policies, &key, *facts),
            Facts::Import(facts) => replace(&mut input.imports, &key, facts),
            Facts::NotOurs => false,
        };
        if changed {
            self.dirty(kind, &key)
        } else {
            Dirty::default()
        }
    }

    /// A cluster's API came or went, and nothing else changed: that matters only where its last word was "none ready".
    fn freshness(&mut self, cluster: &str, fresh: bool) -> Dirty {
        if let Some(facts) = self.input.clusters.get_mut(cluster) {
            facts.fresh = fresh;
        }
        let empty = |row: &RowFacts| row.cluster == cluster && row.ready_endpoints.is_some_and(|ready| ready <= 0);
        let touched = self
            .input
            .placements
            .iter()
            .filter(|(_, placement)| placement.rows.iter().any(empty));
        Dirty {
            services: touched.map(|(key, _)| key.clone()).collect(),
            ..Dirty::default()
        }
    }

    fn remove(&mut self, kind: Kind, key: &str) -> Dirty {
        self.doubts.remove(&(kind, key.to_owned()));
        if let Some(stamps) = self.stamps.get_mut(&kind) {
            stamps.remove(key);
        }
        let input = &mut self.input;
        let had = match kind {
            Kind::Service => input.services.remove(key).is_some(),
            Kind::Placement => input.placements.remove(key).is_some(),
            Kind::Cluster => input.clusters.remove(key).is_some(),
            Kind::Region => input.regions.remove(key).is_some(),
            Kind::DnsPolicy => input.policies.remove(key).is_some(),
            Kind::ServiceImport => input.imports.remove(key).is_some(),
        };
        if had { self.dirty(kind, key) } else { Dirty::default() }
    }

    /// What depends on an object.
    fn dirty(&self, kind: Kind, key: &str) -> Dirty {
        match kind {
            Kind::Service | Kind::Placement | Kind::ServiceImport => Dirty {
                services: [key.to_owned()].into(),
                ..Dirty::default()
            },
            Kind::Cluster | Kind::Region => Dirty::everything(),
            Kind::DnsPolicy => {
                let prefix = key
                    .split_once('/')
                    .map_or(String::new(), |(namespace, _)| format!("{namespace}/"));
                let services = self.input.services.keys().filter(|key| key.starts_with(&prefix));
                Dirty {
                    services: services.cloned().collect(),
                    ..Dirty::default()
                }
            }
        }
    }

    /// Doubts what a whole list did not show.
    fn compare(&mut self, kind: Kind) {
        let Some(shown) = self.lists.remove(&kind) else { return };
        let Some(stamps) = self.stamps.get(&kind) else { return };
        let missing: Vec<&String> = stamps.keys().filter(|key| !shown.contains(*key)).collect();
        if missing.is_empty() {
            return;
        }
        tracing::warn!(
            kind = kind.as_str(),
            missing = missing.len(),
            "the hub's list does not show {} objects of kind {} that are known; they stay until the hub confirms each deletion",
            missing.len(),
            kind.as_str()
        );
        for key in missing {
            self.doubts.entry((kind, key.clone())).or_default().list_was_empty = shown.is_empty();
        }
    }
}

/// Puts a value; true if that changed anything.
fn replace<T: PartialEq>(map: &mut BTreeMap<String, T>, key: &str, value: T) -> bool {
    if map.get(key) == Some(&value) {
        return false;
    }
    map.insert(key.to_owned(), value);
    true
}

#[cfg(test)]
mod tests;
