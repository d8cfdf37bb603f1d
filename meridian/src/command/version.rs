//! `meridian version`.

use super::CommandError;
use crate::cli::{OutputArgs, OutputFormat};
use crate::output;

/// Prints the version of this binary and of the Kubernetes API that its hub presents.
pub(crate) fn run(args: &OutputArgs) -> Result<(), CommandError> {
    let kubernetes = federation_apiserver::PRESENTED_KUBERNETES_VERSION;
    let value = serde_json::json!({"meridian": env!("CARGO_PKG_VERSION"), "kubernetes": kubernetes});
    match output::data(args.output, &value) {
        Some(text) => print!("{}", text.map_err(CommandError::Said)?),
        None if args.output == OutputFormat::Name => println!("{}", env!("CARGO_PKG_VERSION")),
        None => println!(
            "meridian {} (presents itself as Kubernetes {kubernetes})",
            env!("CARGO_PKG_VERSION")
        ),
    }
    Ok(())
}
