//! The owner of an address says that it was somebody else who typed it.

use domain::account::EmailAddress;
use domain::ids::{AccountId, ContactId};
use domain::incident::{Actor, ActorKind};
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::{Secrets, audit, changes, contacts, memberships, unconfirmed, users};

use crate::{Result, tell_disabled};

/// What the owner of an account reads at the contact.
pub const NOT_WANTED: &str = "the owner of this address asked not to be written to";

/// Lets no account write to an address any more: its contacts are disabled, except in the accounts of the
/// person who has proven it, and the owners of those that lose one they relied on are told. What the address waits
/// for at the tools ends too. `base` is our
/// public address. Not in a fenced transaction: it reaches over all accounts. Safe to repeat.
pub async fn block_address(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    base: &str,
    now: Timestamp,
) -> Result<()> {
    unconfirmed::block(connection, secrets, address, now).await?;
    crate::watches::end_all_of(connection, secrets, address, now).await?;
    let own = own_accounts(connection, address).await?;
    for found in contacts::list_of_mail_address(connection, address, NOT_WANTED).await? {
        if own.contains(&found.account_id) {
            continue;
        }
        let of = (found.account_id, found.id);
        contacts::mark_refused(connection, of, NOT_WANTED, now).await?;
        note(connection, of, now).await?;
        changes::notify(connection, found.account_id, "contact", found.id).await?;
        if found.was_usable {
            tell_disabled(connection, secrets, of, (NOT_WANTED, base), now).await?;
        }
    }
    Ok(())
}

async fn own_accounts(
    connection: &mut PgConnection,
    address: &EmailAddress,
) -> Result<Vec<AccountId>> {
    let Some(person) = users::find_proven(connection, address).await? else {
        return Ok(Vec::new());
    };
    let own = memberships::list_of_user(connection, person.id).await?;
    Ok(own.into_iter().map(|(account, _)| account).collect())
}

async fn note(
    connection: &mut PgConnection,
    (account, contact): (AccountId, ContactId),
    now: Timestamp,
) -> Result<()> {
    let actor = Actor {
        kind: ActorKind::Contact,
        name: "The owner of the address".to_owned(),
    };
    let entry = audit::Entry {
        account_id: account,
        actor: &actor,
        action: "contact.refused",
        subject: contact.to_string(),
        details: json!({ "kind": "email" }),
        at: now,
    };
    Ok(audit::insert(connection, &entry).await?)
}
