//! All routes, and what is wrapped around them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, Method, Uri, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::error::PageError;
use crate::routes::{Access, Routes};
use crate::state::AppState;
use crate::{api, assets, callbacks, middleware, pages};

/// The largest body a form may have.
pub const FORM_LIMIT: usize = 256 * 1024;
/// The largest body a request to the API may have: so large that a field which is far too long is named.
pub const API_LIMIT: usize = 2 * 1024 * 1024;
/// The longest a handler may take; a "check now" waits for a look and its time-out.
pub const DEADLINE: Duration = Duration::from_secs(75);

/// Every route with its access rule.
pub fn routes() -> Routes {
    Routes::new()
        .get("/static/{file}", Access::Public, assets::serve)
        .get("/favicon.ico", Access::Public, assets::favicon)
        .get("/robots.txt", Access::Public, assets::robots)
        .merge(pages::routes())
        .merge(api::routes())
        .merge(callbacks::routes())
}

/// A person who reloads the address of a form's answer (`/settings/security/password`) is led to the page
/// the form is on.
async fn wrong_method(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let by_person = headers
        .get(header::ACCEPT)
        .is_some_and(|kinds| kinds.as_bytes().starts_with(b"text/html"));
    if method != Method::GET || parent.is_empty() || !by_person {
        return PageError::MethodNotAllowed.into_response();
    }
    Redirect::to(parent).into_response()
}

/// The whole web role as one service.
pub fn router(state: AppState) -> Router {
    let (_, router) = routes().into_parts();
    router
        .route_layer(from_fn(middleware::access_log::note_pattern))
        .fallback(async || PageError::NotFound)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn_with_state(state.clone(), middleware::csrf::guard))
        .layer(from_fn(middleware::deadline::limit))
        .layer(CatchPanicLayer::custom(middleware::panic::answer))
        .layer(from_fn_with_state(state.clone(), api::gate::guard))
        .layer(from_fn_with_state(state.clone(), middleware::faults::show))
        .layer(from_fn_with_state(state.clone(), middleware::headers::add))
        .layer(CompressionLayer::new().br(true).gzip(true))
        .layer(from_fn(middleware::access_log::log))
        .layer(from_fn(middleware::request_id::assign))
        .with_state(state)
}
