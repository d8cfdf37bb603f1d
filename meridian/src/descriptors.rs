//! The limit of open descriptors: raised to what the system allows before anything is opened, since each connection takes one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one; where that fails, says so and goes on with what there is.
pub(crate) fn raise() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
        } else {
            Ok(())
        }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open descriptors cannot be raised; next: ulimit -n, LimitNOFILE");
    }
}
