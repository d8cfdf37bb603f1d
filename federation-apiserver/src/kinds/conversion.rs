//! Conversion webhooks: objects of a custom kind in another of its versions, by asking.
//!
//! In: objects as they are, the version that is wanted. Out: the same objects in that version, or a Status that says who failed.
//! Asked in batches with a time limit; what was made of a stored object is kept with it (`cache::views`), so that each version
//! of each object is asked for about once, however many read it. Absent: what an answer may say (`machinery::custom`).

use std::sync::Arc;
use std::time::Duration;

use machinery::custom::{Hooked, asking_to_convert, converted};
use machinery::status::Status;
use serde_json::Value;

use super::Kind;
use super::custom::CustomKind;
use crate::cache::{CachedObject, canonical, splice_revision};
use crate::webhooks::Endpoint;

/// How long one batch may take; as long as kube-apiserver gives it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Objects, and bytes of them, that are asked for at a time: answers are longer than questions, and bounded.
const BATCH_MAX: usize = 250;
const BATCH_BYTES_MAX: usize = 1 << 20;
/// What the failures of all webhooks begin with.
const CALLED: &str = "failed to call webhook: ";

/// Who converts the objects of a kind.
#[derive(Debug)]
pub(crate) struct Hook {
    endpoint: Result<Arc<Endpoint>, String>,
    review_api_version: Option<String>,
}

impl Hook {
    /// The hook that a definition names. One that nobody can call is kept, to say so when it is needed.
    pub(crate) fn of(hooked: &Hooked) -> Self {
        Self {
            endpoint: Endpoint::of(&hooked.client).map(Arc::new),
            review_api_version: hooked.review_api_version.clone(),
        }
    }

    /// Objects in another version, in their order.
    async fn convert(&self, desired: &str, objects: Vec<Value>) -> Result<Vec<Value>, Status> {
        let Some(first) = objects.first() else {
            return Ok(Vec::new());
        };
        let text = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or_default();
        let whose = format!("conversion webhook for {}, Kind={}", text("apiVersion"), text("kind"));
        let failed = |why: &str| {
            let why = why.strip_prefix(CALLED).unwrap_or(why);
            let link = if why.starts_with("returned ") { "" } else { "failed: " };
            metrics::counter!("apiserver_crd_conversion_webhook_failures_total").increment(1);
            Status::internal(format!("{whose} {link}{why}"))
        };
        let endpoint = self.endpoint.as_ref().map_err(|why| failed(why))?;
        let review = self.review_api_version.as_deref().ok_or_else(|| {
            failed(
                "it understands neither ConversionReviews of v1 nor of v1beta1; name one in conversionReviewVersions",
            )
        })?;
        let mut all = Vec::with_capacity(objects.len());
        for batch in batches(&objects) {
            let uid = uuid::Uuid::new_v4().to_string();
            let body = asking_to_convert(review, &uid, desired, batch).to_string();
            let answer = endpoint.post(body.into(), TIMEOUT).await;
            let answer = answer.map_err(|failure| failed(&failure.why))?;
            all.extend(converted(review, &uid, desired, batch, &answer).map_err(|why| failed(&why))?);
        }
        Ok(all)
    }
}

/// Objects in batches that are neither too many nor too large; one that is too large for any goes alone.
fn batches(objects: &[Value]) -> Vec<&[Value]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, object) in objects.iter().enumerate() {
        let size = object.to_string().len();
        if index > start && (index - start >= BATCH_MAX || bytes + size > BATCH_BYTES_MAX) {
            batches.extend(objects.get(start..index));
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    batches.extend(objects.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

impl Kind {
    /// Makes sure that objects can be shown in this version: asks for those that nobody made of it yet.
    pub(crate) fn prepare<'a, 'o>(
        &'a self,
        objects: impl IntoIterator<Item = &'o Arc<CachedObject>>,
    ) -> impl Future<Output = Result<(), Status>> + Send + 'a {
        // Looked through at once: whoever waits holds on to nothing but what has to be asked for.
        let missing: Vec<Arc<CachedObject>> = match self.hooked() {
            Some((custom, _)) => objects
                .into_iter()
                .filter(|object| !self.is_written_in_it(object) && object.views.get(custom.view).is_none())
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        self.ask_for_all(missing)
    }

    async fn ask_for_all(&self, missing: Vec<Arc<CachedObject>>) -> Result<(), Status> {
        let Some((custom, hook)) = self.hooked().filter(|_| !missing.is_empty()) else {
            return Ok(());
        };
        let values = missing.iter().map(|object| (*object.value()).clone()).collect();
        let made = hook.convert(&self.api_version(), values).await?;
        for (object, mut value) in missing.into_iter().zip(made) {
            custom.version.prune(&mut value);
            let bytes = canonical(&value);
            let bytes = splice_revision(&bytes, object.revision).unwrap_or(bytes);
            object.views.put(custom.view, bytes);
        }
        Ok(())
    }

    /// An object of any version of this kind, in another one that somebody has to be asked for.
    pub(super) async fn ask_for(
        custom: &CustomKind,
        hook: &Hook,
        desired: &str,
        object: Value,
    ) -> Result<Value, Status> {
        let made = hook.convert(desired, vec![object]).await?;
        let mut value = made.into_iter().next().unwrap_or_default();
        if desired == &*custom.stored_api_version {
            custom.stored_version.prune(&mut value);
        } else {
            custom.version.prune(&mut value);
        }
        Ok(value)
    }

    /// Who converts objects of this kind.
    pub(super) fn hooked(&self) -> Option<(&CustomKind, &Arc<Hook>)> {
        let custom = self.custom.as_ref()?;
        custom.hook.as_ref().map(|hook| (custom, hook))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_object_once() {
        let small = Value::from("x");
        let large = Value::from("y".repeat(BATCH_BYTES_MAX));
        let objects: Vec<Value> = (0..600)
            .map(|number| if number == 300 { large.clone() } else { small.clone() })
            .collect();
        let batches = batches(&objects);
        assert_eq!(batches.iter().map(|batch| batch.len()).sum::<usize>(), 600);
        assert!(
            batches
                .iter()
                .all(|batch| !batch.is_empty() && batch.len() <= BATCH_MAX)
        );
        assert!(batches.iter().any(|batch| batch.len() == 1 && batch[0] == large));
        assert!(super::batches(&[]).is_empty());
    }
}
