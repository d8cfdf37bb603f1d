//! Calls to webhooks: JSON there and JSON back, over HTTPS.
//!
//! In: a `clientConfig`, a body, a time limit. Out: the bytes of the answer, or why there is none, in kube-apiserver's words. Each
//! endpoint keeps a few connections open and has a bounded number of calls under way. Absent: what is asked and what answers mean.

mod tls;

use std::sync::Mutex;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

/// Calls of one endpoint that are under way at a time; more wait within their time limit.
const CALLS_MAX: usize = 64;
/// Connections of one endpoint that are kept open.
const IDLE_MAX: usize = 8;
/// Longest answer.
const ANSWER_MAX: usize = 3 * 1024 * 1024;
const HTTPS: u16 = 443;
const AGENT: &str = "kube-apiserver-admission";
/// Letters of an answer that is none which its failure repeats.
const TOLD_MAX: usize = 2048;

type Sender = SendRequest<Full<Bytes>>;

/// Where a webhook is.
pub(crate) struct Endpoint {
    /// As messages name it.
    url: String,
    host: String,
    port: u16,
    path: String,
    server: ServerName<'static>,
    tls: TlsConnector,
    idle: Mutex<Vec<Sender>>,
    calls: Semaphore,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish()
    }
}

impl Endpoint {
    /// The endpoint of a `clientConfig`.
    ///
    /// # Errors
    /// Nobody can be called there.
    pub(crate) fn of(client: &Value) -> Result<Self, String> {
        if let Some(service) = client.get("service").filter(|service| !service.is_null()) {
            let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default();
            return Err(format!(
                "the Service {}/{} cannot be called: Services of a federation have no endpoints on its hub; give the webhook a \
                 clientConfig.url",
                text("namespace"),
                text("name")
            ));
        }
        let url = client.get("url").and_then(Value::as_str).unwrap_or_default();
        let uri: Uri = url
            .parse()
            .map_err(|error| format!("the URL {url:?} cannot be read: {error}"))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let server =
            ServerName::try_from(bare.clone()).map_err(|error| format!("the host {host:?} is no name: {error}"))?;
        let tls = tls::client(client.get("caBundle").and_then(Value::as_str))?;
        let path = uri.path();
        Ok(Self {
            url: url.to_owned(),
            host: bare,
            port: uri.port_u16().unwrap_or(HTTPS),
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            server,
            tls: TlsConnector::from(tls),
            idle: Mutex::default(),
            calls: Semaphore::new(CALLS_MAX),
        })
    }

    /// Sends a body and waits for the answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn post(self: &Arc<Self>, body: Bytes, timeout: Duration) -> Result<Bytes, Failure> {
        let seconds = timeout.as_secs();
        let told = |why: String| Failure {
            code: 0,
            why: format!(
                "failed to call webhook: Post \"{}?timeout={seconds}s\": {why}",
                self.url
            ),
        };
        let answer = tokio::time::timeout(timeout, self.exchange(body, seconds)).await;
        let (status, bytes) = match answer {
            Ok(answer) => answer.map_err(told)?,
            Err(_) => return Err(told("context deadline exceeded".to_owned())),
        };
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let why = match status.as_u16() {
            404 => "the server could not find the requested resource".to_owned(),
            400 => "the server rejected our request for an unknown reason".to_owned(),
            500.. => {
                let text: String = String::from_utf8_lossy(&bytes).trim().chars().take(TOLD_MAX).collect();
                let text = if text.is_empty() { "unknown" } else { &text };
                format!("an error on the server ({text:?}) has prevented the request from succeeding")
            }
            code => format!("the server responded with the status code {code} but did not return more information"),
        };
        Err(Failure {
            code: status.as_u16(),
            why: format!("failed to call webhook: {why}"),
        })
    }

    async fn exchange(self: &Arc<Self>, body: Bytes, seconds: u64) -> Result<(StatusCode, Bytes), String> {
        let _permit = self.calls.acquire().await.map_err(|error| error.to_string())?;
        // A connection that was kept may have been closed meanwhile; only a new one tells the truth.
        if let Some(sender) = self.kept()
            && let Ok(answer) = self.send(sender, body.clone(), seconds).await
        {
            return Ok(answer);
        }
        let sender = self.connect().await?;
        self.send(sender, body, seconds).await
    }

    fn kept(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn keep(&self, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| format!("dial tcp {}:{}: {error}", self.host, self.port))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = self
            .tls
            .connect(self.server.clone(), stream)
            .await
            .map_err(|error| format!("tls: {error}"))?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to a webhook ended");
            }
        });
        Ok(sender)
    }

    async fn send(&self, mut sender: Sender, body: Bytes, seconds: u64) -> Result<(StatusCode, Bytes), String> {
        sender.ready().await.map_err(|error| error.to_string())?;
        let request = Request::post(format!("{}?timeout={seconds}s", self.path))
            .header(HOST, self.authority())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json, */*")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // What is no text is not repeated to people.
        let is_told = status == StatusCode::OK || kind.is_some_and(|kind| kind.starts_with("text/"));
        let body = Limited::new(response.into_body(), ANSWER_MAX);
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        self.keep(sender);
        Ok((status, if is_told { bytes } else { Bytes::new() }))
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == HTTPS {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// HTTP status; 0 where there was none.
    pub(crate) code: u16,
    /// The sentence for people.
    pub(crate) why: String,
}
