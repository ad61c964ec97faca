//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::GoogleChat, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"name":"spaces/AAAA/messages/x8Kq.x8Kq"}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        400,
        "",
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
        Read::Stopped,
        "copy it again",
    ),
    (
        400,
        "",
        r#"{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"x\"","status":"INVALID_ARGUMENT"}}"#,
        Read::Refused,
        "Invalid JSON payload",
    ),
    (
        401,
        "",
        r#"{"error":{"code":401,"message":"Request is missing required authentication credential.","status":"UNAUTHENTICATED"}}"#,
        Read::Stopped,
        "copy it again",
    ),
    (
        403,
        "",
        r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#,
        Read::Stopped,
        "administrator forbids",
    ),
    (
        404,
        "",
        r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#,
        Read::Stopped,
        "space was deleted",
    ),
    (413, "", "", Read::Refused, "answers 413"),
    (
        429,
        "",
        r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
        Read::Later(None),
        "check quota",
    ),
    (
        503,
        "30",
        r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#,
        Read::Later(Some(30)),
        "currently unavailable",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::GoogleChat, ANSWERS);
}
