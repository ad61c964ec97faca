//! The site itself: answers as its buttons say.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use domain::account::PracticeMode;
use domain::account::practice::PRACTICE_TEXT;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;

use crate::error::{PageError, PageResult};
use crate::state::AppState;

const SLOW: Duration = Duration::from_secs(3);
/// Longer than the longest time-out of a monitor; the deadline of all requests comes after it.
const HANG: Duration = Duration::from_secs(65);
/// Visitors that may be kept waiting at once, over all practice sites of the process.
static WAITING: Semaphore = Semaphore::const_new(256);

/// Answers a visitor, who is nearly always a look.
pub async fn answer(State(state): State<AppState>, Path(token): Path<String>) -> PageResult {
    let site = {
        let mut connection = state.pool.acquire().await?;
        store::practice::find(&mut connection, &token)
            .await?
            .ok_or(PageError::NotFound)?
    };
    let wait = match site.mode {
        PracticeMode::Slow => SLOW,
        PracticeMode::Hangs => HANG,
        _ => Duration::ZERO,
    };
    if !wait.is_zero() {
        let _place = WAITING
            .try_acquire()
            .map_err(|_| PageError::Unavailable("too many wait at practice sites"))?;
        tokio::time::sleep(wait).await;
    }
    Ok(page(site.mode))
}

fn page(mode: PracticeMode) -> Response {
    match mode {
        PracticeMode::Fine | PracticeMode::Slow => Html(shop(&format!(
            "<p>{PRACTICE_TEXT}. Bells, clappers and ropes, sent the same day.</p>"
        )))
        .into_response(),
        PracticeMode::WrongText => {
            Html(shop("<p>Error establishing a database connection.</p>")).into_response()
        }
        PracticeMode::BadGateway => {
            (StatusCode::BAD_GATEWAY, Html(error("502 Bad Gateway"))).into_response()
        }
        PracticeMode::Unavailable => {
            let mut response = (
                StatusCode::SERVICE_UNAVAILABLE,
                Html(error("503 Service Temporarily Unavailable")),
            )
                .into_response();
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
            response
        }
        PracticeMode::Hangs => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

fn shop(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Practice shop</title><h1>Practice shop</h1>{content}</html>\n"
    )
}

/// The page that the most common web server shows, so that a practised outage reads like a real one.
fn error(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(PracticeMode::Fine, 200, true)]
    #[case(PracticeMode::Slow, 200, true)]
    #[case(PracticeMode::WrongText, 200, false)]
    #[case(PracticeMode::BadGateway, 502, false)]
    #[case(PracticeMode::Unavailable, 503, false)]
    #[tokio::test]
    async fn each_button_has_its_answer(
        #[case] mode: PracticeMode,
        #[case] status: u16,
        #[case] has_text: bool,
    ) {
        let response = page(mode);
        assert_eq!(response.status().as_u16(), status);
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body in memory")
            .to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&body).contains(PRACTICE_TEXT),
            has_text
        );
    }
}
