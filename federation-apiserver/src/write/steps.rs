//! Steps: how the lists of [`super::CREATE`], [`super::UPDATE`] and [`super::DELETE`] are run.
//!
//! In: a list, a draft. Out: the draft changed, or the first refusal. Admission, which a step may be part of, is for clients:
//! Meridian's own parts pass it by, and so do kinds that are kept in memory only.

use std::future::Future;
use std::pin::Pin;

use machinery::status::Status;

use super::{Draft, Engine, Intent};

/// A step that has to wait for somebody.
pub(super) type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), Status>> + Send + 'a>>;

/// One step: changes the draft, or refuses the write.
pub(super) enum Step {
    /// Taken with every write.
    Always(fn(&Engine, &Intent, &mut Draft) -> Result<(), Status>),
    /// Admission that answers from what is in memory.
    Admission(fn(&Engine, &Intent, &mut Draft) -> Result<(), Status>),
    /// Admission that has to ask or to write; none where nothing is configured, so that most writes wait for nobody.
    Awaited(for<'a> fn(&'a Engine, &'a Intent, &'a mut Draft) -> Option<Waiting<'a>>),
}

/// Whether admission has no say in a write.
fn passes_by(intent: &Intent) -> bool {
    intent.kind.strategy.ephemeral || intent.user.is_internal()
}

/// Runs the steps in their order.
pub(super) async fn run(steps: &[Step], engine: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let open = passes_by(intent);
    for step in steps {
        match step {
            Step::Always(step) => step(engine, intent, draft)?,
            Step::Admission(_) | Step::Awaited(_) if open => {}
            Step::Admission(step) => step(engine, intent, draft)?,
            Step::Awaited(step) => {
                if let Some(waiting) = step(engine, intent, draft) {
                    waiting.await?;
                }
            }
        }
    }
    Ok(())
}
