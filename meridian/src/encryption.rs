//! The keys that Secrets are sealed with in PostgreSQL: of the file that was named, or, beside a private PostgreSQL, of one of
//! our own, made at first start.

use std::path::PathBuf;
use std::sync::Arc;

use federation_apiserver::store::{Keyring, KeyringError};

use crate::cli::StoreArgs;
use crate::data_dir::{DataDir, write_whole};

/// Name of the key that is made at first start.
const FIRST: &str = "first";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// The key file.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A new key file.
    #[error("{path}: a new key file cannot be written; next: check owner and free space")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The keys; none where the database is somebody else's and no file is named.
pub(crate) fn keyring(dir: &DataDir, store: &StoreArgs) -> Result<Option<Arc<Keyring>>, EncryptionError> {
    let path = match (&store.encryption_key_file, &store.database_url) {
        (Some(named), _) => named.clone(),
        (None, Some(_)) => return Ok(None),
        (None, None) => {
            let path = dir.pki().join("encryption.keys");
            if !path.exists() {
                let text = Keyring::generate(FIRST)?;
                write_whole(&path, text.as_bytes(), true).map_err(|source| EncryptionError::Write {
                    path: path.clone(),
                    source,
                })?;
            }
            path
        }
    };
    Ok(Some(Arc::new(Keyring::read(&path)?)))
}
