//! What must differ between two servers, taken out of answers. In: an answer. Out: the same with marks in those places.
//!
//! | taken away | why |
//! |---|---|
//! | uids | random; the same one keeps the same mark in a case |
//! | resource versions of objects | two stores count on their own; the same one keeps the same mark, so that a write that changes nothing shows |
//! | resource versions of lists, tables and bookmarks; `continue` | a store's own, and others write meanwhile |
//! | times of the run itself | two clocks readings; others are kept |
//! | names made from `generateName` | random |
//! | allocated addresses and node ports | each server has a pool |
//! | the version in a failed precondition's sentence | the same, in words |
//! | ages in tables | whole seconds of two clocks |
//! | places in discovery | entries are told by their names, so that kinds that one server lacks do not shift the others; groups of other cases come and go |
//! | order of `managedFields` | by time, whose seconds may or may not have passed |
//! | order of causes, and their list in the message | Go walks maps in no order; the causes themselves are compared |
//! | tokens | signed by another key |
//! | namespace and names of the case | they are the same on both; marked so that differences of many cases read alike |

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Captures, Regex};
use serde_json::Value;

#[expect(clippy::unwrap_used, reason = "a fixed pattern; the tests below use each")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static UID: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d+[smhd])+$"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^10\.\d+\.\d+\.\d+$"));
static RECORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"in record \(\d+\)"));
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"));

/// What the namespaces of cases, and the groups of their definitions, begin with.
pub const CASES: &str = "differ-";

/// How far a time may be from the start of the run to be one of the run itself, in seconds.
const DURING: i64 = 6 * 3600;

/// What one server's answers in one case are compared as.
#[derive(Debug)]
pub struct Normal {
    namespace: String,
    start: Timestamp,
    uids: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
    generated: BTreeMap<String, String>,
}

impl Normal {
    /// For a case that runs in a namespace, in a run that started then.
    #[must_use]
    pub fn new(namespace: &str, start: Timestamp) -> Self {
        Self {
            namespace: namespace.to_owned(),
            start,
            uids: BTreeMap::new(),
            versions: BTreeMap::new(),
            generated: BTreeMap::new(),
        }
    }

    /// The answer without what must differ.
    pub fn of(&mut self, answer: &Value) -> Value {
        match answer {
            Value::Object(map) => {
                self.note_generated(map.get("metadata"));
                let mut made: serde_json::Map<String, Value> = map
                    .iter()
                    .map(|(key, value)| (self.text(key), self.field(key, value)))
                    .collect();
                if let Some(metadata) = made.get_mut("metadata") {
                    self.metadata(metadata);
                }
                shorten(&mut made);
                Value::Object(made)
            }
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::String(text) => Value::from(self.text(text)),
            other => other.clone(),
        }
    }

    fn field(&mut self, key: &str, value: &Value) -> Value {
        match (key, value) {
            ("cells", Value::Array(cells)) => cells
                .iter()
                .map(|cell| match cell.as_str() {
                    Some(age) if AGE.is_match(age) => Value::from("(age)"),
                    Some(address) if ADDRESS.is_match(address) => Value::from("(address)"),
                    _ => self.of(cell),
                })
                .collect(),
            ("resources" | "subresources" | "items" | "versions", Value::Array(entries)) => {
                match entries
                    .iter()
                    .map(|entry| Some((discovered(key, entry)?, entry)))
                    .collect()
                {
                    Some(named) => {
                        let named: Vec<(String, &Value)> = named;
                        let here = named.into_iter().filter(|(name, _)| !name.starts_with(CASES));
                        here.map(|(name, entry)| (name, self.of(entry))).collect()
                    }
                    None => self.of(value),
                }
            }
            ("continue", Value::String(text)) if !text.is_empty() => Value::from("(continue)"),
            ("token", Value::String(text)) if text.starts_with("eyJ") => Value::from("(token)"),
            ("nodePort" | "healthCheckNodePort", Value::Number(port)) if port.as_u64() != Some(0) => {
                Value::from("(port)")
            }
            ("clusterIP", Value::String(text)) if text.starts_with("10.") => Value::from("(address)"),
            ("clusterIPs", Value::Array(items)) => items.iter().map(|item| self.field("clusterIP", item)).collect(),
            ("causes", Value::Array(items)) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.of(item)).collect();
                items.sort_by_key(Value::to_string);
                Value::from(items)
            }
            ("managedFields", Value::Array(items)) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.of(item)).collect();
                items.sort_by_key(|item| {
                    ["operation", "manager", "subresource", "apiVersion", "fieldsV1"]
                        .map(|key| item.get(key).map(Value::to_string).unwrap_or_default())
                });
                Value::from(items)
            }
            _ => self.of(value),
        }
    }

    fn note_generated(&mut self, metadata: Option<&Value>) {
        let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.as_str());
        let (Some(prefix), Some(name)) = (text("generateName"), text("name")) else {
            return;
        };
        // A prefix may be cut to leave room for the five random characters.
        if let Some(kept) = name.get(..name.len().saturating_sub(5))
            && !kept.is_empty()
            && prefix.starts_with(kept)
        {
            self.generated.insert(name.to_owned(), format!("{kept}(random)"));
        }
    }

    fn metadata(&mut self, metadata: &mut Value) {
        let Some(map) = metadata.as_object_mut() else { return };
        if let Some(Value::String(version)) = map.get("resourceVersion") {
            let mark = if !map.contains_key("uid") && !map.contains_key("name") {
                "(revision)".to_owned()
            } else {
                marked(&mut self.versions, version, "version")
            };
            map.insert("resourceVersion".to_owned(), Value::from(mark));
        }
    }

    fn text(&mut self, text: &str) -> String {
        if text.len() < 3 {
            return text.to_owned();
        }
        let text = self
            .generated
            .iter()
            .fold(text.to_owned(), |text, (name, mark)| text.replace(name, mark));
        let uids = &mut self.uids;
        let text = UID.replace_all(&text, |found: &Captures<'_>| {
            marked(uids, found.get(0).map_or("", |m| m.as_str()), "uid")
        });
        let start = self.start;
        let text = TIME.replace_all(&text, |found: &Captures<'_>| {
            let time = found.get(0).map_or("", |m| m.as_str());
            let of_the_run = time
                .parse::<Timestamp>()
                .is_ok_and(|time| (time.as_second() - start.as_second()).abs() < DURING);
            match (of_the_run, found.get(1).is_some()) {
                (false, _) => time.to_owned(),
                (true, false) => "(time)".to_owned(),
                (true, true) => "(time.micro)".to_owned(),
            }
        });
        let text = RECORD.replace_all(&text, "in record (version)");
        TOKEN.replace_all(&text, "(token)").replace(&self.namespace, "(ns)")
    }
}

/// Leaves the list of several causes out of the message that repeats them.
fn shorten(status: &mut serde_json::Map<String, Value>) {
    let causes = status
        .get("details")
        .and_then(|details| details.get("causes")?.as_array());
    let several = causes.is_some_and(|causes| causes.len() > 1);
    if let (true, Some(Value::String(message))) = (several, status.get_mut("message"))
        && let Some(at) = message.find(" is invalid: [")
    {
        message.truncate(at);
        message.push_str(" is invalid: (causes)");
    }
}

/// The name of an entry of discovery; none of what is no such entry.
fn discovered(list: &str, entry: &Value) -> Option<String> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match list {
        "resources" => text("/resource").or_else(|| text("/name").filter(|_| entry.get("verbs").is_some())),
        "subresources" => text("/subresource"),
        "versions" => text("/version").filter(|_| entry.get("resources").is_some()),
        _ => text("/metadata/name").filter(|_| entry.get("versions").is_some()),
    }
}

fn marked(known: &mut BTreeMap<String, String>, value: &str, what: &str) -> String {
    let next = known.len() + 1;
    known
        .entry(value.to_owned())
        .or_insert_with(|| format!("({what} {next})"))
        .clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn normal() -> Normal {
        Normal::new("d-7", "2026-05-01T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_must_differ_is_marked() {
        let mut normal = normal();
        let uid = "4d85f3aa-4662-4f5e-91d1-eb9edd8cadcc";
        let object = json!({
            "metadata": {"name": "web-x2b4z", "generateName": "web-", "namespace": "d-7", "uid": uid, "resourceVersion": "12",
                "creationTimestamp": "2026-05-01T10:01:00Z", "annotations": {"since": "2020-01-01T00:00:00Z"}},
            "spec": {"clusterIP": "10.96.3.4", "clusterIPs": ["10.96.3.4"], "ports": [{"nodePort": 30123, "port": 80}],
                "renewTime": "2026-05-01T10:01:00.123456Z"},
            "message": format!("UID in precondition: {uid}"),
            "status": {"token": "eyJa.eyJb.c"},
        });
        assert_eq!(
            normal.of(&object),
            json!({
                "metadata": {"name": "web-(random)", "generateName": "web-", "namespace": "(ns)", "uid": "(uid 1)",
                    "resourceVersion": "(version 1)", "creationTimestamp": "(time)",
                    "annotations": {"since": "2020-01-01T00:00:00Z"}},
                "spec": {"clusterIP": "(address)", "clusterIPs": ["(address)"], "ports": [{"nodePort": "(port)", "port": 80}],
                    "renewTime": "(time.micro)"},
                "message": "UID in precondition: (uid 1)",
                "status": {"token": "(token)"},
            })
        );
    }

    #[test]
    fn the_same_version_keeps_its_mark() {
        let mut normal = normal();
        let mut version = |text: &str| {
            normal.of(&json!({"metadata": {"uid": "u", "resourceVersion": text}}))["metadata"]["resourceVersion"]
                .clone()
        };
        let (first, second, again) = (version("5"), version("9"), version("5"));
        assert_eq!(first, again);
        assert_ne!(first, second);
        let list = normal.of(&json!({"metadata": {"resourceVersion": "9", "continue": "abc"}}));
        assert_eq!(
            list,
            json!({"metadata": {"resourceVersion": "(revision)", "continue": "(continue)"}})
        );
    }

    #[test]
    fn causes_are_sorted_and_told_once() {
        let status = |first: &str, second: &str| {
            json!({"message": format!("X \"a\" is invalid: [{first}: no, {second}: no]"),
                "details": {"causes": [{"field": first}, {"field": second}]}})
        };
        assert_eq!(normal().of(&status("b", "a")), normal().of(&status("a", "b")));
        assert_ne!(normal().of(&status("b", "a")), normal().of(&status("a", "c")));
    }

    #[test]
    fn entries_of_discovery_are_told_by_name() {
        let list = json!({"resources": [{"name": "b", "verbs": []}, {"name": "a", "verbs": []}]});
        let told = json!({"resources": {"a": {"name": "a", "verbs": []}, "b": {"name": "b", "verbs": []}}});
        assert_eq!(normal().of(&list), told);
        let rules = json!({"resources": ["pods"]});
        assert_eq!(normal().of(&rules), rules);
    }

    #[test]
    fn managers_are_sorted() {
        let entry = |manager: &str| json!({"manager": manager, "operation": "Update"});
        let sorted = normal().of(&json!({"managedFields": [entry("b"), entry("a")]}));
        assert_eq!(sorted, json!({"managedFields": [entry("a"), entry("b")]}));
    }
}
