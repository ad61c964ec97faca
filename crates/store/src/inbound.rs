//! Table `inbound_texts`: what people sent to our number, and what was answered. Over all accounts: a number
//! may be a contact of several.

use domain::contact::Contact;
use domain::ids::{AccountId, ContactId, IncidentId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;

/// An incident by its account.
pub type Named = (AccountId, IncidentId);

/// An open incident that a number was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "keys of rows")]
pub struct Told {
    pub account_id: AccountId,
    pub incident_id: IncidentId,
    pub contact_id: ContactId,
}

/// Keeps a text; the earlier answer when the provider sends it again. Of two at once the second waits for
/// the first.
pub async fn insert(
    connection: &mut PgConnection,
    (provider_sid, number, command): (&str, &str, &str),
    now: Timestamp,
) -> Result<Option<String>> {
    let done = sqlx::query!(
        "INSERT INTO inbound_texts (provider_sid, number, received_at, command) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT inbound_texts_pkey DO NOTHING",
        provider_sid,
        number,
        now.to_sqlx() as _,
        command
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(None);
    }
    let reply = sqlx::query_scalar!(
        "SELECT reply FROM inbound_texts WHERE provider_sid = $1",
        provider_sid
    )
    .fetch_one(connection)
    .await?;
    Ok(Some(reply))
}

/// Keeps what was answered, and the incidents that the answer counts.
pub async fn set_reply(
    connection: &mut PgConnection,
    provider_sid: &str,
    (reply, listed): (&str, Option<&[Named]>),
) -> Result<()> {
    let listed = listed.map(|listed| Json(listed.to_vec()));
    sqlx::query!(
        "UPDATE inbound_texts SET reply = $2, listed = $3 WHERE provider_sid = $1",
        provider_sid,
        reply,
        listed as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the last list to this number counted, if one was sent since `since`.
pub async fn find_listed(
    connection: &mut PgConnection,
    number: &str,
    since: Timestamp,
) -> Result<Option<Vec<Named>>> {
    let found = sqlx::query_scalar!(
        r#"SELECT listed AS "listed!: Json<Vec<Named>>" FROM inbound_texts
           WHERE number = $1 AND received_at >= $2 AND listed IS NOT NULL ORDER BY received_at DESC LIMIT 1"#,
        number,
        since.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|listed| listed.0))
}

/// Texts of that kind from a number since `since`.
pub async fn count_since(
    connection: &mut PgConnection,
    (number, command): (&str, &str),
    since: Timestamp,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM inbound_texts WHERE number = $1 AND command = $2 AND received_at >= $3"#,
        number,
        command,
        since.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?)
}

/// The last text about an outage that the number was sent told of several.
pub async fn was_told_of_several(connection: &mut PgConnection, number: &str) -> Result<bool> {
    let several = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM deliveries m WHERE m.account_id = d.account_id AND m.merged_into = d.id) AS "several!"
           FROM contacts c JOIN deliveries d ON d.account_id = c.account_id AND d.contact_id = c.id
           WHERE c.channel = 'sms' AND c.address = $1 AND d.accepted_at IS NOT NULL
             AND d.event IN ('incident.opened', 'incident.escalated', 'incident.reminded') AND d.merged_into IS NULL
           ORDER BY d.accepted_at DESC, d.id DESC LIMIT 1"#,
        number
    )
    .fetch_optional(connection)
    .await?;
    Ok(several.unwrap_or(false))
}

/// Open incidents that the number was told of, oldest first; at most 5,000, as many as a plan has monitors.
pub async fn list_told_open(connection: &mut PgConnection, number: &str) -> Result<Vec<Told>> {
    let rows = sqlx::query!(
        "SELECT i.account_id, i.id, c.id AS contact_id FROM contacts c
         JOIN deliveries d ON d.account_id = c.account_id AND d.contact_id = c.id
         JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
         WHERE c.channel = 'sms' AND c.address = $1 AND c.verified_at IS NOT NULL AND d.channel = 'sms'
           AND d.event IN ('incident.opened', 'incident.escalated', 'incident.reminded')
           AND d.accepted_at IS NOT NULL AND i.resolved_at IS NULL
         GROUP BY i.account_id, i.id, c.id, i.confirmed_at
         ORDER BY i.confirmed_at, i.id LIMIT 5000",
        number
    )
    .fetch_all(connection)
    .await?;
    let told = rows.into_iter().map(|row| Told {
        account_id: AccountId::from_uuid(row.account_id),
        incident_id: IncidentId::from_uuid(row.id),
        contact_id: ContactId::from_uuid(row.contact_id),
    });
    Ok(told.collect())
}

/// The contacts with this number in all accounts.
pub async fn list_contacts(
    connection: &mut PgConnection,
    number: &str,
) -> Result<Vec<(AccountId, Contact)>> {
    let rows = sqlx::query!(
        "SELECT account_id, id FROM contacts WHERE channel = 'sms' AND address = $1 ORDER BY account_id, id LIMIT 100",
        number
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let account = AccountId::from_uuid(row.account_id);
        let contact =
            crate::contacts::find(connection, account, ContactId::from_uuid(row.id)).await?;
        found.extend(contact.map(|contact| (account, contact)));
    }
    Ok(found)
}

/// Removes texts received before `before`, at most `most`.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM inbound_texts WHERE provider_sid IN (
             SELECT provider_sid FROM inbound_texts WHERE received_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
