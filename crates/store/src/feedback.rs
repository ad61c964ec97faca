//! Table `diagnosis_feedback`: whether the cause that was named was the right one.

use domain::ids::{AccountId, ContactId, IncidentId, UserId};
use domain::incident::feedback::{Answer, Answerer};
use domain::incident::{Diagnosis, Incident};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// How often a rule was right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Counted {
    pub rule: String,
    pub right: i64,
    pub wrong: i64,
}

const fn key(by: Answerer) -> (&'static str, Uuid) {
    match by {
        Answerer::User(id) => ("user", id.uuid()),
        Answerer::Contact(id) => ("contact", id.uuid()),
        Answerer::ApiKey(id) => ("api_key", id.uuid()),
    }
}

/// Keeps an answer about `diagnosis`, in place of an earlier one of the same.
pub async fn put(
    connection: &mut PgConnection,
    (incident, diagnosis): (&Incident, &Diagnosis),
    by: Answerer,
    answer: &Answer,
    now: Timestamp,
) -> Result<()> {
    let (kind, id) = key(by);
    sqlx::query!(
        "INSERT INTO diagnosis_feedback (account_id, incident_id, by_kind, by_id, monitor_id, is_right, rule, cause, said,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT ON CONSTRAINT diagnosis_feedback_pkey DO UPDATE
         SET is_right = excluded.is_right, rule = excluded.rule, cause = excluded.cause, said = excluded.said,
             updated_at = excluded.updated_at",
        incident.account_id.uuid(),
        incident.id.uuid(),
        kind,
        id,
        incident.monitor_id.uuid(),
        answer.is_right,
        diagnosis.rule,
        diagnosis.cause,
        answer.said,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The answer of one of them; `None` before it was given.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    by: Answerer,
) -> Result<Option<Answer>> {
    let (kind, id) = key(by);
    Ok(sqlx::query_as!(
        Answer,
        "SELECT is_right, said FROM diagnosis_feedback
         WHERE account_id = $1 AND incident_id = $2 AND by_kind = $3 AND by_id = $4",
        account.uuid(),
        incident.uuid(),
        kind,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// The member whose contact this is: by choice, or because a mail contact has that member's proven address.
/// Not under the tenant's role: users are no rows of the account.
pub async fn find_member(
    connection: &mut PgConnection,
    account: AccountId,
    contact: ContactId,
) -> Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "SELECT m.user_id FROM contacts c
         JOIN memberships m ON m.account_id = c.account_id
         JOIN users u ON u.id = m.user_id
         WHERE c.account_id = $1 AND c.id = $2 AND (m.user_id = c.user_id OR c.user_id IS NULL
             AND c.channel = 'email' AND u.email_verified_at IS NOT NULL AND lower(u.email) = lower(c.address))
         ORDER BY m.user_id LIMIT 1",
        account.uuid(),
        contact.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(UserId::from_uuid))
}

/// Of every account, for the operator: most answers first.
pub async fn count_by_rule(connection: &mut PgConnection) -> Result<Vec<Counted>> {
    Ok(sqlx::query_as!(
        Counted,
        r#"SELECT rule, count(*) FILTER (WHERE is_right) AS "right!", count(*) FILTER (WHERE NOT is_right) AS "wrong!"
           FROM diagnosis_feedback GROUP BY rule ORDER BY count(*) DESC, rule"#
    )
    .fetch_all(connection)
    .await?)
}
