//! Deliveries that the queue seems to have lost.

use domain::contact::Channel;
use domain::ids::{AccountId, DeliveryId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// Due for ten seconds and not pushed for thirty, oldest first, five hundred at a time. A claim whose
/// lease has run out is due at its end. Read without a lock, over all accounts.
pub async fn list_overdue(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<(AccountId, DeliveryId, Channel)>> {
    let rows = sqlx::query!(
        "SELECT account_id, id, channel FROM deliveries
         WHERE state IN ('pending', 'sending', 'held') AND next_at < $1 AND (pushed_at IS NULL OR pushed_at < $2)
         ORDER BY next_at LIMIT 500",
        (now - SignedDuration::from_secs(10)).to_sqlx() as _,
        (now - SignedDuration::from_secs(30)).to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = DeliveryId::from_uuid(row.id);
            let channel = Channel::parse(&row.channel)
                .ok_or_else(|| Error::impossible("deliveries", "channel", id))?;
            Ok((AccountId::from_uuid(row.account_id), id, channel))
        })
        .collect()
}

/// Marks a delivery as pushed; `false` when another sweeper was first or it is done.
pub async fn mark_pushed(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE deliveries SET pushed_at = $3
         WHERE account_id = $1 AND id = $2 AND state IN ('pending', 'sending', 'held')
           AND (pushed_at IS NULL OR pushed_at < $4)",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        (now - SignedDuration::from_secs(30)).to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
