//! The clusters that were not chosen: for each reason with its message, who it holds for.
//!
//! A federation of a thousand clusters leaves most of them out of most decisions, for one and the same reason: that is said once,
//! and the names stand in one text. In JSON a group is `{reason, message, clusters: [...]}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reason::Reason;

/// Between two names in a group's text; no name of a cluster contains it.
const BETWEEN: char = '\n';

/// A cluster that was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExcludedCluster<'a> {
    /// Its name.
    pub name: &'a str,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people.
    pub message: &'a str,
}

/// All clusters that were not chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// In the order of reason and message.
    groups: Vec<Group>,
}

/// Clusters that are out for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    reason: Reason,
    message: Box<str>,
    /// Sorted names, [`BETWEEN`] them.
    names: Box<str>,
}

impl Group {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.split(BETWEEN)
    }

    fn clusters(&self) -> impl Iterator<Item = ExcludedCluster<'_>> {
        let Self { reason, message, .. } = self;
        self.names().map(move |name| ExcludedCluster {
            name,
            reason: *reason,
            message,
        })
    }
}

impl Excluded {
    /// From each cluster's own reason.
    pub fn of<N, M>(out: impl IntoIterator<Item = (N, Reason, M)>) -> Self
    where
        N: AsRef<str> + Ord,
        M: AsRef<str> + Ord,
    {
        let mut groups: BTreeMap<(Reason, M), Vec<N>> = BTreeMap::new();
        for (name, reason, message) in out {
            groups.entry((reason, message)).or_default().push(name);
        }
        let groups = groups.into_iter().map(|((reason, message), mut names)| {
            names.sort_unstable();
            names.dedup();
            let mut text = String::new();
            for name in &names {
                if !text.is_empty() {
                    text.push(BETWEEN);
                }
                text.push_str(name.as_ref());
            }
            Group {
                reason,
                message: message.as_ref().into(),
                names: text.into(),
            }
        });
        Self {
            groups: groups.collect(),
        }
    }

    /// Each cluster with its reason, group by group.
    pub fn iter(&self) -> impl Iterator<Item = ExcludedCluster<'_>> {
        self.groups.iter().flat_map(Group::clusters)
    }

    /// Each cluster with its reason, sorted by name.
    #[must_use]
    pub fn by_name(&self) -> Vec<ExcludedCluster<'_>> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        all
    }

    /// The groups: a reason, its message, and the names of its clusters.
    pub fn groups(&self) -> impl Iterator<Item = (Reason, &str, impl Iterator<Item = &str>)> {
        self.groups
            .iter()
            .map(|group| (group.reason, &*group.message, group.names()))
    }

    /// How many clusters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.names().count()).sum()
    }

    /// Whether every cluster was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Keeps those for which it is so.
    pub fn retain(&mut self, keep: impl Fn(&ExcludedCluster<'_>) -> bool) {
        if self.iter().all(|out| keep(&out)) {
            return;
        }
        *self = Self::of(
            self.iter()
                .filter(|out| keep(out))
                .map(|out| (out.name, out.reason, out.message)),
        );
    }
}

/// A group as JSON has it. A cluster alone, as Placements had it before groups, is one of one.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    /// Why, for machines.
    reason: Reason,
    /// Why, for people.
    #[serde(default, borrow)]
    message: Cow<'a, str>,
    /// The names, sorted.
    #[serde(default, borrow)]
    clusters: Vec<Cow<'a, str>>,
    /// The one cluster that it holds for, in Placements of older hubs.
    #[serde(default, borrow)]
    #[schemars(skip)]
    name: Option<Cow<'a, str>>,
}

/// The same from the other side.
#[derive(Serialize)]
struct Writing<'a> {
    reason: Reason,
    message: &'a str,
    clusters: Vec<&'a str>,
}

impl Serialize for Excluded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let writing = self.groups().map(|(reason, message, names)| Writing {
            reason,
            message,
            clusters: names.collect(),
        });
        serializer.collect_seq(writing)
    }
}

impl<'de> Deserialize<'de> for Excluded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written: Vec<Written<'_>> = Deserialize::deserialize(deserializer)?;
        let out = written.into_iter().flat_map(
            |Written {
                 reason,
                 message,
                 clusters,
                 name,
             }| {
                clusters
                    .into_iter()
                    .chain(name)
                    .map(move |name| (name, reason, message.clone()))
            },
        );
        Ok(Self::of(out))
    }
}

impl JsonSchema for Excluded {
    fn schema_name() -> Cow<'static, str> {
        "Excluded".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Written<'_>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn three() -> Excluded {
        Excluded::of([
            ("us-1", Reason::ClusterNotReady, "no heartbeat"),
            ("eu-2", Reason::AffinityMismatch, "another region"),
            ("eu-1", Reason::AffinityMismatch, "another region"),
        ])
    }

    #[test]
    fn a_reason_is_said_once() {
        let written = serde_json::to_value(three()).unwrap();
        assert_eq!(
            written,
            json!([
                {"reason": "AffinityMismatch", "message": "another region", "clusters": ["eu-1", "eu-2"]},
                {"reason": "ClusterNotReady", "message": "no heartbeat", "clusters": ["us-1"]},
            ])
        );
        assert_eq!(serde_json::from_value::<Excluded>(written).unwrap(), three());
        let text = serde_json::to_string(&three()).unwrap();
        assert_eq!(serde_json::from_str::<Excluded>(&text).unwrap(), three());
    }

    #[test]
    fn what_older_hubs_wrote_is_read() {
        let old = json!([
            {"name": "eu-1", "reason": "AffinityMismatch", "message": "another region"},
            {"name": "eu-2", "reason": "AffinityMismatch", "message": "another region"},
            {"name": "us-1", "reason": "ClusterNotReady", "message": "no heartbeat"},
        ]);
        assert_eq!(serde_json::from_value::<Excluded>(old).unwrap(), three());
    }

    #[test]
    fn each_cluster_is_found() {
        let mut out = three();
        assert_eq!((out.len(), out.is_empty()), (3, false));
        assert!(
            out.iter()
                .any(|out| out.name == "us-1" && out.reason == Reason::ClusterNotReady)
        );
        out.retain(|out| out.name != "us-1");
        assert_eq!(out.iter().map(|out| out.name).collect::<Vec<_>>(), ["eu-1", "eu-2"]);
        out.retain(|_| false);
        assert!(out.is_empty() && out.iter().next().is_none());
    }
}
