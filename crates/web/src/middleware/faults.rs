//! Gives a fault its look: a page for people, problem+json for programs. What is our fault needs no
//! database.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use http::{StatusCode, header};
use store::sessions::SignedIn;

use crate::auth::cookie;
use crate::error::{Fault, OUR_FAULT, PageError};
use crate::extract::{RequestId, session};
use crate::state::AppState;
use crate::view::{self, Shell, Theme};

/// The longest an error page waits for the name of its reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// Renders what [`PageError`] left in the response.
pub async fn show(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let is_ping = request.uri().path().starts_with("/ping/");
    let jar = CookieJar::from_headers(request.headers());
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::generate);
    let mut response = next.run(request).await;
    if is_ping {
        return plain(response);
    }
    let fault = response
        .extensions_mut()
        .remove::<Fault>()
        .or_else(|| of_framework(&response));
    let Some(fault) = fault else { return response };
    let mut shown = if is_api {
        crate::api::problem::render(&fault, &id, &state.config)
    } else {
        let person = match fault.status.is_client_error() {
            true => signed_in(&state, &jar).await,
            false => None,
        };
        page(&fault, &id, Theme::of(&jar), person.as_ref())
    };
    *shown.status_mut() = fault.status;
    let kept: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| **name != header::CONTENT_TYPE && **name != header::CONTENT_LENGTH)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    shown.headers_mut().extend(kept);
    *response.body_mut() = axum::body::Body::empty();
    shown
}

/// Who reads the error, for the header of its page; nobody when that cannot be found out quickly.
async fn signed_in(state: &AppState, jar: &CookieJar) -> Option<SignedIn> {
    let token = cookie::session_token(jar, &state.config)?;
    let found = tokio::time::timeout(PATIENCE, session::find(state, token)).await;
    found.ok()?.ok()?
}

/// A job's log is no place for a page.
fn plain(mut response: Response) -> Response {
    let Some(fault) = response.extensions_mut().remove::<Fault>() else {
        return response;
    };
    let mut shown = (fault.status, fault.detail).into_response();
    for (name, value) in response.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            shown.headers_mut().insert(name, value.clone());
        }
    }
    shown
}

/// The framework's own refusals (a broken path parameter, a wrong method) carry no fault.
fn of_framework(response: &Response) -> Option<Fault> {
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain {
        return None;
    }
    match response.status() {
        // A path that does not parse names nothing of ours.
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => PageError::NotFound.fault(),
        StatusCode::METHOD_NOT_ALLOWED => PageError::MethodNotAllowed.fault(),
        StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge.fault(),
        StatusCode::INTERNAL_SERVER_ERROR => Some(Fault {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            detail: OUR_FAULT.to_owned(),
            retry_after: None,
        }),
        _ => None,
    }
}

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    fault: &'a Fault,
    heading: &'static str,
    reference: Option<&'a str>,
}

fn page(fault: &Fault, id: &RequestId, theme: Theme, person: Option<&SignedIn>) -> Response {
    let heading = match fault.status.as_u16() {
        404 => "Not found",
        403 => "Not allowed",
        405 => "Wrong method",
        413 => "Too large",
        429 => "Not now",
        500 => "Our fault",
        503 => "Not available",
        _ => "That did not work",
    };
    let reference = fault.status.is_server_error().then_some(id.0.as_str());
    let page = ErrorPage {
        shell: Shell::new(heading.to_owned(), theme, person).section("fault"),
        fault,
        heading,
        reference,
    };
    view::render(&page).unwrap_or_else(|_| fault.status.into_response())
}
