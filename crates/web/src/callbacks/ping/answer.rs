//! What a job is answered: a word or a sentence of plain text.

use axum::response::{IntoResponse, Response};
use domain::heartbeat::SignalError;
use http::{HeaderValue, StatusCode, header};

use super::body::KEPT;

/// It was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// As asked.
    Ok,
    /// And the monitor was made for it.
    Created,
}

/// It was not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("not found")]
    NotFound,
    #[error("{0}")]
    Signal(#[from] SignalError),
    #[error("rid must be a UUID")]
    Rid,
    #[error("{0}")]
    Name(String),
    #[error("ambiguous: several monitors have this name; call one by its own address")]
    Ambiguous,
    #[error("only a key with the scope heartbeat may stand in an address")]
    Scope,
    #[error("{0}")]
    PlanLimit(String),
    #[error("too many calls; what would change something is taken all the same")]
    TooMany(u64),
    #[error("the database does not answer right now; try again")]
    Unavailable,
    #[error("this is our fault; try again")]
    Ours,
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Signal(_) | Self::Rid | Self::Name(_) => StatusCode::BAD_REQUEST,
            Self::Ambiguous => StatusCode::CONFLICT,
            Self::Scope | Self::PlanLimit(_) => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ours => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a call of a job failed");
        Self::Ours
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "a call of a job finds no database");
            Self::Unavailable
        } else {
            Self::internal(&error)
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::from(store::Error::from(error))
    }
}

impl From<incidents::Error> for Refusal {
    fn from(error: incidents::Error) -> Self {
        match error {
            incidents::Error::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

fn text(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert("ping-body-limit", HeaderValue::from(KEPT));
    response
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Ok => text(StatusCode::OK, "OK".to_owned()),
            Self::Created => text(StatusCode::CREATED, "Created".to_owned()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let wait = match self {
            Self::TooMany(seconds) => Some(seconds),
            Self::Unavailable | Self::Ours => Some(5),
            _ => None,
        };
        let mut response = text(self.status(), self.to_string());
        if let Some(seconds) = wait {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
