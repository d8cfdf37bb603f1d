//! `meridian ds`: what the zones above need to know of the keys in the data directory.

use std::path::Path;

use dns::snapshot::WireName;

use super::CommandError;
use crate::cli::DsArgs;
use crate::data_dir::DataDir;
use crate::dns_keys;

/// Prints a line a zone.
pub(crate) fn run(data_dir: &Path, args: &DsArgs) -> Result<(), CommandError> {
    let dir = DataDir::open(data_dir)?;
    let said = |error: dns_keys::KeyFileError| CommandError::Said(crate::output::with_causes(&error));
    let zones = if args.zones.is_empty() {
        dns_keys::zones(&dir).map_err(said)?
    } else {
        let parsed = args.zones.iter().map(|zone| WireName::parse(zone));
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error| CommandError::Usage(error.to_string()))?
    };
    for zone in zones {
        let key = dns_keys::read(&dir, &zone).map_err(said)?;
        println!("{}", key.ds(&zone));
    }
    Ok(())
}
