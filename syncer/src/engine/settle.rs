//! From dirty objects to deeds, from outcomes to reports: the engine's reactions, one function each.

use api::manifest::ManifestAction;
use api::{Manifest, PlacementKey};
use tokio::time::Instant;

use super::session::KindState;
use super::{Engine, PARALLEL, SETTLED_AT_ONCE};
use crate::apply::{Job, Outcome, Sight};
use crate::desired::{self, Held, Next, Seen, Why};
use crate::error::{ApplyError, Deed, RequestError, chain};
use crate::kinds::{KindId, ObjectId, Served, built_in};
use crate::observe;
use crate::truth::{self, Facts, Trouble};

impl Engine {
    /// Settles as many as may run.
    pub(super) fn dispatch(&mut self, now: Instant) {
        if self.session.is_none() {
            return;
        }
        for _ in 0..SETTLED_AT_ONCE {
            if self.running.len() >= PARALLEL {
                break;
            }
            let Some(key) = self.queue.pop() else { break };
            self.settle(&key, now);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge of a queue is for people")]
        metrics::gauge!("meridian_sync_queue_length", "cluster" => self.cluster.to_string())
            .set(self.queue.len() as f64);
    }

    fn settle(&mut self, key: &PlacementKey, now: Instant) {
        let Some(record) = self.records.get(key).filter(|_| !self.busy.contains(key)) else {
            return;
        };
        let kind = record.object.kind.clone();
        match self.kind_state(&kind) {
            None => return self.observe_kind(&kind),
            Some(KindState::Listing) => return,
            Some(KindState::Unserved { absent: true, .. }) if record.is_unwanted() => {
                return self.gone_with_its_kind(key);
            }
            Some(KindState::Unserved { message, .. }) => {
                let message = message.clone();
                return self.trouble(
                    key,
                    Trouble {
                        conflict: false,
                        message,
                    },
                );
            }
            Some(KindState::Listed) => {}
        }
        let Some(record) = self.records.get(key) else { return };
        let seen = Seen {
            key,
            manifest: &record.manifest,
            live: self.objects.get(&record.object),
            held: record.held.as_ref(),
            gone: record.gone,
            namespace_awaited: self.records.namespace_awaited(&record.object),
            inhabited: self.records.inhabited(&record.object),
        };
        let deed = match desired::next(&seen) {
            Next::Rest => {
                self.rested(key);
                return;
            }
            Next::Wait => return,
            Next::Accept(held) => {
                self.accepted(key, held);
                return;
            }
            Next::Conflict(message) => {
                return self.trouble(
                    key,
                    Trouble {
                        conflict: true,
                        message,
                    },
                );
            }
            Next::Apply(why) => {
                if why == Why::Drifted && !self.correct_drift(key, now) {
                    return;
                }
                Deed::Apply
            }
            Next::Remove => Deed::Delete,
            Next::Release => Deed::Release,
        };
        self.start(key, deed, now);
    }

    /// The member has no such kind, so the object that is to go is not there either.
    fn gone_with_its_kind(&mut self, key: &PlacementKey) {
        if let Some(record) = self.records.get_mut(key) {
            record.gone = true;
            record.held = None;
            record.trouble = None;
            self.objects.remove(&record.object);
        }
        self.report(key);
        self.release_namespace(key);
    }

    /// Whether drift may be corrected now; otherwise it is put off.
    fn correct_drift(&mut self, key: &PlacementKey, now: Instant) -> bool {
        let Some(record) = self.records.get_mut(key) else {
            return false;
        };
        if record.not_before.is_some_and(|at| at > now) {
            return false;
        }
        if record.not_before.take().is_none() {
            let at = record.drift_allowed(now);
            if at > now {
                record.not_before = Some(at);
                self.queue.push_at(at, key.clone());
                return false;
            }
        }
        tracing::info!(cluster = %self.cluster, placement = %key, "the object was changed in the member; it is put back");
        metrics::counter!("meridian_sync_drift_corrected_total", "cluster" => self.cluster.to_string()).increment(1);
        true
    }

    fn start(&mut self, key: &PlacementKey, deed: Deed, now: Instant) {
        let (Some(session), Some(record)) = (&self.session, self.records.get_mut(key)) else {
            return;
        };
        if record.not_before.is_some_and(|at| at > now) {
            return;
        }
        let seen = match self.objects.get(&record.object) {
            None => Sight::Missing,
            Some(live) if live.belongs_to(&key.to_string()) => Sight::Ours,
            Some(_) => Sight::Other,
        };
        record.not_before = None;
        self.busy.insert(key.clone());
        let (client, cluster, manifest) = (session.client.clone(), self.cluster.clone(), record.manifest.clone());
        let (kind, ended) = (record.object.kind.clone(), session.ended.clone());
        let key = key.clone();
        self.running.spawn(async move {
            let begun = Instant::now();
            let work = async {
                match serve(&client, &kind).await {
                    Ok(served) => {
                        let (cluster, manifest) = (cluster.clone(), manifest.clone());
                        Job { client: client.clone(), served, cluster, manifest, deed, seen }.run().await
                    }
                    Err(source) => Outcome::Failed(ApplyError {
                        deed,
                        object: manifest.spec.resource.to_string(),
                        cluster: cluster.to_string(),
                        source,
                    }),
                }
            };
            let outcome = tokio::select! {
                outcome = work => outcome,
                // Whether it was done is not known; the next session looks.
                () = ended.cancelled() => Outcome::Going,
            };
            let result = match &outcome {
                Outcome::Held(_) | Outcome::Absent | Outcome::Going => "ok",
                Outcome::Conflict(_) => "conflict",
                Outcome::Failed(_) => "failed",
            };
            metrics::histogram!("meridian_sync_apply_duration_seconds", "cluster" => cluster.to_string(), "result" => result)
                .record(begun.elapsed());
            (key, manifest, outcome)
        });
    }

    /// A deed came to its end.
    pub(super) fn done(&mut self, key: &PlacementKey, manifest: &Manifest, outcome: Outcome, now: Instant) {
        self.busy.remove(key);
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        if record.object != ObjectId::of(&manifest.spec.resource) {
            // The Placement means another object by now; what became of the old one is no word on it.
            self.enqueue(key);
            return;
        }
        let mut retry = None;
        match outcome {
            // It was deleted before the answer to the write came: that is no word on what is there now.
            Outcome::Held(live) if record.deleted.as_deref() == Some(&live.uid) => {
                record.held = None;
                record.trouble = None;
            }
            Outcome::Held(live) => {
                record.held = Some(Held::new(manifest, &live));
                record.trouble = None;
                record.backoff.reset();
                self.object_seen(live);
            }
            Outcome::Conflict(message) => {
                retry = Some(record.backoff.next());
                record.trouble = Some(Trouble {
                    conflict: true,
                    message,
                });
            }
            Outcome::Absent => {
                // A newer manifest may want it again; then it is applied next.
                record.gone = matches!(
                    record.manifest.spec.action,
                    ManifestAction::Absent | ManifestAction::Release
                );
                record.held = None;
                record.trouble = None;
                record.backoff.reset();
                // What the watch has yet to say is known already; a copy from before would pass for a new one.
                self.objects.remove(&record.object);
            }
            Outcome::Going => retry = Some(record.backoff.next()),
            Outcome::Failed(error) => {
                retry = Some(record.backoff.next());
                // A namespace that is on its way is not worth a word.
                let early = error.source.code() == Some(404) && record.backoff.attempts() < 4;
                if !early {
                    let message = format!("{}; next: {}", chain(&error), error.next_step());
                    if record.trouble.as_ref().is_none_or(|known| known.message != message) {
                        tracing::warn!(cluster = %self.cluster, placement = %key, %message, "it is retried");
                    }
                    record.trouble = Some(Trouble {
                        conflict: false,
                        message,
                    });
                }
            }
        }
        if let Some(delay) = retry
            && let Some(record) = self.records.get_mut(key)
        {
            let at = now + delay;
            record.not_before = Some(at);
            self.queue.push_at(at, key.clone());
        }
        self.report(key);
        self.enqueue(key);
        self.release_namespace(key);
    }

    /// What waited for a namespace goes on once the namespace has an outcome.
    fn release_namespace(&mut self, key: &PlacementKey) {
        let Some(record) = self.records.get(key).filter(|r| &*r.object.kind.kind == "Namespace") else {
            return;
        };
        if record.held.is_none() && record.trouble.is_none() {
            return;
        }
        let name = record.object.name.clone();
        for key in self.records.in_namespace(&name) {
            if let Some(record) = self
                .records
                .get_mut(&key)
                .filter(|r| r.held.is_none() && !self.busy.contains(&key))
            {
                record.not_before = None;
                self.enqueue(&key);
            }
        }
    }

    fn accepted(&mut self, key: &PlacementKey, held: Held) {
        if let Some(record) = self.records.get_mut(key) {
            record.held = Some(held);
            record.trouble = None;
        }
        self.report(key);
        self.release_namespace(key);
    }

    /// It is as it should be: trouble that a deed did not end, such as a kind that is served again, is over.
    fn rested(&mut self, key: &PlacementKey) {
        if let Some(record) = self.records.get_mut(key) {
            if record.held.is_some() || record.gone {
                record.trouble = None;
            }
            if let (Some(held), Some(live)) = (&mut record.held, self.objects.get(&record.object)) {
                live.resource_version.clone_into(&mut held.verified);
            }
        }
        self.report(key);
    }

    fn trouble(&mut self, key: &PlacementKey, trouble: Trouble) {
        if let Some(record) = self.records.get_mut(key) {
            record.trouble = Some(trouble);
        }
        self.report(key);
        self.release_namespace(key);
    }

    /// Tells the hub what is so.
    pub(super) fn report(&mut self, key: &PlacementKey) {
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        let live = self.objects.get(&record.object);
        if let (Some(held), Some(live)) = (&record.held, live)
            && truth::observed(&record.object.kind, live, held.generation)
            && held.hash == record.manifest.spec.hash
        {
            record.observed_hub_generation = held.hub_generation;
        }
        let facts = Facts {
            cluster: &self.cluster,
            key,
            manifest: &record.manifest,
            held: record.held.as_ref(),
            live,
            trouble: record.trouble.as_ref(),
            gone: record.gone,
            observed_hub_generation: record.observed_hub_generation,
            ready_endpoints: self.endpoints.ready(&record.object),
            dns_addresses: &self.dns_addresses,
        };
        if let Some(report) = truth::report(&facts) {
            self.outbox.put(report);
        }
    }
}

/// How the kind is served: known for those built in, asked otherwise.
async fn serve(client: &kube::Client, kind: &KindId) -> Result<Served, RequestError> {
    if let Some(served) = built_in(kind) {
        return Ok(served);
    }
    observe::resolve(client, kind).await?.ok_or_else(|| {
        let message = format!("the member no longer serves {kind}");
        RequestError::Refused(Box::new(
            kube::core::Status::failure(&message, "NotFound").with_code(404),
        ))
    })
}
