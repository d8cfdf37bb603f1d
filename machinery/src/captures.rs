//! What a real kube-apiserver said to some 450 objects (`data/captures.json`, made by `data/captures.py`), against what
//! decoding, defaulting and validation here say. Sentences may differ from release to release; answers, fields and
//! reasons may not.

mod custom;

use serde_json::Value;

use crate::decode::{check_types, prune_unknown};
use crate::status::Cause;
use crate::{default, schema, validate};

/// A row of the capture that we knowingly answer otherwise, by a part of its text, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("Mars/Base", "the members know which time zones there are"),
    ("\"policies\":[],", "an empty list is as good as none"),
    (
        "aaaaaa\",\"namespace\":\"shop\"},\"spec\":{\"template\"",
        "the labels that a Job takes from its pods are judged too",
    ),
];

fn rows(part: &str) -> Vec<Value> {
    let captures: Value = serde_json::from_str(include_str!("../data/captures.json")).unwrap();
    captures.get(part).unwrap().as_array().unwrap().clone()
}

/// The object as the server would hold it before it is judged.
fn made(sent: &Value) -> Value {
    let mut object = sent.clone();
    if names(sent).1 == "ConfigMap"
        && let Some(length) = object.pointer("/data/a").and_then(Value::as_u64)
    {
        object.pointer_mut("/data").unwrap()["a"] = Value::from("x".repeat(usize::try_from(length).unwrap()));
    }
    let (api_version, kind) = names(sent);
    let schema = schema::of(api_version, kind).unwrap();
    check_types(schema, &object).unwrap();
    prune_unknown(schema, &mut object);
    default::fold_string_data(&mut object);
    if kind == "Job" && object.pointer("/spec/manualSelector").is_none() {
        choose_pods(&mut object);
    }
    default::apply(api_version, kind, &mut object);
    if let Some(prefix) = object
        .pointer("/metadata/generateName")
        .and_then(Value::as_str)
        .map(str::to_owned)
    {
        object["metadata"]["name"] = Value::from(format!("{prefix}x2345"));
    }
    object
}

/// What the server adds to a Job: the labels of its pods, and a selector of them.
fn choose_pods(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    let uid = serde_json::json!("7b8d");
    object["metadata"]["uid"] = uid.clone();
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("job-name", &name),
    ] {
        object["spec"]["template"]["metadata"]["labels"][key] = value.clone();
    }
    object["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
}

fn names(object: &Value) -> (&str, &str) {
    (
        object.get("apiVersion").unwrap().as_str().unwrap(),
        object.get("kind").unwrap().as_str().unwrap(),
    )
}

fn expected(row: &Value) -> Vec<(String, String)> {
    let causes = row.get("causes").and_then(Value::as_array).into_iter().flatten();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    sorted(causes.map(|c| (text(&c[0]), text(&c[1]))).collect())
}

fn told(causes: &[Cause]) -> Vec<(String, String)> {
    sorted(
        causes
            .iter()
            .map(|c| (c.field.clone(), format!("{:?}", c.reason)))
            .collect(),
    )
}

fn sorted(mut list: Vec<(String, String)>) -> Vec<(String, String)> {
    list.sort();
    list
}

/// What we say to a row.
fn causes(row: &Value) -> Vec<Cause> {
    let sent = row.get("sent").unwrap();
    let (api_version, kind) = names(sent);
    match row.get("old") {
        Some(old) => validate::update(api_version, kind, &made(sent), &stored(old)),
        None => validate::create(api_version, kind, &made(sent)),
    }
}

/// What differs from the capture, if anything.
fn difference(row: &Value) -> Option<String> {
    let sent = row.get("sent").unwrap();
    let new = made(sent);
    let (theirs, ours) = (expected(row), told(&causes(row)));
    if theirs != ours {
        return Some(format!("{sent}\n  theirs {theirs:?}\n  ours   {ours:?}"));
    }
    let answer = row.get("answer")?;
    let mut ours = new;
    // The name was made up on both sides.
    let generated = sent.pointer("/metadata/generateName").is_some();
    if generated {
        ours["metadata"]["name"] = answer.pointer("/metadata/name").unwrap().clone();
    }
    let mut answer = answer.clone();
    forget_allocations(&mut ours);
    forget_allocations(&mut answer);
    (ours != answer).then(|| format!("{sent}\n  theirs {answer}\n  ours   {ours}"))
}

/// Forgets what the server, not this crate, sets at creation; on both sides.
fn forget_allocations(object: &mut Value) {
    let kind = names(object).1.to_owned();
    let mut forget = |pointer: &str, keys: &[&str]| {
        for place in object.pointer_mut(pointer).and_then(Value::as_object_mut).into_iter() {
            place.retain(|key, _| !keys.contains(&key.as_str()));
        }
    };
    match kind.as_str() {
        "Namespace" => forget("/spec", &["finalizers"]),
        "Job" => {
            forget("/metadata", &["uid"]);
            forget(
                "/metadata/labels",
                &["batch.kubernetes.io/controller-uid", "controller-uid"],
            );
            forget("/spec/selector/matchLabels", &["batch.kubernetes.io/controller-uid"]);
            let labels = ["batch.kubernetes.io/controller-uid", "controller-uid"];
            forget("/spec/template/metadata/labels", &labels);
        }
        "DaemonSet" => {
            forget("/metadata/annotations", &["deprecated.daemonset.template.generation"]);
            if object.pointer("/metadata/annotations") == Some(&serde_json::json!({})) {
                object["metadata"].as_object_mut().unwrap().remove("annotations");
            }
        }
        "PersistentVolume" | "PersistentVolumeClaim" => {
            forget("/metadata", &["finalizers"]);
            forget("/status", &["lastPhaseTransitionTime"]);
        }
        "Pod" => {
            forget("/spec", &["preemptionPolicy", "priority", "tolerations"]);
            forget("/status", &["phase", "qosClass"]);
        }
        // Times that are not there are told as null.
        "Event" => forget("", &["eventTime", "firstTimestamp", "lastTimestamp"]),
        "Service" => {
            forget(
                "/spec",
                &[
                    "clusterIP",
                    "clusterIPs",
                    "ipFamilies",
                    "ipFamilyPolicy",
                    "healthCheckNodePort",
                ],
            );
            for port in object
                .pointer_mut("/spec/ports")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                port.as_object_mut().unwrap().remove("nodePort");
            }
        }
        _ => {}
    }
}

/// A stored Service has an address even where none was asked for.
fn stored(old: &Value) -> Value {
    let mut old = made(old);
    if names(&old).1 == "Service" && old.pointer("/spec/clusterIP").is_none() {
        old["spec"]["clusterIPs"] = serde_json::json!(["10.0.99.99"]);
    }
    old
}

/// Beginnings of sentences that hold a value as Go prints its structs, a name that was made up, or a parser's own words.
const OTHERWISE_SAID: &[&str] = &[
    "Duplicate value: {\"",
    "Unsupported value: {\"Type\"",
    "Invalid value: {\"Type\"",
    "Invalid value: {\"Partition\"",
    "Invalid value: {\"MinAvailable\"",
    "Invalid value: {\"labels\"",
    "Invalid value: {\"batch.kubernetes.io/controller-uid\"",
    "Invalid value: {\"matchLabels\":{\"app\":\"web\",\"batch.kubernetes.io/controller-uid\"",
    "Forbidden: spec is immutable after creation",
    "Forbidden: spec.persistentvolumesource is immutable after creation",
    "Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Pod\"",
    "Invalid value: \"A-",
    "Invalid value: \"<secret contents redacted>\"",
];

fn is_otherwise(row: &Value) -> bool {
    let text = row.to_string();
    OTHERWISE.iter().any(|(part, _)| text.contains(part))
}

#[test]
fn and_in_its_words() {
    let rows: Vec<Value> = [rows("created"), rows("updated")].concat();
    for row in rows.iter().filter(|row| !is_otherwise(row)) {
        let sent = row.get("sent").unwrap();
        let said: Vec<String> = causes(row).iter().map(|c| c.message.clone()).collect();
        for cause in row.get("causes").and_then(Value::as_array).into_iter().flatten() {
            let words = cause[2].as_str().unwrap();
            let otherwise = OTHERWISE_SAID.iter().any(|beginning| words.starts_with(beginning));
            assert!(
                otherwise || said.iter().any(|s| s == words),
                "{sent}\n  {cause}\n  {said:?}"
            );
        }
    }
}

#[test]
fn we_say_what_kube_apiserver_says() {
    let mut differences = Vec::new();
    for row in rows("created").iter().chain(&rows("updated")) {
        if !is_otherwise(row) {
            differences.extend(difference(row));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
