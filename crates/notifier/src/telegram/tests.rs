//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Telegram, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"ok":true,"result":{"message_id":7}}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        200,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
        Read::Stopped,
        "does not find that chat",
    ),
    (
        400,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
        Read::Stopped,
        "add the bot to it",
    ),
    (
        400,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}"#,
        Read::Stopped,
        "another id",
    ),
    (
        400,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}"#,
        Read::Stopped,
        "may not write",
    ),
    (
        400,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: need administrator rights in the channel chat"}"#,
        Read::Stopped,
        "administrator",
    ),
    (
        400,
        "",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#,
        Read::Refused,
        "message is too long",
    ),
    (
        401,
        "",
        r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
        Read::Stopped,
        "does not know the bot's token",
    ),
    (
        404,
        "",
        r#"{"ok":false,"error_code":404,"description":"Not Found"}"#,
        Read::Stopped,
        "does not know the bot's token",
    ),
    (
        403,
        "",
        r#"{"ok":false,"error_code":403,"description":"Forbidden: bot is not a member of the channel chat"}"#,
        Read::Stopped,
        "the bot is not a member of that chat",
    ),
    (
        403,
        "",
        r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}"#,
        Read::Stopped,
        "removed from that chat",
    ),
    (
        403,
        "",
        r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#,
        Read::Stopped,
        "blocked",
    ),
    (
        403,
        "",
        r#"{"ok":false,"error_code":403,"description":"Forbidden: bot can't initiate conversation with a user"}"#,
        Read::Stopped,
        "choose Start",
    ),
    (
        429,
        "",
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}"#,
        Read::Later(Some(35)),
        "retry after 35",
    ),
    (413, "", "", Read::Refused, "answers 413"),
    (
        502,
        "",
        r#"{"ok":false,"error_code":502,"description":"Bad Gateway"}"#,
        Read::Later(None),
        "Bad Gateway",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Telegram, ANSWERS);
}
