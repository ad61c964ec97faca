//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Mattermost, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (200, "", "ok", Read::Yes, "answers 200"),
    (
        400,
        "",
        r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","detailed_error":"","request_id":"x","status_code":400}"#,
        Read::Stopped,
        "it was deleted. The answer was 400: Invalid webhook.",
    ),
    (
        404,
        "",
        r#"{"id":"web.incoming_webhook.channel.app_error","message":"Couldn't find the channel.","status_code":404}"#,
        Read::Stopped,
        "does not find the channel",
    ),
    (
        400,
        "",
        r#"{"id":"api.post.create_post.can_not_post_to_deleted.error","message":"Can not post to deleted channel.","status_code":400}"#,
        Read::Stopped,
        "archived",
    ),
    (
        403,
        "",
        r#"{"id":"web.incoming_webhook.permissions.app_error","message":"Inappropriate channel permissions.","status_code":403}"#,
        Read::Stopped,
        "does not let this webhook post there",
    ),
    (
        501,
        "",
        r#"{"id":"web.incoming_webhook.disabled.app_error","message":"Incoming webhooks have been disabled by the system admin.","status_code":501}"#,
        Read::Stopped,
        "switched off there",
    ),
    (
        400,
        "",
        r#"{"id":"web.incoming_webhook.parse.app_error","message":"Unable to parse incoming data.","status_code":400}"#,
        Read::Refused,
        "Unable to parse incoming data",
    ),
    (413, "", "", Read::Refused, "too large"),
    (
        429,
        "1",
        "limit exceeded",
        Read::Later(Some(1)),
        "limit exceeded",
    ),
    (502, "", "<html>", Read::Later(None), "answers 502."),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Mattermost, ANSWERS);
}
