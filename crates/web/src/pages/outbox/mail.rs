//! The HTML of one mail, alone in a sandboxed frame: its inline styles apply, nothing else may run or
//! load.

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use serde::Deserialize;
use uuid::Uuid;

use crate::error::{PageError, PageResult};
use crate::state::AppState;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups";

/// In which colours the mail is shown, whatever the browser prefers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    colours: String,
}

/// Shows it.
pub async fn show(
    State(state): State<AppState>,
    Path(message): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> PageResult {
    if !state.config.outbox {
        return Err(PageError::NotFound);
    }
    let mut connection = state.pool.acquire().await?;
    let message = store::outbox::find(&mut connection, message)
        .await?
        .ok_or(PageError::NotFound)?;
    if message.html.is_empty() {
        return Err(PageError::NotFound);
    }
    let headers = [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ];
    Ok((headers, Html(coloured(&message.html, &asked.colours))).into_response())
}

/// Mails follow the reader's colours by a media query; here it is answered by the address.
fn coloured(html: &str, colours: &str) -> String {
    let answer = match colours {
        "dark" => "all",
        "light" => "not all",
        _ => return html.to_owned(),
    };
    html.replace("(prefers-color-scheme: dark)", answer)
        .replace("(prefers-color-scheme:dark)", answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_answers_the_media_query() {
        let html = "<style>@media (prefers-color-scheme: dark) { a {} }</style>";
        assert_eq!(coloured(html, "dark"), "<style>@media all { a {} }</style>");
        assert_eq!(
            coloured(html, "light"),
            "<style>@media not all { a {} }</style>"
        );
        assert_eq!(coloured(html, ""), html);
    }
}
