//! What webhooks and chat services share: one POST to a URL that is a secret, and how its answer is read.

mod classify;
mod send;
#[cfg(test)]
mod tests;

use domain::contact::{Channel, Hook};
use serde_json::Value;
use store::deliveries::claim::Claimed;

use crate::brief::Brief;
use crate::error::RenderError;
use crate::{card, discord, slack, webhook};

pub(crate) use send::send;

/// One request, ready to go.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) channel: Channel,
    /// A secret.
    pub(crate) url: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What it says, on one line.
    pub(crate) text: String,
}

/// The request about an event.
pub(crate) fn post(claimed: &Claimed, brief: &Brief<'_>) -> Result<Post, RenderError> {
    let hook = brief
        .context
        .hook
        .as_ref()
        .ok_or(RenderError::Missing("the URL of its contact"))?;
    let card = card::event(brief)?;
    let text = card.line();
    let (url, body) = match claimed.channel {
        Channel::Slack => (hook.url.clone(), slack::message(&card)),
        Channel::Discord => (discord::address(&hook.url)?, discord::message(&card)),
        _ => (hook.url.clone(), webhook::body(claimed, brief, &text)),
    };
    let body = bytes(&body)?;
    Ok(Post {
        channel: claimed.channel,
        headers: headers(claimed, brief, hook, &body)?,
        url,
        body,
        text,
    })
}

fn headers(
    claimed: &Claimed,
    brief: &Brief<'_>,
    hook: &Hook,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, RenderError> {
    match &hook.secret {
        Some(secret) => webhook::signed(secret, (&claimed.id.to_string(), brief.now), body),
        None => Ok(Vec::new()),
    }
}

fn bytes(body: &Value) -> Result<Vec<u8>, RenderError> {
    serde_json::to_vec(body).map_err(|_| RenderError::Missing("a body that can be written"))
}
