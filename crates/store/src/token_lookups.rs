//! From a token or short code to the row it stands for, before the account is known.

use domain::ids::AccountId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An API key.
    ApiKey,
    /// The page on which one contact takes one incident.
    Acknowledge,
    /// The page on which one contact takes all incidents of a message.
    AcknowledgeAll,
    /// An incident's short code.
    Incident,
    /// A monitor's short code.
    Monitor,
    /// A group of incidents.
    Group,
    /// The page on which a contact stops its alerts.
    Stop,
    /// The ping address of a heartbeat monitor.
    Heartbeat,
    /// A person's calendar of an on-call schedule; the second row is the person.
    Calendar,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Acknowledge => "acknowledge",
            Self::AcknowledgeAll => "acknowledge_all",
            Self::Incident => "incident",
            Self::Monitor => "monitor",
            Self::Group => "group",
            Self::Stop => "stop",
            Self::Heartbeat => "heartbeat",
            Self::Calendar => "calendar",
        }
    }
}

/// The row behind a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its account.
    pub account_id: AccountId,
    /// The row.
    pub row_id: Uuid,
    /// A second row, such as the contact of an acknowledge page.
    pub other_id: Option<Uuid>,
}

/// Adds a token.
pub async fn insert(
    connection: &mut PgConnection,
    kind: Kind,
    token: &str,
    found: Found,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO token_lookups (kind, token, account_id, row_id, other_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        kind.as_str(),
        token,
        found.account_id.uuid(),
        found.row_id,
        found.other_id,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a token unless it is there; false when it was.
pub async fn insert_new(
    connection: &mut PgConnection,
    kind: Kind,
    token: &str,
    found: Found,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO token_lookups (kind, token, account_id, row_id, other_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT token_lookups_pkey DO NOTHING",
        kind.as_str(),
        token,
        found.account_id.uuid(),
        found.row_id,
        found.other_id,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a token stands for.
pub async fn find(connection: &mut PgConnection, kind: Kind, token: &str) -> Result<Option<Found>> {
    let row = sqlx::query!(
        "SELECT account_id, row_id, other_id FROM token_lookups WHERE kind = $1 AND token = $2",
        kind.as_str(),
        token
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Found {
        account_id: AccountId::from_uuid(row.account_id),
        row_id: row.row_id,
        other_id: row.other_id,
    }))
}

/// Removes the tokens that stand for a row.
pub async fn delete_of_row(
    connection: &mut PgConnection,
    account: AccountId,
    kind: Kind,
    row: Uuid,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM token_lookups WHERE account_id = $1 AND kind = $2 AND row_id = $3",
        account.uuid(),
        kind.as_str(),
        row
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the tokens of a kind that stand for two rows together. Says whether there were any.
pub async fn delete_of_rows(
    connection: &mut PgConnection,
    account: AccountId,
    kind: Kind,
    (row, other): (Uuid, Uuid),
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM token_lookups WHERE account_id = $1 AND kind = $2 AND row_id = $3 AND other_id = $4",
        account.uuid(),
        kind.as_str(),
        row,
        other
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// When a token of a kind was made that stands for two rows together; `None` when there is none.
pub async fn find_made(
    connection: &mut PgConnection,
    account: AccountId,
    kind: Kind,
    (row, other): (Uuid, Uuid),
) -> Result<Option<Timestamp>> {
    let made = sqlx::query_scalar!(
        r#"SELECT created_at AS "at: jiff_sqlx::Timestamp" FROM token_lookups
           WHERE account_id = $1 AND kind = $2 AND row_id = $3 AND other_id = $4"#,
        account.uuid(),
        kind.as_str(),
        row,
        other
    )
    .fetch_optional(connection)
    .await?;
    Ok(made.map(|at| at.to_jiff()))
}
