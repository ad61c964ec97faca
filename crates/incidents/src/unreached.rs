//! What follows when a message cannot reach its contact: the next step of the policy does not wait for its time,
//! somebody stands in, and when nobody is left the owners hear of it.

use domain::contact::Channel;
use domain::delivery::{AccountMessage, Event};
use domain::words;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::Secrets;
use store::deliveries::claim::{self as rows, Claimed};

use crate::{Result, go_on, maintenance, write_to_owners};

/// A message that does not reach its contact.
#[derive(Debug, Clone, Copy)]
pub struct Unreached<'u> {
    /// Its claim, which has ended.
    pub claimed: &'u Claimed,
    /// Why, as part of a sentence.
    pub reason: &'u str,
    /// What it would have said; `None` where it never came to that.
    pub text: Option<&'u str>,
    /// Our public address, without a slash at its end.
    pub base: &'u str,
}

/// Tells somebody else. A test is told to nobody else: the page that asked for it shows what became of it.
pub async fn tell_instead(
    connection: &mut PgConnection,
    secrets: &Secrets,
    of: &Unreached<'_>,
    now: Timestamp,
) -> Result<()> {
    if is_no_alert(of.claimed) {
        return Ok(());
    }
    rows::lock_event(connection, of.claimed.account_id).await?;
    let goes_on = tell_next(connection, of.claimed, now).await?;
    tell_stand_ins(connection, secrets, of, goes_on, now).await
}

/// That somebody has it or what the cause is is no alert, and of what is only repeated somebody was told.
const fn is_no_alert(claimed: &Claimed) -> bool {
    matches!(
        claimed.event,
        Event::ContactTest
            | Event::IncidentAcknowledged
            | Event::IncidentDiagnosed
            | Event::IncidentReminded
    )
}

/// The next step of the policy is told at once where nobody of this one hears of the outage. A call wakes people:
/// what goes on beside one that failed does not replace it. True when somebody hears of it, now or after what
/// holds it. To be called under the event's lock.
pub async fn tell_next(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<bool> {
    let (Event::IncidentOpened | Event::IncidentEscalated, Some(incident)) =
        (claimed.event, claimed.incident_id)
    else {
        return Ok(false);
    };
    let is_call = claimed.channel == Channel::Voice;
    if !is_call && rows::step_may_reach_someone(connection, claimed).await? {
        return Ok(true);
    }
    let account = claimed.account_id;
    let contact = store::contacts::find(connection, account, claimed.contact_id).await?;
    let name = contact.map_or_else(|| "a deleted contact".to_owned(), |contact| contact.name);
    let why = match is_call {
        true => format!("The call to {name} could not be placed."),
        false => format!("{} could not be reached.", words::capitalised(&name)),
    };
    let told = go_on(connection, (account, incident), &why, now).await?;
    Ok(!told.is_empty() || is_held(connection, claimed, now).await?)
}

/// A later step comes when a snooze or maintenance is over.
async fn is_held(connection: &mut PgConnection, claimed: &Claimed, now: Timestamp) -> Result<bool> {
    let (Some(incident), Some(monitor)) = (claimed.incident_id, claimed.monitor_id) else {
        return Ok(false);
    };
    let account = claimed.account_id;
    let Some(stored) = store::escalations::find(connection, account, incident).await? else {
        return Ok(false);
    };
    let escalation = &stored.escalation;
    let snoozed = escalation.snoozed_until.is_some_and(|until| until > now);
    let held = snoozed
        || maintenance::end_of(connection, (account, monitor), now)
            .await?
            .is_some();
    Ok(held && escalation.next.is_some())
}

/// Tells the stand-ins of a message, or the account's owners where there are none and the policy does not go on
/// either. To be called under the event's lock.
pub(crate) async fn tell_stand_ins(
    connection: &mut PgConnection,
    secrets: &Secrets,
    of: &Unreached<'_>,
    goes_on: bool,
    now: Timestamp,
) -> Result<()> {
    let claimed = of.claimed;
    if claimed.payload.get("fallback").is_none() {
        let why = (of.reason, of.text);
        let planned = rows::plan_fallback(connection, claimed, why, now).await?;
        let planned = planned.unwrap_or_default();
        for &(id, channel) in &planned {
            jobs::enqueue_delivery(connection, channel, claimed.account_id, id, None).await?;
        }
        if !planned.is_empty() {
            return Ok(());
        }
    }
    // As long as another contact has heard of it or may, somebody knows; the last one that fails says so.
    if goes_on || rows::may_reach_someone(connection, claimed).await? {
        return Ok(());
    }
    let contact = store::contacts::find(connection, claimed.account_id, claimed.contact_id).await?;
    let message = AccountMessage::UnsentAlert {
        contact: contact.map_or_else(
            || "a deleted contact".to_owned(),
            |contact| format!("{} ({})", contact.name, contact.shown_address()),
        ),
        reason: of.reason.to_owned(),
        text: match of.text {
            Some(text) => text.to_owned(),
            None => said(connection, secrets, claimed).await?,
        },
        link: format!("{}/incidents", of.base),
    };
    write_to_owners(connection, secrets, claimed.account_id, &message, now).await
}

/// What a message would have said, in short.
async fn said(
    connection: &mut PgConnection,
    secrets: &Secrets,
    claimed: &Claimed,
) -> Result<String> {
    let monitor = match claimed.monitor_id {
        Some(id) => {
            store::monitors::find_with_deleted(connection, secrets, claimed.account_id, id).await?
        }
        None => None,
    };
    let name = monitor.map_or_else(
        || "A deleted monitor".to_owned(),
        |monitor| monitor.settings().name,
    );
    Ok(match claimed.event {
        Event::IncidentOpened | Event::IncidentEscalated => format!("{name} is down."),
        Event::IncidentResolved => format!("{name} is up again."),
        _ => format!("A notice about {name}."),
    })
}
