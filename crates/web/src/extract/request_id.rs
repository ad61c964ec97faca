//! The id of a request, as the reader sees it on an error page and in `X-Request-Id`.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

/// `req_` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// A fresh id. What a client sends as its own is never taken over.
    pub fn generate() -> Self {
        Self(format!("req_{}", Uuid::now_v7().simple()))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(Self::generate))
    }
}
