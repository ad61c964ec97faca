//! `/healthz`, `/readyz`, `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use sqlx::PgPool;

use crate::telemetry::Metrics;

/// A role's own word on its health; the error is what a person should read.
pub type Health = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the operations endpoints need.
#[derive(Clone)]
pub struct Ops {
    /// The database of this process.
    pub pool: PgPool,
    /// The recorder.
    pub metrics: Metrics,
    /// The roles of this process.
    pub health: Arc<[(&'static str, Health)]>,
    /// The listener is the public one: metrics answer this machine only.
    pub public: bool,
}

const DATABASE_LIMIT: Duration = Duration::from_secs(2);

/// The routes, to be merged into the web's or served alone.
pub fn router(ops: Ops) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(ops)
}

async fn ready(State(ops): State<Ops>) -> Response {
    match problem(&ops).await {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "5")],
            format!("{reason}\n"),
        )
            .into_response(),
    }
}

async fn problem(ops: &Ops) -> Option<String> {
    let pending = async {
        let mut connection = ops.pool.acquire().await.map_err(store::Error::from)?;
        store::admin::pending_migrations(&mut connection).await
    };
    match tokio::time::timeout(DATABASE_LIMIT, pending).await {
        Err(_) => return Some("the database does not answer within 2 s".to_owned()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database");
            return Some("the database does not answer".to_owned());
        }
        Ok(Ok(0)) => {}
        Ok(Ok(count)) => {
            return Some(format!(
                "{count} migrations are pending: run `watchbell migrate`"
            ));
        }
    }
    ops.health
        .iter()
        .find_map(|(role, health)| health().err().map(|reason| format!("{role}: {reason}")))
}

async fn metrics(
    State(ops): State<Ops>,
    connection: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let proxied = headers
        .keys()
        .any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
    let near = connection
        .is_some_and(|Extension(ConnectInfo(peer))| peer.ip().to_canonical().is_loopback());
    if ops.public && (proxied || !near) {
        return StatusCode::NOT_FOUND.into_response();
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        ops.metrics.render(),
    )
        .into_response()
}
