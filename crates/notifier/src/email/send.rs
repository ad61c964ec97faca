//! Handing a mail over: the first relay, and the second where the first has trouble of its own.

use std::time::Duration;

use domain::delivery::retry::ErrorClass;
use egress::smtp::SmtpRelay;
use egress::{Egress, Trusted};
use lettre::address::Envelope;
use tokio::time::Instant;

use super::classify::{Stage, classify};
use crate::send::{Accepted, Trouble, provider_name};

/// What is left of the whole for the second relay, at least.
const SHARE_OF_FIRST: Duration = Duration::from_secs(11);

/// Tries the relays in order until `deadline`.
pub(crate) async fn send(
    egress: &Egress,
    relays: &[Trusted<SmtpRelay>],
    (envelope, message): &(Envelope, Vec<u8>),
    deadline: Instant,
) -> Result<Accepted, Trouble> {
    let mut met: Option<Trouble> = None;
    for (index, relay) in relays.iter().enumerate() {
        let is_last = index + 1 == relays.len();
        let until = if is_last {
            deadline
        } else {
            deadline.min(Instant::now() + SHARE_OF_FIRST)
        };
        match send_by(egress, relay, (envelope, message), until).await {
            Ok(reply) => {
                let message = match met {
                    None => reply,
                    Some(trouble) => format!("{reply} (the first relay: {})", trouble.message),
                };
                return Ok(Accepted {
                    provider: provider_name("smtp", index),
                    provider_id: None,
                    delivered: false,
                    message,
                });
            }
            Err(trouble) => {
                // What was refused for good, or may have arrived, is not tried elsewhere.
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
    Err(met.unwrap_or_else(|| Trouble::ours("no mail relay is set up")))
}

async fn send_by(
    egress: &Egress,
    relay: &Trusted<SmtpRelay>,
    (envelope, message): (&Envelope, &[u8]),
    deadline: Instant,
) -> Result<String, Trouble> {
    let mut session = egress::smtp::connect(egress, relay, deadline)
        .await
        .map_err(|error| classify(&error, Stage::Session))?;
    let reply = session
        .send(envelope, message, deadline)
        .await
        .map_err(|error| classify(&error, Stage::Mail))?;
    // The relay has the mail; how it says goodbye is of no interest.
    tokio::spawn(session.quit());
    Ok(reply)
}
