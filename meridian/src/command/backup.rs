//! `meridian backup` and `meridian restore`: the hub's objects as a file, and an empty database from one.

use std::io::{BufReader, Write};
use std::path::Path;

use federation_apiserver::store::{self, Loaded, PostgresConfig, backup};

use super::CommandError;
use crate::cli::{BackupArgs, StoreArgs};
use crate::data_dir::{self, DataDir, DataDirError, InUse};
use crate::encryption;
use crate::output::with_causes;
use crate::postgres::PrivatePostgres;

/// A database for the length of a command.
struct Database {
    config: PostgresConfig,
    /// The private server, where this command started it, and the directory is ours meanwhile.
    started: Option<(PrivatePostgres, InUse)>,
}

impl Database {
    /// The database at the address, or the private one: that of the running hub where `shared`, else started for us.
    async fn open(dir: &DataDir, args: &StoreArgs, shared: bool) -> Result<Self, CommandError> {
        let keyring = encryption::keyring(dir, args).map_err(|error| CommandError::Said(with_causes(&error)))?;
        if let Some(address) = &args.database_url {
            let config = PostgresConfig::parse(address).map_err(|error| CommandError::Said(with_causes(&error)))?;
            let config = config.with_keyring(keyring);
            return Ok(Self { config, started: None });
        }
        let lock = match dir.lock() {
            Ok(lock) => Some(lock),
            Err(DataDirError::InUse(_)) if shared => None,
            Err(error) => return Err(error.into()),
        };
        let server = PrivatePostgres::start(&dir.postgres()).await;
        let server = server.map_err(|error| CommandError::Said(with_causes(&error)))?;
        Ok(Self {
            config: PostgresConfig::of(server.options()).with_keyring(keyring),
            started: lock.map(|lock| (server, lock)),
        })
    }

    async fn close(self) {
        if let Some((server, _lock)) = self.started {
            server.stop().await;
        }
    }
}

/// Writes a backup.
pub(super) async fn write(data_dir: &Path, args: BackupArgs) -> Result<(), CommandError> {
    let dir = DataDir::open(data_dir)?;
    let database = Database::open(&dir, &args.store, true).await?;
    let loaded = store::load_once(database.config.clone()).await;
    database.close().await;
    let loaded = loaded.map_err(|error| CommandError::Said(with_causes(&error)))?;
    let said = format!(
        "{} objects at revision {} written to {}",
        loaded.objects.len(),
        loaded.revision,
        args.file.display()
    );
    off_the_runtime(move || put(&loaded, &args.file)).await?;
    eprintln!("{said}; keep the directory pki of {} with it", data_dir.display());
    Ok(())
}

/// The file as a whole or not at all, for its owner only.
fn put(loaded: &Loaded, path: &Path) -> Result<(), CommandError> {
    let said = |error: backup::BackupError| CommandError::Said(with_causes(&error));
    if path == Path::new("-") {
        return backup::write(loaded, &mut std::io::stdout().lock()).map_err(said);
    }
    let mut content = Vec::new();
    backup::write(loaded, &mut content).map_err(said)?;
    data_dir::write_whole(path, &content, true).map_err(|error| CommandError::File(path.to_owned(), error))
}

/// Fills an empty database.
pub(super) async fn restore(data_dir: &Path, args: BackupArgs) -> Result<(), CommandError> {
    // Verified as a whole before anything is touched.
    let file = args.file.clone();
    let loaded = off_the_runtime(move || get(&file)).await?;
    let dir = DataDir::open(data_dir)?;
    let database = Database::open(&dir, &args.store, false).await?;
    let restored = store::restore(database.config.clone(), &loaded).await;
    database.close().await;
    let begins = restored.map_err(|error| CommandError::Said(with_causes(&error)))?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} objects restored; the history begins anew at revision {begins}, and members keep what they have",
        loaded.objects.len()
    )
    .map_err(|error| CommandError::File("standard output".into(), error))
}

fn get(path: &Path) -> Result<Loaded, CommandError> {
    let read = if path == Path::new("-") {
        backup::read(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(path).map_err(|error| CommandError::File(path.to_owned(), error))?;
        backup::read(BufReader::new(file))
    };
    read.map_err(|error| CommandError::Said(format!("{}: {}", path.display(), with_causes(&error))))
}

/// Files are read and written where waiting for them holds up nothing.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| CommandError::Said(format!("the backup ended badly: {error}")))?
}
