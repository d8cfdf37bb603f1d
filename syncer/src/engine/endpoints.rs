//! Ready endpoints of each Service, summed over its slices. A Service in two address families has the same endpoints in both,
//! so the larger family counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::input::{EndpointNews, Slice, SliceId};
use crate::kinds::ObjectId;
use crate::observe::service_of;

/// Endpoint slices of a member.
#[derive(Default)]
pub(crate) struct Endpoints {
    listed: bool,
    slices: HashMap<SliceId, Slice>,
    by_service: HashMap<ObjectId, BTreeSet<SliceId>>,
}

impl Endpoints {
    /// Takes news in; returns the Services whose count may have changed.
    pub(crate) fn take(&mut self, news: EndpointNews) -> BTreeSet<ObjectId> {
        match news {
            EndpointNews::Listed(slices) => {
                let first = !self.listed;
                self.listed = true;
                let mut touched: BTreeSet<ObjectId> = self.by_service.keys().cloned().collect();
                self.slices.clear();
                self.by_service.clear();
                for slice in slices {
                    touched.extend(self.put(slice));
                }
                if first {
                    touched.extend(self.by_service.keys().cloned());
                }
                touched
            }
            EndpointNews::Changed(slice) => self.put(slice),
            EndpointNews::Gone(id) => self.remove(&id).into_iter().collect(),
        }
    }

    fn put(&mut self, slice: Slice) -> BTreeSet<ObjectId> {
        if self.slices.get(&slice.id) == Some(&slice) {
            return BTreeSet::new();
        }
        let service = service_of(&slice);
        let mut touched: BTreeSet<ObjectId> = self.remove(&slice.id).into_iter().collect();
        self.by_service
            .entry(service.clone())
            .or_default()
            .insert(slice.id.clone());
        self.slices.insert(slice.id.clone(), slice);
        touched.insert(service);
        touched
    }

    fn remove(&mut self, id: &SliceId) -> Option<ObjectId> {
        let service = service_of(&self.slices.remove(id)?);
        if let Some(ids) = self.by_service.get_mut(&service) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_service.remove(&service);
            }
        }
        Some(service)
    }

    /// Ready endpoints of a Service; none before the slices were listed once.
    pub(crate) fn ready(&self, service: &ObjectId) -> Option<i64> {
        if !self.listed {
            return None;
        }
        let mut families: BTreeMap<&str, i64> = BTreeMap::new();
        for slice in self
            .by_service
            .get(service)
            .into_iter()
            .flatten()
            .filter_map(|id| self.slices.get(id))
        {
            *families.entry(&slice.family).or_default() += slice.ready;
        }
        Some(families.into_values().max().unwrap_or(0))
    }

    /// Whether the slices were listed once.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KindId;

    fn slice(name: &str, family: &str, ready: i64) -> Slice {
        let id = SliceId {
            namespace: "shop".into(),
            name: name.into(),
        };
        Slice {
            id,
            service: "web".into(),
            family: family.into(),
            ready,
        }
    }

    fn web() -> ObjectId {
        ObjectId {
            kind: KindId::new("v1", "Service"),
            namespace: "shop".into(),
            name: "web".into(),
        }
    }

    #[test]
    fn sums_slices_and_takes_the_larger_family() {
        let mut endpoints = Endpoints::default();
        assert_eq!(endpoints.ready(&web()), None, "unknown is not zero");
        endpoints.take(EndpointNews::Listed(vec![
            slice("a", "IPv4", 2),
            slice("b", "IPv4", 1),
            slice("c", "IPv6", 3),
        ]));
        assert_eq!(endpoints.ready(&web()), Some(3));
        assert!(
            endpoints.take(EndpointNews::Changed(slice("a", "IPv4", 2))).is_empty(),
            "no change, no news"
        );
        assert!(
            endpoints
                .take(EndpointNews::Changed(slice("a", "IPv4", 5)))
                .contains(&web())
        );
        assert_eq!(endpoints.ready(&web()), Some(6));
        endpoints.take(EndpointNews::Gone(slice("a", "", 0).id));
        endpoints.take(EndpointNews::Listed(vec![]));
        assert_eq!(endpoints.ready(&web()), Some(0));
    }
}
