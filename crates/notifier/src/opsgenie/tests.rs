//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Opsgenie, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        202,
        "",
        r#"{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}"#,
        Read::Yes,
        "answers 202",
    ),
    (
        401,
        "",
        r#"{"message":"Could not authenticate","took":0.01,"requestId":"x"}"#,
        Read::Stopped,
        "does not take the API key",
    ),
    (
        403,
        "",
        r#"{"message":"You are not authorized for this action","took":0.01,"requestId":"x"}"#,
        Read::Stopped,
        "the other region",
    ),
    (
        422,
        "",
        r#"{"message":"Key format is not valid!","took":0.01,"requestId":"x"}"#,
        Read::Stopped,
        "does not take the API key",
    ),
    (
        422,
        "",
        r#"{"message":"Request body is not processable. Please check the errors.","errors":{"message":"Message can not be empty."},"took":0.01}"#,
        Read::Refused,
        "not processable",
    ),
    (402, "", "", Read::Stopped, "plan does not include"),
    (413, "", "", Read::Refused, "too large"),
    (
        429,
        "",
        r#"{"message":"You are making too many requests!","took":0.01,"requestId":"x"}"#,
        Read::Later(None),
        "too many requests",
    ),
    (503, "120", "", Read::Later(Some(120)), "answers 503"),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Opsgenie, ANSWERS);
}
