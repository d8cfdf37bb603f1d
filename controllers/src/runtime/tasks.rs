//! Named tasks that stop together.
//! In: futures with names. Out: the first that ended before it was told to. Absent: restarting; a controller that ends is a
//! defect, and whoever runs all of them decides.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::task::{Id, JoinSet};
use tracing::Instrument;

#[derive(Default)]
pub(crate) struct Tasks {
    set: JoinSet<()>,
    names: BTreeMap<String, String>,
}

impl Tasks {
    pub(crate) fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        let span = tracing::info_span!("task", name = %name);
        let handle = self.set.spawn(task.instrument(span));
        self.names.insert(handle.id().to_string(), name);
    }

    /// Waits for the first task that ends; its name, and whether it panicked.
    pub(crate) async fn first_to_end(&mut self) -> Option<(String, bool)> {
        let ended = self.set.join_next_with_id().await?;
        let (id, panicked): (Id, bool) = match ended {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let name = self.names.remove(&id.to_string()).unwrap_or_default();
        Some((name, panicked))
    }

    /// Stops what is left and waits for it.
    pub(crate) async fn stop(mut self) {
        self.set.shutdown().await;
    }
}
