//! `meridian token`: a bearer token from the hub's token file, made if there is none for the user.

use std::path::Path;

use super::CommandError;
use crate::cli::{TokenArgs, TokenRole};
use crate::data_dir::DataDir;
use crate::tokens;

/// Prints the token.
pub(crate) fn run(data_dir: &Path, args: &TokenArgs) -> Result<(), CommandError> {
    let dir = DataDir::open(data_dir)?;
    let path = dir.pki().join(tokens::FILE);
    let groups = match args.role {
        TokenRole::Admin => tokens::ADMIN_GROUPS,
        TokenRole::Viewer => tokens::VIEWER_GROUPS,
        TokenRole::User => &[],
    };
    let groups: Vec<&str> = groups
        .iter()
        .copied()
        .chain(args.groups.iter().map(String::as_str))
        .collect();
    let token = tokens::ensure(&path, &args.user, &groups).map_err(|error| CommandError::File(path, error))?;
    println!("{token}");
    Ok(())
}
