//! Certificates as they were last seen, and what their owners have been told.

use domain::check::FailureClass;
use domain::ids::{AccountId, ContactId, MonitorId};
use domain::tls::TlsFacts;
use domain::tls::expiry::Known;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// A monitor's certificate as it was last seen.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Stored {
    pub monitor_id: MonitorId,
    pub known: Known,
    pub facts: TlsFacts,
    pub seen_at: Timestamp,
    pub changed_at: Timestamp,
}

/// The monitor's certificate.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, fingerprint, facts AS "facts: Json<TlsFacts>", problem,
             not_after AS "not_after: jiff_sqlx::Timestamp", warned_days, seen_at AS "seen_at: jiff_sqlx::Timestamp",
             changed_at AS "changed_at: jiff_sqlx::Timestamp"
         FROM certificates WHERE account_id = $1 AND monitor_id = $2"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_stored)
    .transpose()
}

/// Writes what was seen; `changed_at` stays while it is the same certificate.
pub async fn upsert(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (known, facts): (&Known, &TlsFacts),
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO certificates (account_id, monitor_id, fingerprint, facts, problem, not_after, warned_days, seen_at,
             changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT ON CONSTRAINT certificates_pkey DO UPDATE SET fingerprint = EXCLUDED.fingerprint,
             facts = EXCLUDED.facts, problem = EXCLUDED.problem, not_after = EXCLUDED.not_after,
             warned_days = EXCLUDED.warned_days, seen_at = EXCLUDED.seen_at,
             changed_at = CASE WHEN certificates.fingerprint = EXCLUDED.fingerprint THEN certificates.changed_at
                 ELSE EXCLUDED.changed_at END",
        account.uuid(),
        monitor.uuid(),
        known.fingerprint,
        Json(facts) as _,
        known.problem.map(FailureClass::as_str),
        known.not_after.to_sqlx() as _,
        known.warned_days.and_then(|days| i32::try_from(days).ok()),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Names of the monitors that use a certificate, deleted ones left out, oldest first.
pub async fn list_users(
    connection: &mut PgConnection,
    account: AccountId,
    fingerprint: &str,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT m.name FROM certificates c JOIN monitors m ON m.account_id = c.account_id AND m.id = c.monitor_id
         WHERE c.account_id = $1 AND c.fingerprint = $2 AND m.deleted_at IS NULL ORDER BY m.id",
        account.uuid(),
        fingerprint
    )
    .fetch_all(connection)
    .await?;
    Ok(names)
}

/// The contacts that were warned of a certificate's end.
pub async fn list_warned(
    connection: &mut PgConnection,
    account: AccountId,
    fingerprint: &str,
) -> Result<Vec<ContactId>> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT contact_id FROM deliveries
         WHERE account_id = $1 AND event = 'tls.expiring' AND state <> 'skipped' AND payload #>> '{certificate,fingerprint}' = $2
         ORDER BY contact_id",
        account.uuid(),
        fingerprint
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ContactId::from_uuid).collect())
}

/// Forgets a monitor's certificate: it has another target now.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM certificates WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    monitor_id: Uuid,
    fingerprint: String,
    facts: Json<TlsFacts>,
    problem: Option<String>,
    not_after: jiff_sqlx::Timestamp,
    warned_days: Option<i32>,
    seen_at: jiff_sqlx::Timestamp,
    changed_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn into_stored(self) -> Result<Stored> {
        let problem = self.problem.map(|word| {
            FailureClass::parse(&word)
                .ok_or_else(|| Error::impossible("certificates", "problem", self.monitor_id))
        });
        Ok(Stored {
            monitor_id: MonitorId::from_uuid(self.monitor_id),
            known: Known {
                fingerprint: self.fingerprint,
                problem: problem.transpose()?,
                not_after: self.not_after.to_jiff(),
                warned_days: self.warned_days.and_then(|days| u32::try_from(days).ok()),
            },
            facts: self.facts.0,
            seen_at: self.seen_at.to_jiff(),
            changed_at: self.changed_at.to_jiff(),
        })
    }
}
