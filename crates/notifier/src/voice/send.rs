//! Placing a call with a Twilio-compatible provider, and asking it whether it has placed one already.

use domain::words;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use super::classify::Placed;
use crate::failover::{Carrier, Done, Providers};
use crate::send::{Accepted, Trouble};
use crate::telephony::{Gateway, unreadable_list, unreadable_yes};

const RESOURCE: &str = "Calls";
/// Seconds that it rings.
const RINGS: &str = "30";
/// Seconds that it lasts at most: what is paid for.
const LASTS: &str = "60";

/// What a call says.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    /// The provider asks at this address when somebody answers.
    Asked(String),
    /// This, whoever answers.
    Fixed(String),
}

/// One call to one number.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) to: String,
    /// The first thing it says, as text.
    pub(crate) text: String,
    pub(crate) speech: Speech,
    /// Where the provider reports what became of it.
    pub(crate) callback: String,
    /// Of the local outbox: whose delivery it is, so that its keys work.
    pub(crate) of: Option<(domain::ids::AccountId, domain::ids::DeliveryId)>,
    /// The provider has reported on an earlier try by itself: it is placed.
    pub(crate) placed: Option<String>,
    /// An earlier try may have been placed: ask before repeating. Since when it was tried.
    pub(crate) maybe_placed_since: Option<Timestamp>,
    /// Calls that other messages have made.
    pub(crate) not_these: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    calls: Vec<Placed>,
}

impl Carrier<Call> for Gateway {
    type Answer = Placed;

    async fn carry(&self, call: &Call, deadline: Instant) -> Result<Placed, Trouble> {
        if !self.from().starts_with('+') {
            return Err(Trouble::ours(
                "the sender set up for this provider is no phone number, and only a number can call",
            ));
        }
        let mut fields = vec![
            ("To", call.to.as_str()),
            ("From", self.from()),
            ("StatusCallback", call.callback.as_str()),
            // The first word names the call even where our own note of it is lost.
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", RINGS),
            ("TimeLimit", LASTS),
        ];
        match &call.speech {
            Speech::Asked(url) => {
                fields.push(("Url", url));
                // Waits for the end of a greeting, so that the message is heard.
                fields.push(("MachineDetection", "DetectMessageEnd"));
            }
            Speech::Fixed(twiml) => fields.push(("Twiml", twiml)),
        }
        let body = self.create(RESOURCE, &fields, deadline).await?;
        serde_json::from_slice(&body).map_err(|_| unreadable_yes())
    }

    async fn find(
        &self,
        call: &Call,
        since: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Placed>, Trouble> {
        let query = [
            ("To", call.to.as_str()),
            ("From", self.from()),
            ("PageSize", "50"),
        ];
        let body = self.list(RESOURCE, &query, deadline).await?;
        let listing: Listing = serde_json::from_slice(&body).map_err(|_| unreadable_list())?;
        Ok(listing.calls.into_iter().find(|one| one.is(call, since)))
    }
}

/// Tries the providers in order until the deadline.
pub(crate) async fn send(
    gateways: &Providers<Gateway>,
    call: &Call,
    until: (Timestamp, Instant),
) -> Result<Accepted, Trouble> {
    if let Some(sid) = &call.placed {
        return Ok(Accepted {
            provider: "twilio".to_owned(),
            provider_id: Some(sid.clone()),
            delivered: false,
            message: "It had been placed already.".to_owned(),
        });
    }
    if let Some(since) = call.maybe_placed_since
        && let Some(found) = gateways.find((call, since), until).await?
    {
        return Ok(accepted(found));
    }
    gateways.send(call, until).await.map(accepted)
}

fn accepted(done: Done<Placed>) -> Accepted {
    let status = done.answer.status.as_deref().unwrap_or("accepted");
    Accepted {
        message: done.words(&words::capitalised(status)),
        provider: done.provider,
        provider_id: Some(done.answer.sid),
        delivered: false,
    }
}
