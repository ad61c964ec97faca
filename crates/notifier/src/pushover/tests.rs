//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Pushover, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        200,
        "",
        r#"{"status":0,"errors":["message cannot be blank"]}"#,
        Read::Refused,
        "cannot be blank",
    ),
    (
        400,
        "",
        r#"{"token":"invalid","errors":["application token is invalid, see https://pushover.net/api"],"status":0,"request":"x"}"#,
        Read::Stopped,
        "token of the application",
    ),
    (
        400,
        "",
        r#"{"user":"invalid","errors":["user identifier is not a valid user, group, or subscribed user key, see https://pushover.net/api#identifiers"],"status":0,"request":"x"}"#,
        Read::Stopped,
        "does not know the user or group key",
    ),
    (
        400,
        "",
        r#"{"user":"invalid","errors":["user key is valid but user has no active devices"],"status":0,"request":"x"}"#,
        Read::Stopped,
        "no active device",
    ),
    (413, "", "", Read::Refused, "answers 413"),
    (
        429,
        "",
        r#"{"user":"x","errors":["application has exceeded its monthly message limit"],"status":0,"request":"x"}"#,
        Read::Refused,
        "used up its messages",
    ),
    (500, "", "<html>", Read::Later(None), "answers 500."),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Pushover, ANSWERS);
}
