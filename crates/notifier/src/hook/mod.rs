//! What webhooks, chat, push and paging services share: one request to an address that holds a secret, and
//! how its answer is read.

mod answers;
mod classify;
mod post;
mod send;
#[cfg(test)]
mod tests;

use domain::contact::Channel;
use store::deliveries::claim::Claimed;

use crate::brief::Brief;
use crate::error::RenderError;
use crate::{card, discord, slack, webhook};

pub(crate) use answers::{Answers, Rule};
pub(crate) use post::{Call, Post};
pub(crate) use send::send;

/// The request about an event.
pub(crate) fn post(claimed: &Claimed, brief: &Brief<'_>) -> Result<Post, RenderError> {
    let hook = brief
        .context
        .hook
        .as_ref()
        .ok_or(RenderError::Missing("the URL of its contact"))?;
    let card = card::event(brief)?;
    let text = card.line();
    let call = match claimed.channel {
        Channel::Slack => Call::post(hook.url.clone(), &slack::message(&card))?,
        Channel::Discord => Call::post(discord::address(&hook.url)?, &discord::message(&card))?,
        _ => webhook::call(claimed, brief, hook, &text)?,
    };
    Ok(Post {
        channel: claimed.channel,
        call,
        text,
    })
}

/// How the answers of a channel are read.
pub(crate) const fn answers(channel: Channel) -> &'static Answers {
    match channel {
        Channel::Slack => &slack::ANSWERS,
        Channel::Discord => &discord::ANSWERS,
        _ => &webhook::ANSWERS,
    }
}
