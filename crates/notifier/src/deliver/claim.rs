//! The transaction of a claim: what is decided, what is reserved, what is said.

use domain::contact::{Contact, Way};
use domain::delivery::decide::{Decision, Facts, decide};
use domain::delivery::payload::Said;
use domain::delivery::{DeliveryState, Event};
use domain::ids::short_code;
use domain::incident::ResolvedReason;
use domain::telephony::{status_callback, voice_callback};
use domain::words;
use incidents::links;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::deliveries::claim::{self as rows, Claimed, Context};
use store::deliveries::{QUIET_UNTIL, SNOOZED_UNTIL};

use super::Ready;
use super::failure::{self, Failure};
use super::pay::paid;
use super::record::settle_trouble;
use crate::brief::{Brief, Links};
use crate::email::Mail;
use crate::error::RenderError;
use crate::room::{Room, StepError};
use crate::send::Trouble;
use crate::sms::Sms;
use crate::storm::{Gathered, gather};
use crate::voice::{Call, Speech};
use crate::way::Message;
use crate::{email, hook, sms, voice};

/// Decides, reserves and renders what was just claimed, in the transaction of the claim; `None` when there is nothing
/// to send.
pub(super) async fn prepare(
    room: &Room,
    connection: &mut PgConnection,
    claimed: Claimed,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Ready>, StepError> {
    let Some((contact, first_word)) = decided(room, connection, &claimed, context, now).await?
    else {
        return Ok(None);
    };
    let storm = match gather(room, connection, &claimed, first_word, now).await? {
        Gathered::Waits => return Ok(None),
        Gathered::Alone => None,
        Gathered::Together(storm) => Some(storm),
    };
    if first_word && let Some(incident) = claimed.incident_id {
        rows::mark_superseded_by_recovery(
            connection,
            claimed.account_id,
            incident,
            claimed.contact_id,
            now,
        )
        .await?;
    }
    let links = links(room, connection, &claimed, context, now).await?;
    let mut brief = Brief::new(&claimed, context, contact, (&links, first_word), now);
    brief.storm = storm;
    if let (Way::Mail, Some(facts)) = (claimed.channel.way(), &context.incident) {
        let outlook = incidents::outlook(connection, &facts.incident, now).await?;
        brief.next = outlook.and_then(|outlook| outlook.next);
    }
    let mut message = match render(room, &claimed, &brief) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(delivery.id = %claimed.id, %error, "a message cannot be rendered");
            settle_trouble(
                room,
                connection,
                &claimed,
                &Trouble::ours(error.to_string()),
                "",
                now,
            )
            .await?;
            return Ok(None);
        }
    };
    if let Some((channel, _)) = message.paid_to()
        && !room.ways.is_local(channel)
        && !paid(room, connection, (&claimed, first_word), &message, now).await?
    {
        return Ok(None);
    }
    keep_said(connection, &claimed, &brief).await?;
    if let Message::Call(call) = &mut message {
        keep_call(connection, &claimed, (&brief, call), now).await?;
    }
    if let Message::Sms(text) = &mut message
        && let Some(since) = text.maybe_sent_since
    {
        // A reminder begins and ends like the text before it.
        text.not_these = store::calls::list_other_provider_ids(connection, &claimed, since).await?;
    }
    let confirmed_at = context
        .incident
        .as_ref()
        .filter(|_| claimed.event == Event::IncidentOpened)
        .map(|facts| facts.incident.confirmed_at);
    Ok(Some(Ready {
        claimed,
        message,
        confirmed_at,
        began: tokio::time::Instant::now(),
    }))
}

/// What is known when it is decided.
fn facts<'c>(claimed: &Claimed, context: &'c Context, now: Timestamp) -> Facts<'c> {
    Facts {
        event: claimed.event,
        contact: context
            .contact
            .as_ref()
            .filter(|_| context.account.is_some()),
        lost_claims: claimed.lost_claims(),
        may_have_arrived: claimed.may_have_arrived,
        resolved: context
            .incident
            .as_ref()
            .filter(|facts| !facts.incident.is_open())
            .map(|facts| {
                facts
                    .incident
                    .resolved_reason
                    .unwrap_or(ResolvedReason::Recovered)
            }),
        taken: context.is_taken(),
        stand_in: failure::is_stand_in(claimed),
        earlier: context.earlier,
        outage: context.outage,
        quiet_until: quiet_until(claimed, context, now),
        snoozed_until: context.snoozed_until,
        passed_over: claimed.payload.get("passed_over").is_some(),
        is_news: context.is_news(),
        now,
    }
}

/// Whether it is sent, to whom, and if the recovery is the first word; what else was decided is written.
async fn decided<'c>(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    context: &'c Context,
    now: Timestamp,
) -> Result<Option<(&'c Contact, bool)>, StepError> {
    let facts = facts(claimed, context, now);
    match (decide(&facts), facts.contact) {
        (Decision::Send { first_word }, Some(contact)) => return Ok(Some((contact, first_word))),
        (Decision::Send { .. }, None) => {}
        (Decision::Hold { until }, _) => {
            let until = until.max(now + SignedDuration::from_secs(1));
            wait(connection, claimed, (until, rows::FOR_THE_OUTAGE), now).await?;
        }
        (Decision::Snoozed { until }, _) => {
            let zone = context.account.as_ref().map(|one| one.timezone.as_str());
            wait_until(connection, claimed, (SNOOZED_UNTIL, until, zone), now).await?;
        }
        (Decision::Quiet { until }, contact) => {
            let hours = contact.and_then(|one| one.quiet_hours.as_ref());
            let zone = hours.map(|hours| hours.timezone.as_str());
            wait_until(connection, claimed, (QUIET_UNTIL, until, zone), now).await?;
        }
        (Decision::Skip(reason), _) => {
            end(
                room,
                connection,
                claimed,
                (DeliveryState::Skipped, reason),
                now,
            )
            .await?
        }
        (Decision::Supersede, _) => {
            end(
                room,
                connection,
                claimed,
                (DeliveryState::Superseded, "over before it was sent"),
                now,
            )
            .await?;
            if let Some((id, channel)) = rows::plan_recovery(connection, claimed, now).await? {
                jobs::enqueue_delivery(connection, channel, claimed.account_id, id, None).await?;
            }
        }
        (Decision::GiveUp(reason), _) => {
            end(
                room,
                connection,
                claimed,
                (DeliveryState::GivenUp, reason),
                now,
            )
            .await?;
            let failure = Failure { reason, text: "" };
            failure::tell(room, connection, claimed, failure, now).await?;
        }
    }
    Ok(None)
}

/// The same with the reason in words.
async fn wait_until(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (what, until, zone): (&str, Timestamp, Option<&str>),
    now: Timestamp,
) -> Result<(), StepError> {
    let zone = zone.map_or(TimeZone::UTC, words::zone);
    let reason = format!("{what}{}", words::moment(until, &zone));
    wait(connection, claimed, (until, &reason), now).await
}

/// Puts the claim back, to be looked at again then.
async fn wait(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (until, reason): (Timestamp, &str),
    now: Timestamp,
) -> Result<(), StepError> {
    rows::hold(connection, claimed, (until, reason), now).await?;
    let (channel, account, id) = (claimed.channel, claimed.account_id, claimed.id);
    jobs::enqueue_delivery(connection, channel, account, id, Some(until)).await?;
    Ok(())
}

/// Until when the contact's quiet hours hold a message about this monitor. What was tried before they began is
/// tried on: others may have been merged into it, which are critical.
fn quiet_until(claimed: &Claimed, context: &Context, now: Timestamp) -> Option<Timestamp> {
    // What a person asked for is told at any hour.
    if claimed.number > 1 || claimed.payload.get("asked").is_some() {
        return None;
    }
    let contact = context.contact.as_ref()?;
    let severity = match (&context.incident, &context.monitor) {
        (Some(facts), _) => facts.incident.severity,
        (None, Some(monitor)) => monitor.spec.severity(),
        (None, None) => return None,
    };
    contact.quiet_until(severity.is_critical(), now)
}

/// Closes the claim and wakes what waited for it.
async fn end(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    (state, reason): (DeliveryState, &str),
    now: Timestamp,
) -> Result<(), StepError> {
    rows::close(connection, claimed, state, reason, now).await?;
    if state == DeliveryState::GivenUp {
        failure::part_untold(room, connection, claimed, (state, reason), now).await?;
    } else {
        for (id, channel) in rows::storm::release(connection, claimed, now).await? {
            jobs::enqueue_delivery(connection, channel, claimed.account_id, id, None).await?;
        }
    }
    super::record::finish(room, connection, claimed, state, now).await
}

/// Keeps what the message says of the cause: who is told by this is told again when a closer look says another.
async fn keep_said(
    connection: &mut PgConnection,
    claimed: &Claimed,
    brief: &Brief<'_>,
) -> Result<(), StepError> {
    if claimed.event != Event::IncidentOpened || !claimed.channel.hears_diagnosis() {
        return Ok(());
    }
    let incident = brief.context.incident.as_ref().map(|facts| &facts.incident);
    let alone = incident.filter(|incident| brief.storm.is_none() && !incident.test);
    let said = alone.map(|incident| Said::of(incident.diagnosis.as_ref()));
    rows::said::keep(connection, claimed, said.as_ref()).await?;
    Ok(())
}

/// Keeps what the call has to say before it rings, and what tells an earlier try of it from others.
async fn keep_call(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (brief, call): (&Brief<'_>, &mut Call),
    now: Timestamp,
) -> Result<(), StepError> {
    let Ok(script) = voice::event(brief) else {
        return Ok(());
    };
    let (account, id) = (claimed.account_id, claimed.id);
    let since = store::calls::put(connection, account, id, &script, now).await?;
    if claimed.may_have_arrived {
        call.maybe_placed_since = Some(since);
        call.not_these = store::calls::list_other_provider_ids(connection, claimed, since).await?;
    }
    Ok(())
}

/// The addresses that work for this message, also where it was not planned with its incident.
async fn links(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    context: &Context,
    now: Timestamp,
) -> Result<Links, StepError> {
    let base = &room.base;
    let minted = (claimed.id, claimed.contact_id, claimed.incident_id);
    links::mint(connection, &room.secrets, claimed.account_id, minted, now).await?;
    let monitor = claimed.monitor_id.map_or_else(
        || base.clone(),
        |id| format!("{base}/m/{}", short_code(id.uuid())),
    );
    let incident = context.incident.as_ref().map_or_else(
        || monitor.clone(),
        |facts| format!("{base}/i/{}", facts.incident.short),
    );
    let token = links::acknowledge_token(&room.secrets, claimed.id);
    Ok(Links {
        base: base.clone(),
        contacts: format!("{base}/contacts"),
        stop: format!(
            "{base}/stop/{}",
            links::stop_token(&room.secrets, claimed.contact_id)
        ),
        monitor,
        incident,
        acknowledge: format!("{base}/a/{token}"),
        cause: format!("{base}/cause/{token}"),
    })
}

fn render(room: &Room, claimed: &Claimed, brief: &Brief<'_>) -> Result<Message, RenderError> {
    Ok(match claimed.channel.way() {
        Way::Mail => Message::Mail(Mail {
            id: claimed.id.to_string(),
            to: brief.contact.address.clone(),
            words: email::render::event(brief)?,
            event: claimed.event.as_str().to_owned(),
            incident: claimed.incident_id.map(|id| id.to_string()),
            reply_to: brief.context.first_mail.map(|id| id.to_string()),
            urgent: claimed.event == Event::IncidentOpened,
        }),
        Way::Text => Message::Sms(Sms {
            to: brief.contact.address.clone(),
            body: sms::event(brief)?,
            callback: Some(status_callback(&room.base, claimed.account_id, claimed.id)),
            maybe_sent_since: claimed.may_have_arrived.then_some(claimed.created_at),
            not_these: Vec::new(),
        }),
        Way::Call => {
            let script = voice::event(brief)?;
            Message::Call(Call {
                to: brief.contact.address.clone(),
                text: script.alert,
                speech: Speech::Asked(voice_callback(&room.base, claimed.account_id, claimed.id)),
                callback: status_callback(&room.base, claimed.account_id, claimed.id),
                of: Some((claimed.account_id, claimed.id)),
                placed: claimed.placed.clone(),
                maybe_placed_since: None,
                not_these: Vec::new(),
            })
        }
        Way::Hook => Message::Hook(hook::post(claimed, brief)?),
    })
}
