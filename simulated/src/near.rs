//! The way to a member for whoever lives in its process: no socket and no TLS, and the same faults as at its listener.
//!
//! In: requests, the present fault. Out: the member's answers. A thousand members on one machine are reached like this: each would
//! need twenty descriptors otherwise, and most of the machine for encryption. Absent: what the faults are (`faults`).

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use federation_apiserver::LocalService;
use futures::StreamExt;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::sync::watch;
use tower::Service;

use crate::faults::How;

/// What a web server that is no Kubernetes says.
pub(crate) const NONSENSE: &str = "<html>Welcome to nginx</html";

/// A member's API behind its faults.
#[derive(Clone, Debug)]
pub(crate) struct Near {
    pub(crate) api: LocalService,
    pub(crate) fault: watch::Receiver<Option<How>>,
}

impl<B> Service<Request<B>> for Near
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut fault = self.fault.clone();
        let how = *fault.borrow_and_update();
        let answer = self.api.call(request);
        Box::pin(async move {
            match how {
                Some(How::Refuse) => Err(ErrorKind::ConnectionRefused.into()),
                Some(How::Garbage) => Ok(Response::new(Body::from(NONSENSE))),
                Some(How::Hang) => {
                    changed(fault).await;
                    Err(ErrorKind::ConnectionReset.into())
                }
                None => {
                    let cut = changed(fault.clone());
                    tokio::select! {
                        () = cut => Err(ErrorKind::ConnectionReset.into()),
                        Ok(answered) = answer => Ok(cut_short(answered, fault)),
                    }
                }
            }
        })
    }
}

/// The answer for as long as no fault comes: then it ends where it is, as that of a connection that is cut.
fn cut_short(answer: Response<Body>, fault: watch::Receiver<Option<How>>) -> Response<Body> {
    answer.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(changed(fault)))))
}

/// Over when another fault comes, or goes.
async fn changed(mut fault: watch::Receiver<Option<How>>) {
    if fault.changed().await.is_err() {
        // The member itself is gone, and with it whoever could answer.
        std::future::pending::<()>().await;
    }
}
