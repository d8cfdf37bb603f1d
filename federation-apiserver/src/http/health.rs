//! Is it alive, is it ready: one line a check.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;

use super::query::Query;
use super::respond;
use crate::server::Shared;

/// How long the store may take to answer.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// One check and what it found; none for all well.
struct Check {
    name: &'static str,
    fault: Option<String>,
}

async fn checks(server: &Shared, readiness: bool) -> Vec<Check> {
    let mut checks = vec![Check {
        name: "ping",
        fault: None,
    }];
    if readiness {
        let ends = server.leaving.is_cancelled() || server.shutdown.is_cancelled();
        let shutdown = ends.then(|| "the server is shutting down".to_owned());
        checks.push(Check {
            name: "shutdown",
            fault: shutdown,
        });
        let store = tokio::time::timeout(STORE_WITHIN, server.engine.durable.store.health()).await;
        let fault = match store {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the store does not answer".to_owned()),
        };
        checks.push(Check { name: "store", fault });
    }
    checks
}

/// Answers `/livez`, `/readyz`, `/healthz` and `/livez/NAME`; none for other paths.
pub(crate) async fn page(server: &Shared, query: &Query, path: &str) -> Option<Response> {
    let (what, single) = match path.strip_prefix('/')?.split_once('/') {
        Some((what, name)) => (what, Some(name)),
        None => (path.strip_prefix('/')?, None),
    };
    let readiness = match what {
        "livez" => false,
        "readyz" | "healthz" => true,
        _ => return None,
    };
    let mut checks = checks(server, readiness).await;
    if let Some(single) = single {
        checks.retain(|check| check.name == single);
        if checks.is_empty() {
            return None;
        }
    }
    let excluded: Vec<&str> = query.all("exclude").collect();
    let mut lines = String::new();
    let mut failed = false;
    for check in &checks {
        let name = check.name;
        match &check.fault {
            _ if excluded.contains(&name) => lines.push_str(&format!("[+]{name} excluded: ok\n")),
            None => lines.push_str(&format!("[+]{name} ok\n")),
            Some(fault) => {
                failed = true;
                // The reason may name hosts and databases; it is for the log, and for nobody unauthenticated.
                tracing::warn!(check = name, %fault, "health check failed");
                lines.push_str(&format!("[-]{name} failed: reason withheld\n"));
            }
        }
    }
    Some(if failed {
        respond::text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{lines}{what} check failed\n"),
        )
    } else if query.has("verbose") {
        respond::text(StatusCode::OK, format!("{lines}{what} check passed\n"))
    } else {
        respond::text(StatusCode::OK, "ok")
    })
}
