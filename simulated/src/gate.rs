//! A listener that can fail: refuse, hang or answer nonsense, and come back at the same address.
//!
//! In: an address, the present fault, what to do with a healthy connection and with one that is to get nonsense. Out: served
//! connections. Whenever the fault changes, open connections are cut.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::faults::How;

/// Most connections at once; more are dropped.
const CONNECTIONS: usize = 4096;
/// Time between two tries to listen again.
const BIND_RETRY: Duration = Duration::from_millis(200);
/// Longest time to fill a queue of one.
const FILL_WITHIN: Duration = Duration::from_secs(1);

/// What is done with connections.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Serves a connection.
    fn serve(&self, stream: TcpStream) -> BoxFuture<'static, ()>;
    /// Answers nonsense.
    fn garbage(&self, stream: TcpStream) -> BoxFuture<'static, ()>;
    /// Whether nobody can even connect while it hangs, as if its packets were lost; else connections open and stay silent.
    fn hangs_unopened(&self) -> bool {
        false
    }
}

/// Serves until shutdown. `listener` is already bound to `address`.
pub(crate) async fn run(
    address: SocketAddr,
    listener: TcpListener,
    mut fault: watch::Receiver<Option<How>>,
    service: impl Serve,
    shutdown: CancellationToken,
) {
    let mut listener = Some(listener);
    let mut connections: JoinSet<()> = JoinSet::new();
    loop {
        let how = *fault.borrow_and_update();
        let lost = how == Some(How::Hang) && service.hangs_unopened();
        if lost {
            drop(listener.take());
        }
        // Held for as long as the fault, and never accepted from.
        let _lost = if lost { lose_packets(address).await } else { None };
        let listening = match (how, listener.take()) {
            (Some(How::Refuse), _) => None,
            (Some(How::Hang), _) if lost => None,
            (_, Some(bound)) => Some(bound),
            (_, None) => match TcpListener::bind(address).await {
                Ok(bound) => Some(bound),
                Err(error) => {
                    tracing::warn!(%address, %error, "cannot listen again yet; it is retried");
                    None
                }
            },
        };
        // Without a listener nothing is accepted; unless that is the fault, binding is tried again soon.
        let rebind = listening.is_none() && how != Some(How::Refuse) && !lost;
        let stop = loop {
            tokio::select! {
                () = shutdown.cancelled() => break true,
                changed = fault.changed() => break changed.is_err(),
                () = tokio::time::sleep(BIND_RETRY), if rebind => break false,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = accept(listening.as_ref()) => match accepted {
                    Ok(stream) if connections.len() < CONNECTIONS => match how {
                        None => drop(connections.spawn(service.serve(stream))),
                        Some(How::Garbage) => drop(connections.spawn(service.garbage(stream))),
                        Some(How::Hang | How::Refuse) => drop(connections.spawn(hold(stream))),
                    },
                    Ok(stream) => drop(stream),
                    Err(error) => {
                        tracing::debug!(%address, %error, "accept failed");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
            }
        };
        if stop {
            return;
        }
        listener = listening;
        connections.abort_all();
        connections = JoinSet::new();
    }
}

/// A listener whose queue is full: the kernel drops whoever wants to connect next, as a dead machine does.
async fn lose_packets(address: SocketAddr) -> Option<(TcpListener, TcpStream)> {
    let listen = || -> std::io::Result<TcpListener> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        // A queue of none takes one.
        socket.listen(0)
    };
    let full = async {
        let listener = listen()?;
        let only = TcpStream::connect(address).await?;
        Ok::<_, std::io::Error>((listener, only))
    };
    match tokio::time::timeout(FILL_WITHIN, full).await {
        Ok(Ok(full)) => Some(full),
        Ok(Err(error)) => {
            tracing::warn!(%address, %error, "cannot play lost packets; connections are refused instead");
            None
        }
        Err(_) => {
            tracing::warn!(%address, "cannot play lost packets in time; connections are refused instead");
            None
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<TcpStream> {
    match listener {
        Some(listener) => {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
        None => std::future::pending().await,
    }
}

/// Keeps a connection open without ever answering.
async fn hold(stream: TcpStream) {
    let _held = stream;
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::faults::{Fault, Faults, What};

    struct Echo;

    impl Serve for Echo {
        fn serve(&self, mut stream: TcpStream) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() && stream.write_all(&byte).await.is_ok() {}
            })
        }

        fn garbage(&self, mut stream: TcpStream) -> BoxFuture<'static, ()> {
            Box::pin(async move { drop(stream.write_all(b"?").await) })
        }
    }

    async fn ask(address: SocketAddr) -> std::io::Result<Option<u8>> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"x").await?;
        let mut byte = [0];
        match tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut byte)).await {
            Ok(Ok(_)) => Ok(Some(byte[0])),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Waits until asking gives what is wanted; `None` stands for an error.
    async fn until(address: SocketAddr, wanted: Option<Option<u8>>) {
        for _ in 0..200 {
            if ask(address).await.ok() == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never became {wanted:?}");
    }

    struct Lossy;

    impl Serve for Lossy {
        fn serve(&self, stream: TcpStream) -> BoxFuture<'static, ()> {
            Echo.serve(stream)
        }

        fn garbage(&self, stream: TcpStream) -> BoxFuture<'static, ()> {
            Echo.garbage(stream)
        }

        fn hangs_unopened(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn lost_packets_open_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Faults::default();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(address, listener, faults.data(), Lossy, shutdown.clone()));
        until(address, Some(Some(b'x'))).await;
        faults.inject(Fault {
            what: What::Data,
            how: How::Hang,
        });
        let mut opened = 0;
        for _ in 0..20 {
            let connect = TcpStream::connect(address);
            match tokio::time::timeout(Duration::from_millis(100), connect).await {
                Err(_) => break,
                Ok(_) => opened += 1,
            }
        }
        assert!(opened < 20, "connections are opened all the time");
        faults.recover();
        until(address, Some(Some(b'x'))).await;
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn faults_come_and_go_at_one_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Faults::default();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(address, listener, faults.data(), Echo, shutdown.clone()));
        until(address, Some(Some(b'x'))).await;
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"y").await.unwrap();
        let mut byte = [0];
        open.read_exact(&mut byte).await.unwrap();
        faults.inject(Fault {
            what: What::All,
            how: How::Hang,
        });
        assert!(open.read_exact(&mut byte).await.is_err(), "open connections are cut");
        until(address, Some(None)).await;
        faults.inject(Fault {
            what: What::All,
            how: How::Refuse,
        });
        until(address, None).await;
        faults.inject(Fault {
            what: What::Data,
            how: How::Garbage,
        });
        until(address, Some(Some(b'?'))).await;
        faults.recover();
        until(address, Some(Some(b'x'))).await;
        shutdown.cancel();
        task.await.unwrap();
    }
}
