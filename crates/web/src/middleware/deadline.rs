//! No handler holds a connection for ever. Streams answer at once and then go on, so they are free.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::PageError;
use crate::router::DEADLINE;

/// Answers 503 when a handler takes too long.
pub async fn limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => PageError::Unavailable("deadline").into_response(),
    }
}
