//! The HTML of one mail, alone in a sandboxed frame: its inline styles apply, nothing else may run or
//! load.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use uuid::Uuid;

use crate::error::{PageError, PageResult};
use crate::state::AppState;

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups";

/// Shows it.
pub async fn show(State(state): State<AppState>, Path(message): Path<Uuid>) -> PageResult {
    if !state.config.outbox {
        return Err(PageError::NotFound);
    }
    let mut connection = state.pool.acquire().await?;
    let message = store::outbox::find(&mut connection, message).await?.ok_or(PageError::NotFound)?;
    if message.html.is_empty() {
        return Err(PageError::NotFound);
    }
    let headers = [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ];
    Ok((headers, Html(message.html)).into_response())
}
