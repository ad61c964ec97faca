//! Ending an account.

use domain::ids::AccountId;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::{account_end, audit, changes};

use crate::{By, Result};

/// Ends an account in one transaction: looks and alerts stop, keys, links and the sessions of people
/// without another account end, addresses are wiped, and the erasing of its history is enqueued.
/// False when it had ended before. Not in a fenced transaction: users are not a tenant's.
pub async fn delete_account(
    connection: &mut PgConnection,
    account: AccountId,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    if !account_end::mark_deleted(connection, account, now).await? {
        return Ok(false);
    }
    let entry = audit::Entry {
        account_id: account,
        actor: &by.actor,
        action: "account.deleted",
        subject: account.to_string(),
        details: json!({}),
        at: now,
    };
    audit::insert(connection, &entry).await?;
    let ended = account_end::end(connection, account, now).await?;
    let erase = jobs::Erase {
        account_id: account,
        monitor_id: None,
    };
    jobs::enqueue(connection, &erase, None).await?;
    for monitor in ended.monitors {
        changes::notify_monitor(connection, account, monitor).await?;
    }
    for session in ended.sessions {
        changes::notify_session(connection, session.uuid()).await?;
    }
    Ok(true)
}
