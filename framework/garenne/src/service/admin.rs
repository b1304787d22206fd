//! `/livez`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::StartError;
use super::client::Parts;
use crate::telemetry::Metrics;

struct Admin<S> {
    parts: Arc<Parts<S>>,
    metrics: Arc<Metrics>,
}

/// Serves until `stop` is true.
///
/// `/livez` answers 200 as long as the process can answer: a broker that is away is no reason to restart it.
/// `/readyz` answers 200 while the service consumes and can publish, otherwise 503 with the reason.
pub(super) async fn serve<S: Send + Sync + 'static>(
    address: SocketAddr,
    parts: Arc<Parts<S>>,
    metrics: Arc<Metrics>,
    mut stop: watch::Receiver<bool>,
) -> Result<(SocketAddr, JoinHandle<()>), StartError> {
    let failed = |reason| StartError::Admin { address, reason };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(expose))
        .with_state(Arc::new(Admin { parts, metrics }));
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stop.wait_for(|stop| *stop).await;
    });
    let serving = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the admin endpoint ended");
        }
    });
    Ok((bound, serving))
}

async fn readyz<S>(State(admin): State<Arc<Admin<S>>>) -> impl IntoResponse {
    match admin.parts.readiness() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn expose<S>(State(admin): State<Arc<Admin<S>>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", content_type)], admin.metrics.exposition())
}
