//! What answers at a Service's address: one small HTTP response that says which member and Service it is.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gate::Serve;

/// Longest wait for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest request head.
const HEAD_MAX: usize = 16 * 1024;

/// Answers for one port of one Service.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) member: String,
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) address: SocketAddr,
}

impl Answer {
    fn response(&self, head: &[u8]) -> Vec<u8> {
        let Self {
            member,
            namespace,
            service,
            address,
        } = self;
        let body = format!("member {member}\nservice {namespace}/{service}\naddress {address}\n");
        let shown = if head.starts_with(b"HEAD ") { "" } else { &body };
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             X-Meridian-Member: {member}\r\nConnection: close\r\n\r\n{shown}"
        )
        .into_bytes()
    }
}

impl Serve for Answer {
    fn serve(&self, mut stream: TcpStream) -> BoxFuture<'static, ()> {
        let answer = self.clone();
        Box::pin(async move {
            let mut head = Vec::new();
            let read = tokio::time::timeout(REQUEST_TIMEOUT, read_head(&mut stream, &mut head)).await;
            if matches!(read, Ok(true)) {
                send(&mut stream, &answer.response(&head)).await;
            }
        })
    }

    fn hangs_unopened(&self) -> bool {
        true
    }

    fn garbage(&self, mut stream: TcpStream) -> BoxFuture<'static, ()> {
        Box::pin(async move { send(&mut stream, b"\x00\xff\xfe nonsense\r\n\r\n").await })
    }
}

/// Reads to the end of a request's head; whether it came to that.
async fn read_head(stream: &mut TcpStream, head: &mut Vec<u8>) -> bool {
    let mut chunk = [0_u8; 1024];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return false,
            Ok(n) => head.extend_from_slice(chunk.get(..n).unwrap_or_default()),
        }
        if head.windows(4).any(|w| w == b"\r\n\r\n") {
            return true;
        }
        if head.len() > HEAD_MAX {
            return false;
        }
    }
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let sent = async {
        stream.write_all(bytes).await?;
        stream.shutdown().await
    };
    // Whoever asked may be gone; that is theirs to notice.
    if let Ok(Err(error)) = tokio::time::timeout(REQUEST_TIMEOUT, sent).await {
        tracing::trace!(%error, "the client left");
    }
}
