//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Gotify, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (200, "", r#"{"id":25,"appid":5}"#, Read::Yes, "answers 200"),
    (
        400,
        "",
        r#"{"error":"Bad Request","errorCode":400,"errorDescription":"Field 'message' is required"}"#,
        Read::Refused,
        "is required",
    ),
    (
        401,
        "",
        r#"{"error":"Unauthorized","errorCode":401,"errorDescription":"you need to provide a valid access token or user credentials to access this api"}"#,
        Read::Stopped,
        "does not know the token",
    ),
    (
        403,
        "",
        r#"{"error":"Forbidden","errorCode":403,"errorDescription":"you are not allowed to access this api"}"#,
        Read::Stopped,
        "not allowed to access",
    ),
    (
        404,
        "",
        r#"{"error":"Not Found","errorCode":404,"errorDescription":"page not found"}"#,
        Read::Stopped,
        "no Gotify server",
    ),
    (413, "", "", Read::Refused, "too large"),
    (429, "5", "", Read::Later(Some(5)), "answers 429"),
    (502, "", "", Read::Later(None), "answers 502"),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Gotify, ANSWERS);
}
