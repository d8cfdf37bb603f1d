//! The keys that Secrets are sealed with in PostgreSQL: of the file that was named, or, beside a private PostgreSQL, of one of
//! our own, made at first start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use federation_apiserver::store::{Keyring, KeyringError};

use crate::cli::StoreArgs;
use crate::data_dir::{DataDir, write_whole};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// The key file.
    #[error("key file {path}")]
    Keyring {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyringError,
    },
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
                // A name of its own: a Secret that another key sealed is then known to need that one.
                let name = uuid::Uuid::new_v4().simple().to_string();
                let text = Keyring::generate(&name).map_err(wrong(&path))?;
                write_whole(&path, text.as_bytes(), true).map_err(|source| EncryptionError::Write {
                    path: path.clone(),
                    source,
                })?;
            }
            path
        }
    };
    let keyring = Keyring::read(&path).map_err(wrong(&path))?;
    Ok(Some(Arc::new(keyring)))
}

fn wrong(path: &Path) -> impl FnOnce(KeyringError) -> EncryptionError {
    let path = path.to_owned();
    move |source| EncryptionError::Keyring { path, source }
}
