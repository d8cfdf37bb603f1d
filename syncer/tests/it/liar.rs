//! A member that lies: a way to a simulated member that changes what is asked and answered.
//! In: requests of a syncer, the present lie. Out: answers as a broken or restored API server gives them.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Nothing.
    None,
    /// Lists of ConfigMaps are empty: a cache that has not read them yet.
    EmptyLists,
    /// Lists of ConfigMaps tell versions of long ago.
    OldVersions,
    /// Deletions are acknowledged and not done: what is deleted is there again.
    Undead,
    /// Credentials have expired.
    Unauthorized,
    /// Watches are accepted and never tell anything: connections that are half open.
    DeafWatches,
}

/// The way to a member, and whether it tells the truth.
#[derive(Clone)]
pub(crate) struct Liar(Arc<Mutex<State>>);

struct State {
    member: Client,
    /// Who the member says it is, whichever store is behind it.
    identity: Option<Value>,
    lie: Lie,
}

impl Liar {
    pub(crate) fn new(member: Client) -> Self {
        Self(Arc::new(Mutex::new(State {
            member,
            identity: None,
            lie: Lie::None,
        })))
    }

    pub(crate) fn say(&self, lie: Lie) {
        self.0.lock().unwrap().lie = lie;
    }

    /// Another store is behind the same address from now on, as if a backup had been restored there: the same cluster, by its
    /// namespace `kube-system`, with other contents.
    pub(crate) async fn restore(&self, before: Client, backup: Client) {
        let system: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(before);
        let system = serde_json::to_value(system.get("kube-system").await.unwrap()).unwrap();
        let mut state = self.0.lock().unwrap();
        state.identity = Some(system);
        state.member = backup;
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.clone(), "default")
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, Cause>>;

fn answer(code: StatusCode, value: &Value) -> Answer {
    let whole = Full::new(Bytes::from(serde_json::to_vec(value).unwrap()));
    let mut response = Response::new(whole.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    response
}

impl tower::Service<Request<Body>> for Liar {
    type Response = Answer;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, kube::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let state = self.0.lock().unwrap();
        let (member, identity, lie) = (state.member.clone(), state.identity.clone(), state.lie);
        drop(state);
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let query = request.uri().query().unwrap_or_default().to_owned();
            let watches = query.contains("watch=true");
            let lists = request.method() == Method::GET && path.ends_with("/configmaps") && !watches;
            let delete = request.method() == Method::DELETE;
            if lie == Lie::Unauthorized {
                let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized",
                    "message": "Unauthorized", "code": 401});
                return Ok(answer(StatusCode::UNAUTHORIZED, &status));
            }
            if lie == Lie::DeafWatches && watches {
                let silence = futures::stream::pending::<Result<http_body::Frame<Bytes>, Cause>>();
                return Ok(Response::new(StreamBody::new(silence).boxed_unsync()));
            }
            if lie == Lie::Undead && delete {
                let done = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
                return Ok(answer(StatusCode::OK, &done));
            }
            if let Some(identity) = identity.filter(|_| path == "/api/v1/namespaces/kube-system") {
                return Ok(answer(StatusCode::OK, &identity));
            }
            let response = member.send(request).await?;
            if !lists || !matches!(lie, Lie::EmptyLists | Lie::OldVersions) {
                return Ok(response.map(|body| body.map_err(Cause::from).boxed_unsync()));
            }
            let bytes = response.into_body().collect().await?.to_bytes();
            let mut list: Value = serde_json::from_slice(&bytes).unwrap();
            if lie == Lie::EmptyLists {
                list["items"] = json!([]);
            }
            for item in list["items"].as_array_mut().into_iter().flatten() {
                item["metadata"]["resourceVersion"] = json!("1");
            }
            Ok(answer(StatusCode::OK, &list))
        })
    }
}
