//! Lists: which snapshot, which page of it, in which form.

use std::sync::Arc;

use api::Revision;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use jiff::Timestamp;
use machinery::field::{self, Path};
use machinery::status::{Cause, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::negotiate::{Encoding, Form, Transform};
use super::query::Query;
use super::respond;
use super::select::Selection;
use super::source::Source;
use super::tables::{Include, metadata_only};
use crate::cache::{CachedObject, Snapshot};

const INCONSISTENT: &str = "The provided continue parameter is too old to display a consistent list result. You can \
    start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder \
    of the results. Continuing with the provided token results in an inconsistent list - objects that were created, \
    modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Where a page goes on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Continue {
    v: String,
    /// The first page's revision; -1 for whatever is current.
    rv: i64,
    /// `NAMESPACE/NAME` of the last object that was returned.
    start: String,
}

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

impl Continue {
    fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Self, Status> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok())
            .filter(|token| token.v == TOKEN_VERSION && token.start.contains('/'))
            .ok_or_else(|| {
                Status::bad_request("invalid continue token: continue key is not valid: it was not made by this server")
            })
    }
}

/// What a list is asked to be.
#[derive(Debug)]
struct Options {
    limit: usize,
    token: Option<Continue>,
    revision: Option<Revision>,
    /// Any cached state will do; then the limit does not count.
    any: bool,
    exact: bool,
}

pub(crate) fn invalid_options(cause: Cause) -> Status {
    Status::invalid("meta.k8s.io", "ListOptions", "", vec![cause])
}

/// Reads `resourceVersion`: none, any (`0`), or a revision.
pub(super) fn revision(query: &Query) -> Result<(Option<Revision>, bool), Status> {
    match query.get("resourceVersion") {
        None => Ok((None, false)),
        Some("0") => Ok((None, true)),
        Some(text) => match Revision::parse(text) {
            Some(revision) => Ok((Some(revision), false)),
            None => Err(Status::bad_request(format!(
                "invalid resourceVersion {text:?}: it is not a number"
            ))),
        },
    }
}

fn options(query: &Query) -> Result<Options, Status> {
    let path = Path::root("resourceVersionMatch");
    let (revision, any) = revision(query)?;
    let token = query.get("continue");
    if query.has("sendInitialEvents") {
        let cause = field::forbidden(
            &Path::root("sendInitialEvents"),
            "sendInitialEvents is forbidden for list",
        );
        return Err(invalid_options(cause));
    }
    let exact = match query.get("resourceVersionMatch") {
        None => false,
        Some("Exact" | "NotOlderThan") if token.is_some() => {
            let cause = field::forbidden(&path, "resourceVersionMatch is forbidden when continue is provided");
            return Err(invalid_options(cause));
        }
        Some("Exact" | "NotOlderThan") if revision.is_none() && !any => {
            let cause = field::forbidden(
                &path,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
            return Err(invalid_options(cause));
        }
        Some("Exact") if any => {
            let cause = field::forbidden(
                &path,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            );
            return Err(invalid_options(cause));
        }
        Some("Exact") => true,
        Some("NotOlderThan") => false,
        Some(other) => {
            let cause = field::not_supported(&path, &Value::from(other), &["Exact", "NotOlderThan", ""]);
            return Err(invalid_options(cause));
        }
    };
    if token.is_some() && revision.is_some() {
        return Err(Status::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    let token = token.map(Continue::parse).transpose()?;
    let limit = usize::try_from(query.number("limit")?.unwrap_or(0).max(0)).unwrap_or(usize::MAX);
    let exact = exact || (limit > 0 && revision.is_some() && query.get("resourceVersionMatch").is_none());
    Ok(Options {
        limit: if any { 0 } else { limit },
        token,
        revision,
        any,
        exact,
    })
}

/// One page.
struct Page {
    revision: Revision,
    items: Vec<Arc<CachedObject>>,
    next: Option<String>,
    remaining: Option<usize>,
}

/// Answers a list.
pub(crate) async fn list(
    source: &Source,
    query: &Query,
    selection: &Selection,
    form: Form,
) -> Result<Response, Status> {
    let options = options(query)?;
    let snapshot = match &options.token {
        Some(token) => match u64::try_from(token.rv).ok().and_then(Revision::new) {
            Some(revision) => {
                source.reach(revision).await?;
                match source.objects.snapshot_at(revision) {
                    Ok(snapshot) => snapshot,
                    Err(_) => return Ok(expired_page(token)),
                }
            }
            None => source.objects.snapshot(),
        },
        None => match options.revision {
            Some(revision) => {
                source.reach(revision).await?;
                if options.exact {
                    let expired = |_| Status::expired(format!("The provided resource version is too old: {revision}"));
                    source.objects.snapshot_at(revision).map_err(expired)?
                } else {
                    source.objects.snapshot()
                }
            }
            None => source.objects.snapshot(),
        },
    };
    let page = page(&snapshot, &options, selection);
    source.prepare(&page.items).await?;
    let metadata = metadata(&page);
    if form.transform == Transform::Objects && form.encoding == Encoding::Json && !form.pretty {
        return Ok(respond::content(
            StatusCode::OK,
            super::negotiate::JSON,
            bytes(source, &metadata, &page.items)?,
        ));
    }
    let shown: Vec<Arc<Value>> = page
        .items
        .iter()
        .map(|item| source.shown(item))
        .collect::<Result<_, _>>()?;
    respond::value(StatusCode::OK, form, &tree(source, query, form, metadata, &shown)?)
}

fn page(snapshot: &Snapshot, options: &Options, selection: &Selection) -> Page {
    let token = options.token.as_ref();
    let start = token.and_then(|token| token.start.split_once('/'));
    let single = selection.name().filter(|_| !selection.namespace.is_empty());
    let candidates: Box<dyn Iterator<Item = &Arc<CachedObject>>> = match (start, single) {
        (Some((namespace, name)), _) => {
            let scope = selection.namespace.as_str();
            Box::new(
                snapshot
                    .after(namespace, name)
                    .take_while(move |o| scope.is_empty() || *o.key.namespace == *scope),
            )
        }
        (None, Some(name)) => Box::new(snapshot.get(&selection.namespace, name).into_iter()),
        (None, None) if selection.namespace.is_empty() => Box::new(snapshot.iter()),
        (None, None) => Box::new(snapshot.in_namespace(&selection.namespace)),
    };
    let mut selected = candidates.filter(|object| selection.has(object));
    let limit = if options.limit == 0 || options.any {
        usize::MAX
    } else {
        options.limit
    };
    let items: Vec<Arc<CachedObject>> = selected.by_ref().take(limit).cloned().collect();
    let revision = snapshot.revision;
    let more = if items.len() == limit {
        selected.next().is_some()
    } else {
        false
    };
    let next = items.last().filter(|_| more).map(|last| {
        let rv = match token {
            Some(token) => token.rv,
            None => i64::try_from(revision.get()).unwrap_or(-1),
        };
        let start = format!("{}/{}", last.key.namespace, last.key.name);
        Continue {
            v: TOKEN_VERSION.to_owned(),
            rv,
            start,
        }
        .text()
    });
    let remaining = (more && !selection.is_narrow()).then(|| selected.count() + 1);
    Page {
        revision,
        items,
        next,
        remaining,
    }
}

fn expired_page(token: &Continue) -> Response {
    let fresh = Continue {
        v: TOKEN_VERSION.to_owned(),
        rv: -1,
        start: token.start.clone(),
    };
    let status = Status::expired(INCONSISTENT);
    let mut value = status.to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("metadata".to_owned(), json!({ "continue": fresh.text() }));
    }
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::GONE);
    respond::content(code, super::negotiate::JSON, value.to_string())
}

fn metadata(page: &Page) -> Value {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), Value::from(page.revision.to_string()));
    if let Some(next) = &page.next {
        metadata.insert("continue".to_owned(), Value::from(next.as_str()));
    }
    if let Some(remaining) = page.remaining {
        metadata.insert("remainingItemCount".to_owned(), Value::from(remaining));
    }
    Value::Object(metadata)
}

/// The list as JSON, by copying the items' bytes.
fn bytes(source: &Source, metadata: &Value, items: &[Arc<CachedObject>]) -> Result<Bytes, Status> {
    let head = format!(
        "{{\"kind\":{:?},\"apiVersion\":{:?},\"metadata\":{metadata},\"items\":[",
        source.list_kind, source.api_version
    );
    let size: usize = items.iter().map(|item| item.bytes.len() + 1).sum();
    let mut out = BytesMut::with_capacity(head.len() + size + 2);
    out.put_slice(head.as_bytes());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        out.put_slice(&source.shown_bytes(item)?);
    }
    out.put_slice(b"]}");
    Ok(out.freeze())
}

/// The list of objects as they are shown, in the form that was asked for.
pub(crate) fn tree(
    source: &Source,
    query: &Query,
    form: Form,
    metadata: Value,
    shown: &[Arc<Value>],
) -> Result<Value, Status> {
    match form.transform {
        Transform::Objects => Ok(json!({
            "kind": source.list_kind,
            "apiVersion": source.api_version,
            "metadata": metadata,
            "items": shown.iter().map(|item| (**item).clone()).collect::<Vec<_>>(),
        })),
        Transform::Metadata => Ok(json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": format!("meta.k8s.io/{}", form.meta_version),
            "metadata": metadata,
            "items": shown.iter().map(|item| metadata_only(form, item)).collect::<Vec<_>>(),
        })),
        Transform::Table => {
            let printer = source.printer(Include::of(query)?, form);
            let now = Timestamp::now();
            let rows = shown.iter().map(|item| printer.row(item, now)).collect();
            Ok(printer.table(rows, metadata, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Options, Status> {
        options(&Query::parse(Some(text)).unwrap())
    }

    #[test]
    fn option_rules() {
        // query | code, 0 for accepted
        for (query, code) in [
            ("", 0),
            ("resourceVersion=0&limit=5", 0),
            ("resourceVersion=7&resourceVersionMatch=Exact", 0),
            ("resourceVersionMatch=Exact", 422),
            ("resourceVersion=0&resourceVersionMatch=Exact", 422),
            ("resourceVersion=7&resourceVersionMatch=Maybe", 422),
            ("resourceVersion=x", 400),
            ("continue=nonsense", 400),
            ("limit=many", 400),
            ("sendInitialEvents=true", 422),
        ] {
            assert_eq!(parsed(query).err().map_or(0, |status| status.code), code, "{query}");
        }
        assert_eq!(
            parsed("resourceVersion=0&limit=5").unwrap().limit,
            0,
            "the limit is ignored"
        );
        assert!(parsed("resourceVersion=7&limit=5").unwrap().exact);
        assert!(!parsed("resourceVersion=7").unwrap().exact);
    }

    #[test]
    fn tokens_read_back() {
        let token = Continue {
            v: TOKEN_VERSION.to_owned(),
            rv: 12,
            start: "shop/web".to_owned(),
        };
        assert_eq!(Continue::parse(&token.text()).unwrap(), token);
        assert!(Continue::parse("eyJ2IjoieCJ9").is_err());
    }
}
