//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Matrix, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"event_id":"$x8Kq:example"}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        401,
        "",
        r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Invalid access token passed.","soft_logout":false}"#,
        Read::Stopped,
        "signed out",
    ),
    (
        401,
        "",
        r#"{"errcode":"M_MISSING_TOKEN","error":"Missing access token"}"#,
        Read::Stopped,
        "does not take the access token",
    ),
    (
        403,
        "",
        r#"{"errcode":"M_FORBIDDEN","error":"User @watchbell:example not in room !x8Kq:example, and room previews are disabled"}"#,
        Read::Stopped,
        "invite it and let it join",
    ),
    (
        403,
        "",
        r#"{"errcode":"M_FORBIDDEN","error":"You don't have permission to post that to the room. user_level (0) < send_level (50)"}"#,
        Read::Stopped,
        "does not let the user",
    ),
    (
        404,
        "",
        r#"{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}"#,
        Read::Stopped,
        "does not speak Matrix",
    ),
    (
        404,
        "",
        r#"{"errcode":"M_NOT_FOUND","error":"Unknown room"}"#,
        Read::Stopped,
        "does not know that room",
    ),
    (404, "", "<html>", Read::Stopped, "does not speak Matrix"),
    (
        413,
        "",
        r#"{"errcode":"M_TOO_LARGE","error":"event too large"}"#,
        Read::Refused,
        "too large",
    ),
    (
        429,
        "",
        r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":2500}"#,
        Read::Later(Some(2)),
        "Too Many Requests",
    ),
    (
        500,
        "",
        r#"{"errcode":"M_UNKNOWN","error":"Internal server error"}"#,
        Read::Later(None),
        "Internal server error",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Matrix, ANSWERS);
}
