//! Handing a mail over: the first relay, and the second where the first has trouble of its own.

use egress::Egress;
use egress::Trusted;
use egress::smtp::SmtpRelay;
use jiff::Timestamp;
use lettre::address::Envelope;
use tokio::time::Instant;

use super::classify::{Stage, classify};
use crate::failover::{Carrier, Providers};
use crate::send::{Accepted, Trouble};

/// A relay and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    pub(crate) egress: Egress,
    pub(crate) relay: Trusted<SmtpRelay>,
}

/// A mail as relays take it.
pub(crate) type Ready = (Envelope, Vec<u8>);

/// Tries the relays in order until the deadline.
pub(crate) async fn send(
    relays: &Providers<Relay>,
    mail: &Ready,
    until: (Timestamp, Instant),
) -> Result<Accepted, Trouble> {
    let done = relays.send(mail, until).await?;
    Ok(Accepted {
        message: done.words(&done.answer),
        provider: done.provider,
        provider_id: None,
        delivered: false,
    })
}

impl Carrier<Ready> for Relay {
    type Answer = String;

    async fn carry(
        &self,
        (envelope, message): &Ready,
        deadline: Instant,
    ) -> Result<String, Trouble> {
        let mut session = egress::smtp::connect(&self.egress, &self.relay, deadline)
            .await
            .map_err(|error| classify(&error, Stage::Session))?;
        let said = session.send(envelope, message, deadline).await;
        // It has the mail, or refused it: how it says goodbye is of no interest.
        tokio::spawn(session.quit());
        said.map_err(|error| classify(&error, Stage::Mail))
    }

    /// Nobody can ask a relay what it has; the Message-ID lets the reader's program drop a second one.
    async fn find(&self, _: &Ready, _: Timestamp, _: Instant) -> Result<Option<String>, Trouble> {
        Ok(None)
    }
}
