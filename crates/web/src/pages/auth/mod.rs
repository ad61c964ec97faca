//! Sign up, log in, prove an address, set a forgotten password.

pub mod change_email;
pub mod forgot;
pub mod login;
pub mod reset;
pub mod signup;
pub mod verify;

use std::time::Duration;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/signup", Access::Public, signup::show)
        .post("/signup", Access::Public, signup::submit)
        .get("/login", Access::Public, login::show)
        .post("/login", Access::Public, login::submit)
        .post("/logout", Access::Public, login::logout)
        .get("/verify", Access::User, verify::show)
        .post("/verify", Access::User, verify::submit)
        .post("/verify/resend", Access::User, verify::resend)
        .get("/verify/{token}", Access::Token, verify::link)
        .post("/verify/{token}", Access::Token, verify::press)
        .get("/forgot", Access::Public, forgot::show)
        .post("/forgot", Access::Public, forgot::submit)
        .post("/reset", Access::Public, reset::by_code)
        .get("/reset/{token}", Access::Token, reset::link)
        .post("/reset/{token}", Access::Token, reset::by_link)
        .get("/change-email/{token}", Access::Token, change_email::link)
        .post("/change-email/{token}", Access::Token, change_email::press)
}

/// Answers about addresses take at least this long, so that their time does not say whether the
/// address is known.
const SAME_TIME: Duration = Duration::from_millis(300);

/// Runs `work`, and answers no sooner than [`SAME_TIME`] after its start.
async fn in_same_time<T>(work: impl Future<Output = T>) -> T {
    let started = tokio::time::Instant::now();
    let result = work.await;
    tokio::time::sleep_until(started + SAME_TIME).await;
    result
}

/// A path of ours to go on to: never another host, whatever a link says.
pub(crate) fn safe_next(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if ours { next } else { "/monitors" }
}

/// Where to add the monitor whose address was carried along; the list without one.
pub(crate) fn after_verification(url: &str) -> String {
    if url.is_empty() {
        return "/monitors".to_owned();
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("url", url)
        .finish();
    format!("/monitors/new?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_ours() {
        assert_eq!(safe_next("/incidents?a=b"), "/incidents?a=b");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/a\nb",
        ] {
            assert_eq!(safe_next(bad), "/monitors", "{bad:?}");
        }
        assert_eq!(
            after_verification("https://a.b/?x=1&y"),
            "/monitors/new?url=https%3A%2F%2Fa.b%2F%3Fx%3D1%26y"
        );
    }
}
