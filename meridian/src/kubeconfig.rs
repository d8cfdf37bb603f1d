//! The kubeconfig that Meridian writes: the context `federation`, and one for each simulated member.
//!
//! In: endpoints and identities. Out: one file, written whole, readable by its owner alone (it holds client keys).

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::data_dir::write_whole;
use crate::pki::Identity;

/// Name of the hub's context, for `kubectl --context federation`.
pub(crate) const FEDERATION: &str = "federation";

/// One cluster that the file leads to.
pub(crate) struct Entry {
    /// Name of context, cluster and user.
    pub(crate) name: String,
    /// URL of the API.
    pub(crate) server: String,
    /// PEM of the authority that signed its certificate.
    pub(crate) authority_pem: String,
    /// Client certificate and key.
    pub(crate) identity: Identity,
}

/// The file's content; the first entry is the current context.
pub(crate) fn render(entries: &[Entry]) -> Value {
    let base64 = |text: &str| STANDARD.encode(text);
    let clusters: Vec<Value> = entries
        .iter()
        .map(|e| json!({"name": e.name, "cluster": {"server": e.server, "certificate-authority-data": base64(&e.authority_pem)}}))
        .collect();
    let users: Vec<Value> = entries
        .iter()
        .map(|e| {
            json!({"name": e.name, "user": {
                "client-certificate-data": base64(&e.identity.certificate),
                "client-key-data": base64(&e.identity.key),
            }})
        })
        .collect();
    let contexts: Vec<Value> = entries
        .iter()
        .map(|e| json!({"name": e.name, "context": {"cluster": e.name, "user": e.name}}))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": entries.first().map_or("", |e| e.name.as_str()),
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
    })
}

/// Writes the file as YAML.
pub(crate) fn write(path: &Path, entries: &[Entry]) -> std::io::Result<()> {
    let text = serde_saphyr::to_string(&render(entries)).map_err(std::io::Error::other)?;
    write_whole(path, text.as_bytes(), true)
}
