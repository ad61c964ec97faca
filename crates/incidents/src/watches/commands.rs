//! What people do to a watch: ask for it, confirm it, end it, begin it again. Each in the caller's transaction.

use domain::account::EmailAddress;
use domain::delivery::AccountMessage;
use domain::monitor::MonitorSpec;
use domain::tools::RunId;
use domain::tools::watch::{
    CONFIRM_WITHIN, MOST_OF_ADDRESS, MOST_OF_SITE, MOST_TARGETS, Outcome, has_lapsed,
};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::tool_watches::targets;
use store::tool_watches::{self, Target, Watch};
use store::{Secrets, account_messages, notify, unconfirmed};
use uuid::Uuid;

use crate::Result;

/// Writes down that an address waits for a target, and the mail that asks its reader to confirm. Asking again for
/// the same is the same watch, and writes the mail anew. Nothing happens, and the asker learns nothing of it, where
/// the owner of the address wants no mails or waits for as many targets as one may. The caller has counted the
/// mail, under whose row those who race for one address wait for one another.
pub async fn ask(
    connection: &mut PgConnection,
    secrets: &Secrets,
    of: Target<'_>,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<()> {
    if unconfirmed::is_blocked(connection, secrets, address).await? {
        return Ok(());
    }
    let id = match tool_watches::find_same(connection, secrets, of, address).await? {
        Some(same) => {
            tool_watches::renew(connection, same.id, now).await?;
            same.id
        }
        None if is_full(connection, secrets, address, now).await? => return Ok(()),
        None => tool_watches::insert(connection, secrets, of, address, now).await?,
    };
    unconfirmed::note(connection, secrets, address, now).await?;
    let message = AccountMessage::WatchConfirm {
        to: address.to_string(),
        tool: of.tool,
        target: of.target.to_owned(),
        token: tool_watches::token(secrets, id),
    };
    let expires_at = Some(now + CONFIRM_WITHIN);
    super::write(connection, secrets, (id, message), expires_at, now).await
}

async fn is_full(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool> {
    let open = tool_watches::count_of(connection, secrets, address, now).await?;
    Ok(open >= MOST_OF_ADDRESS)
}

/// What became of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// It is watched. Confirming twice is confirming once.
    Watched,
    /// It has ended, or was not confirmed in time.
    Over,
    /// As many targets are watched as we can; it can be confirmed later.
    Full,
}

/// Begins a watch: its address has proven that it wants it. `looked` is how the target is looked at, and what is
/// counted with it.
pub async fn confirm(
    connection: &mut PgConnection,
    secrets: &Secrets,
    id: Uuid,
    looked: (&MonitorSpec, &str),
    now: Timestamp,
) -> Result<Confirmed> {
    let Some(watch) = tool_watches::lock(connection, id).await? else {
        return Ok(Confirmed::Over);
    };
    if watch.is_open() && watch.confirmed_at.is_some() {
        return Ok(Confirmed::Watched);
    }
    if !watch.is_open() || has_lapsed(watch.created_at, now) {
        return Ok(Confirmed::Over);
    }
    if let Some(address) = watch.address(secrets)? {
        unconfirmed::clear(connection, secrets, &address).await?;
    }
    begin(connection, &watch, looked, now).await
}

async fn begin(
    connection: &mut PgConnection,
    watch: &Watch,
    (spec, site): (&MonitorSpec, &str),
    now: Timestamp,
) -> Result<Confirmed> {
    let most = (MOST_TARGETS, MOST_OF_SITE);
    let (all, of_site) = targets::count_others(connection, watch.of(), site, most).await?;
    if all >= MOST_TARGETS || of_site >= MOST_OF_SITE {
        return Ok(Confirmed::Full);
    }
    let target = targets::join(connection, watch.of(), (spec, site), now).await?;
    tool_watches::mark_confirmed(connection, watch.id, target, now).await?;
    notify::watch_wanted(connection).await?;
    Ok(Confirmed::Watched)
}

/// What became of beginning again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is watched, or was already: the token of its page.
    Watched(String),
    /// The address waits for as many targets as one may.
    TooMany,
    /// As many targets are watched as we can.
    Full,
    /// The owner of the address wants no mails.
    Refused,
}

/// Begins a watch for an address that has proven itself by the link in one of its mails.
pub async fn begin_again(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (of, address): (Target<'_>, &EmailAddress),
    looked: (&MonitorSpec, &str),
    now: Timestamp,
) -> Result<Begun> {
    if unconfirmed::is_blocked(connection, secrets, address).await? {
        return Ok(Begun::Refused);
    }
    let id = match tool_watches::find_same(connection, secrets, of, address).await? {
        Some(same) => {
            tool_watches::renew(connection, same.id, now).await?;
            same.id
        }
        None if is_full(connection, secrets, address, now).await? => return Ok(Begun::TooMany),
        None => tool_watches::insert(connection, secrets, of, address, now).await?,
    };
    Ok(match confirm(connection, secrets, id, looked, now).await? {
        Confirmed::Watched => Begun::Watched(tool_watches::token(secrets, id)),
        Confirmed::Full | Confirmed::Over => Begun::Full,
    })
}

/// Ends a watch for its owner: its address is erased, and what was not sent yet is not sent.
pub async fn end(connection: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<()> {
    let Some(watch) = tool_watches::lock(connection, id).await? else {
        return Ok(());
    };
    tool_watches::end(connection, id, (Outcome::Ended, None), now).await?;
    if let Some(message) = watch.message_id {
        account_messages::withdraw(connection, message, "its reader ended the watch").await?;
    }
    Ok(())
}

/// Ends every watch of an address.
pub async fn end_all_of(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<()> {
    for id in tool_watches::list_of(connection, secrets, address).await? {
        end(connection, id, now).await?;
    }
    Ok(())
}

/// Ends a watch whose target was up when it was confirmed; its owner reads so at the page, and gets no mail.
/// `false` when it had ended.
pub async fn mark_already_back(
    connection: &mut PgConnection,
    id: Uuid,
    run: Option<RunId>,
    now: Timestamp,
) -> Result<bool> {
    Ok(tool_watches::end(connection, id, (Outcome::AlreadyBack, run), now).await?)
}
