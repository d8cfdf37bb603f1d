//! Where settings come from besides the command line: the file of `--config`, and the default data directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    #[error("configuration file {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// It is not a YAML map of plain values.
    #[error("configuration file {0}: it must be a YAML map of flag names and plain values: {1}")]
    Form(PathBuf, String),
}

/// Flags and their values as the file gives them.
pub(crate) fn file_defaults(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?;
    let values: BTreeMap<String, serde_json::Value> =
        serde_saphyr::from_str(&text).map_err(|error| ConfigError::Form(path.to_owned(), error.to_string()))?;
    values
        .into_iter()
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => Ok((key, text)),
            serde_json::Value::Number(number) => Ok((key, number.to_string())),
            serde_json::Value::Bool(yes) => Ok((key, yes.to_string())),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => Err(
                ConfigError::Form(path.to_owned(), format!("{key} is not a plain value")),
            ),
        })
        .collect()
}

/// Keys of the file that no command knows.
pub(crate) fn unknown_keys(command: &clap::Command, defaults: &BTreeMap<String, String>) -> Vec<String> {
    fn knows(command: &clap::Command, key: &str) -> bool {
        command.get_arguments().any(|arg| arg.get_long() == Some(key))
            || command.get_subcommands().any(|sub| knows(sub, key))
    }
    defaults.keys().filter(|key| !knows(command, key)).cloned().collect()
}

/// The command with the file's values as defaults.
pub(crate) fn with_defaults(command: clap::Command, defaults: &BTreeMap<String, String>) -> clap::Command {
    command
        .mut_args(|arg| match arg.get_long().and_then(|long| defaults.get(long)) {
            Some(value) => arg.default_value(value.clone()),
            None => arg,
        })
        .mut_subcommands(|sub| with_defaults(sub, defaults))
}

/// The data directory: what was given, else `$XDG_DATA_HOME/meridian`, else `~/.local/share/meridian`.
pub(crate) fn data_dir(given: Option<PathBuf>) -> PathBuf {
    given
        .or_else(|| std::env::var_os("XDG_DATA_HOME").map(|base| PathBuf::from(base).join("meridian")))
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share/meridian")))
        .unwrap_or_else(|| PathBuf::from("meridian-data"))
}
