//! Addresses that a message leads to. Made when it is sent, the same on every try.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use domain::ids::{AccountId, ContactId, IncidentId, MonitorId, short_code};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, Secrets};

/// The token of the page on which one contact takes one incident (`/a/{token}`).
pub async fn ensure_acknowledge(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    (incident, contact): (IncidentId, ContactId),
    now: Timestamp,
) -> Result<String> {
    let token = token(secrets, "acknowledge", &format!("{incident}:{contact}"));
    insert(connection, "acknowledge", &token, account, (incident.uuid(), Some(contact.uuid())), now).await?;
    Ok(token)
}

/// The token of the page on which a contact stops its alerts (`/stop/{token}`).
pub async fn ensure_stop(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    contact: ContactId,
    now: Timestamp,
) -> Result<String> {
    let token = token(secrets, "stop", &contact.to_string());
    insert(connection, "stop", &token, account, (contact.uuid(), None), now).await?;
    Ok(token)
}

/// The short code of a monitor's page (`/m/{short}`).
pub async fn ensure_monitor(connection: &mut PgConnection, account: AccountId, monitor: MonitorId, now: Timestamp) -> Result<String> {
    let short = short_code(monitor.uuid());
    insert(connection, "monitor", &short, account, (monitor.uuid(), None), now).await?;
    Ok(short)
}

/// 128 bits that only we can make, and make again.
fn token(secrets: &Secrets, purpose: &'static str, what: &str) -> String {
    let hash = secrets.keyed_hash(purpose, what);
    BASE64.encode(&hash[..16])
}

async fn insert(
    connection: &mut PgConnection,
    kind: &'static str,
    token: &str,
    account: AccountId,
    (row, other): (Uuid, Option<Uuid>),
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO token_lookups (kind, token, account_id, row_id, other_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT token_lookups_pkey DO NOTHING",
        kind,
        token,
        account.uuid(),
        row,
        other,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
