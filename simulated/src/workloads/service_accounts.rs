//! The service account `default` of every namespace, as which pods run that name no other.
//! In: Namespaces. Out: service accounts that were missing when their namespace came. Absent: tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};

use super::changes::{Change, follow};
use super::{Failure, within};

/// Time until a service account that could not be made is tried again.
const AGAIN: Duration = Duration::from_millis(300);

/// Makes service accounts until its task ends.
pub(crate) async fn run(client: Client) {
    let mut changes = follow(Api::<Namespace>::all(client.clone()));
    let mut lacking: BTreeSet<String> = BTreeSet::new();
    loop {
        tokio::select! {
            change = changes.next() => match change {
                None => return,
                Some(Change::Listed(listed)) => lacking = listed.iter().filter_map(living).collect(),
                Some(Change::Put(namespace)) => lacking.extend(living(&namespace)),
                Some(Change::Gone(_)) => {}
            },
            () = tokio::time::sleep(AGAIN), if !lacking.is_empty() => {}
        }
        for namespace in std::mem::take(&mut lacking) {
            match make(&client, &namespace).await {
                // It is there, or its namespace goes.
                Err(error) if error.is(409) || error.is(404) || error.is(403) => {}
                Err(error) => {
                    tracing::warn!(namespace, %error, "the service account cannot be made yet; it is retried");
                    lacking.insert(namespace);
                }
                Ok(()) => {}
            }
        }
    }
}

fn living(namespace: &Namespace) -> Option<String> {
    let metadata = &namespace.metadata;
    metadata.name.clone().filter(|_| metadata.deletion_timestamp.is_none())
}

async fn make(client: &Client, namespace: &str) -> Result<(), Failure> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = ServiceAccount {
        metadata: ObjectMeta {
            name: Some("default".to_owned()),
            ..ObjectMeta::default()
        },
        ..ServiceAccount::default()
    };
    within(api.create(&PostParams::default(), &account)).await?;
    Ok(())
}
