//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Ntfy, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"id":"x8Kq2LmN0pRs","time":1795352538,"event":"message","topic":"ops"}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        400,
        "",
        r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#,
        Read::Stopped,
        "does not take the name",
    ),
    (
        400,
        "",
        r#"{"code":40017,"http":400,"error":"invalid request: actions invalid"}"#,
        Read::Refused,
        "actions invalid",
    ),
    (
        401,
        "",
        r#"{"code":40101,"http":401,"error":"unauthorized","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
        Read::Stopped,
        "does not take the access token",
    ),
    (
        403,
        "",
        r#"{"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
        Read::Stopped,
        "asks for an access token that may",
    ),
    (
        404,
        "",
        r#"{"code":40401,"http":404,"error":"page not found"}"#,
        Read::Stopped,
        "no ntfy server",
    ),
    (
        413,
        "",
        r#"{"code":41301,"http":413,"error":"attachment too large, or bandwidth limit reached"}"#,
        Read::Refused,
        "too large",
    ),
    (
        429,
        "",
        r#"{"code":42901,"http":429,"error":"limit reached: too many requests"}"#,
        Read::Later(None),
        "too many requests",
    ),
    (
        429,
        "60",
        r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#,
        Read::Later(Some(60)),
        "daily message quota",
    ),
    (
        500,
        "",
        r#"{"code":50001,"http":500,"error":"internal server error"}"#,
        Read::Later(None),
        "internal server error",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Ntfy, ANSWERS);
}
