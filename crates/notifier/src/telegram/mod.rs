//! The Telegram channel: a message of a bot in HTML, with its links as buttons.

mod render;
#[cfg(test)]
mod tests;

use domain::contact::hook::Telegram;

use crate::card::Card;
use crate::error::RenderError;
use crate::hook::{Answers, Call, Rule, base};

/// The request: <https://core.telegram.org/bots/api#sendmessage>.
pub(crate) fn call(telegram: &Telegram, card: &Card) -> Result<Call, RenderError> {
    let base = base(telegram.server.as_deref(), "https://api.telegram.org");
    let url = format!("{base}/bot{}/sendMessage", telegram.bot_token);
    Call::post(url, &render::message(card, &telegram.chat_id))
}

/// `description` says what is wrong; `parameters.retry_after` how long to wait.
pub(crate) const ANSWERS: Answers = Answers {
    words: &["/description"],
    wait: Some(("/parameters/retry_after", 1.0)),
    id: Some("/result/message_id"),
    taken: Some(("/ok", "true")),
    ..Answers::of(
        "Telegram",
        &[
            Rule::stop(
                0,
                "chat not found",
                "Telegram does not find that chat: add the bot to it, or write to the bot first, and look at the id",
            ),
            Rule::stop(
                0,
                "bot was blocked",
                "Telegram says that the bot was blocked by the person it writes to",
            ),
            Rule::stop(
                0,
                "bot was kicked",
                "Telegram says that the bot was removed from that chat",
            ),
            Rule::stop(
                0,
                "not a member",
                "Telegram says that the bot is not a member of that chat",
            ),
            Rule::stop(
                0,
                "can't initiate conversation",
                "Telegram lets a bot write only to people who wrote to it first: open the bot and choose Start",
            ),
            Rule::stop(
                0,
                "bots can't send messages to bots",
                "Telegram says that the chat is that of a bot: use your own chat's id",
            ),
            Rule::stop(
                0,
                "user is deactivated",
                "Telegram says that the person's account was deleted",
            ),
            Rule::stop(
                0,
                "chat was deactivated",
                "Telegram says that the group was deleted",
            ),
            Rule::stop(
                0,
                "upgraded to a supergroup",
                "Telegram says that the group became a supergroup, which has another id",
            ),
            Rule::stop(
                0,
                "administrator rights",
                "Telegram says that the bot must be an administrator of the channel to write there",
            ),
            Rule::stop(
                0,
                "not enough rights",
                "Telegram says that the bot may not write in that chat",
            ),
            Rule::stop(
                0,
                "have no rights to send",
                "Telegram says that the bot may not write in that chat",
            ),
            Rule::stop(401, "", TOKEN),
            Rule::stop(404, "", TOKEN),
            Rule::stop(403, "", "Telegram does not let the bot write in that chat"),
        ],
    )
};

const TOKEN: &str = "Telegram does not know the bot's token: it was revoked, or mistyped";
