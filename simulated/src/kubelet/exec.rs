//! Commands over a WebSocket, as `kubectl exec` speaks it: channels by their first byte, the exit code as a Status at the end.
//! Source: KEP-4006 and the remote command subprotocols `v4.channel.k8s.io` and `v5.channel.k8s.io`.

use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::archive;
use super::shell::{Outcome, Shell};
use super::text;

const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
/// In `v5`: closes the channel that the next byte names.
const CLOSE: u8 = 255;
/// End of input, as terminals send it.
const END_OF_INPUT: u8 = 4;
/// Who says nothing for so long is gone.
const SILENT_MAX: Duration = Duration::from_secs(3600);
/// Largest archive that is unpacked.
const ARCHIVE_BYTES_MAX: usize = 16 << 20;
/// Longest line of a simulated shell.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Answers a request to run a command.
pub(super) async fn answer(shell: Shell, query: &[(String, String)], request: Request<Body>) -> Response {
    let all = |key: &str| {
        query
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, v)| v.clone())
            .collect::<Vec<_>>()
    };
    let is = |key: &str| all(key).iter().any(|value| value == "true" || value == "1");
    let (command, tty) = (all("command"), is("tty"));
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols(PROTOCOLS).on_upgrade(move |socket| async move {
            let mut session = Session { socket, shell, tty };
            // A client that goes away takes its session along.
            if let Some(code) = session.run(&command).await {
                session.end(code).await;
            }
        }),
        Err(refusal) if refusal.status() == StatusCode::UPGRADE_REQUIRED => refusal.into_response(),
        Err(refusal) => text(
            StatusCode::BAD_REQUEST,
            format!("simulated pods speak WebSocket alone (kubectl 1.31 and newer): {refusal}"),
        ),
    }
}

struct Session {
    socket: WebSocket,
    shell: Shell,
    tty: bool,
}

impl Session {
    /// Runs a command to its exit code; none, where the client went away.
    async fn run(&mut self, command: &[String]) -> Option<i32> {
        match self.shell.run(command) {
            Outcome::Ended { out, err, code } => {
                self.print(&out, &err).await?;
                Some(code)
            }
            Outcome::Copies => {
                while let Some(input) = self.input().await? {
                    self.say(STDOUT, &input).await?;
                }
                Some(0)
            }
            Outcome::Unpacks => {
                let mut archive = Vec::new();
                while let Some(input) = self.input().await? {
                    if archive.len() + input.len() > ARCHIVE_BYTES_MAX {
                        self.print("", "tar: No space left on device\n").await?;
                        return Some(2);
                    }
                    archive.extend_from_slice(&input);
                }
                match archive::entries(&archive) {
                    Ok(_) => Some(0),
                    Err(why) => {
                        self.print("", &format!("{why}\n")).await?;
                        Some(2)
                    }
                }
            }
            Outcome::Interprets => self.interpret().await,
        }
    }

    async fn interpret(&mut self) -> Option<i32> {
        let mut line = Vec::new();
        let mut last = 0;
        self.prompt().await?;
        while let Some(input) = self.input().await? {
            for byte in input.iter().copied() {
                let end = byte == b'\n' || byte == b'\r';
                if self.tty {
                    let echo: &[u8] = if end { b"\r\n" } else { std::slice::from_ref(&byte) };
                    self.say(STDOUT, echo).await?;
                }
                if !end {
                    if line.len() < LINE_BYTES_MAX {
                        line.push(byte);
                    }
                    continue;
                }
                let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                let leaves = text.split_whitespace().next() == Some("exit");
                match self.shell.line(&text) {
                    Outcome::Ended { out, err, code } => {
                        self.print(&out, &err).await?;
                        last = code;
                    }
                    // What would read on reads nothing.
                    Outcome::Copies | Outcome::Interprets | Outcome::Unpacks => last = 0,
                }
                if leaves {
                    return Some(last);
                }
                self.prompt().await?;
            }
        }
        Some(last)
    }

    async fn prompt(&mut self) -> Option<()> {
        if self.tty {
            let prompt = self.shell.prompt();
            self.say(STDOUT, prompt.as_bytes()).await?;
        }
        Some(())
    }

    async fn print(&mut self, out: &str, err: &str) -> Option<()> {
        for (channel, text) in [(STDOUT, out), (STDERR, err)] {
            if !text.is_empty() {
                // A terminal has one stream, whose lines begin on the left.
                let (channel, text) = if self.tty {
                    (STDOUT, text.replace('\n', "\r\n"))
                } else {
                    (channel, text.to_owned())
                };
                self.say(channel, text.as_bytes()).await?;
            }
        }
        Some(())
    }

    /// The next input; inner none at its end, none where the client went away.
    async fn input(&mut self) -> Option<Option<Bytes>> {
        loop {
            let message = tokio::time::timeout(SILENT_MAX, self.socket.recv()).await.ok()??.ok()?;
            let Message::Binary(bytes) = message else {
                if matches!(message, Message::Close(_)) {
                    return None;
                }
                continue;
            };
            match bytes.split_first() {
                Some((&STDIN, [END_OF_INPUT])) if self.tty => return Some(None),
                Some((&STDIN, _)) if bytes.len() > 1 => return Some(Some(bytes.slice(1..))),
                Some((&CLOSE, [STDIN])) => return Some(None),
                _ => {}
            }
        }
    }

    async fn say(&mut self, channel: u8, bytes: &[u8]) -> Option<()> {
        let frame: Bytes = [&[channel], bytes].concat().into();
        self.socket.send(Message::Binary(frame)).await.ok()
    }

    async fn end(mut self, code: i32) {
        let status = exit_status(code).to_string();
        if self.say(ERROR, status.as_bytes()).await.is_some() {
            // Whether the client hears the farewell is its own affair.
            let farewell = CloseFrame {
                code: close_code::NORMAL,
                reason: Utf8Bytes::default(),
            };
            drop(self.socket.send(Message::Close(Some(farewell))).await);
        }
    }
}

fn exit_status(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
}
