//! A hub of a few lines: lists, watches, objects, and faults on demand, spoken to by a real `kube::Client`. It speaks the
//! Kubernetes API as far as the DNS server uses it; the end-to-end tests use the real hub.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// The hub; clones share it.
#[derive(Clone)]
pub(crate) struct Hub {
    inner: Arc<Mutex<Inner>>,
    events: broadcast::Sender<(String, Value)>,
}

#[derive(Default)]
struct Inner {
    revision: u64,
    /// By `PLURAL` and `NAMESPACE/NAME`.
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    refuses: bool,
    /// Events since the start, with their revisions.
    log: Vec<(u64, String, Value)>,
}

type Reply = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>;

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::default(),
            events: broadcast::channel(1024).0,
        }
    }

    pub(crate) fn client(&self) -> kube::Client {
        let hub = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let hub = hub.clone();
            async move { hub.answer(request).await }
        });
        kube::Client::new(service, "default")
    }

    /// Puts an object and tells the watches.
    pub(crate) fn put(&self, plural: &str, key: &str, body: Value) {
        let mut inner = self.inner.lock().unwrap();
        inner.revision += 1;
        let (namespace, name) = key.split_once('/').map_or((None, key), |(a, b)| (Some(a), b));
        let mut object = body;
        object["apiVersion"] = json!("v1");
        object["kind"] = json!("Any");
        object["metadata"] = json!({
            "name": name, "namespace": namespace, "uid": format!("uid-{plural}-{key}"),
            "resourceVersion": inner.revision.to_string(),
        });
        inner
            .objects
            .entry(plural.into())
            .or_default()
            .insert(key.into(), object.clone());
        self.tell(&mut inner, plural, "MODIFIED", object);
    }

    /// Deletes an object; tells the watches unless it is to happen unobserved.
    pub(crate) fn delete(&self, plural: &str, key: &str, observed: bool) {
        let mut inner = self.inner.lock().unwrap();
        inner.revision += 1;
        let object = inner
            .objects
            .get_mut(plural)
            .and_then(|objects| objects.remove(key))
            .unwrap();
        if observed {
            self.tell(&mut inner, plural, "DELETED", object);
        }
    }

    /// Ends every watch as expired, so that clients list again.
    pub(crate) fn expire_watches(&self) {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired",
            "message": "too old", "metadata": {} });
        for plural in ["services", "placements", "clusters", "regions", "dnspolicies"] {
            drop(
                self.events
                    .send((plural.to_owned(), json!({ "type": "ERROR", "object": status }))),
            );
        }
    }

    /// Answers every request with an error, or no longer.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.inner.lock().unwrap().refuses = refuses;
    }

    /// An object as it is now.
    pub(crate) fn get(&self, plural: &str, key: &str) -> Option<Value> {
        self.inner.lock().unwrap().objects.get(plural)?.get(key).cloned()
    }

    fn tell(&self, inner: &mut Inner, plural: &str, type_: &str, object: Value) {
        let event = json!({ "type": type_, "object": object });
        inner.log.push((inner.revision, plural.to_owned(), event.clone()));
        // Nobody may be watching.
        drop(self.events.send((plural.to_owned(), event)));
    }

    async fn answer(&self, request: Request<Body>) -> Result<Reply, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let segments: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
        let rest = if segments[0] == "api" {
            &segments[2..]
        } else {
            &segments[3..]
        };
        let (plural, key) = match rest {
            ["namespaces", namespace, plural, name] => (*plural, Some(format!("{namespace}/{name}"))),
            ["namespaces", _, plural] => (*plural, None),
            [plural, name] => (*plural, Some((*name).to_owned())),
            [plural] => (*plural, None),
            other => panic!("{other:?}"),
        };
        if self.inner.lock().unwrap().refuses {
            return Ok(status(503, "ServiceUnavailable"));
        }
        let query = parts.uri.query().unwrap_or_default();
        let from = query
            .split('&')
            .find_map(|part| part.strip_prefix("resourceVersion=")?.parse().ok());
        Ok(match (&parts.method, key) {
            (&Method::GET, None) if query.contains("watch=true") => self.watch(plural, from.unwrap()),
            (&Method::GET, None) => self.list(plural),
            (&Method::GET, Some(key)) => match self.get(plural, &key) {
                Some(object) => whole(200, &object),
                None => status(404, "NotFound"),
            },
            (&Method::POST | &Method::PUT, _) => {
                let object: Value = serde_json::from_slice(&body).unwrap();
                let metadata = &object["metadata"];
                let text = |field: &str| metadata[field].as_str().unwrap().to_owned();
                self.put(
                    plural,
                    &format!("{}/{}", text("namespace"), text("name")),
                    object.clone(),
                );
                whole(200, &object)
            }
            (&Method::DELETE, Some(key)) => {
                self.delete(plural, &key, true);
                status(200, "")
            }
            other => panic!("{other:?}"),
        })
    }

    fn list(&self, plural: &str) -> Reply {
        let inner = self.inner.lock().unwrap();
        let items: Vec<&Value> = inner
            .objects
            .get(plural)
            .into_iter()
            .flat_map(BTreeMap::values)
            .collect();
        let metadata = json!({ "resourceVersion": inner.revision.to_string() });
        whole(
            200,
            &json!({ "apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items }),
        )
    }

    fn watch(&self, plural: &str, from: u64) -> Reply {
        let inner = self.inner.lock().unwrap();
        let missed = inner
            .log
            .iter()
            .filter(|(revision, of, _)| *revision > from && of == plural);
        let missed: VecDeque<Value> = missed.map(|(_, _, event)| event.clone()).collect();
        let state = (plural.to_owned(), missed, self.events.subscribe());
        let stream = futures::stream::unfold(state, |(plural, mut missed, mut events)| async move {
            let event = loop {
                if let Some(event) = missed.pop_front() {
                    break event;
                }
                let (of, event) = events.recv().await.ok()?;
                if of == plural {
                    break event;
                }
            };
            let frame = Full::new(Bytes::from(format!("{event}\n"))).frame().await?;
            Some((frame, (plural, missed, events)))
        });
        Response::new(StreamBody::new(stream).boxed_unsync())
    }
}

fn whole(code: u16, value: &Value) -> Reply {
    let body = Full::new(Bytes::from(value.to_string()));
    Response::builder().status(code).body(body.boxed_unsync()).unwrap()
}

fn status(code: u16, reason: &str) -> Reply {
    let outcome = if code < 400 { "Success" } else { "Failure" };
    whole(
        code,
        &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": outcome, "code": code,
        "reason": reason, "message": reason }),
    )
}
