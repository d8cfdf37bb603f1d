//! Flags of the commands by which objects come under Meridian and leave it: promote, release. In: words. Out: values. Absent:
//! what is done with them.

use clap::Args;

use super::HubArgs;

/// Which object.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhichObject {
    /// Kind, as kubectl takes it: deployment, svc, statefulsets; or KIND/NAME.
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,
    /// Name.
    #[arg(value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) name: String,
    /// Namespace.
    #[arg(short, long, env = "MERIDIAN_NAMESPACE", default_value = "default")]
    pub(crate) namespace: String,
}

impl WhichObject {
    /// Kind and name, however they were given.
    pub(crate) fn words(&self) -> Option<(&str, &str)> {
        match self.kind.split_once('/') {
            Some(both) => Some(both),
            None if self.name.is_empty() => None,
            None => Some((&self.kind, &self.name)),
        }
    }
}

/// `meridian promote`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) which: WhichObject,
    /// The member in which it runs.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on though the member would change its specification, and may start its pods anew.
    #[arg(long)]
    pub(crate) force: bool,
    /// Seconds to wait until the member took it over.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,
}

/// `meridian release`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) which: WhichObject,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Seconds to wait until all members let go.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,
}
