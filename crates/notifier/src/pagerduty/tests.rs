//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::PagerDuty, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        202,
        "",
        r#"{"status":"success","message":"Event processed","dedup_key":"inc_01k9x3"}"#,
        Read::Yes,
        "answers 202",
    ),
    (
        400,
        "",
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#,
        Read::Stopped,
        "does not know the integration key",
    ),
    (
        400,
        "",
        "Invalid routing key",
        Read::Stopped,
        "integration key",
    ),
    (
        400,
        "",
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.summary' is missing or blank"]}"#,
        Read::Refused,
        "'payload.summary' is missing",
    ),
    (403, "", "Forbidden", Read::Stopped, "integration key"),
    (404, "", "", Read::Stopped, "integration key"),
    (413, "", "", Read::Refused, "too large"),
    (
        429,
        "",
        r#"{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly. Please retry later."}"#,
        Read::Later(None),
        "too quickly",
    ),
    (
        500,
        "",
        "Internal Server Error",
        Read::Later(None),
        "answers 500",
    ),
    (
        503,
        "Sun, 22 Nov 2026 13:03:18 GMT",
        "",
        Read::Later(Some(60)),
        "answers 503",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::PagerDuty, ANSWERS);
}
