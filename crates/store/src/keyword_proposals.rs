//! Table `keyword_proposals`: texts that monitors might ask for.

use domain::ids::{AccountId, MonitorId};
use domain::monitor::proposal::{Missing, Proposal};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// Texts that a good first look offered, and that are to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Best first.
    pub offers: Vec<String>,
    /// How often they were taken, this time too.
    pub tries: u16,
}

/// Has the offers of a look compared, made with this version of its settings. Nothing where the settings are
/// others by now, and where there was a proposal before. Says whether it is to be done.
pub async fn want(
    connection: &mut PgConnection,
    (account, monitor, config_version): (AccountId, MonitorId, i64),
    region: &str,
    offers: &[String],
    now: Timestamp,
) -> Result<bool> {
    // Whoever changes the settings forgets the proposal: before this, or after.
    let is_same = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM monitors
           WHERE account_id = $1 AND id = $2 AND config_version = $3 AND deleted_at IS NULL FOR SHARE"#,
        account.uuid(),
        monitor.uuid(),
        config_version
    )
    .fetch_optional(&mut *connection)
    .await?;
    if is_same.is_none() {
        return Ok(false);
    }
    let done = sqlx::query!(
        "INSERT INTO keyword_proposals (account_id, monitor_id, region, offers, ask_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        account.uuid(),
        monitor.uuid(),
        region,
        offers,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The monitors of a region whose offers are to be compared now, longest due first; one whose taker fell silent
/// is named again. To be taken by [`claim`].
pub async fn list_due(
    connection: &mut PgConnection,
    region: &str,
    now: Timestamp,
    most: i64,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT p.account_id, p.monitor_id FROM keyword_proposals p
         JOIN monitors m ON m.account_id = p.account_id AND m.id = p.monitor_id
         JOIN accounts a ON a.id = p.account_id AND a.deleted_at IS NULL
         WHERE p.region = $1 AND p.ask_at <= $2 AND (p.taken_at IS NULL OR p.taken_at < $2 - interval '30 seconds')
           AND m.deleted_at IS NULL AND m.paused_at IS NULL
         ORDER BY p.ask_at LIMIT $3",
        region,
        now.to_sqlx() as _,
        most
    )
    .fetch_all(connection)
    .await?;
    let due = rows.into_iter().map(|row| {
        (
            AccountId::from_uuid(row.account_id),
            MonitorId::from_uuid(row.monitor_id),
        )
    });
    Ok(due.collect())
}

/// Takes one, unless somebody else has.
pub async fn claim(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<Option<Wanted>> {
    let row = sqlx::query!(
        r#"UPDATE keyword_proposals SET taken_at = $3, tries = tries + 1
           WHERE account_id = $1 AND monitor_id = $2 AND ask_at <= $3
             AND (taken_at IS NULL OR taken_at < $3 - interval '30 seconds')
           RETURNING offers AS "offers!", tries"#,
        account.uuid(),
        monitor.uuid(),
        now.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Wanted {
        offers: row.offers,
        tries: u16::try_from(row.tries).unwrap_or(u16::MAX),
    }))
}

/// Lets one go that could not be compared, until `ask_at`.
pub async fn put_off(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    ask_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE keyword_proposals SET ask_at = $3, taken_at = NULL
         WHERE account_id = $1 AND monitor_id = $2 AND ask_at IS NOT NULL",
        account.uuid(),
        monitor.uuid(),
        ask_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Proposes a text, made of these offers. False where they are wanted no more.
pub async fn propose(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    offers: &[String],
    proposal: &Proposal,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE keyword_proposals SET offers = NULL, ask_at = NULL, taken_at = NULL, text = $4, missing = $5,
             status = $6, proposed_at = $7
         WHERE account_id = $1 AND monitor_id = $2 AND offers = $3",
        account.uuid(),
        monitor.uuid(),
        offers,
        proposal.text,
        proposal.missing.as_str(),
        i16::try_from(proposal.status).unwrap_or(i16::MAX),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets it, whatever has become of it: a later first look may propose anew.
pub async fn forget(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM keyword_proposals WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets these offers: nothing came of them. A later first look may offer others.
pub async fn give_up(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    offers: &[String],
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM keyword_proposals WHERE account_id = $1 AND monitor_id = $2 AND offers = $3",
        account.uuid(),
        monitor.uuid(),
        offers
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Shows it no more, and proposes none for this page again. False where there is none.
pub async fn dismiss(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE keyword_proposals SET dismissed_at = $3
         WHERE account_id = $1 AND monitor_id = $2 AND proposed_at IS NOT NULL AND dismissed_at IS NULL",
        account.uuid(),
        monitor.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What is proposed for a monitor, and not dismissed.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Proposal>> {
    let row = sqlx::query!(
        r#"SELECT text AS "text!", missing AS "missing!", status AS "status!" FROM keyword_proposals
           WHERE account_id = $1 AND monitor_id = $2 AND proposed_at IS NOT NULL AND dismissed_at IS NULL"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| read(monitor, row.text, &row.missing, row.status))
        .transpose()
}

/// A proposal as it is stored.
pub(crate) fn read(
    monitor: MonitorId,
    text: String,
    missing: &str,
    status: i16,
) -> Result<Proposal> {
    Ok(Proposal {
        text,
        missing: Missing::parse(missing)
            .ok_or_else(|| Error::impossible("keyword_proposals", "missing", monitor))?,
        status: u16::try_from(status).unwrap_or(0),
    })
}

/// Removes those that nobody came to compare since `before`, at most `limit`. Says how many.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM keyword_proposals WHERE (account_id, monitor_id) IN
           (SELECT account_id, monitor_id FROM keyword_proposals WHERE ask_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        limit
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
