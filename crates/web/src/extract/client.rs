//! The other end: its address and what it calls itself.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::extract::ClientIp;
use crate::state::AppState;

/// Address and browser of a request.
#[derive(Debug, Clone)]
pub struct Client {
    /// Where from.
    pub ip: ClientIp,
    /// The browser's own words, at most 300 characters.
    pub user_agent: String,
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let ip = ClientIp::from_request_parts(parts, state).await?;
        let words = parts
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Self {
            ip,
            user_agent: words.chars().take(300).collect(),
        })
    }
}
