//! A set of clusters that lies within spread constraints: as large as the maxima allow, with what is placed in it.
//! In: clusters in the order in which they are preferred, the groups of each in every dimension, limits. Out: the set, or how far
//! the nearest one fell short. Absent: what the dimensions are, and why a cluster is preferred.
//!
//! An exact answer over several dimensions would need an exponential search. This one is greedy over classes of clusters that
//! are in the same groups, then repairs: it exchanges single clusters, then whole groups, each time for less shortage, and a
//! bounded number of times. With one dimension beside the clusters' own number it finds an answer wherever there is one.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

/// Rounds of exchanging whole groups.
const GROUP_ROUNDS_MAX: usize = 8;
/// Groups that are tried in one round.
const GROUPS_TRIED_MAX: usize = 32;
/// Exchanges of single clusters.
const EXCHANGES_MAX: usize = 64;

/// What a set begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// What is held.
    Held,
    /// The largest groups.
    Largest,
}

/// The groups of a cluster in each dimension. Most are in one of each, and there are thousands of clusters: no allocation.
pub(super) type Groups = SmallVec<[SmallVec<[usize; 2]>; 2]>;

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its groups in each dimension.
    pub(super) groups: Groups,
    /// The object is there already.
    pub(super) held: bool,
}

/// How many groups of a dimension, or clusters, may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) min: usize,
    pub(super) max: usize,
}

/// The best set that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether each place is in it.
    pub(super) chosen: Vec<bool>,
    /// The groups of each dimension that it reaches.
    pub(super) reached: Vec<usize>,
    /// How many groups and clusters are missing to the minima, together.
    pub(super) shortage: usize,
}

/// Finds a set. `limits` has a row a dimension; `clusters` bounds the number of places.
pub(super) fn search(places: &[Place], limits: &[Limit], clusters: Limit) -> Found {
    let task = Task::of(places, limits, clusters);
    let mut best = (task.build(&BTreeSet::new(), Start::Held), BTreeSet::new());
    for start in [Start::Held, Start::Largest] {
        // A group whose place is needed may have to go before another one can: a round need not help by itself.
        let mut now = (task.build(&BTreeSet::new(), start), BTreeSet::new());
        for _ in 0..GROUP_ROUNDS_MAX {
            if now.0.shortage(&task) < best.0.shortage(&task) {
                best.clone_from(&now);
            }
            if best.0.shortage(&task) == 0 {
                break;
            }
            let tried = now.0.full_groups(&task).into_iter().take(GROUPS_TRIED_MAX);
            let without = tried.map(|group| {
                let mut banned = now.1.clone();
                banned.insert(group);
                (task.build(&banned, start), banned)
            });
            let next = without.min_by_key(|(set, _)| (set.shortage(&task), std::cmp::Reverse(set.held(&task))));
            match next {
                Some(next) => now = next,
                None => break,
            }
        }
    }
    let (mut best, banned) = best;
    best.fill(&task, &banned);
    let mut chosen = vec![false; places.len()];
    for (class, taken) in task.classes.iter().zip(&best.taken) {
        for member in class.members.iter().take(*taken) {
            if let Some(chosen) = chosen.get_mut(*member) {
                *chosen = true;
            }
        }
    }
    Found {
        chosen,
        reached: best.covered.iter().map(BTreeMap::len).collect(),
        shortage: best.shortage(&task),
    }
}

/// Places that are in the same groups: one is as good as another, but for the order in which they are preferred.
struct Class {
    groups: Groups,
    held: bool,
    members: Vec<usize>,
}

/// What is to be searched.
struct Task<'a> {
    /// In the order of their best members.
    classes: Vec<Class>,
    limits: &'a [Limit],
    clusters: Limit,
    /// How many places each group has, and how many of them are held.
    sizes: Vec<BTreeMap<usize, (usize, usize)>>,
}

/// A set, by how many of each class are in it.
#[derive(Clone)]
struct Set {
    taken: Vec<usize>,
    count: usize,
    /// How many chosen places each reached group has, by dimension.
    covered: Vec<BTreeMap<usize, usize>>,
}

impl<'a> Task<'a> {
    fn of(places: &[Place], limits: &'a [Limit], clusters: Limit) -> Self {
        let mut classes: BTreeMap<(&Groups, bool), Vec<usize>> = BTreeMap::new();
        let mut sizes = vec![BTreeMap::new(); limits.len()];
        for (index, place) in places.iter().enumerate() {
            let class = classes.entry((&place.groups, place.held)).or_default();
            class.push(index);
            for (sizes, groups) in sizes.iter_mut().zip(&place.groups) {
                for group in groups {
                    let (all, held): &mut (usize, usize) = sizes.entry(*group).or_default();
                    *all += 1;
                    *held += usize::from(place.held);
                }
            }
        }
        let mut classes: Vec<Class> = classes
            .into_iter()
            .map(|((groups, held), members)| Class {
                groups: groups.clone(),
                held,
                members,
            })
            .collect();
        classes.sort_by_key(|class| class.members.first().copied());
        Self {
            classes,
            limits,
            clusters,
            sizes,
        }
    }

    /// What is held first, then what the minima lack, then exchanges.
    fn build(&self, banned: &BTreeSet<(usize, usize)>, start: Start) -> Set {
        let mut set = Set {
            taken: vec![0; self.classes.len()],
            count: 0,
            covered: vec![BTreeMap::new(); self.limits.len()],
        };
        while let Some(next) = set.next(self, banned, |class, _| class.held && start == Start::Held) {
            set.take(self, next);
        }
        while set.shortage(self) > 0 {
            let lacks_groups = set.missing(self) > 0;
            let useful = |_: &Class, gain: usize| !lacks_groups || gain > 0;
            match set.next(self, banned, useful) {
                Some(next) => set.add(self, next),
                None => break,
            }
        }
        for _ in 0..EXCHANGES_MAX {
            match set.exchanged(self, banned) {
                Some(better) => set = better,
                None => break,
            }
        }
        set
    }

    /// How many places the groups of a class have: the more, the more can still be chosen.
    fn room(&self, class: &Class, of: fn(&(usize, usize)) -> usize) -> usize {
        let rows = self.sizes.iter().zip(&class.groups);
        rows.flat_map(|(sizes, groups)| groups.iter().filter_map(move |group| sizes.get(group)))
            .map(of)
            .sum()
    }
}

impl Set {
    fn missing(&self, task: &Task<'_>) -> usize {
        let rows = task.limits.iter().zip(&self.covered);
        rows.map(|(limit, covered)| limit.min.saturating_sub(covered.len()))
            .sum()
    }

    fn shortage(&self, task: &Task<'_>) -> usize {
        self.missing(task) + task.clusters.min.saturating_sub(self.count)
    }

    fn held(&self, task: &Task<'_>) -> usize {
        let rows = task.classes.iter().zip(&self.taken);
        rows.filter(|(class, _)| class.held).map(|(_, taken)| taken).sum()
    }

    fn is_allowed(&self, task: &Task<'_>, banned: &BTreeSet<(usize, usize)>, class: &Class) -> bool {
        let dimensions = task.limits.iter().zip(&self.covered).zip(&class.groups);
        let within = dimensions.enumerate().all(|(dimension, ((limit, covered), groups))| {
            let new = groups.iter().filter(|group| !covered.contains_key(group)).count();
            let open = groups.iter().all(|group| !banned.contains(&(dimension, *group)));
            open && (new == 0 || covered.len() + new <= limit.max)
        });
        within && self.count < task.clusters.max
    }

    /// How much less the minima would lack with one of the class.
    fn gain(&self, task: &Task<'_>, class: &Class) -> usize {
        let dimensions = task.limits.iter().zip(&self.covered).zip(&class.groups);
        dimensions
            .map(|((limit, covered), groups)| {
                let new = groups.iter().filter(|group| !covered.contains_key(group)).count();
                new.min(limit.min.saturating_sub(covered.len()))
            })
            .sum()
    }

    /// The class of which one is best added: for the minima, for what is held, for an even spread, by preference.
    fn next(
        &self,
        task: &Task<'_>,
        banned: &BTreeSet<(usize, usize)>,
        wanted: impl Fn(&Class, usize) -> bool,
    ) -> Option<usize> {
        let open = task.classes.iter().zip(&self.taken).enumerate();
        open.filter(|(_, (class, taken))| **taken < class.members.len() && self.is_allowed(task, banned, class))
            .map(|(index, (class, taken))| (index, class, taken, self.gain(task, class)))
            .filter(|(_, class, _, gain)| wanted(class, *gain))
            .min_by_key(|(_, class, taken, gain)| {
                let crowd = self.covered.iter().zip(&class.groups);
                let crowd = crowd.flat_map(|(covered, groups)| groups.iter().filter_map(|group| covered.get(group)));
                let scarce = self.count < task.clusters.min;
                let room = || task.room(class, |(all, _)| *all);
                (
                    std::cmp::Reverse(*gain),
                    std::cmp::Reverse(scarce.then(room)),
                    !class.held,
                    std::cmp::Reverse(class.held.then(|| task.room(class, |(_, held)| *held))),
                    crowd.max().copied().unwrap_or_default(),
                    std::cmp::Reverse(room()),
                    class.members.get(**taken).copied(),
                )
            })
            .map(|(index, ..)| index)
    }

    /// Adds as many of a class as cannot stand in the way of others.
    fn take(&mut self, task: &Task<'_>, class: usize) {
        self.add(task, class);
        if task.clusters.max == usize::MAX {
            let all = task.classes.get(class).map_or(0, |class| class.members.len());
            while self.taken.get(class).is_some_and(|taken| *taken < all) {
                self.add(task, class);
            }
        }
    }

    fn add(&mut self, task: &Task<'_>, index: usize) {
        let (Some(class), Some(taken)) = (task.classes.get(index), self.taken.get_mut(index)) else {
            return;
        };
        *taken += 1;
        self.count += 1;
        for (covered, groups) in self.covered.iter_mut().zip(&class.groups) {
            for group in groups {
                *covered.entry(*group).or_default() += 1;
            }
        }
    }

    fn remove(&mut self, task: &Task<'_>, index: usize) {
        let (Some(class), Some(taken)) = (task.classes.get(index), self.taken.get_mut(index)) else {
            return;
        };
        *taken = taken.saturating_sub(1);
        self.count = self.count.saturating_sub(1);
        for (covered, groups) in self.covered.iter_mut().zip(&class.groups) {
            for group in groups {
                let left = covered.get(group).map_or(0, |count| count.saturating_sub(1));
                if left == 0 {
                    covered.remove(group);
                } else {
                    covered.insert(*group, left);
                }
            }
        }
    }

    /// The set with one place less and then whatever helps; none where no such exchange leaves less shortage. What is not
    /// held goes first.
    fn exchanged(&self, task: &Task<'_>, banned: &BTreeSet<(usize, usize)>) -> Option<Self> {
        let before = self.shortage(task);
        if before == 0 {
            return None;
        }
        let mut outs: Vec<usize> = (0..task.classes.len())
            .filter(|index| self.taken.get(*index).is_some_and(|taken| *taken > 0))
            .collect();
        outs.sort_by_key(|index| {
            let class = task.classes.get(*index);
            (
                class.is_some_and(|class| class.held),
                std::cmp::Reverse(class.and_then(|class| class.members.first())),
            )
        });
        outs.into_iter().find_map(|out| {
            let mut other = self.clone();
            other.remove(task, out);
            // Each addition lessens the shortage, or the loop ends: it cannot bring back what was taken out for ever.
            while let Some(next) = other.next(task, banned, |_, gain| gain > 0) {
                other.add(task, next);
            }
            while other.missing(task) == 0 && other.shortage(task) > 0 {
                match other.next(task, banned, |_, _| true) {
                    Some(next) => other.add(task, next),
                    None => break,
                }
            }
            (other.shortage(task) < before).then_some(other)
        })
    }

    /// Groups whose dimension has no room for another one, those with the least held first.
    fn full_groups(&self, task: &Task<'_>) -> Vec<(usize, usize)> {
        let dimensions = task.limits.iter().zip(&self.covered).zip(&task.sizes).enumerate();
        let mut full: Vec<((usize, usize), (usize, usize))> = dimensions
            .filter(|(_, ((limit, covered), _))| covered.len() >= limit.max)
            .flat_map(|(dimension, ((_, covered), sizes))| {
                covered.keys().map(move |group| {
                    let (all, held) = sizes.get(group).copied().unwrap_or_default();
                    ((held, all), (dimension, *group))
                })
            })
            .collect();
        full.sort_unstable();
        full.into_iter().map(|(_, group)| group).collect()
    }

    /// Whatever else the maxima allow.
    fn fill(&mut self, task: &Task<'_>, banned: &BTreeSet<(usize, usize)>) {
        while let Some(next) = self.next(task, banned, |_, _| true) {
            self.take(task, next);
        }
        // What was banned stood in the way of a minimum; it may still come beside.
        if self.shortage(task) == 0 {
            while let Some(next) = self.next(task, &BTreeSet::new(), |_, _| true) {
                self.take(task, next);
            }
        }
    }
}

#[cfg(test)]
mod tests;
