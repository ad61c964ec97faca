//! Table `incident_groups`: the incidents of one storm.

use domain::check::{Attribution, Failure};
use domain::ids::{AccountId, DeliveryId, GroupId, IncidentId, short_code};
use domain::incident::Actor;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;
use crate::token_lookups::{self, Found, Kind};

/// A storm goes on as long as one of its outages was sure within this time; then a new one begins.
const GOES_ON: SignedDuration = SignedDuration::from_mins(30);

/// A group of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Group {
    pub id: GroupId,
    pub short: String,
    pub created_at: Timestamp,
}

/// The group, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: GroupId,
) -> Result<Option<Group>> {
    let row = sqlx::query!(
        r#"SELECT short, created_at AS "created_at: jiff_sqlx::Timestamp" FROM incident_groups
           WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Group {
        id,
        short: row.short,
        created_at: row.created_at.to_jiff(),
    }))
}

/// Puts the outages that the message `leader` tells of into the storm of the account that goes on, or
/// into a new one; and with them those that the same contact was told of one by one since `since`.
/// Whoever calls has locked the account, so that two contacts' messages find the same storm.
pub async fn gather(
    connection: &mut PgConnection,
    account: AccountId,
    leader: DeliveryId,
    (since, now): (Timestamp, Timestamp),
) -> Result<GroupId> {
    let group = match find_current(connection, account, now).await? {
        Some(group) => group,
        None => insert(connection, account, now).await?,
    };
    sqlx::query!(
        "UPDATE incidents SET group_id = $3, version = version + 1
         WHERE account_id = $1 AND group_id IS NULL AND resolved_at IS NULL AND id IN (
             SELECT d.incident_id FROM deliveries d JOIN deliveries l ON l.account_id = d.account_id AND l.id = $2
             WHERE d.account_id = $1 AND d.event = 'incident.opened' AND d.contact_id = l.contact_id
               AND (d.id = $2 OR d.merged_into = $2 OR d.accepted_at > $4))",
        account.uuid(),
        leader.uuid(),
        group.uuid(),
        since.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(group)
}

async fn find_current(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<GroupId>> {
    let since = now.saturating_sub(GOES_ON).unwrap_or(Timestamp::MIN);
    let id = sqlx::query_scalar!(
        "SELECT g.id FROM incident_groups g
         WHERE g.account_id = $1 AND EXISTS (
             SELECT 1 FROM incidents i WHERE i.account_id = $1 AND i.group_id = g.id AND i.resolved_at IS NULL
               AND i.confirmed_at > $2)
         ORDER BY g.created_at DESC, g.id DESC LIMIT 1",
        account.uuid(),
        since.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(GroupId::from_uuid))
}

async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<GroupId> {
    loop {
        let id = GroupId::generate();
        let short = short_code(id.uuid());
        let found = Found {
            account_id: account,
            row_id: id.uuid(),
            other_id: None,
        };
        if !token_lookups::insert_new(connection, Kind::Group, &short, found, now).await? {
            continue;
        }
        sqlx::query!(
            "INSERT INTO incident_groups (account_id, id, short, created_at) VALUES ($1, $2, $3, $4)",
            account.uuid(),
            id.uuid(),
            short,
            now.to_sqlx() as _
        )
        .execute(&mut *connection)
        .await?;
        return Ok(id);
    }
}

/// An outage that a message told of.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of incidents and monitors")]
pub struct Told {
    pub incident_id: IncidentId,
    pub monitor_name: String,
    pub first_failure_at: Timestamp,
    pub is_open: bool,
    pub taken_by: Option<String>,
    pub failure: Failure,
    pub attribution: Option<Attribution>,
    /// The short code of its storm.
    pub group: Option<String>,
}

/// The outages that a message told of, and the others of the same storm that its contact was told of; the
/// oldest first, at most 5,000, as many as a plan has monitors.
pub async fn list_of_message(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<Vec<Told>> {
    let rows = sqlx::query!(
        r#"SELECT i.id, m.name, i.first_failure_at AS "first_failure_at: jiff_sqlx::Timestamp",
             i.resolved_at IS NULL AS "is_open!", i.acknowledged_by AS "acknowledged_by: Json<Actor>",
             i.failure AS "failure: Json<Failure>", i.attribution, g.short AS "short?"
           FROM incidents i
           JOIN monitors m ON m.account_id = i.account_id AND m.id = i.monitor_id
           LEFT JOIN incident_groups g ON g.account_id = i.account_id AND g.id = i.group_id
           WHERE i.account_id = $1 AND i.id IN (
               SELECT incident_id FROM deliveries WHERE account_id = $1 AND (id = $2 OR merged_into = $2)
               UNION
               SELECT o.id FROM deliveries l
               JOIN incidents li ON li.account_id = l.account_id AND li.id = l.incident_id
               JOIN incidents o ON o.account_id = li.account_id AND o.group_id = li.group_id
               JOIN deliveries d ON d.account_id = o.account_id AND d.incident_id = o.id AND d.contact_id = l.contact_id
               WHERE l.account_id = $1 AND l.id = $2 AND d.event = 'incident.opened' AND d.accepted_at IS NOT NULL)
           ORDER BY i.first_failure_at, m.name, i.id LIMIT 5000"#,
        account.uuid(),
        delivery.uuid()
    )
    .fetch_all(connection)
    .await?;
    let told = rows.into_iter().map(|row| Told {
        incident_id: IncidentId::from_uuid(row.id),
        monitor_name: row.name,
        first_failure_at: row.first_failure_at.to_jiff(),
        is_open: row.is_open,
        taken_by: row.acknowledged_by.map(|by| by.0.name),
        failure: row.failure.0,
        attribution: row.attribution.as_deref().and_then(Attribution::parse),
        group: row.short,
    });
    Ok(told.collect())
}
