//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Teams, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (202, "", "", Read::Yes, "answers 202"),
    (
        400,
        "",
        r#"{"error":{"code":"TriggerInputSchemaMismatch","message":"The input body for trigger 'manual' of type 'Request' did not match its schema definition."}}"#,
        Read::Refused,
        "takes another kind of message",
    ),
    (
        400,
        "",
        r#"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"Could not execute workflow 'a' trigger 'manual' with state 'Disabled': trigger is not enabled."}}"#,
        Read::Stopped,
        "switched off",
    ),
    (
        401,
        "",
        r#"{"error":{"code":"AuthorizationFailed","message":"The authentication credentials are not valid."}}"#,
        Read::Stopped,
        "does not take the signature",
    ),
    (
        401,
        "",
        r#"{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated only by Shared Access scheme."}}"#,
        Read::Stopped,
        "copy it again",
    ),
    (403, "", "", Read::Stopped, "does not take the signature"),
    (
        404,
        "",
        r#"{"error":{"code":"WorkflowNotFound","message":"The workflow 'a' could not be found."}}"#,
        Read::Stopped,
        "it was deleted",
    ),
    (410, "", "", Read::Stopped, "it was deleted"),
    (413, "", "", Read::Refused, "too large"),
    (
        429,
        "27",
        r#"{"error":{"code":"WorkflowTriggerRunsThrottled","message":"Rate limit is exceeded. Try again in 27 seconds."}}"#,
        Read::Later(Some(27)),
        "Rate limit is exceeded",
    ),
    (
        429,
        "Sun, 22 Nov 2026 13:04:18 GMT",
        "",
        Read::Later(Some(120)),
        "answers 429",
    ),
    (
        502,
        "",
        r#"{"error":{"code":"NoResponse","message":"The server did not receive a response from an upstream server."}}"#,
        Read::Later(None),
        "answers 502",
    ),
    (503, "", "<html>", Read::Later(None), "answers 503."),
    (302, "", "", Read::Refused, "a redirect"),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Teams, ANSWERS);
}
