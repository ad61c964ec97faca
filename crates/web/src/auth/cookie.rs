//! Our cookies: the session, and the colours.

use axum_extra::extract::cookie::{Cookie, CookieJar};
use http::HeaderValue;
use jiff::SignedDuration;

use crate::config::WebConfig;

/// How long a session lasts after it was last used.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 30);

/// `__Host-` binds the cookie to this host over https; browsers refuse the prefix over http, where
/// only a loopback address is served.
fn name(config: &WebConfig) -> &'static str {
    if config.is_https() {
        "__Host-watchbell"
    } else {
        "watchbell_session"
    }
}

/// The token that the browser sent.
pub fn session_token<'j>(jar: &'j CookieJar, config: &WebConfig) -> Option<&'j str> {
    jar.get(name(config))
        .map(Cookie::value)
        .filter(|token| !token.is_empty())
}

/// The `Set-Cookie` that carries a session's token.
pub fn session(token: &str, config: &WebConfig) -> Option<HeaderValue> {
    set(name(config), token, LIFETIME, config)
}

/// The `Set-Cookie` that removes it.
pub fn no_session(config: &WebConfig) -> Option<HeaderValue> {
    set(name(config), "", SignedDuration::ZERO, config)
}

/// The `Set-Cookie` that keeps the colours; it holds no secret.
pub fn theme(value: &'static str, config: &WebConfig) -> Option<HeaderValue> {
    set("theme", value, SignedDuration::from_hours(24 * 365), config)
}

fn set(
    name: &str,
    value: &str,
    lifetime: SignedDuration,
    config: &WebConfig,
) -> Option<HeaderValue> {
    let secure = if config.is_https() { "; Secure" } else { "" };
    let text = format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        lifetime.as_secs()
    );
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn flags() {
        let https = session("t", &config("https://watchbell.example")).unwrap();
        assert_eq!(
            https,
            "__Host-watchbell=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure"
        );
        let http = session("t", &config("http://localhost:8080")).unwrap();
        assert_eq!(
            http,
            "watchbell_session=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"
        );
        assert_eq!(session("t\r\nX: y", &config("http://localhost:8080")), None);
    }
}
