//! One object of a member, or all of all members beside those of the hub.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use api::ObjectRef;
use api::well_known::CLUSTER_LABEL;
use axum::response::Response;
use form_urlencoded::Serializer;
use http::StatusCode;
use machinery::select::{FieldSelector, LabelSelector};
use machinery::status::Status;
use serde_json::{Value, json};

use super::ask::{self, Failure};
use super::circle::{self, Circle};
use super::positions::Position;
use super::{Member, Members, shown};
use crate::http::negotiate::{Form, Transform};
use crate::http::query::Query;
use crate::http::select::Selection;
use crate::http::source::Source;
use crate::http::{Ask, get as single, list as lists, respond};

/// What a list or a watch asks for, taken apart: what the hub judges, and what each member is asked.
pub(super) struct Search {
    /// Which of what the hub holds.
    pub(super) selection: Selection,
    /// Which clusters.
    pub(super) clusters: LabelSelector,
    labels: LabelSelector,
    fields: FieldSelector,
    pub(super) query: Query,
}

impl Search {
    pub(super) fn of(ask: &Ask) -> Result<Self, Status> {
        let all = LabelSelector::parse(ask.query.get("labelSelector").unwrap_or_default()).map_err(Status::from)?;
        let (clusters, labels) = all.apart(CLUSTER_LABEL);
        let query = ask.query.with("labelSelector", &labels.to_string());
        let selection = Selection::of(&query, &ask.path.namespace, Some(&ask.kind))?.named(&ask.path.name)?;
        let mut fields = FieldSelector::parse(query.get("fieldSelector").unwrap_or_default()).map_err(Status::from)?;
        if !ask.path.name.is_empty() {
            let text = format!("metadata.name={}", ask.path.name);
            fields = FieldSelector::parse(&text).map_err(Status::from)?;
        }
        Ok(Self {
            selection,
            clusters,
            labels,
            fields,
            query,
        })
    }

    /// The selectors as a member is asked them: it knows its Pods by their own names.
    pub(super) fn words(&self, cluster: &str, more: &[(&str, &str)]) -> String {
        let mut fields = Vec::new();
        for term in self.fields.terms() {
            let own = match term.field.as_str() {
                "metadata.name" => shown::within(&term.value, cluster).unwrap_or(&term.value),
                _ => &term.value,
            };
            let sign = if term.equal { "=" } else { "!=" };
            fields.push(format!("{}{sign}{}", term.field, escaped(own)));
        }
        let mut words = Serializer::new(String::new());
        if !self.labels.is_everything() {
            words.append_pair("labelSelector", &self.labels.to_string());
        }
        if !fields.is_empty() {
            words.append_pair("fieldSelector", &fields.join(","));
        }
        words.extend_pairs(more);
        words.finish()
    }

    /// Whether a name on the hub is one that is looked for.
    pub(super) fn has_name(&self, object: &Value) -> bool {
        let (_, name) = shown::key(object);
        let mut names = self.fields.terms().iter().filter(|term| term.field == "metadata.name");
        names.all(|term| (term.value == name) == term.equal)
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// The path of a collection in a member.
pub(super) fn collection(ask: &Ask) -> String {
    let (plural, version) = (&ask.kind.plural, &ask.kind.version);
    let root = match ask.kind.group.as_str() {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    match ask.path.namespace.as_str() {
        "" => format!("{root}/{plural}"),
        namespace => format!("{root}/namespaces/{}/{plural}", segment(namespace)),
    }
}

/// Text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Shows what members hold; remembers what it looked up.
pub(super) struct Showing<'a> {
    ask: &'a Ask,
    namespaces: RefCell<HashMap<String, bool>>,
    alone: RefCell<HashMap<(String, String), bool>>,
}

impl<'a> Showing<'a> {
    pub(super) fn new(ask: &'a Ask) -> Self {
        Self {
            ask,
            namespaces: RefCell::default(),
            alone: RefCell::default(),
        }
    }

    /// An object of a member as the hub shows it, if it does.
    pub(super) fn object(&self, object: Value, cluster: &str) -> Option<Value> {
        let server = &self.ask.server;
        let namespace = shown::key(&object).0;
        if !namespace.is_empty() && namespace != self.ask.path.namespace {
            let mut known = self.namespaces.borrow_mut();
            let read_through = known.get(namespace).copied();
            let read_through = read_through.unwrap_or_else(|| circle::is_read_through(server, namespace));
            known.insert(namespace.to_owned(), read_through);
            if !read_through {
                return None;
            }
        }
        let alone = |namespace: &str, set: &str| {
            let mut known = self.alone.borrow_mut();
            let key = (namespace.to_owned(), set.to_owned());
            *known.entry(key).or_insert_with(|| {
                let set = ObjectRef {
                    api_version: "apps/v1".to_owned(),
                    kind: "StatefulSet".to_owned(),
                    namespace: namespace.to_owned(),
                    name: set.to_owned(),
                    ..ObjectRef::default()
                };
                circle::clusters_of(server, namespace, &set.placement_name()).len() == 1
            })
        };
        let kind = &self.ask.kind;
        shown::shown(object, &kind.api_version(), &kind.kind, cluster, alone)
    }
}

/// Something that the hub holds, and its cluster. Only tables get the label that their column is read from: the object is the
/// user's, and what is read may be written again.
fn labelled(ask: &Ask, form: Form, value: &Value) -> (Value, Option<String>) {
    let cluster = cluster_of_held(ask, shown::key(value).0, shown::key(value).1);
    let mut value = value.clone();
    let told = cluster.as_ref().filter(|_| form.transform == Transform::Table);
    if let (Some(cluster), Some(metadata)) = (told, value.get_mut("metadata").and_then(Value::as_object_mut)) {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(CLUSTER_LABEL.to_owned(), Value::from(cluster.as_str()));
        }
    }
    (value, cluster)
}

/// The cluster of a Pod that the hub holds.
pub(super) fn cluster_of_held(ask: &Ask, namespace: &str, name: &str) -> Option<String> {
    let object = ObjectRef {
        api_version: ask.kind.api_version(),
        kind: ask.kind.kind.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ObjectRef::default()
    };
    let clusters = circle::clusters_of(&ask.server, namespace, &object.placement_name());
    clusters.into_iter().next()
}

/// The members of a server; asked for only where there are some ([`super::wanted`]).
pub(super) fn members(ask: &Ask) -> Result<&dyn Members, Status> {
    let members = ask.server.members.as_deref();
    members.ok_or_else(|| Status::internal("this server knows no way to members"))
}

/// Answers one object.
pub(super) async fn get(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let value = match circle::held(ask) {
        Some(object) => labelled(ask, form, &object.value()).0,
        None => find(ask).await?.object,
    };
    single::shape(ask, form, &value)
}

/// What was found in a member.
pub(super) struct Found {
    pub(super) member: Member,
    /// Its name there.
    pub(super) name: String,
    /// As the hub shows it.
    pub(super) object: Value,
}

/// Looks for the object of a request in the members.
pub(super) async fn find(ask: &Ask) -> Result<Found, Status> {
    let Circle { members: all, warnings } = circle::of(ask, &LabelSelector::everything());
    let (name, plural) = (&ask.path.name, &ask.kind.plural);
    // A name that ends with a cluster's means that cluster first; it may be a whole name all the same.
    let mut tries: Vec<(Member, String)> = Vec::new();
    for member in &all {
        if let Some(own) = shown::within(name, member.name()) {
            tries.push((member.clone(), own.to_owned()));
        }
    }
    tries.extend(all.into_iter().map(|member| (member, name.clone())));
    let asked: Vec<Member> = tries.iter().map(|(member, _)| member.clone()).collect();
    let names: Vec<String> = tries.into_iter().map(|(_, name)| name).collect();
    let mut next = names.iter();
    let uri = collection(ask);
    let requests: Vec<_> = asked
        .iter()
        .map(|_| {
            let own = next.next().map_or("", String::as_str);
            ask::reading(&ask.user, &format!("{uri}/{}", segment(own)))
        })
        .collect::<Result<_, _>>()?;
    let answers = ask::each(members(ask)?, &asked, requests).await;
    let showing = Showing::new(ask);
    let mut found = Vec::new();
    let mut refused = None;
    let mut silent = warnings;
    for ((member, answer), own) in answers.into_iter().zip(&names) {
        match answer {
            Ok(object) => {
                if let Some(object) = showing.object(object, member.name()) {
                    let exact = shown::key(&object).1 == name;
                    let found_here = Found {
                        member: member.clone(),
                        name: own.clone(),
                        object,
                    };
                    if exact {
                        return Ok(found_here);
                    }
                    found.push(found_here);
                }
            }
            Err(Failure::Said(404, _)) => {}
            Err(Failure::Said(403, message)) => refused = Some(format!("cluster {}: {message}", member.name())),
            Err(failure) => silent.push(format!("cluster {}: {failure}", member.name())),
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            found.push(last);
            let names: Vec<String> = found
                .iter()
                .map(|found| shown::qualified(&found.name, found.member.name()))
                .collect();
            Err(Status::bad_request(format!(
                "{plural} {name:?} is in {} clusters; name one of {}",
                names.len(),
                names.join(", ")
            )))
        }
        (None, _) => match refused {
            Some(why) => Err(Status::forbidden(&ask.kind.group, plural, name, &why)),
            None if silent.is_empty() => Err(ask.not_found()),
            None => Err(Status::service_unavailable(format!(
                "{plural} {name:?} is in no cluster that answers; {}",
                silent.join("; ")
            ))),
        },
    }
}

/// Answers a list.
pub(super) async fn list(ask: &Ask) -> Result<Response, Status> {
    let form = ask.form(true)?;
    let search = Search::of(ask)?;
    let mut source = Source::of(&ask.kind, ask.server.engine.cache_of(&ask.kind));
    source.clusters = true;
    let snapshot = source.objects.snapshot();
    let mut items: Vec<Arc<Value>> = Vec::new();
    for object in snapshot.iter().filter(|object| search.selection.has(object)) {
        let (value, cluster) = labelled(ask, form, &object.value());
        let label = cluster.map(|cluster| (CLUSTER_LABEL.to_owned(), cluster));
        if search.clusters.matches(&BTreeMap::from_iter(label)) {
            items.push(Arc::new(value));
        }
    }

    let Circle {
        members: asked,
        mut warnings,
    } = circle::of(ask, &search.clusters);
    let mut position = Position {
        hub: snapshot.revision,
        members: BTreeMap::new(),
    };
    // Whoever is content with what a server remembers is so there, too.
    let any = [("resourceVersion", "0")];
    let more: &[(&str, &str)] = if ask.query.get("resourceVersion") == Some("0") {
        &any
    } else {
        &[]
    };
    let uri = collection(ask);
    let requests = asked
        .iter()
        .map(|member| ask::reading(&ask.user, &format!("{uri}?{}", search.words(member.name(), more))))
        .collect::<Result<_, _>>()?;
    let answers = ask::each(members(ask)?, &asked, requests).await;
    let showing = Showing::new(ask);
    for (member, answer) in answers {
        let mut list = match answer {
            Ok(list) => list,
            Err(failure) => {
                let name = member.name();
                warnings.push(format!(
                    "cluster {name}: {failure}; its {} are not shown",
                    ask.kind.plural
                ));
                continue;
            }
        };
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let version = version.unwrap_or_default().to_owned();
        position.members.insert(member.name().to_owned(), version);
        let theirs = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
        for object in theirs.into_iter().flatten() {
            let shown = showing.object(object, member.name());
            items.extend(shown.filter(|object| search.has_name(object)).map(Arc::new));
        }
    }
    items.sort_by(|a, b| shown::key(a).cmp(&shown::key(b)));
    let number = ask.server.positions.keep(position);
    let metadata = json!({ "resourceVersion": number.to_string() });
    let tree = lists::tree(&source, &ask.query, form, metadata, &items)?;
    let mut response = respond::value(StatusCode::OK, form, &tree)?;
    respond::warn(&mut response, &warnings);
    Ok(response)
}
