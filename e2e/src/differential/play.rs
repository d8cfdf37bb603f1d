//! Plays cases on both servers. In: cases. Out: what each step's answers differ in.

use std::time::{Duration, Instant};

use futures::StreamExt;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare::{Difference, differences};
use super::normal::{CASES, Normal};
use super::script::{Case, Step};
use super::server::{Answer, Server};
use super::values::{Kept, merged};
use crate::Failure;

/// How long a condition of a step may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many cases run at a time: enough to hide the waits of watches, few enough for two cores.
const AT_ONCE: usize = 6;

/// Differences of one step.
#[derive(Debug)]
pub struct Told {
    /// The case.
    pub case: String,
    /// The step.
    pub step: String,
    /// The request line.
    pub request: String,
    /// What differs; empty where nothing does.
    pub differences: Vec<Difference>,
}

/// One server in one case.
struct Side<'a> {
    server: &'a Server,
    kept: Kept,
    normal: Normal,
}

/// Plays all cases.
///
/// A case that cannot be played to its end, because a request is not answered or a condition does not come true, says so in a
/// difference of its own.
pub async fn all(cases: &[Case], kube: &Server, hub: &Server) -> Vec<Told> {
    let start = Timestamp::now();
    let mut played = futures::stream::iter(cases.iter().enumerate())
        .map(|(number, case)| one(number, case, kube, hub, start))
        .buffer_unordered(AT_ONCE);
    let mut told = Vec::new();
    while let Some(of_case) = played.next().await {
        told.extend(of_case);
    }
    told.sort_by(|a, b| a.case.cmp(&b.case));
    told
}

async fn one(number: usize, case: &Case, kube: &Server, hub: &Server, start: Timestamp) -> Vec<Told> {
    let namespace = format!("{CASES}{number:04}x");
    let side = |server| {
        let mut kept = Kept::default();
        kept.values.insert("ns".to_owned(), Value::from(namespace.clone()));
        Side {
            server,
            kept,
            normal: Normal::new(&namespace, start),
        }
    };
    let (mut kube, mut hub) = (side(kube), side(hub));
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let made = Step::with("POST /api/v1/namespaces", body);
    let mut told = Vec::new();
    for (at, step) in std::iter::once(&made).chain(&case.steps).enumerate() {
        let (of_kube, of_hub) = (kube.request(step, &hub.kept), hub.request(step, &kube.kept));
        let (left, right) = tokio::join!(kube.play(step, of_kube), hub.play(step, of_hub));
        let mut tell = |differences| {
            told.push(Told {
                case: case.name.clone(),
                step: step.label(at),
                request: step.request.clone(),
                differences,
            });
        };
        match (left, right) {
            (Ok(left), Ok(right)) => {
                // Read even where it is not compared: marks are given in the order of the answers.
                let (left, right) = (kube.normal.of(&left.value()), hub.normal.of(&right.value()));
                if at > 0 && !step.quiet {
                    tell(differences(&left, &right));
                }
            }
            (left, right) => {
                let said = |answer: Result<Answer, Failure>| answer.err().map(|error| error.0).unwrap_or_default();
                tell(vec![Difference {
                    field: "unfinished".to_owned(),
                    kube: said(left),
                    hub: said(right),
                }]);
                break;
            }
        }
    }
    told
}

impl Side<'_> {
    /// The request of a step with what this server answered before; `other` is what the other one did.
    fn request(&self, step: &Step, other: &Kept) -> Result<Request<Vec<u8>>, Failure> {
        let line = self.kept.text(&step.request);
        let Some((method, path)) = line.split_once(' ') else {
            return Err(Failure(format!("`{line}` has no method and path")));
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", Step::media_type(&step.accept))
            .header("user-agent", "differential/1");
        let body = self.body(step, other)?;
        if !body.is_empty() || !step.content.is_empty() {
            request = request.header("content-type", Step::media_type(&step.content));
        }
        if let Some(user) = &step.user {
            request = request.header("impersonate-user", self.kept.text(&user.name));
            for group in &user.groups {
                request = request.header("impersonate-group", self.kept.text(group));
            }
        }
        request.body(body).map_err(|error| Failure::of(line, error))
    }

    fn body(&self, step: &Step, other: &Kept) -> Result<Vec<u8>, Failure> {
        if let Some(name) = &step.bytes {
            let kept = if step.cross { other } else { &self.kept };
            return kept
                .bytes
                .get(name)
                .cloned()
                .ok_or_else(|| Failure(format!("no answer was kept as `{name}`")));
        }
        if let Some(text) = &step.text {
            return Ok(self.kept.text(text).into_bytes());
        }
        let over = step.body.as_ref().map(|body| self.kept.value(body));
        let value = match (&step.from, over) {
            (None, None) => return Ok(Vec::new()),
            (None, Some(value)) => value,
            (Some(name), over) => {
                let under = self.kept.values.get(name).cloned().unwrap_or_default();
                over.map_or(under.clone(), |over| merged(under, &over))
            }
        };
        Ok(value.to_string().into_bytes())
    }

    async fn play(&mut self, step: &Step, request: Result<Request<Vec<u8>>, Failure>) -> Result<Answer, Failure> {
        let request = request?;
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            let answer = self.server.send(request.clone(), step.events).await?;
            if reached(step, &answer) {
                break answer;
            }
            if Instant::now() > deadline {
                return Err(Failure(format!(
                    "waited {PATIENCE:?} for `{}`; last seen: {} {}",
                    step.request, answer.code, answer.body
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        for (name, pointer) in &step.keep {
            let value = answer.body.pointer(pointer).cloned().unwrap_or_default();
            self.kept.values.insert(name.clone(), value);
        }
        if let Some(name) = &step.keep_bytes {
            self.kept.bytes.insert(name.clone(), answer.bytes.clone());
        }
        Ok(answer)
    }
}

fn reached(step: &Step, answer: &Answer) -> bool {
    step.until_code.is_none_or(|code| code == answer.code)
        && step
            .until
            .iter()
            .all(|(pointer, value)| answer.body.pointer(pointer) == Some(value))
}
