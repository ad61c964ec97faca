//! The price of a text message or a call: set aside before it is sent, or somebody is told another way.

use domain::account::Plan;
use domain::alert::budget::{Budget, Over};
use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::words;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::deliveries::claim::{self as rows, Claimed, SendResult};
use store::wallets::{self, Expense, Reservation};

use super::failure::{self, Failure};
use crate::room::{Room, StepError};
use crate::way::Message;

/// Sets the price aside. What is not paid or has no price is ended, and its fallback told.
pub(super) async fn paid(
    room: &Room,
    connection: &mut PgConnection,
    (claimed, first_word): (&Claimed, bool),
    message: &Message,
    now: Timestamp,
) -> Result<bool, StepError> {
    let Some((channel, to)) = message.paid_to() else {
        return Ok(true);
    };
    let Some(price) = room.prices.of(channel, to) else {
        let reason = &format!("{} to that country are not offered", channel.plural());
        let parts = refuse(room, connection, claimed, reason, now).await?;
        let failure = Failure {
            reason,
            text: message.text(),
        };
        failure::tell(room, connection, claimed, failure, now).await?;
        tell_next(connection, &parts, now).await?;
        return Ok(false);
    };
    let what = match channel {
        Channel::Voice => "Call",
        _ => "Text message",
    };
    let entry = format!("{what} to {}", price.country);
    let expense = Expense {
        delivery_id: claimed.id,
        attempt: claimed.number,
        incident_id: claimed.incident_id,
        channel,
        micros: price.micros,
        text: &entry,
    };
    let account = claimed.account_id;
    let plan = store::accounts::find(connection, account).await?;
    let plan = plan.map_or(Plan::Free, |account| account.plan);
    let budget = Budget::new(channel, plan.limits().messages_micros_per_day);
    let mut held = wallets::reserve(connection, account, &expense, budget, now).await?;
    // The month may be so young that nobody has added the plan's share yet.
    if held == Reservation::Short
        && incidents::grant_plan_credit(connection, account, now).await? > 0
    {
        held = wallets::reserve(connection, account, &expense, budget, now).await?;
    }
    match held {
        Reservation::Reserved => return Ok(true),
        Reservation::Over(over) => {
            let reason = &over_budget(over, channel, budget);
            let text = message.text();
            let parts = refuse(room, connection, claimed, reason, now).await?;
            failure::tell(room, connection, claimed, Failure { reason, text }, now).await?;
            tell_next(connection, &parts, now).await?;
            return Ok(false);
        }
        Reservation::Short => {}
    }
    let reason = match channel {
        Channel::Voice => "the wallet does not hold the price of a call",
        _ => "the wallet does not hold the price of a text message",
    };
    let mut untold = refuse(room, connection, claimed, reason, now).await?;
    untold.insert(0, claimed.clone());
    tell_next(connection, &untold, now).await?;
    // Who was not sent the outage needs no word of its end.
    let follows_up = matches!(
        claimed.event,
        Event::IncidentResolved | Event::IncidentAcknowledged
    );
    if !(follows_up && first_word) {
        failure::tell_unpaid(room, connection, claimed, message.text(), now).await?;
    }
    Ok(false)
}

/// As part of a sentence.
fn over_budget(over: Over, channel: Channel, budget: Budget) -> String {
    match over {
        Over::Day => format!(
            "the cap of {} USD a day for text messages and calls is reached",
            budget.day_micros / 1_000_000
        ),
        Over::Incident => format!(
            "{} {} within an hour are the most for one incident",
            budget.incident_hour,
            channel.plural()
        ),
    }
}

/// The next steps of the policies are told of what nobody heard.
async fn tell_next(
    connection: &mut PgConnection,
    untold: &[Claimed],
    now: Timestamp,
) -> Result<(), StepError> {
    for one in untold {
        rows::lock_event(connection, one.account_id).await?;
        incidents::tell_next(connection, one, now).await?;
    }
    Ok(())
}

/// Ends the claim as a try that was refused, with the reason among the delivery's attempts. Returns
/// what it was to tell of besides.
async fn refuse(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Claimed>, StepError> {
    let refused = SendResult::Failed(words::capitalised(reason));
    rows::record(connection, claimed, &refused, now).await?;
    let untold = (DeliveryState::Failed, reason);
    let parts = rows::storm::mark_untold(connection, claimed, untold, now).await?;
    super::record::finish(room, connection, claimed, DeliveryState::Failed, now).await?;
    Ok(parts)
}
