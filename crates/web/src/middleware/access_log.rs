//! One line a request: method, route, status, time. Never an address, a query or a token: the route
//! is the pattern, not the path.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use crate::extract::RequestId;

/// Logs and measures.
pub async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let route = response
        .extensions_mut()
        .remove::<Pattern>()
        .map_or_else(|| "unmatched".to_owned(), |pattern| pattern.0);
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("watchbell_http_request_seconds", "method" => method.to_string(), "route" => route.clone(), "status" => status.to_string())
        .record(seconds);
    tracing::debug!(%method, route, status, ms = seconds * 1_000.0, request.id = id.map(|id| id.0), "request");
    response
}

/// The route's pattern, handed from inside the router to the log outside of it.
#[derive(Debug, Clone)]
struct Pattern(String);

/// Notes the pattern that matched.
pub async fn note_pattern(request: Request, next: Next) -> Response {
    let pattern = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| Pattern(path.as_str().to_owned()));
    let mut response = next.run(request).await;
    if let Some(pattern) = pattern {
        response.extensions_mut().insert(pattern);
    }
    response
}
