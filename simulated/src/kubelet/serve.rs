//! The kubelet's own port, for a real API server that plays no machines itself: it passes requests
//! for logs and commands on to here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use federation_apiserver::kubelet::Kubelet as _;
use federation_apiserver::serve::{serve_tls, tls_config};
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{SimulatedKubelet, text};
use crate::certificates;

/// What the port needs.
#[derive(Clone)]
struct Door {
    kubelet: SimulatedKubelet,
    client: Client,
}

/// A kubelet's port that is open.
pub(crate) struct Port {
    listener: TcpListener,
    number: u16,
}

impl Port {
    /// Opens a free one on loopback.
    ///
    /// # Errors
    /// If the system has none.
    pub(crate) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let number = listener.local_addr()?.port();
        Ok(Self { listener, number })
    }

    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Answers on it until shutdown.
    pub(crate) async fn serve(self, member: String, client: Client, shutdown: CancellationToken) {
        let made = certificates::make(&member).map_err(|error| error.to_string());
        let tls =
            made.and_then(|made| tls_config(&made.server, &made.server_key, None).map_err(|error| error.to_string()));
        let tls = match tls {
            Ok(tls) => tls,
            Err(error) => {
                tracing::error!(
                    member,
                    error,
                    "the simulated kubelet has no certificate; its pods have no logs"
                );
                return;
            }
        };
        let door = Door {
            kubelet: SimulatedKubelet { member },
            client,
        };
        let router = Router::new()
            .route(
                "/containerLogs/{namespace}/{pod}/{container}",
                get(|door, path, request| answer("log", door, path, request)),
            )
            .route(
                "/exec/{namespace}/{pod}/{container}",
                any(|door, path, request| answer("exec", door, path, request)),
            )
            .route(
                "/attach/{namespace}/{pod}/{container}",
                any(|door, path, request| answer("attach", door, path, request)),
            )
            .with_state(door);
        serve_tls(self.listener, router, tls, shutdown).await;
    }
}

async fn answer(
    part: &'static str,
    State(door): State<Door>,
    Path((namespace, pod, container)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let api: Api<Pod> = Api::namespaced(door.client, &namespace);
    match super::super::workloads::within(api.get(&pod)).await {
        Ok(found) => {
            let found = Arc::new(serde_json::to_value(found).unwrap_or_default());
            door.kubelet.answer(found, part, &container, request).await
        }
        Err(error) if error.is(404) => text(StatusCode::NOT_FOUND, format!("pod {namespace}/{pod} not found")),
        Err(error) => text(StatusCode::BAD_GATEWAY, error.to_string()),
    }
}
