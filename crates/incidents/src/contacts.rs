//! Messages to a contact about itself, and to the owners about a contact that is lost.

use domain::alert::plan::is_uncovered_by;
use domain::alert::policy::recipients;
use domain::contact::Contact;
use domain::delivery::{AccountMessage, Event};
use domain::ids::{AccountId, ContactId, DeliveryId};
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::{Secrets, contacts, states};

use crate::tell::{self, Message};
use crate::{Result, write_to_owners};

/// Sends a test message to a proven contact, or to a hook that it is to prove; every call is a message
/// of its own.
pub async fn test_contact(
    connection: &mut PgConnection,
    account: AccountId,
    contact: &Contact,
    now: Timestamp,
) -> Result<Option<DeliveryId>> {
    let message = Message {
        account_id: account,
        event: Event::ContactTest,
        incident_id: None,
        monitor_id: None,
        subject: contact.id.to_string(),
        payload: json!({}),
        wait_until: None,
        can_wait: false,
    };
    let dedup_key = format!(
        "{}:{}:{}",
        Event::ContactTest.as_str(),
        contact.id,
        DeliveryId::generate()
    );
    let written = tell::write(
        connection,
        &message,
        (contact.id, contact.channel),
        dedup_key,
        (now, now),
    )
    .await?;
    Ok(written.map(|one| one.delivery_id))
}

/// Tells the owners that nothing is sent to a contact any more, why, and which monitors have nobody
/// left. `base` is our public address. To be called when the contact is disabled already, and not in a
/// fenced transaction: owners are people, not an account's rows.
pub async fn tell_disabled(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, contact): (AccountId, ContactId),
    (reason, base): (&str, &str),
    now: Timestamp,
) -> Result<()> {
    let contacts = contacts::list(connection, account).await?;
    let Some(lost) = contacts.iter().find(|one| one.id == contact) else {
        return Ok(());
    };
    let monitors = states::list_recipients(connection, account).await?;
    let policies = store::policies::list(connection, account).await?;
    let duties = store::oncall::list_duties(connection, account, now).await?;
    let uncovered = monitors
        .into_iter()
        .filter(|one| {
            let told = recipients(one.contact_ids.as_deref(), one.policy_id, &policies);
            is_uncovered_by(&told, (&contacts, &duties), lost)
        })
        .map(|one| one.name);
    let message = AccountMessage::ContactDisabled {
        contact: name(lost),
        reason: reason.to_owned(),
        uncovered: uncovered.collect(),
        link: format!("{base}/contacts"),
    };
    write_to_owners(connection, secrets, account, &message, now).await
}

fn name(contact: &Contact) -> String {
    format!("{} ({})", contact.name, contact.shown_address())
}
