//! Handing a text message to a Twilio-compatible provider, and asking it whether it has one already.

use std::time::Duration;

use domain::delivery::retry::ErrorClass;
use domain::words;
use egress::Egress;
use egress::http::{ProviderClient, Request};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded;

use super::classify::{of_answer, of_silence};
use crate::config::TelephonyProvider;
use crate::error::NotifierError;
use crate::send::{Accepted, Trouble, provider_name};

/// What is left of the whole for the second provider, at least.
const SHARE_OF_FIRST: Duration = Duration::from_secs(10);

/// One provider.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    client: ProviderClient,
    account_sid: String,
    auth_token: SecretString,
    from: String,
}

/// One text message to one number.
#[derive(Debug, Clone)]
pub(crate) struct Sms {
    pub(crate) to: String,
    pub(crate) body: String,
    /// Where the provider reports what became of it; none where it could not reach us.
    pub(crate) callback: Option<String>,
    /// An earlier try may have arrived: ask before repeating. Since when it was tried.
    pub(crate) maybe_sent_since: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Message {
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

impl Gateway {
    pub(crate) fn new(
        egress: &Egress,
        provider: &TelephonyProvider,
    ) -> Result<Self, NotifierError> {
        Ok(Self {
            client: ProviderClient::new(egress, &provider.base_url)
                .map_err(NotifierError::Provider)?,
            account_sid: provider.account_sid.clone(),
            auth_token: provider.auth_token.clone(),
            from: provider.from.clone(),
        })
    }

    fn path(&self, query: &str) -> String {
        format!(
            "2010-04-01/Accounts/{}/Messages.json{query}",
            self.account_sid
        )
    }

    fn signed_in(&self, request: Request) -> Result<Request, Trouble> {
        request
            .basic_auth(&self.account_sid, self.auth_token.expose_secret())
            .map_err(|error| of_silence(&error))
    }

    async fn create(&self, sms: &Sms, deadline: Instant) -> Result<Message, Trouble> {
        let mut fields = vec![
            ("To", sms.to.as_str()),
            ("From", self.from.as_str()),
            ("Body", sms.body.as_str()),
        ];
        if let Some(callback) = &sms.callback {
            fields.push(("StatusCallback", callback));
        }
        let request = self.signed_in(Request::post_form(&fields))?;
        let response = self
            .client
            .send(&self.path(""), request, deadline)
            .await
            .map_err(|error| of_silence(&error))?;
        if !response.is_success() {
            return Err(of_answer(&response));
        }
        // It said yes: a body that cannot be read does not undo that.
        serde_json::from_slice(&response.body).map_err(|_| Trouble {
            ambiguous: true,
            ..Trouble::transient(
                "the provider accepted it and its answer cannot be read",
                None,
            )
        })
    }

    /// The message, if the provider has it since `since`.
    async fn find(
        &self,
        sms: &Sms,
        since: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Message>, Trouble> {
        let day = words_day(since);
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", &sms.to)
            .append_pair("DateSent>", &day)
            .append_pair("PageSize", "50")
            .finish();
        let request = self.signed_in(Request::get())?;
        let response = self
            .client
            .send(&self.path(&format!("?{query}")), request, deadline)
            .await
            .map_err(|error| of_silence(&error))?;
        if !response.is_success() {
            return Err(of_answer(&response));
        }
        let listing: Listing = serde_json::from_slice(&response.body).map_err(|_| {
            Trouble::transient("the provider's list of messages cannot be read", None)
        })?;
        Ok(listing
            .messages
            .into_iter()
            .find(|message| message.is(sms, since)))
    }
}

/// The day in UTC as the provider's list takes it.
fn words_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
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
        alive && recent && same && self.to.as_deref().is_none_or(|to| to == sms.to)
    }
}

/// First and last word.
fn ends(text: &str) -> Option<(&str, &str)> {
    let (first, _) = text.split_once(' ')?;
    let (_, last) = text.rsplit_once(' ')?;
    last.contains('/').then_some((first, last))
}

fn rfc2822(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|at| at.timestamp())
}

/// Tries the providers in order until `deadline`.
pub(crate) async fn send(
    gateways: &[Gateway],
    sms: &Sms,
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    if let Some(found) = find_earlier(gateways, sms, deadline).await? {
        return Ok(found);
    }
    let mut met: Option<Trouble> = None;
    for (index, gateway) in gateways.iter().enumerate() {
        let is_last = index + 1 == gateways.len();
        let until = if is_last {
            deadline
        } else {
            deadline.min(Instant::now() + SHARE_OF_FIRST)
        };
        match gateway.create(sms, until).await {
            Ok(message) => return Ok(accepted(index, message, met)),
            Err(trouble) => {
                let ends =
                    trouble.ambiguous || matches!(trouble.class, ErrorClass::Permanent { .. });
                met = Some(match met {
                    Some(first) if !ends => first.and(trouble),
                    _ => trouble,
                });
                if ends {
                    break;
                }
            }
        }
    }
    Err(met.unwrap_or_else(|| Trouble::ours("no provider of text messages is set up")))
}

fn accepted(index: usize, message: Message, met: Option<Trouble>) -> Accepted {
    let status = message.status.unwrap_or_else(|| "accepted".to_owned());
    let status = words::capitalised(&status);
    Accepted {
        provider: provider_name("twilio", index),
        provider_id: Some(message.sid),
        delivered: false,
        message: match met {
            None => status,
            Some(trouble) => format!("{status} (the first provider: {})", trouble.message),
        },
    }
}

/// After a try that may have arrived, every provider is asked. One that cannot answer leaves the
/// question open, and so the message waits.
async fn find_earlier(
    gateways: &[Gateway],
    sms: &Sms,
    deadline: Instant,
) -> Result<Option<Accepted>, Trouble> {
    let Some(since) = sms.maybe_sent_since else {
        return Ok(None);
    };
    let mut unanswered = None;
    for (index, gateway) in gateways.iter().enumerate() {
        let until = deadline.min(Instant::now() + Duration::from_secs(5));
        match gateway.find(sms, since, until).await {
            Ok(Some(message)) => return Ok(Some(accepted(index, message, None))),
            Ok(None) => {}
            Err(trouble) => unanswered = Some(trouble),
        }
    }
    match unanswered {
        // The question may be asked again without harm.
        Some(trouble) => Err(Trouble {
            ambiguous: false,
            ..trouble
        }),
        None => Ok(None),
    }
}
