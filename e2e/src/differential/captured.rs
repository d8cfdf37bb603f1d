//! Bodies whose answers `machinery` was tested with, asked live. In: `machinery/data/*captures.json`. Out: cases.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::matrix::Kind;
use super::read;
use super::script::{Case, Step};
use super::values::merged;
use crate::{Failure, tools};

/// How many bodies make a case.
const A_CASE: usize = 25;

#[derive(Debug, Deserialize)]
struct Captures {
    created: Vec<Row>,
    updated: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Definitions {
    definitions: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    old: Value,
    sent: Value,
}

/// The cases: bodies that are created as dry runs, and stored objects that change.
///
/// # Errors
/// If the captures cannot be read.
pub fn cases(kinds: &[Kind]) -> Result<Vec<Case>, Failure> {
    let data = tools::root().join("machinery/data");
    let captures: Captures = read(&data.join("captures.json"))?;
    let definitions: Definitions = read(&data.join("custom-captures.json"))?;
    let kind = |object: &Value| {
        kinds
            .iter()
            .find(|kind| object["kind"] == *kind.kind && object["apiVersion"] == *kind.api)
    };
    let mut made: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
    for row in captures.created.iter().chain(&definitions.definitions) {
        let Some(kind) = kind(&row.sent) else { continue };
        let step = Step::with(format!("POST {}?dryRun=All", kind.collection()), placed(&row.sent));
        made.entry(&kind.kind).or_default().push(step);
    }
    let mut cases: Vec<Case> = made
        .iter()
        .flat_map(|(kind, steps)| {
            steps.chunks(A_CASE).enumerate().map(move |(at, steps)| Case {
                name: format!("{kind} bodies {at}"),
                steps: steps.to_vec(),
            })
        })
        .collect();
    for (at, row) in captures.updated.iter().enumerate() {
        let Some(kind) = kind(&row.sent) else { continue };
        // Objects of the cluster would meet in the one name that the captures give them.
        if kind.namespaced {
            cases.push(change(at, kind, row));
        }
    }
    Ok(cases)
}

fn change(at: usize, kind: &Kind, row: &Row) -> Case {
    let version = json!({"metadata": {"resourceVersion": "${rv}"}});
    let name = row.old["metadata"]["name"].as_str().unwrap_or_default();
    Case {
        name: format!("{} change {at}", kind.kind),
        steps: vec![
            Step::with(format!("POST {}", kind.collection()), placed(&row.old))
                .named("old")
                .keeping("rv", "/metadata/resourceVersion"),
            Step::with(
                format!("PUT {}/{name}", kind.collection()),
                merged(placed(&row.sent), &version),
            )
            .named("new"),
        ],
    }
}

/// The body in the case's own namespace.
fn placed(body: &Value) -> Value {
    if body["metadata"]["namespace"] == "shop" {
        return merged(body.clone(), &json!({"metadata": {"namespace": "${ns}"}}));
    }
    body.clone()
}
