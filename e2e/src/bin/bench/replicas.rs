//! Two processes of one hub over one database: from a create through the one until a watch through the other has it.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Database, Failure, Federation};
use futures::StreamExt;
use kube::Api;
use kube::api::{DynamicObject, PostParams, WatchEvent, WatchParams};

use crate::figures::Series;
use crate::members::hub;
use crate::objects;

const WRITES: usize = 500;
const WRITES_A_SECOND: u32 = 50;

/// Prints the figure.
pub(crate) async fn run(dir: &Path) -> Result<(), Failure> {
    let dir = dir.join("replicas");
    let database = Database::start(&dir.join("postgres"))?;
    let url = format!("postgres://postgres@{}/postgres", database.address());
    let first = Federation::start_over(&dir, 0, &url)?;
    let second = first.start_another(&dir)?;
    let writer: Api<DynamicObject> = Api::namespaced_with(hub(&first).await?, "default", &objects::config_maps());
    let reader: Api<DynamicObject> = Api::namespaced_with(hub(&second).await?, "default", &objects::config_maps());
    let params = WatchParams::default().labels("federation.meridian.dev/hub-only=true");
    let watch = reader
        .watch(&params, "0")
        .await
        .map_err(|error| Failure::of("a watch", error))?;
    let seen = tokio::spawn(async move {
        let mut watch = watch.boxed();
        let mut seen = Vec::with_capacity(WRITES);
        while seen.len() < WRITES {
            match tokio::time::timeout(Duration::from_secs(30), watch.next()).await {
                Ok(Some(Ok(WatchEvent::Added(_)))) => seen.push(Instant::now()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(Failure::of("the watch", error)),
                Ok(None) | Err(_) => return Err(Failure(format!("the watch told of {} writes only", seen.len()))),
            }
        }
        Ok(seen)
    });
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / WRITES_A_SECOND);
    let mut written = Vec::with_capacity(WRITES);
    for number in 0..WRITES {
        pace.tick().await;
        let mut object = objects::small_config_map(&format!("r-{number}"));
        object.metadata.labels = Some([("federation.meridian.dev/hub-only".to_owned(), "true".to_owned())].into());
        writer
            .create(&PostParams::default(), &object)
            .await
            .map_err(|error| Failure::of("a create", error))?;
        written.push(Instant::now());
    }
    let seen = seen.await.map_err(|error| Failure::of("the watcher", error))??;
    let late = seen
        .iter()
        .zip(&written)
        .map(|(seen, written)| seen.saturating_duration_since(*written));
    let series = Series::new(late.collect(), began.elapsed());
    println!("### Two processes of one hub\n");
    println!(
        "From the answer to a create through the one until a watch through the other has it, {WRITES} times at {WRITES_A_SECOND} a \
         second: p50 {:.1} ms, p99 {:.1} ms.\n",
        series.quantile(0.5),
        series.quantile(0.99)
    );
    Ok(())
}
