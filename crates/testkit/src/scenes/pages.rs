//! Answers that are whole and are not what their owner wants.

use domain::check::verdict::VerdictKind::{Blocked, Degraded};
use domain::check::{FailureClass as C, Phase};

use super::{HTTP, Scene, Stage};
use crate::{Act, Script};

fn page(
    name: &'static str,
    rule: &str,
    status: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
) -> Scene {
    let spec = format!(r#"{{"url": "http://127.0.0.1:PORT/", "http": {{{rule}}}}}"#);
    Scene::new(
        name,
        &spec,
        Stage::Plain(Script::page(status, headers, body)),
    )
}

/// A page with status 200 and no header of its own.
fn ok(name: &'static str, rule: &str, body: impl AsRef<[u8]>) -> Scene {
    page(name, rule, "200 OK", "", body)
}

pub(super) fn scenes() -> Vec<Scene> {
    use Phase::{Body, FirstByte};
    vec![
        page(
            "error 502 of nginx",
            "",
            "502 Bad Gateway",
            "server: nginx\r\n",
            "<center>nginx</center>",
        )
        .is(C::HttpStatus, FirstByte),
        ok(
            "status that is not expected",
            r#""expected_status": ["204"]"#,
            "hello",
        )
        .is(C::HttpStatus, FirstByte),
        ok("text is gone", r#""keyword": "welcome""#, "hello").is(C::KeywordMissing, Body),
        ok("pattern matches nothing", r#""regex": "wel+come""#, "hello")
            .is(C::KeywordMissing, Body),
        ok("text is there", r#""keyword_absent": "error""#, "an error").is(C::KeywordPresent, Body),
        ok(
            "JSON value is another",
            r#""json": [{"path": "$.status", "op": "eq", "value": "ok"}]"#,
            r#"{"status": "bad"}"#,
        )
        .is(C::JsonMismatch, Body),
        ok(
            "page is no JSON",
            r#""json": [{"path": "$.status", "op": "eq", "value": "ok"}]"#,
            "<html>",
        )
        .is(C::JsonMismatch, Body),
        ok(
            "text beyond the limit",
            r#""keyword": "welcome""#,
            vec![b'a'; 2 << 20],
        )
        .is(C::BodyTooLarge, Body),
        page(
            "challenge of Cloudflare",
            "",
            "403 Forbidden",
            "server: cloudflare\r\ncf-mitigated: challenge\r\n",
            "Just a moment...",
        )
        .is(C::BlockedByWaf, FirstByte)
        .means(Blocked),
        Scene::new(
            "slower than wished",
            r#"{"url": "http://127.0.0.1:PORT/", "degraded_above_ms": 100}"#,
            Stage::Plain(Script::request().then(Act::Drip(
                b"HTTP/1.1 204 N\r\n\r\n".to_vec(),
                std::time::Duration::from_millis(20),
            ))),
        )
        .means(Degraded),
        Scene::new(
            "all is well",
            HTTP,
            Stage::Plain(Script::page("200 OK", "", "hello")),
        ),
    ]
}
