//! Refuses requests that change something and come from another site: by `Sec-Fetch-Site`, which no
//! page can forge, else by `Origin`. Without both it is no browser, and there is no cookie to misuse.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, header};

use crate::config::WebConfig;
use crate::error::PageError;
use crate::state::AppState;

/// Addresses that programs call with proofs of their own, never with a cookie.
const PROGRAMS: [&str; 3] = ["/api/", "/ping/", "/callbacks/"];

/// The guard.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let program = PROGRAMS
        .iter()
        .any(|prefix| request.uri().path().starts_with(prefix));
    if safe || program || is_ours(request.headers(), &state.config) {
        next.run(request).await
    } else {
        PageError::CrossSite.into_response()
    }
}

fn is_ours(headers: &HeaderMap, config: &WebConfig) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &http::HeaderValue| value.to_str().unwrap_or("?"))
    };
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match text("origin") {
        None => true,
        Some(origin) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            let same_host = origin.split_once("://").is_some_and(|(_, authority)| {
                !host.is_empty() && authority.eq_ignore_ascii_case(host)
            });
            origin == config.base_url.origin().ascii_serialization() || same_host
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn the_site_decides_then_the_origin() {
        let config = config("https://watchbell.example");
        let ours = |pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            is_ours(&headers, &config)
        };
        assert!(ours(&[]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]) && ours(&[("sec-fetch-site", "none")]));
        for site in ["cross-site", "same-site", "", "Same-Origin"] {
            let headers: HeaderMap = [("sec-fetch-site".parse().unwrap(), site.parse().unwrap())]
                .into_iter()
                .collect();
            assert!(!is_ours(&headers, &config), "{site:?}");
        }
        assert!(!ours(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://watchbell.example")
        ]));
        assert!(ours(&[("origin", "https://watchbell.example")]));
        assert!(ours(&[
            ("origin", "http://127.0.0.1:8080"),
            ("host", "127.0.0.1:8080")
        ]));
        for origin in [
            "https://evil.example",
            "null",
            "https://watchbell.example.evil.example",
            "http://watchbell.example",
        ] {
            let headers: HeaderMap = [("origin".parse().unwrap(), origin.parse().unwrap())]
                .into_iter()
                .collect();
            assert!(!is_ours(&headers, &config), "{origin:?}");
        }
    }
}
