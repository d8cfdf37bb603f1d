//! What a real kube-apiserver said to definitions and to custom objects (`data/custom-captures.json`, made by
//! `data/custom-captures.py`), against what is said here, word by word.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::Value;

use crate::custom::{Definition, Version, next_status};
use crate::decode::prune_unknown;
use crate::status::Cause;
use crate::{default, schema, validate};

const API_VERSION: &str = "apiextensions.k8s.io/v1";
const KIND: &str = "CustomResourceDefinition";

static CAPTURES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/custom-captures.json")).unwrap());

fn rows(part: &str) -> &'static [Value] {
    CAPTURES[part].as_array().unwrap()
}

fn expected(row: &Value) -> Vec<String> {
    let causes = row.get("causes").and_then(Value::as_array).into_iter().flatten();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut out: Vec<String> = causes.map(|c| tell(&text(&c[0]), &text(&c[1]), &text(&c[2]))).collect();
    out.sort();
    out
}

fn told(causes: &[Cause]) -> Vec<String> {
    let mut out: Vec<String> = causes
        .iter()
        .map(|c| tell(&c.field, &format!("{:?}", c.reason), &c.message))
        .collect();
    out.sort();
    out
}

/// A cause without what holds Go's spelling of a struct, a type's made-up name, or a parser's own words.
fn tell(field: &str, reason: &str, message: &str) -> String {
    let message = if message.contains("selfType") {
        "..."
    } else if message.starts_with("Invalid value: {") || message.starts_with("Invalid value: [{") {
        message
            .split_once("}: ")
            .or(message.rsplit_once("}]: "))
            .map_or(message, |(_, words)| words)
    } else if message.contains("must be a valid regular expression") {
        "must be a valid regular expression"
    } else {
        message
    };
    format!("{field} {reason} {message}")
}

fn made(sent: &Value) -> Value {
    let mut object = sent.clone();
    prune_unknown(schema::of(API_VERSION, KIND).unwrap(), &mut object);
    default::apply(API_VERSION, KIND, &mut object);
    object
}

fn compare(what: &str, row: &Value, causes: &[Cause], differences: &mut Vec<String>) {
    let (theirs, ours) = (expected(row), told(causes));
    if theirs != ours {
        differences.push(format!("{what}\n  theirs {theirs:#?}\n  ours   {ours:#?}"));
    }
}

fn none(differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn definitions_are_judged_as_kube_apiserver_judges_them() {
    let mut differences = Vec::new();
    for row in rows("definitions") {
        let new = made(&row["sent"]);
        compare(
            &row["sent"]["spec"].to_string(),
            row,
            &validate::create(API_VERSION, KIND, &new),
            &mut differences,
        );
        if let Some(answer) = row.get("answer") {
            let mut ours = new.clone();
            let mut answer = answer.clone();
            for side in [&mut ours, &mut answer] {
                side["status"].take();
            }
            if ours != answer {
                differences.push(format!("{}\n  theirs {answer}\n  ours   {ours}", row["sent"]["spec"]));
            }
            assert!(Definition::read(&new).is_ok());
        }
        let warnings: Vec<String> = row
            .get("warnings")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|w| w.as_str().unwrap().to_owned())
            .collect();
        if row.get("answer").is_some() {
            let ours: Vec<String> = validate::warnings(API_VERSION, KIND, &new, None)
                .iter()
                .map(|w| format!("299 - {}", Value::from(w.as_str())))
                .collect();
            if ours != warnings {
                differences.push(format!(
                    "{}\n  theirs {warnings:?}\n  ours   {ours:?}",
                    row["sent"]["spec"]
                ));
            }
        }
    }
    none(&differences);
}

#[test]
fn changes_of_definitions_too() {
    let mut differences = Vec::new();
    for row in rows("changes") {
        let mut new = made(&row["sent"]);
        // As the server does it, which adds the storage version.
        new["status"] = row["old"]["status"].clone();
        let storage = new["spec"]["versions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|v| v["storage"] == true);
        if let Some(name) = storage.map(|v| v["name"].clone()) {
            let stored = new["status"]["storedVersions"].as_array_mut().unwrap();
            if !stored.contains(&name) {
                stored.push(name);
            }
        }
        let causes = validate::update(API_VERSION, KIND, &new, &made(&row["old"]));
        compare(&row["sent"]["spec"].to_string(), row, &causes, &mut differences);
    }
    none(&differences);
}

fn version(kind: &Value) -> std::sync::Arc<Version> {
    std::sync::Arc::clone(Definition::read(&kind["definition"]).unwrap().version("v1").unwrap())
}

/// The object as the server holds it before it is judged, and what strict decoding would say.
fn read(version: &Version, sent: &Value) -> (Value, Vec<String>) {
    let mut object = sent.clone();
    let unknown = version.prune(&mut object);
    version.fill_defaults(&mut object);
    (object, unknown)
}

#[test]
fn custom_objects_are_judged_as_kube_apiserver_judges_them() {
    let mut differences = Vec::new();
    for kind in rows("kinds") {
        let version = version(kind);
        for row in kind["rows"].as_array().unwrap() {
            let sent = &row["sent"];
            let what = format!("{} {}", sent["spec"], sent.get("status").unwrap_or(&Value::Null));
            if row["code"] == 400 {
                if version.check_types(sent).is_ok() {
                    differences.push(format!("{what}\n  can be read here"));
                }
                continue;
            }
            let (mut new, unknown) = read(&version, sent);
            let status = row.get("subresource").is_some();
            let causes = match row.get("old") {
                Some(old) if status => {
                    let whole = new;
                    new = old.clone();
                    new["status"] = whole["status"].clone();
                    version.update_status(&new, old).faults
                }
                Some(old) => version.update(&new, old).faults,
                None => {
                    if version.status {
                        new.as_object_mut().unwrap().remove("status");
                    }
                    version.create(&new)
                }
            };
            compare(&what, row, &causes, &mut differences);
            if let Some(answer) = row.get("answer").filter(|_| row.get("old").is_none())
                && *answer != new
            {
                differences.push(format!("{what}\n  theirs {answer}\n  ours   {new}"));
            }
            let warned: Vec<String> = row
                .get("warnings")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|w| w.as_str().unwrap().to_owned())
                .filter(|w| w.contains("unknown field"))
                .collect();
            let ours: Vec<String> = unknown
                .iter()
                .map(|path| format!("299 - \"unknown field \\\"{path}\\\"\""))
                .collect();
            if row.get("old").is_none() && row.get("answer").is_some() && warned != ours {
                differences.push(format!("{what}\n  theirs {warned:?}\n  ours   {ours:?}"));
            }
        }
    }
    none(&differences);
}

#[test]
fn tables_hold_the_same_cells() {
    for kind in rows("kinds") {
        let version = version(kind);
        for table in kind["tables"].as_array().unwrap() {
            let now = Timestamp::from_second(table["now"].as_i64().unwrap()).unwrap();
            let columns: Vec<Value> = version.columns.iter().map(|column| column.to_value()).collect();
            assert_eq!(&columns, &table["columns"].as_array().unwrap()[1..]);
            let cells = version.cells(&table["object"], now);
            for ((ours, theirs), column) in cells
                .iter()
                .zip(table["cells"].as_array().unwrap())
                .zip(table["columns"].as_array().unwrap())
            {
                assert_eq!(ours, theirs, "{column}");
            }
        }
    }
}

/// Expressions that are answered otherwise here, by a part of their text, and why.
const EXPRESSIONS_OTHERWISE: &[(&str, &str)] = &[
    (
        "America/New_York",
        "the names of time zones need a table that this crate does not have",
    ),
    (
        "has([].a)",
        "an item of no list is of any type, and upstream tells the number of that type",
    ),
];

#[test]
fn expressions_have_the_same_values_and_faults() {
    use crate::cel::{Program, Shape, Trouble, Type, Value as Cel};
    use crate::custom::rules::Rule;
    use crate::custom::structural::Structural;
    let schema = Structural::read(&serde_json::json!({"type": "integer"}));
    let shape = std::sync::Arc::new(Shape::of(&schema, false).unwrap());
    let mut differences = Vec::new();
    for row in rows("expressions") {
        let expression = row["expression"].as_str().unwrap();
        let theirs = row.get("fault").or(row.get("value")).unwrap().as_str().unwrap();
        let rule = Rule::compile(&serde_json::json!({"rule": expression}), &schema, &shape);
        let ours = match &rule.program {
            Err(fault) => fault.clone(),
            Ok(program) if program.worst_cost(&shape) > crate::cel::ESTIMATE_LIMIT => "too dear".to_owned(),
            Ok(program) => match program.eval(vec![("self", Cel::Int(3))]).0 {
                Ok(Cel::Bool(said)) => said.to_string(),
                Ok(other) => format!("{other:?}"),
                Err(Trouble::Error(text)) => text,
                Err(Trouble::Limit) => "operation cancelled: actual cost limit exceeded".to_owned(),
            },
        };
        let theirs = if theirs.contains("exceeds budget") {
            "too dear"
        } else {
            theirs
        };
        let otherwise = EXPRESSIONS_OTHERWISE.iter().any(|(part, _)| expression.contains(part));
        if ours != theirs && !otherwise {
            differences.push(format!("{expression}\n  theirs {theirs}\n  ours   {ours}"));
        }
        let _ = Program::compile(expression, &[("self".to_owned(), Type::Int)]);
    }
    none(&differences);
}

#[test]
fn names_are_claimed_as_kube_apiserver_lets_them_be() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let claims = rows("claims");
    for (index, theirs) in claims.iter().enumerate() {
        let others: Vec<&Value> = claims.iter().take(index).collect();
        let mut crd = theirs.clone();
        crd["status"] = serde_json::json!({"storedVersions": ["v1"]});
        let ours = next_status(&crd, &others, now);
        let plain = |status: &Value| {
            let mut conditions: Vec<Value> = status["conditions"].as_array().unwrap().clone();
            for condition in &mut conditions {
                condition.as_object_mut().unwrap().remove("lastTransitionTime");
            }
            conditions.sort_by_key(|condition| condition["type"].to_string());
            (
                status["acceptedNames"].clone(),
                status["storedVersions"].clone(),
                conditions,
            )
        };
        assert_eq!(plain(&ours), plain(&theirs["status"]));
        crd["status"] = ours.clone();
        let later = Timestamp::from_second(1_900_000_000).unwrap();
        assert_eq!(next_status(&crd, &others, later), ours, "what is right is left alone");
    }
}

/// The captured document and ours, without the words that describe metadata.
#[test]
fn openapi_documents_hold_the_same_schemas() {
    use crate::openapi::{ServedKind, v2_document, v3_documents};
    let kind = &rows("kinds")[0];
    let version = version(kind);
    let served = ServedKind {
        group: "example.com".to_owned(),
        version: "v1".to_owned(),
        kind: "Big".to_owned(),
        plural: "bigs".to_owned(),
        namespaced: true,
        verbs: ["create", "get", "list"].map(str::to_owned).to_vec(),
        subresources: Vec::new(),
        schema: Some(version.openapi()),
        list_kind: None,
    };
    let documents = v3_documents(std::slice::from_ref(&served), "1.36");
    let v3: Value = serde_json::from_slice(&documents[0].body).unwrap();
    let v2 = v2_document(&[served], "1.36");
    let mut differences = Vec::new();
    for (captured, ours) in [
        (&kind["v3"], &v3["components"]["schemas"]),
        (&kind["v2"], &v2["definitions"]),
    ] {
        for (name, theirs) in captured
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.contains(".Big"))
        {
            differ(name, theirs, &ours[name], &mut differences);
        }
    }
    none(&differences);
}

fn differ(path: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                differ(
                    &format!("{path}/{key}"),
                    &theirs[key.as_str()],
                    &ours[key.as_str()],
                    differences,
                );
            }
        }
        (a, b) if a == b => {}
        (a, b) => differences.push(format!("{path}\n  theirs {a}\n  ours   {b}")),
    }
}
