//! Watch events in the form one client asked for: JSON lines or protobuf frames, of objects, tables or metadata.

use std::sync::Arc;

use api::Revision;
use bytes::{BufMut, Bytes, BytesMut};
use jiff::Timestamp;
use machinery::protobuf;
use machinery::status::Status;
use serde_json::{Value, json};

use super::negotiate::{Encoding, Form, Transform};
use super::tables::{Printer, metadata_only};
use crate::cache::{CachedObject, Event, EventType};
use crate::kinds::Kind;

/// Writes events in the form one client asked for.
pub(crate) struct Encoder {
    pub(crate) printer: Printer,
    pub(crate) form: Form,
    pub(crate) columns_sent: bool,
    /// The served kind, where the objects are of one: it says how they are shown.
    pub(crate) served: Option<Arc<Kind>>,
}

impl Encoder {
    /// Writes an event of an object.
    ///
    /// # Errors
    /// The object cannot be shown ([`Self::prepare`]).
    pub(crate) fn object(&mut self, event: EventType, object: &CachedObject, out: &mut BytesMut) -> Result<(), Status> {
        if self.form.encoding != Encoding::Protobuf && self.form.transform == Transform::Objects {
            let shown = match &self.served {
                Some(kind) => kind.shown_bytes(object)?,
                None => object.bytes.clone(),
            };
            out.reserve(shown.len() + 40);
            out.put_slice(b"{\"type\":\"");
            out.put_slice(event.as_str().as_bytes());
            out.put_slice(b"\",\"object\":");
            out.put_slice(&shown);
            out.put_slice(b"}\n");
            return Ok(());
        }
        let shown = self.shown(object)?;
        self.value(event.as_str(), &shown, Some(object.revision), out);
        Ok(())
    }

    /// Asks whoever has to be asked to show what events are about.
    pub(crate) async fn prepare(&self, events: &[Arc<Event>]) -> Result<(), Status> {
        let Some(kind) = &self.served else { return Ok(()) };
        let objects = events
            .iter()
            .flat_map(|event| event.previous.iter().chain([&event.object]));
        kind.prepare(objects).await
    }

    /// An object as it is shown.
    pub(crate) fn shown(&self, object: &CachedObject) -> Result<Arc<Value>, Status> {
        match &self.served {
            Some(kind) => kind.shown(object),
            None => Ok(object.value()),
        }
    }

    pub(crate) fn value(&mut self, event: &str, object: &Value, revision: Option<Revision>, out: &mut BytesMut) {
        match self.form.transform {
            Transform::Objects => self.frame(event, object, out),
            Transform::Metadata => self.frame(event, &metadata_only(self.form, object), out),
            Transform::Table => {
                let table = self.printer.one(object, revision, Timestamp::now(), !self.columns_sent);
                self.columns_sent = true;
                self.frame(event, &table, out);
            }
        }
    }

    fn frame(&self, event: &str, object: &Value, out: &mut BytesMut) {
        match self.form.encoding {
            Encoding::Json | Encoding::Yaml => {
                let line = json!({ "type": event, "object": object });
                out.put_slice(line.to_string().as_bytes());
                out.put_u8(b'\n');
            }
            Encoding::Protobuf => match protobuf::encode_watch_event(event, object) {
                Ok(bytes) => out.put_slice(&bytes),
                Err(error) => {
                    tracing::error!(%error, event, "a watch event could not be written as protobuf");
                    // An event must not be missing in silence: the client is made to start over.
                    let told = Status::internal("an event could not be encoded as protobuf").to_value();
                    match protobuf::encode_watch_event("ERROR", &told) {
                        Ok(bytes) => out.put_slice(&bytes),
                        Err(error) => tracing::error!(%error, "a failure could not be written as protobuf"),
                    }
                }
            },
        }
    }

    pub(crate) fn bookmark(&mut self, revision: Revision, initial_end: bool) -> Bytes {
        let mut metadata = json!({ "resourceVersion": revision.to_string() });
        if let (true, Some(metadata)) = (initial_end, metadata.as_object_mut()) {
            metadata.insert("annotations".to_owned(), json!({ "k8s.io/initial-events-end": "true" }));
        }
        let object = json!({
            "kind": self.printer.kind, "apiVersion": self.printer.api_version, "metadata": metadata,
        });
        let mut out = BytesMut::new();
        self.value("BOOKMARK", &object, Some(revision), &mut out);
        out.freeze()
    }

    pub(crate) fn error(&mut self, status: &Status) -> Bytes {
        let mut out = BytesMut::new();
        self.frame("ERROR", &status.to_value(), &mut out);
        out.freeze()
    }
}
