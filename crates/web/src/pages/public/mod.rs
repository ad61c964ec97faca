//! Pages for everyone: the landing page, who looks, what changed.

pub mod bot;
pub mod changelog;
pub mod landing;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/", Access::Public, landing::show)
        .get("/bot", Access::Public, bot::show)
        .get("/bot/ips.txt", Access::Public, bot::addresses)
        .get("/changelog", Access::Public, changelog::show)
}

/// Search engines may list these pages, and browsers keep them for a moment when nobody is signed in.
pub(crate) fn listed(
    mut response: axum::response::Response,
    signed_in: bool,
) -> axum::response::Response {
    use http::{HeaderName, HeaderValue, header};
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("all"),
    );
    if !signed_in {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}
