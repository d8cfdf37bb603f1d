//! What a definition says of its objects in annotations, in CEL: when a copy is healthy, and what all copies' statuses come to.
//! In: definitions, objects, what clusters report. Out: verdicts and statuses. A rule that cannot be read is reported on the definition and
//! does not count; one that has no value for an object falls back on what holds without it. Absent: what holds without rules
//! (`placement::fold`, and the syncer's sight of conditions).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Placement;
use api::well_known::{HEALTH_RULE_ANNOTATION, STATUS_RULE_ANNOTATION};
use machinery::expression::{Expression, Gives};
use serde_json::{Value, json};

/// The variable of both rules.
const SUBJECT: &str = "self";

/// What one definition says.
#[derive(Debug, Default)]
pub(super) struct Rules {
    health: Option<Expression>,
    status: Option<Expression>,
}

/// What is wrong with a rule: the annotation, and why.
pub(super) type Fault = (&'static str, String);

impl Rules {
    /// The rules of a definition, those that can be read, and what is wrong with the others.
    pub(super) fn of(definition: &Value) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let annotations = definition.pointer("/metadata/annotations");
        let mut rule = |annotation: &'static str, gives| {
            let source = annotations?.get(annotation)?.as_str()?;
            let compiled = Expression::compile(source, SUBJECT, gives);
            compiled.map_err(|fault| faults.push((annotation, fault))).ok()
        };
        let health = rule(HEALTH_RULE_ANNOTATION, Gives::Bool);
        let status = rule(STATUS_RULE_ANNOTATION, Gives::Any);
        (Self { health, status }, faults)
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        self.health.is_none() && self.status.is_none()
    }

    /// Whether a copy does its work, by its status; none where nothing is said of that. A rule that asks for what the status does
    /// not have yet finds no health.
    pub(super) fn ready(&self, object: &Value, status: &Value) -> Option<bool> {
        let rule = self.health.as_ref()?;
        let subject = json!({"object": object, "status": status});
        Some(rule.eval(&subject) == Ok(Value::Bool(true)))
    }

    /// The status of the hub's object; none where nothing is said of that, or no cluster has spoken.
    ///
    /// # Errors
    /// The rule has no value for this object.
    pub(super) fn fold(&self, object: &Value, placement: &Placement) -> Option<Result<Value, String>> {
        let rule = self.status.as_ref()?;
        let chosen = |name: &str| placement.spec.clusters.iter().find(|target| target.name == name);
        let rows = placement.status.clusters.iter().filter_map(|row| {
            let target = chosen(&row.name).filter(|_| row.status.is_object())?;
            Some(json!({"name": row.name, "status": row.status, "ready": row.ready, "replicas": target.replicas}))
        });
        let rows: Vec<Value> = rows.collect();
        if rows.is_empty() {
            return None;
        }
        let wanted = placement.spec.clusters.len();
        let value = rule.eval(&json!({"object": object, "clusters": rows, "wanted": wanted}));
        Some(value.and_then(|value| {
            if value.is_object() {
                Ok(value)
            } else {
                Err("it gives no map".to_owned())
            }
        }))
    }
}

/// The rules of all definitions, by group and kind.
#[derive(Default)]
pub(super) struct Book(BTreeMap<(String, String), Arc<Rules>>);

impl Book {
    /// Takes a definition as it is now; none where it is gone. Out: its group and kind, and what is wrong with its rules.
    pub(super) fn take(&mut self, before: Option<&Value>, now: Option<&Value>) -> (Vec<(String, String)>, Vec<Fault>) {
        let kind = |definition: &Value| {
            let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            Some((text("/spec/group")?, text("/spec/names/kind")?))
        };
        let annotations = |definition: Option<&Value>| {
            let of = |annotation: &str| definition?.pointer("/metadata/annotations")?.get(annotation).cloned();
            [HEALTH_RULE_ANNOTATION, STATUS_RULE_ANNOTATION].map(of)
        };
        if annotations(before) == annotations(now) {
            return (vec![], vec![]);
        }
        let mut concerned: Vec<_> = before.into_iter().chain(now).filter_map(kind).collect();
        concerned.dedup();
        concerned.iter().for_each(|kind| drop(self.0.remove(kind)));
        let (rules, faults) = now.map(Rules::of).unwrap_or_default();
        if let (Some(kind), false) = (now.and_then(kind), rules.is_empty()) {
            self.0.insert(kind, Arc::new(rules));
        }
        (concerned, faults)
    }

    /// The rules of an object's kind.
    pub(super) fn of(&self, api_version: &str, kind: &str) -> Option<&Arc<Rules>> {
        let group = api_version.split_once('/')?.0;
        self.0.get(&(group.to_owned(), kind.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use api::placement::{PlacedCluster, TargetCluster};

    use super::*;

    fn definition(health: &str, status: &str) -> Value {
        json!({"metadata": {"name": "widgets.example.com", "annotations":
            {HEALTH_RULE_ANNOTATION: health, STATUS_RULE_ANNOTATION: status}},
            "spec": {"group": "example.com", "names": {"kind": "Widget"}}})
    }

    fn placement(rows: &[Value]) -> Placement {
        let mut placement = Placement::default();
        for (number, status) in rows.iter().enumerate() {
            let name = format!("c-{number}");
            placement.spec.clusters.push(TargetCluster {
                name: name.clone(),
                ..TargetCluster::default()
            });
            let row = PlacedCluster {
                name,
                status: status.clone(),
                ..PlacedCluster::default()
            };
            placement.status.clusters.push(row);
        }
        placement
    }

    #[test]
    fn health_is_what_the_rule_says() {
        let rule = "self.status.phase == 'Running' && self.status.shards >= self.object.spec.shards";
        let (rules, faults) = Rules::of(&definition(rule, "self.clusters[0].status"));
        assert!(faults.is_empty(), "{faults:?}");
        let object = json!({"spec": {"shards": 2}});
        for (status, ready) in [
            (json!({"phase": "Running", "shards": 2}), true),
            (json!({"phase": "Running", "shards": 1}), false),
            (json!({"phase": "Starting", "shards": 2}), false),
            (json!({}), false),
        ] {
            assert_eq!(rules.ready(&object, &status), Some(ready), "{status}");
        }
    }

    #[test]
    fn statuses_come_to_what_the_rule_makes_of_them() {
        let rule = "{'shards': self.clusters.map(c, c.status.shards).sum(), 'where': self.clusters.map(c, c.name)}";
        let (rules, faults) = Rules::of(&definition("true", rule));
        assert!(faults.is_empty(), "{faults:?}");
        let both = placement(&[json!({"shards": 2}), json!({"shards": 3})]);
        assert_eq!(
            rules.fold(&json!({}), &both),
            Some(Ok(json!({"shards": 5, "where": ["c-0", "c-1"]})))
        );
        let half = placement(&[json!({"shards": 2}), json!({"phase": "new"})]);
        assert!(
            matches!(rules.fold(&json!({}), &half), Some(Err(_))),
            "one has no shards"
        );
        assert_eq!(rules.fold(&json!({}), &placement(&[Value::Null])), None, "nobody spoke");
        let (rules, _) = Rules::of(&definition("true", "'text'"));
        assert!(matches!(rules.fold(&json!({}), &both), None | Some(Err(_))));
    }

    #[test]
    fn what_cannot_be_read_does_not_count() {
        let (rules, faults) = Rules::of(&definition("self.status.phase ==", "1 + 'a'"));
        assert!(rules.is_empty());
        let named: Vec<&str> = faults.iter().map(|(annotation, _)| *annotation).collect();
        assert_eq!(named, [HEALTH_RULE_ANNOTATION, STATUS_RULE_ANNOTATION]);
    }

    #[test]
    fn a_book_follows_its_definitions() {
        let mut book = Book::default();
        let one = definition("true", "self.clusters[0].status");
        let kind = ("example.com".to_owned(), "Widget".to_owned());
        assert_eq!(book.take(None, Some(&one)), (vec![kind.clone()], vec![]));
        assert!(book.of("example.com/v1", "Widget").is_some() && book.of("v1", "Pod").is_none());
        assert_eq!(book.take(Some(&one), Some(&one)), (vec![], vec![]), "nothing new");
        assert_eq!(book.take(Some(&one), None), (vec![kind], vec![]));
        assert!(book.of("example.com/v1", "Widget").is_none());
    }
}
