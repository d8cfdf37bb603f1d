//! Watches of the kinds that CustomResourceDefinitions bring, begun and ended as these come and go.
//! In: the definitions. Out: [`News`] of their objects, to every controller that wants all kinds. A definition that is gone
//! took its objects along: readers hear an empty list, which is a reason to ask the hub and never proof. Absent: whether
//! anything has been listed; whoever acts on what is missing asks.

use std::collections::BTreeMap;
use std::pin::pin;

use api::names::is_built_in;
use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::feed::{News, follow};
use super::kind::{DEFINITION, Kind};
use super::shelf::Change;
use super::watched::Watched;

/// One watch under way.
struct Watch {
    kind: Kind,
    task: AbortHandle,
}

/// The watches of custom kinds; dropping it ends them.
struct Watches {
    client: Client,
    readers: Vec<mpsc::Sender<News>>,
    running: BTreeMap<String, Watch>,
    tasks: JoinSet<()>,
}

/// Follows the definitions until it is cancelled from outside.
pub(super) async fn follow_all(client: Client, readers: Vec<mpsc::Sender<News>>) {
    let definitions: Api<Watched> = Api::all_with(client.clone(), &DEFINITION.api_resource());
    let mut events = pin!(watcher(definitions, watcher::Config::default()).default_backoff());
    let mut watches = Watches {
        client,
        readers,
        running: BTreeMap::new(),
        tasks: JoinSet::new(),
    };
    let mut listed: Option<BTreeMap<String, Option<Kind>>> = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed = Some(BTreeMap::new()),
            Ok(watcher::Event::InitApply(definition)) => {
                let kind = kind_of(&definition.value());
                listed.get_or_insert_default().insert(definition.id().name, kind);
            }
            Ok(watcher::Event::InitDone) => {
                let listed = listed.take().unwrap_or_default();
                let gone: Vec<String> = watches
                    .running
                    .keys()
                    .filter(|name| !listed.contains_key(*name))
                    .cloned()
                    .collect();
                for name in gone {
                    watches.end(&name).await;
                }
                for (name, kind) in listed {
                    watches.keep(name, kind).await;
                }
            }
            Ok(watcher::Event::Apply(definition)) => {
                watches.keep(definition.id().name, kind_of(&definition.value())).await;
            }
            Ok(watcher::Event::Delete(definition)) => watches.end(&definition.id().name).await,
            Err(error) => tracing::warn!(%error, "watch of definitions lost; it will be begun again"),
        }
        while watches.tasks.try_join_next().is_some() {}
    }
}

impl Watches {
    /// Watches the kind of a definition, where it is served; another version of it than before is another watch.
    async fn keep(&mut self, name: String, kind: Option<Kind>) {
        // A definition whose status is not written yet is no reason to end anything.
        let Some(kind) = kind else { return };
        if self.running.get(&name).is_some_and(|watch| watch.kind == kind) {
            return;
        }
        self.end(&name).await;
        tracing::debug!(definition = name, kind = %kind.kind, version = %kind.api_version, "objects of a custom kind are followed");
        let task = self
            .tasks
            .spawn(follow(self.client.clone(), kind.clone(), self.readers.clone()));
        self.running.insert(name, Watch { kind, task });
    }

    async fn end(&mut self, name: &str) {
        let Some(watch) = self.running.remove(name) else { return };
        watch.task.abort();
        for reader in &self.readers {
            let news = News::of(watch.kind.clone(), Change::Reset(vec![]));
            if reader.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// The kind that an established definition brings, in the version that is stored, or else in the first that is served.
fn kind_of(definition: &Value) -> Option<Kind> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
    let group = text("/spec/group")?;
    let conditions = definition.pointer("/status/conditions")?.as_array()?;
    let established = conditions.iter().any(|one| {
        one.get("type").is_some_and(|name| name == "Established")
            && one.get("status").is_some_and(|said| said == "True")
    });
    if !established || is_built_in(group) {
        return None;
    }
    let flag = |version: &Value, key: &str| version.get(key).and_then(Value::as_bool) == Some(true);
    let mut served = definition
        .pointer("/spec/versions")?
        .as_array()?
        .iter()
        .filter(|version| flag(version, "served"));
    let first = served.clone().next();
    let version = served
        .find(|version| flag(version, "storage"))
        .or(first)?
        .get("name")?
        .as_str()?;
    Some(Kind {
        api_version: format!("{group}/{version}").into(),
        kind: text("/status/acceptedNames/kind")?.to_owned().into(),
        plural: text("/status/acceptedNames/plural")?.to_owned().into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stored_version_of_what_is_established() {
        let mut definition = json!({
            "spec": {"group": "example.com", "versions": [
                {"name": "v2alpha1", "served": true, "storage": false},
                {"name": "v1", "served": true, "storage": true}]},
            "status": {"acceptedNames": {"plural": "widgets", "kind": "Widget"},
                "conditions": [{"type": "Established", "status": "True"}]},
        });
        let version = |definition: &Value| kind_of(definition).map(|kind| kind.api_version.into_owned());
        assert_eq!(version(&definition).as_deref(), Some("example.com/v1"));
        definition["spec"]["versions"][1]["served"] = json!(false);
        assert_eq!(version(&definition).as_deref(), Some("example.com/v2alpha1"));
        definition["status"]["conditions"][0]["status"] = json!("False");
        assert_eq!(version(&definition), None);
    }
}
