//! Which URL a kind has in the member.
//! In: `apiVersion` and `kind`, the member's discovery. Out: resource and scope. Absent: what the kinds mean.

use std::fmt;
use std::sync::Arc;

use api::ObjectRef;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::discovery::v2::APIGroupDiscoveryList;

/// `apiVersion` and `kind`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KindId {
    pub(crate) api_version: Arc<str>,
    pub(crate) kind: Arc<str>,
}

impl KindId {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        Self {
            api_version: api_version.into(),
            kind: kind.into(),
        }
    }

    pub(crate) fn of(object: &ObjectRef) -> Self {
        Self::new(&object.api_version, &object.kind)
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_version, self.kind)
    }
}

/// Which object of the member is meant, whatever its incarnation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId {
    pub(crate) kind: KindId,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl ObjectId {
    pub(crate) fn of(object: &ObjectRef) -> Self {
        Self {
            kind: KindId::of(object),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }

    pub(crate) fn namespace_named(name: &str) -> Self {
        Self {
            kind: KindId::new("v1", "Namespace"),
            namespace: String::new(),
            name: name.to_owned(),
        }
    }
}

/// A kind as the member serves it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
}

impl Served {
    fn new(id: &KindId, plural: &str, namespaced: bool) -> Self {
        let (group, version) = id.api_version.split_once('/').unwrap_or(("", &id.api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: id.api_version.to_string(),
            kind: id.kind.to_string(),
            plural: plural.to_owned(),
        };
        Self { resource, namespaced }
    }

    /// The door to the objects of one namespace, or of the cluster.
    pub(crate) fn api(&self, client: Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced && !namespace.is_empty() {
            Api::namespaced_with(client, namespace, &self.resource)
        } else {
            Api::all_with(client, &self.resource)
        }
    }
}

/// Whether objects of a kind bring kinds of their own.
pub(crate) fn is_definition(kind: &KindId) -> bool {
    &*kind.api_version == "apiextensions.k8s.io/v1" && &*kind.kind == "CustomResourceDefinition"
}

/// Kinds that every member serves in the same way; they need no discovery.
pub(crate) fn built_in(id: &KindId) -> Option<Served> {
    let (plural, namespaced) = match (&*id.api_version, &*id.kind) {
        ("v1", "Namespace") => ("namespaces", false),
        ("v1", "Service") => ("services", true),
        ("v1", "ConfigMap") => ("configmaps", true),
        ("v1", "Secret") => ("secrets", true),
        ("v1", "ServiceAccount") => ("serviceaccounts", true),
        ("v1", "LimitRange") => ("limitranges", true),
        ("v1", "ResourceQuota") => ("resourcequotas", true),
        ("v1", "PersistentVolume") => ("persistentvolumes", false),
        ("v1", "Pod") => ("pods", true),
        ("v1", "PodTemplate") => ("podtemplates", true),
        ("v1", "PersistentVolumeClaim") => ("persistentvolumeclaims", true),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => ("customresourcedefinitions", false),
        ("apps/v1", "Deployment") => ("deployments", true),
        ("apps/v1", "ReplicaSet") => ("replicasets", true),
        ("apps/v1", "StatefulSet") => ("statefulsets", true),
        ("apps/v1", "DaemonSet") => ("daemonsets", true),
        ("batch/v1", "Job") => ("jobs", true),
        ("batch/v1", "CronJob") => ("cronjobs", true),
        ("networking.k8s.io/v1", "Ingress") => ("ingresses", true),
        ("networking.k8s.io/v1", "IngressClass") => ("ingressclasses", false),
        ("networking.k8s.io/v1", "NetworkPolicy") => ("networkpolicies", true),
        ("policy/v1", "PodDisruptionBudget") => ("poddisruptionbudgets", true),
        ("scheduling.k8s.io/v1", "PriorityClass") => ("priorityclasses", false),
        ("storage.k8s.io/v1", "StorageClass") => ("storageclasses", false),
        ("discovery.k8s.io/v1", "EndpointSlice") => ("endpointslices", true),
        _ => return None,
    };
    Some(Served::new(id, plural, namespaced))
}

/// The kind in a member's aggregated discovery.
pub(crate) fn find(discovered: &APIGroupDiscoveryList, id: &KindId) -> Option<Served> {
    each_resource(discovered)
        .find(|row| *row.api_version == *id.api_version && *row.kind == *id.kind)
        .map(|row| Served::new(id, row.plural, row.namespaced))
}

/// The kind of a definition, `PLURAL.GROUP`, in the version that the member prefers.
pub(crate) fn of_definition(groups: &APIGroupDiscoveryList, name: &str) -> Option<Served> {
    let (plural, group) = name.split_once('.')?;
    each_resource(groups)
        .find(|row| {
            let of_group = row.api_version.split_once('/').is_some_and(|(other, _)| other == group);
            row.preferred && row.plural == plural && of_group
        })
        .map(|row| Served::new(&KindId::new(&row.api_version, row.kind), row.plural, row.namespaced))
}

/// Every namespaced kind whose objects can be listed and deleted, each in the version that the member prefers.
pub(crate) fn deletable(lists: &[APIGroupDiscoveryList]) -> Vec<Served> {
    lists
        .iter()
        .flat_map(each_resource)
        .filter(|row| row.preferred && row.namespaced && ["list", "delete"].iter().all(|verb| row.can(verb)))
        .map(|row| Served::new(&KindId::new(&row.api_version, row.kind), row.plural, true))
        .collect()
}

/// Every kind that can be held, as `apiVersion/Kind`, sorted.
pub(crate) fn enablements(lists: &[APIGroupDiscoveryList]) -> Vec<String> {
    let mut all: Vec<String> = lists
        .iter()
        .flat_map(each_resource)
        .map(|row| format!("{}/{}", row.api_version, row.kind))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A resource as discovery tells it.
struct Row<'a> {
    api_version: String,
    kind: &'a str,
    plural: &'a str,
    namespaced: bool,
    verbs: &'a [String],
    /// Of the group's preferred version, which discovery names first.
    preferred: bool,
}

impl Row<'_> {
    fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|other| other == verb)
    }
}

fn each_resource(list: &APIGroupDiscoveryList) -> impl Iterator<Item = Row<'_>> {
    list.items.iter().flat_map(|group| {
        let name = group
            .metadata
            .as_ref()
            .and_then(|m| m.name.as_deref())
            .unwrap_or_default();
        group.versions.iter().enumerate().flat_map(move |(place, version)| {
            let number = version.version.as_deref().unwrap_or_default();
            let api_version = if name.is_empty() {
                number.to_owned()
            } else {
                format!("{name}/{number}")
            };
            version.resources.iter().filter_map(move |resource| {
                let kind = resource.response_kind.as_ref()?.kind.as_deref()?;
                let namespaced = resource.scope.as_deref() == Some("Namespaced");
                Some(Row {
                    api_version: api_version.clone(),
                    kind,
                    plural: resource.resource.as_deref()?,
                    namespaced,
                    verbs: &resource.verbs,
                    preferred: place == 0,
                })
            })
        })
    })
}
