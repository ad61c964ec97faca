//! What webhooks, chat, push and paging services share: one request to an address that holds a secret, and
//! how its answer is read.

mod about;
mod answers;
mod classify;
mod post;
mod send;
#[cfg(test)]
mod tests;

use domain::contact::hook::Service;
use domain::contact::{Channel, Hook};
use store::deliveries::claim::Claimed;

use crate::brief::Brief;
use crate::card::{self, Card};
use crate::error::RenderError;
use crate::{
    discord, google_chat, gotify, matrix, mattermost, ntfy, opsgenie, pagerduty, pushover, slack,
    teams, telegram, webhook,
};

pub(crate) use about::About;
pub(crate) use answers::{Answers, Rule};
#[cfg(test)]
pub(crate) use classify::of_answer;
pub(crate) use post::{Call, Post, base};
pub(crate) use send::send;

/// The request about an event.
pub(crate) fn post(claimed: &Claimed, brief: &Brief<'_>) -> Result<Post, RenderError> {
    let hook = brief.context.hook.as_ref();
    let hook = hook.ok_or(RenderError::Missing("the address of its contact"))?;
    let card = card::event(brief)?;
    let about = About::of(claimed, brief);
    let text = card.line();
    let (call, after) = match hook {
        Hook::Service(service) => to_service(service, &card, &about)?,
        Hook::Url { url, secrets } => {
            let url = url.clone();
            let call = match claimed.channel {
                Channel::Slack => Call::post(url, &slack::message(&card))?,
                Channel::Discord => Call::post(discord::address(&url)?, &discord::message(&card))?,
                Channel::Teams => Call::post(url, &teams::message(&card))?,
                Channel::Mattermost => Call::post(url, &mattermost::message(&card))?,
                Channel::GoogleChat => google_chat::call(&url, &card, &about)?,
                _ => webhook::call(claimed, brief, (url, secrets), &text)?,
            };
            (call, None)
        }
    };
    Ok(Post {
        channel: claimed.channel,
        call,
        after,
        text,
    })
}

fn to_service(
    service: &Service,
    card: &Card,
    about: &About,
) -> Result<(Call, Option<Call>), RenderError> {
    let call = match service {
        Service::Telegram(one) => telegram::call(one, card)?,
        Service::Matrix(one) => matrix::call(one, card, &about.delivery)?,
        Service::Ntfy(one) => ntfy::call(one, card, &about.delivery)?,
        Service::Gotify(one) => gotify::call(one, card)?,
        Service::Pushover(one) => return pushover::call(one, card, about),
        Service::PagerDuty(one) => return pagerduty::call(one, card, about),
        Service::Opsgenie(one) => return opsgenie::call(one, card, about),
    };
    Ok((call, None))
}

/// How the answers of a channel are read.
pub(crate) const fn answers(channel: Channel) -> &'static Answers {
    match channel {
        Channel::Slack => &slack::ANSWERS,
        Channel::Discord => &discord::ANSWERS,
        Channel::Teams => &teams::ANSWERS,
        Channel::Mattermost => &mattermost::ANSWERS,
        Channel::GoogleChat => &google_chat::ANSWERS,
        Channel::Telegram => &telegram::ANSWERS,
        Channel::Matrix => &matrix::ANSWERS,
        Channel::Ntfy => &ntfy::ANSWERS,
        Channel::Pushover => &pushover::ANSWERS,
        Channel::Gotify => &gotify::ANSWERS,
        Channel::PagerDuty => &pagerduty::ANSWERS,
        Channel::Opsgenie => &opsgenie::ANSWERS,
        _ => &webhook::ANSWERS,
    }
}
