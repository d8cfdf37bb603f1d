//! One of the two servers. In: a request. Out: its answer as code, headers and a body that can be compared.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use http::{HeaderMap, Request};
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::Failure;

/// How long a server may take to answer, and a watch to tell what it must.
const PATIENCE: Duration = Duration::from_secs(30);

/// Headers that clients act on.
const COMPARED: [&str; 4] = ["content-type", "warning", "retry-after", "cache-control"];

/// A server and the identity of its administrator.
#[derive(Clone)]
pub struct Server {
    name: &'static str,
    client: Client,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The code.
    pub code: u16,
    /// The headers of [`COMPARED`], by name; several of a name sorted.
    pub headers: Value,
    /// JSON as it is, a watch as the list of its events, anything else as text or its length.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// All that is compared.
    #[must_use]
    pub fn value(&self) -> Value {
        json!({"code": self.code, "headers": self.headers, "body": self.body})
    }
}

impl Server {
    /// The server of a kubeconfig's context.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read or used.
    pub async fn open(name: &'static str, kubeconfig: &Path, context: &str) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::of(kubeconfig.display(), error);
        let read = Kubeconfig::read_from(kubeconfig).map_err(|error| wrong(&error))?;
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let mut config = Config::from_custom_kubeconfig(read, &options)
            .await
            .map_err(|error| wrong(&error))?;
        // What a server refuses for now is part of the comparison.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| wrong(&error))?;
        Ok(Self { name, client })
    }

    /// Sends a request and reads the answer; of a watch no more than `events` events.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn send(&self, request: Request<Vec<u8>>, events: Option<usize>) -> Result<Answer, Failure> {
        let line = format!("{}: {} {}", self.name, request.method(), request.uri());
        tokio::time::timeout(PATIENCE, self.answer(request, events))
            .await
            .map_err(|_| Failure(format!("{line}: no answer within {PATIENCE:?}")))?
            .map_err(|error| Failure::of(line, error))
    }

    async fn answer(&self, request: Request<Vec<u8>>, events: Option<usize>) -> Result<Answer, kube::Error> {
        let response = self.client.send(request.map(Body::from)).await?;
        let code = response.status().as_u16();
        let headers = compared(response.headers());
        let watched = events.is_some();
        let wanted = events.filter(|_| code == 200).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut chunks = http_body_util::BodyExt::into_data_stream(response.into_body());
        while lines(&bytes) < wanted {
            let Some(chunk) = chunks.next().await else { break };
            bytes.extend_from_slice(&chunk?);
        }
        let kind = headers
            .get("content-type")
            .and_then(|all| all.get(0))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let body = if watched && code == 200 {
            bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .take(wanted)
                .map(read)
                .collect()
        } else if kind.contains("protobuf") {
            Value::Null
        } else if kind.contains("yaml") {
            let text = String::from_utf8_lossy(&bytes);
            serde_saphyr::from_str(&text).unwrap_or_else(|_| Value::from(text.into_owned()))
        } else {
            read(&bytes)
        };
        Ok(Answer {
            code,
            headers,
            body,
            bytes,
        })
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn compared(headers: &HeaderMap) -> Value {
    COMPARED
        .iter()
        .filter(|name| headers.contains_key(**name))
        .map(|name| {
            let all = headers.get_all(*name).iter();
            let mut texts: Vec<String> = all
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            // kube-apiserver warns of the entries of a map in no order.
            texts.sort_unstable();
            ((*name).to_owned(), Value::from(texts))
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
}
