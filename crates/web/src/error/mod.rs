//! What a handler may fail with. Handlers return [`PageError`]; the middleware
//! [`crate::middleware::faults`] turns it into a page, or into problem+json under `/api/`.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};

/// The result of a page handler.
pub type PageResult<T = Response> = Result<T, PageError>;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nothing here, or not yours: the two are never told apart.
    #[error("not found")]
    NotFound,
    /// Your role does not allow it.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// The request came from another site, or from a form that is too old.
    #[error("the request did not come from our own page")]
    CrossSite,
    /// No such method here.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is larger than we take.
    #[error("payload too large")]
    TooLarge,
    /// The body is not what the form sends.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Too many tries; come back after that many seconds.
    #[error("too many requests")]
    TooManyRequests {
        /// Seconds.
        retry_after: u64,
    },
    /// Nobody is signed in; afterwards the browser comes back to this path.
    #[error("sign-in required")]
    SignIn {
        /// Path and query to return to.
        next: String,
    },
    /// The database is away, or the answer took too long.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// Our fault.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Our fault, with its cause for the log and nothing for the reader.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Internal(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the middleware shows; carried by the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Status.
    pub status: StatusCode,
    /// The API's code for it.
    pub code: &'static str,
    /// One sentence for the reader.
    pub detail: String,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u64>,
}

impl PageError {
    /// Wraps an unexpected error.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Internal(error.into()))
    }

    /// What is shown of it; `None` for a redirect.
    pub fn fault(&self) -> Option<Fault> {
        let fault = |status, code, detail: &str| Fault {
            status,
            code,
            detail: detail.to_owned(),
            retry_after: None,
        };
        Some(match self {
            Self::SignIn { .. } => return None,
            Self::NotFound => fault(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing here, or it is not yours.",
            ),
            Self::Forbidden(why) => fault(StatusCode::FORBIDDEN, "forbidden", why),
            Self::CrossSite => fault(
                StatusCode::FORBIDDEN,
                "forbidden",
                "This request came from another site, so nothing was changed. Open the page here and send it again.",
            ),
            Self::MethodNotAllowed => fault(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This address does not take that method.",
            ),
            Self::TooLarge => fault(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                "That is more than we take at once. Nothing was changed.",
            ),
            Self::BadRequest(why) => fault(StatusCode::BAD_REQUEST, "bad_request", why),
            Self::TooManyRequests { retry_after } => Fault {
                status: StatusCode::TOO_MANY_REQUESTS,
                code: "rate_limited",
                detail: format!("Too many tries. Try again in {}.", wait(*retry_after)),
                retry_after: Some(*retry_after),
            },
            Self::Unavailable(_) => Fault {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: "unavailable",
                detail: OUR_FAULT.to_owned(),
                retry_after: Some(5),
            },
            Self::Internal(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "internal", OUR_FAULT),
        })
    }
}

/// What 500 and 503 say.
pub const OUR_FAULT: &str = "This is our fault. Looks and alerts run separately from this page.";

fn wait(seconds: u64) -> String {
    domain::words::duration(jiff::SignedDuration::from_secs(
        i64::try_from(seconds).unwrap_or(i64::MAX),
    ))
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self {
            Self::SignIn { next } => {
                let query: String = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("next", next)
                    .finish();
                return Redirect::to(&format!("/login?{query}")).into_response();
            }
            Self::Internal(error) => {
                tracing::error!(error = %chain(error), "a page failed");
            }
            Self::Unavailable(why) => tracing::warn!(why, "a page is unavailable"),
            _ => {}
        }
        let Some(fault) = self.fault() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = fault.status.into_response();
        if let Some(seconds) = fault.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(fault);
        response
    }
}

/// An error with its causes, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

impl From<store::Error> for PageError {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            Self::Unavailable("database")
        } else {
            Self::internal(error)
        }
    }
}

impl From<sqlx::Error> for PageError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(store::Error::from(error))
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::internal(error)
    }
}
