//! The report stream of a cluster: what its syncer says, kept in memory as Reports and one Heartbeat.
//!
//! A report that says nothing new is not written. What was said of a Placement goes with it, and what a cluster said goes
//! with the cluster.

use std::sync::Arc;

use api::heartbeat::Heartbeat;
use api::metadata::ObjectMeta;
use api::report::{Report, ReportBatch, ReportReply, ReportSpec};
use api::well_known::{API_VERSION, GROUP, RECEIVED_ANNOTATION, RELAYED_LABEL};
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use machinery::status::Status;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::render::{clusters_key, placements_key};
use crate::cache::{Batch, Cache, CachedObject, EventType, canonical};
use crate::http::{Ask, body, negotiate, respond};
use crate::server::Shared;
use crate::store::{Change, Expect, KindKey, ObjectKey, Write, WriteError};
use crate::write::Backend;

/// Reports in one batch; a syncer sends far fewer.
const REPORTS_MAX: usize = 5000;
/// Longest object name.
const NAME_MAX: usize = 253;
/// Attempts at a write that others race; only a second syncer of the same cluster can.
const ATTEMPTS_MAX: usize = 8;

fn reports_key() -> KindKey {
    KindKey::new(GROUP, "reports")
}

fn heartbeats_key() -> KindKey {
    KindKey::new(GROUP, "heartbeats")
}

/// Answers a POST of a batch.
pub(crate) async fn serve(ask: Ask, verb: &str, request: Body) -> Result<Response, Status> {
    if verb != "create" {
        return Err(Status::method_not_allowed(GROUP, "clusters/reports", verb));
    }
    let cluster = ask.path.name.clone();
    if ask.server.engine.cache_of(&ask.kind).get("", &cluster).is_none() {
        return Err(ask.not_found());
    }
    if body::media_type(&ask.parts.headers) != negotiate::JSON {
        return Err(Status::unsupported_media_type(&[negotiate::JSON]));
    }
    let bytes = body::read(request).await?;
    let batch: ReportBatch = serde_json::from_slice(&bytes)
        .map_err(|error| Status::bad_request(format!("the body is not a ReportBatch of cluster {cluster}: {error}")))?;
    if batch.reports.len() > REPORTS_MAX {
        return Err(Status::request_too_large(&format!(
            "at most {REPORTS_MAX} reports in a batch"
        )));
    }
    let server = &ask.server;
    let backend = &server.engine.ephemeral;
    let mut last = beat(backend, &cluster, batch.heartbeat).await?;
    for report in batch.reports {
        last = keep(server, &cluster, report).await?.or(last);
    }
    if let Some(last) = last
        && !backend.cache.wait_for(last, std::time::Duration::from_secs(5)).await
    {
        tracing::warn!(cluster, "reports are kept but not visible yet");
    }
    let reply = ReportReply {
        epoch: server.streams.epoch.clone(),
    };
    let text = serde_json::to_string(&reply).map_err(|error| {
        tracing::error!(%error, "a reply could not be written");
        Status::internal("the reply could not be written")
    })?;
    Ok(respond::content(StatusCode::OK, negotiate::JSON, text))
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

async fn beat(backend: &Backend, cluster: &str, mut spec: api::HeartbeatSpec) -> Result<Option<api::Revision>, Status> {
    spec.received = now();
    let metadata = ObjectMeta {
        name: Some(cluster.to_owned()),
        ..ObjectMeta::default()
    };
    let object = object("Heartbeat", &Heartbeat { metadata, spec })?;
    put(backend, &ObjectKey::new(&heartbeats_key(), "", cluster), object).await
}

/// Keeps one report, unless it is of another cluster, of an unknown Placement, or nothing new.
async fn keep(server: &Shared, cluster: &str, mut spec: ReportSpec) -> Result<Option<api::Revision>, Status> {
    if spec.cluster.is_empty() {
        cluster.clone_into(&mut spec.cluster);
    }
    if spec.cluster != cluster {
        return Err(Status::bad_request(format!(
            "cluster {cluster} cannot report for cluster {:?}",
            spec.cluster
        )));
    }
    let placement = &spec.placement;
    let known = server
        .engine
        .durable
        .cache
        .kind(&placements_key())
        .get(&placement.namespace, &placement.name);
    let name = format!("{cluster}.{}", placement.name);
    if known.is_none() || name.len() > NAME_MAX {
        tracing::debug!(cluster, %placement, "a report of an unknown Placement is passed over");
        return Ok(None);
    }
    let key = ObjectKey::new(&reports_key(), &placement.namespace, &name);
    let metadata = ObjectMeta {
        name: Some(name),
        namespace: Some(placement.namespace.clone()),
        annotations: [(RECEIVED_ANNOTATION.to_owned(), now())].into(),
        ..ObjectMeta::default()
    };
    let object = object("Report", &Report { metadata, spec })?;
    put(&server.engine.ephemeral, &key, object).await
}

fn object<T: Serialize>(kind: &str, typed: &T) -> Result<Value, Status> {
    let mut value = serde_json::to_value(typed).map_err(|error| {
        tracing::error!(%error, kind, "an object could not be written");
        Status::internal("a report could not be written")
    })?;
    if let Some(object) = value.as_object_mut() {
        object.insert("kind".to_owned(), Value::from(kind));
        object.insert("apiVersion".to_owned(), Value::from(API_VERSION));
    }
    Ok(value)
}

/// Puts an object as it is said now; none where nothing changed.
async fn put(backend: &Backend, key: &ObjectKey, object: Value) -> Result<Option<api::Revision>, Status> {
    for _ in 0..ATTEMPTS_MAX {
        let current = backend.cache.kind(&key.kind).get(&key.namespace, &key.name);
        let mut object = object.clone();
        let (uid, expect) = match &current {
            Some(current) => {
                let value = current.value();
                // Heard here now: other API servers are to have it from this one.
                let relayed = current.labels.contains_key(RELAYED_LABEL);
                if !relayed && value.get("spec") == object.get("spec") {
                    return Ok(None);
                }
                stamp(&mut object, &current.uid, value.pointer("/metadata/creationTimestamp"));
                (current.uid.clone(), Expect::Revision(current.revision))
            }
            None => {
                let uid: Arc<str> = uuid::Uuid::new_v4().to_string().into();
                let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                stamp(&mut object, &uid, Some(&Value::from(now)));
                (uid, Expect::Absent)
            }
        };
        let write = Write {
            key: key.clone(),
            uid,
            expect,
            based_on: None,
            change: Change::Put(canonical(&object)),
        };
        match backend.store.write(write).await {
            Ok(committed) => return Ok(Some(committed.revision)),
            Err(WriteError::Exists { .. } | WriteError::Conflict { .. }) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a report could not be kept");
                return Err(Status::service_unavailable(
                    "the report could not be kept; send it again",
                ));
            }
        }
    }
    Err(Status::too_many_requests(
        format!("{key} is written by several syncers at once"),
        1,
    ))
}

fn stamp(object: &mut Value, uid: &str, created: Option<&Value>) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".to_owned(), Value::from(uid));
        if let Some(created) = created {
            metadata.insert("creationTimestamp".to_owned(), created.clone());
        }
    }
}

/// Forgets what was said of Placements and by clusters that are gone, until `shutdown`.
pub(crate) async fn forget(durable: Arc<Cache>, ephemeral: Backend, shutdown: CancellationToken) {
    let mut feed = durable.subscribe();
    loop {
        let batch = tokio::select! {
            () = shutdown.cancelled() => return,
            batch = feed.recv() => batch,
        };
        let touched = match batch {
            Ok(Batch::Events { events, .. }) => events.iter().any(|event| {
                let kind = &event.object.key.kind;
                event.event_type == EventType::Deleted && (*kind == placements_key() || *kind == clusters_key())
            }),
            Ok(Batch::Reset { .. }) | Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return,
        };
        if touched {
            sweep(&durable, &ephemeral).await;
        }
    }
}

async fn sweep(durable: &Cache, ephemeral: &Backend) {
    let (placements, clusters) = (durable.kind(&placements_key()), durable.kind(&clusters_key()));
    let reports = ephemeral.cache.kind(&reports_key()).snapshot();
    let beats = ephemeral.cache.kind(&heartbeats_key()).snapshot();
    let orphaned = |report: &Arc<CachedObject>| {
        let (cluster, placement) = report.key.name.split_once('.').unwrap_or((&report.key.name, ""));
        clusters.get("", cluster).is_none() || placements.get(&report.key.namespace, placement).is_none()
    };
    let silent = |beat: &Arc<CachedObject>| clusters.get("", &beat.key.name).is_none();
    let stale = reports
        .iter()
        .filter(|report| orphaned(report))
        .chain(beats.iter().filter(|beat| silent(beat)));
    for object in stale {
        let write = Write {
            key: object.key.clone(),
            uid: object.uid.clone(),
            expect: Expect::Revision(object.revision),
            based_on: None,
            change: Change::Delete(canonical(&object.value())),
        };
        match ephemeral.store.write(write).await {
            Ok(_) | Err(WriteError::Conflict { .. }) => {}
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a stale report stays for now"),
        }
    }
}
