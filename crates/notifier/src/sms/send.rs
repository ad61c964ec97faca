//! Handing a text message to a Twilio-compatible provider, and asking it whether it has one already.

use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;

use crate::failover::{Carrier, Done, Providers};
use crate::send::{Accepted, Trouble};
use crate::telephony::{Gateway, unreadable_list, unreadable_yes};

const RESOURCE: &str = "Messages";

/// One text message to one number.
#[derive(Debug, Clone)]
pub(crate) struct Sms {
    pub(crate) to: String,
    pub(crate) body: String,
    /// Where the provider reports what became of it; none where it could not reach us.
    pub(crate) callback: Option<String>,
    /// An earlier try may have arrived: ask before repeating. Since when it was tried.
    pub(crate) maybe_sent_since: Option<Timestamp>,
    /// The provider's names of other messages to this contact: none of them is this one, however alike.
    pub(crate) not_these: Vec<String>,
}

/// A message as the provider shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    sid: String,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    messages: Vec<Message>,
}

impl Carrier<Sms> for Gateway {
    type Answer = Message;

    async fn carry(&self, sms: &Sms, deadline: Instant) -> Result<Message, Trouble> {
        let mut fields = vec![
            ("To", sms.to.as_str()),
            ("From", self.from()),
            ("Body", sms.body.as_str()),
        ];
        if let Some(callback) = &sms.callback {
            fields.push(("StatusCallback", callback));
        }
        let body = self.create(RESOURCE, &fields, deadline).await?;
        serde_json::from_slice(&body).map_err(|_| unreadable_yes())
    }

    async fn find(
        &self,
        sms: &Sms,
        since: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Message>, Trouble> {
        let day = since.to_zoned(TimeZone::UTC);
        let day = day.strftime("%Y-%m-%d").to_string();
        let query = [
            ("To", sms.to.as_str()),
            ("DateSent>", day.as_str()),
            ("PageSize", "50"),
        ];
        let body = self.list(RESOURCE, &query, deadline).await?;
        let listing: Listing = serde_json::from_slice(&body).map_err(|_| unreadable_list())?;
        Ok(listing
            .messages
            .into_iter()
            .find(|message| message.is(sms, since)))
    }
}

impl Message {
    /// This is an earlier try of `sms`: the same text, or one that begins and ends like it (its cause may
    /// have been worded anew since).
    fn is(&self, sms: &Sms, since: Timestamp) -> bool {
        let alive = !matches!(
            self.status.as_deref(),
            Some("failed" | "undelivered" | "canceled")
        );
        let recent = self
            .date_created
            .as_deref()
            .and_then(rfc2822)
            .is_none_or(|at| at >= since - SignedDuration::from_secs(60));
        let body = self.body.as_deref().unwrap_or_default();
        let same = body == sms.body || (ends(body).is_some() && ends(body) == ends(&sms.body));
        let other = sms.not_these.contains(&self.sid);
        alive && recent && same && !other && self.to.as_deref().is_none_or(|to| to == sms.to)
    }
}

/// First and last word.
fn ends(text: &str) -> Option<(&str, &str)> {
    let (first, _) = text.split_once(' ')?;
    let (_, last) = text.rsplit_once(' ')?;
    last.contains('/').then_some((first, last))
}

/// A moment in the provider's words.
pub(crate) fn rfc2822(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|at| at.timestamp())
}

/// Tries the providers in order until the deadline.
pub(crate) async fn send(
    gateways: &Providers<Gateway>,
    sms: &Sms,
    until: (Timestamp, Instant),
) -> Result<Accepted, Trouble> {
    if let Some(since) = sms.maybe_sent_since
        && let Some(found) = gateways.find((sms, since), until).await?
    {
        return Ok(accepted(found));
    }
    gateways.send(sms, until).await.map(accepted)
}

fn accepted(done: Done<Message>) -> Accepted {
    let status = done.answer.status.as_deref().unwrap_or("accepted");
    Accepted {
        message: done.words(&words::capitalised(status)),
        provider: done.provider,
        provider_id: Some(done.answer.sid),
        delivered: false,
    }
}
