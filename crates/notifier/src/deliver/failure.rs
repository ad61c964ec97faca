//! What follows when a message cannot reach its contact: someone else is told, and the owner hears that
//! a contact is dead.

use domain::contact::Contact;
use domain::delivery::{AccountMessage, DeliveryState, Event};
use domain::ids::short_code;
use incidents::Unreached;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::deliveries::claim::{self as rows, Claimed};

use crate::room::{Room, StepError};

/// A message that does not reach its contact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'f> {
    /// As part of a sentence.
    pub(super) reason: &'f str,
    /// What it would have said; empty where it never came to that.
    pub(super) text: &'f str,
}

/// This message stands in for another.
pub(super) fn is_stand_in(claimed: &Claimed) -> bool {
    claimed.payload.get("fallback").is_some()
}

/// Tells somebody else: whoever comes next in the policy, stand-ins, or the account's owners.
pub(super) async fn tell(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    failure: Failure<'_>,
    now: Timestamp,
) -> Result<(), StepError> {
    let of = Unreached {
        claimed,
        reason: failure.reason,
        text: (!failure.text.is_empty()).then_some(failure.text),
        base: &room.base,
    };
    incidents::tell_instead(connection, &room.secrets, &of, now).await?;
    Ok(())
}

/// An alert is tried again, and has been on its way for long: its stand-ins are told meanwhile. Whoever
/// was told already is not told twice.
pub(super) async fn tell_meanwhile(
    connection: &mut PgConnection,
    claimed: &Claimed,
    failure: Failure<'_>,
    now: Timestamp,
) -> Result<(), StepError> {
    let wakes = !matches!(
        claimed.event,
        Event::ContactTest
            | Event::IncidentAcknowledged
            | Event::IncidentDiagnosed
            | Event::IncidentResolved
    );
    if !wakes || is_stand_in(claimed) {
        return Ok(());
    }
    let text = (!failure.text.is_empty()).then_some(failure.text);
    let planned = rows::plan_fallback(connection, claimed, (failure.reason, text), now).await?;
    for (id, channel) in planned.unwrap_or_default() {
        jobs::enqueue_delivery(connection, channel, claimed.account_id, id, None).await?;
    }
    Ok(())
}

/// What a message told of besides its own event has not been told either: somebody else is, of each.
pub(super) async fn part_untold(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    (state, reason): (DeliveryState, &str),
    now: Timestamp,
) -> Result<(), StepError> {
    let parts = rows::storm::mark_untold(connection, claimed, (state, reason), now).await?;
    for part in parts {
        tell(room, connection, &part, Failure { reason, text: "" }, now).await?;
    }
    Ok(())
}

/// The wallet is empty: one mail to the owners carries the text and names everyone it was for, however
/// many they are. Those it names need no other.
pub(super) async fn tell_unpaid(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    text: &str,
    now: Timestamp,
) -> Result<(), StepError> {
    if claimed.event == Event::ContactTest {
        return Ok(());
    }
    let account = claimed.account_id;
    rows::lock_event(connection, account).await?;
    let balance = store::wallets::find_balance(connection, account).await?;
    let unpaid: Vec<_> = rows::list_unpaid(connection, claimed)
        .await?
        .into_iter()
        .filter(|one| {
            let price = room.prices.of(one.contact.channel, &one.contact.address);
            one.id == claimed.id || price.is_some_and(|price| price.micros > balance)
        })
        .collect();
    if unpaid.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = unpaid.iter().map(|one| one.id).collect();
    rows::name_unpaid(connection, claimed, &ids).await?;
    let base = &room.base;
    let message = AccountMessage::WalletEmpty {
        text: text.to_owned(),
        contacts: unpaid.iter().map(|one| name(&one.contact)).collect(),
        link: claimed.incident_id.map_or_else(
            || format!("{base}/incidents"),
            |id| format!("{base}/i/{}", short_code(id.uuid())),
        ),
        wallet: format!("{base}/settings/wallet"),
    };
    incidents::write_to_owners(connection, &room.secrets, account, &message, now).await?;
    Ok(())
}

/// Nothing more is sent to the contact, and the owners hear why; one that was never proven was told
/// nothing anyway, and its page says what became of the test.
pub(super) async fn disable_contact(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    reason: &str,
    now: Timestamp,
) -> Result<(), StepError> {
    let (account, id) = (claimed.account_id, claimed.contact_id);
    let contact = store::contacts::find(connection, account, id).await?;
    if contact.is_none_or(|contact| contact.verified_at.is_none()) {
        return Ok(());
    }
    if !store::contacts::mark_disabled(
        connection,
        claimed.account_id,
        claimed.contact_id,
        reason,
        now,
    )
    .await?
    {
        return Ok(());
    }
    let contact = (claimed.account_id, claimed.contact_id);
    incidents::tell_disabled(
        connection,
        &room.secrets,
        contact,
        (reason, &room.base),
        now,
    )
    .await?;
    Ok(())
}

/// `Ana (ana@shop.example)`; of a number only its end.
fn name(contact: &Contact) -> String {
    format!("{} ({})", contact.name, contact.shown_address())
}
