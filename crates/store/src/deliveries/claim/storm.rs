//! Messages that tell of several events: which go together, of what they tell, and what becomes of all
//! when the one that is sent has come to its end.

use domain::alert::storm::{Kind, WINDOW};
use domain::check::{Attribution, Failure};
use domain::delivery::{DeliveryState, Event};
use domain::ids::{ContactId, DeliveryId, GroupId, IncidentId, MonitorId};
use domain::incident::Actor;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Claimed, Queued, SendResult};
use crate::deliveries::{QUIET_UNTIL, SNOOZED_UNTIL};
use crate::{Error, Result};

/// Rows of a message that are read; a plan has at most 5,000 monitors.
const MOST: i64 = 5_000;

/// What decides whether a claimed message goes out by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// When it was to go out.
    pub due_at: Timestamp,
    /// When other messages went to the same contact lately or were last tried, in order; those under way
    /// went now.
    pub sent: Vec<Timestamp>,
    /// Why it has waited, when that was for the end of its contact's quiet hours.
    pub quiet: Option<String>,
    /// It tells of several already: an earlier try did not arrive.
    pub leads: bool,
    /// The storm that its incident is of.
    pub group: Option<GroupId>,
    /// Its incident is a fire drill.
    pub is_drill: bool,
}

/// Reads it.
pub async fn traffic(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Traffic> {
    let row = sqlx::query!(
        r#"SELECT d.not_before AS "due_at: jiff_sqlx::Timestamp", d.reason, i.group_id AS "group_id?", coalesce(i.test, false) AS "is_drill!",
             EXISTS (SELECT 1 FROM deliveries m WHERE m.account_id = d.account_id AND m.merged_into = d.id) AS "leads!"
           FROM deliveries d LEFT JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
           WHERE d.account_id = $1 AND d.id = $2"#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let since = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let sent = sqlx::query_scalar!(
        r#"SELECT least(coalesce(accepted_at, CASE WHEN state = 'pending' THEN pushed_at END, $4), $4) AS "at!: jiff_sqlx::Timestamp" FROM deliveries
           WHERE account_id = $1 AND contact_id = $2 AND id <> $3 AND merged_into IS NULL
             AND event NOT IN ('contact.test', 'incident.diagnosed')
             AND (accepted_at > $5 OR state = 'sending' OR state = 'pending' AND attempts > 0 AND pushed_at > $5)
             AND NOT EXISTS (SELECT 1 FROM incidents i
                 WHERE i.account_id = deliveries.account_id AND i.id = deliveries.incident_id AND i.test)
           ORDER BY 1 DESC LIMIT 100"#,
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        now.to_sqlx() as _,
        since.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(Traffic {
        due_at: row.due_at.to_jiff(),
        quiet: row.reason.filter(|reason| reason.starts_with(QUIET_UNTIL)),
        sent: sent.into_iter().rev().map(|at| at.to_jiff()).collect(),
        leads: row.leads,
        group: row.group_id.map(GroupId::from_uuid),
        is_drill: row.is_drill,
    })
}

/// Lets a claimed message tell of everything of its kind that is due to the same contact, and says of
/// how much. Left out is what would not be sent by itself now: what may have arrived, what is over
/// before it was told, and the end of what the contact has not heard of.
pub async fn merge(
    connection: &mut PgConnection,
    claimed: &Claimed,
    kind: Kind,
    now: Timestamp,
) -> Result<u64> {
    let events: Vec<String> = kind
        .events()
        .iter()
        .map(|event| event.as_str().to_owned())
        .collect();
    let done = sqlx::query!(
        "UPDATE deliveries d
         SET state = 'merged', merged_into = $3, reason = 'told together with others', finished_at = $5
         FROM deliveries due
         LEFT JOIN incidents i ON i.account_id = due.account_id AND i.id = due.incident_id
         LEFT JOIN deliveries o ON o.account_id = due.account_id AND o.incident_id = due.incident_id
             AND o.contact_id = due.contact_id AND o.event = 'incident.opened'
         LEFT JOIN deliveries l ON l.account_id = o.account_id AND l.id = o.merged_into
         WHERE d.account_id = $1 AND d.id = due.id AND due.account_id = $1 AND due.contact_id = $2 AND due.id <> $3
           AND due.event = ANY($4) AND due.state IN ('pending', 'held') AND due.not_before <= $5
           AND NOT coalesce(i.test, false)
           AND (due.reason IS NULL OR NOT starts_with(due.reason, $6) OR due.next_at <= $5)
           AND due.claims = due.attempts AND NOT EXISTS (
               SELECT 1 FROM delivery_attempts a WHERE a.account_id = due.account_id AND a.delivery_id = due.id
                 AND a.outcome IN ('lost', 'ambiguous'))
           AND CASE due.event
               WHEN 'incident.opened' THEN i.resolved_at IS NULL
                   AND NOT (due.payload ? 'passed_over' AND i.acknowledged_at IS NOT NULL)
               WHEN 'incident.escalated' THEN i.resolved_at IS NULL AND i.acknowledged_at IS NULL
               WHEN 'incident.reminded' THEN i.resolved_at IS NULL AND i.acknowledged_at IS NULL
                   AND coalesce(l.state, o.state) IN ('sent', 'delivered')
               WHEN 'incident.acknowledged' THEN i.resolved_at IS NULL AND coalesce(l.state, o.state) IN ('sent', 'delivered')
               WHEN 'incident.resolved' THEN coalesce(i.resolved_reason, 'recovered') = 'recovered'
                   AND coalesce(l.state, o.state) IN ('sent', 'delivered', 'superseded')
               ELSE true END",
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        &events,
        now.to_sqlx() as _,
        SNOOZED_UNTIL,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The contact was to be told of this much that is still down, all of which waited for the end of its quiet hours.
pub async fn count_open_after_quiet(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM deliveries d
           JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
           WHERE d.account_id = $1 AND d.contact_id = $2 AND d.event = 'incident.opened' AND d.state = 'held'
             AND starts_with(d.reason, $3) AND i.resolved_at IS NULL AND NOT i.test
             AND d.next_at <= $4
             AND NOT (d.payload ? 'passed_over' AND i.acknowledged_at IS NOT NULL)"#,
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        QUIET_UNTIL,
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?)
}

/// Lets a claimed message tell in a line of what began and ended in its contact's quiet hours, and says of how
/// much: the messages about those ends are merged into it, and those about the outages are not sent any more.
pub async fn merge_ended(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<u64> {
    let ended = sqlx::query_scalar!(
        r#"UPDATE deliveries d
         SET state = 'merged', merged_into = $3, reason = 'told together with others', finished_at = $4
         FROM incidents i, deliveries o
         WHERE d.account_id = $1 AND d.contact_id = $2 AND d.id <> $3 AND d.event = 'incident.resolved'
           AND d.state = 'held' AND starts_with(d.reason, $5)
           AND i.account_id = $1 AND i.id = d.incident_id AND NOT i.test
           AND o.account_id = $1 AND o.contact_id = $2 AND o.incident_id = d.incident_id
           AND o.event = 'incident.opened' AND o.state IN ('pending', 'held', 'superseded')
           AND d.claims = d.attempts AND NOT EXISTS (
               SELECT 1 FROM delivery_attempts a WHERE a.account_id = $1 AND a.delivery_id IN (d.id, o.id)
                 AND a.outcome IN ('lost', 'ambiguous'))
         RETURNING d.incident_id AS "id!""#,
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        now.to_sqlx() as _,
        QUIET_UNTIL,
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE deliveries SET state = 'superseded', reason = 'over before it was sent', finished_at = $4
         WHERE account_id = $1 AND contact_id = $2 AND incident_id = ANY($3) AND event = 'incident.opened'
           AND state IN ('pending', 'held')",
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        &ended,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(u64::try_from(ended.len()).unwrap_or(0))
}

/// One event that a message tells of, or an outage of the same storm.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of incidents, monitors and deliveries")]
pub struct Part {
    pub event: Event,
    pub incident_id: Option<IncidentId>,
    pub monitor_name: String,
    pub host: String,
    pub first_failure_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub acknowledged_by: Option<Actor>,
    pub failure: Option<Failure>,
    pub attribution: Option<Attribution>,
    pub address: Option<String>,
    pub payload: serde_json::Value,
}

/// Of what the message tells, critical monitors first, then the oldest.
pub async fn parts(connection: &mut PgConnection, claimed: &Claimed) -> Result<Vec<Part>> {
    select(connection, claimed, None).await
}

/// Open outages of the storm that the contact was told of in messages of their own, the oldest first.
pub async fn told_alone(
    connection: &mut PgConnection,
    claimed: &Claimed,
    group: GroupId,
) -> Result<Vec<Part>> {
    select(connection, claimed, Some(group)).await
}

async fn select(
    connection: &mut PgConnection,
    claimed: &Claimed,
    alone_in: Option<GroupId>,
) -> Result<Vec<Part>> {
    let rows = sqlx::query!(
        r#"SELECT d.event, d.payload, d.incident_id, m.name AS "name?", m.host AS "host?",
             i.first_failure_at AS "first_failure_at?: jiff_sqlx::Timestamp",
             i.resolved_at AS "resolved_at?: jiff_sqlx::Timestamp",
             i.acknowledged_by AS "acknowledged_by?: Json<Actor>", i.failure AS "failure?: Json<Failure>",
             i.attribution AS "attribution?", i.address AS "address?"
           FROM deliveries d
           LEFT JOIN monitors m ON m.account_id = d.account_id AND m.id = d.monitor_id
           LEFT JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
           WHERE d.account_id = $1 AND d.id IN (
               SELECT $2 WHERE $4::uuid IS NULL
               UNION ALL
               SELECT id FROM deliveries WHERE $4 IS NULL AND account_id = $1 AND merged_into = $2
               UNION ALL
               SELECT x.id FROM incidents g JOIN deliveries x ON x.account_id = g.account_id AND x.incident_id = g.id
               WHERE $4 IS NOT NULL AND g.account_id = $1 AND g.group_id = $4 AND g.resolved_at IS NULL
                 AND x.contact_id = $5 AND x.event = 'incident.opened' AND x.accepted_at IS NOT NULL
                 AND x.merged_into IS NULL AND x.id <> $2)
           ORDER BY (i.severity = 'critical') IS NOT TRUE, i.first_failure_at, m.name, d.id LIMIT $3"#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        MOST,
        alone_in.map(GroupId::uuid),
        claimed.contact_id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Part {
                event: Event::parse(&row.event)
                    .ok_or_else(|| Error::impossible("deliveries", "event", claimed.id))?,
                incident_id: row.incident_id.map(IncidentId::from_uuid),
                monitor_name: row.name.unwrap_or_default(),
                host: row.host.unwrap_or_default(),
                first_failure_at: row.first_failure_at.map(|at| at.to_jiff()),
                resolved_at: row.resolved_at.map(|at| at.to_jiff()),
                acknowledged_by: row.acknowledged_by.map(|by| by.0),
                failure: row.failure.map(|failure| failure.0),
                attribution: row.attribution.as_deref().and_then(Attribution::parse),
                address: row.address,
                payload: row.payload,
            })
        })
        .collect()
}

/// How a storm stands, as one contact sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its outages, those that are over among them.
    pub all: usize,
    /// Its outages that go on.
    pub open: usize,
    /// Its open outages that the contact was told of in messages of their own.
    pub told_alone: usize,
    /// The contact was told of others of them together before.
    pub told_together: bool,
    /// Monitors of the account.
    pub monitors: usize,
}

/// Reads it.
pub async fn standing(
    connection: &mut PgConnection,
    claimed: &Claimed,
    group: GroupId,
) -> Result<Standing> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE i.resolved_at IS NULL) AS "open!",
             count(*) FILTER (WHERE i.resolved_at IS NULL AND d.accepted_at IS NOT NULL AND d.merged_into IS NULL
                 AND d.id <> $4 AND NOT EXISTS (
                     SELECT 1 FROM deliveries m WHERE m.account_id = $1 AND m.merged_into = d.id)) AS "alone!",
             coalesce(bool_or(d.accepted_at IS NOT NULL AND d.merged_into <> $4), false) AS "together!",
             (SELECT count(*) FROM monitors WHERE account_id = $1 AND deleted_at IS NULL) AS "monitors!"
           FROM incidents i
           LEFT JOIN deliveries d ON d.account_id = i.account_id AND d.incident_id = i.id AND d.contact_id = $3
               AND d.event = 'incident.opened'
           WHERE i.account_id = $1 AND i.group_id = $2"#,
        claimed.account_id.uuid(),
        group.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
    )
    .fetch_one(connection)
    .await?;
    let count = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(Standing {
        all: count(row.all),
        open: count(row.open),
        told_alone: count(row.alone),
        told_together: row.together,
        monitors: count(row.monitors),
    })
}

/// Those that a message told of have arrived with it.
pub async fn mark_told(
    connection: &mut PgConnection,
    claimed: &Claimed,
    result: &SendResult,
    now: Timestamp,
) -> Result<()> {
    let SendResult::Accepted {
        provider,
        delivered,
        ..
    } = result
    else {
        return Ok(());
    };
    sqlx::query!(
        "UPDATE deliveries SET accepted_at = coalesce(accepted_at, $3), provider = $4,
             delivered_at = CASE WHEN $5 THEN coalesce(delivered_at, $3) ELSE delivered_at END
         WHERE account_id = $1 AND merged_into = $2 AND state = 'merged'",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        now.to_sqlx() as _,
        provider,
        delivered,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The message did not arrive, for good: neither did those that it told of. They are returned, so that
/// somebody else is told of each.
pub async fn mark_untold(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (state, reason): (DeliveryState, &str),
    now: Timestamp,
) -> Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        r#"UPDATE deliveries SET state = $3, reason = $4, finished_at = $5, accepted_at = NULL, delivered_at = NULL
           WHERE account_id = $1 AND merged_into = $2 AND state = 'merged'
           RETURNING id, event, incident_id, monitor_id, contact_id, payload,
               created_at AS "created_at: jiff_sqlx::Timestamp""#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        state.as_str(),
        reason,
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = DeliveryId::from_uuid(row.id);
            Ok(Claimed {
                id,
                event: Event::parse(&row.event)
                    .ok_or_else(|| Error::impossible("deliveries", "event", id))?,
                incident_id: row.incident_id.map(IncidentId::from_uuid),
                monitor_id: row.monitor_id.map(MonitorId::from_uuid),
                contact_id: ContactId::from_uuid(row.contact_id),
                payload: row.payload,
                created_at: row.created_at.to_jiff(),
                ..claimed.clone()
            })
        })
        .collect()
}

/// The message is not sent after all: those that it was to tell of are due by themselves again, and are
/// returned.
pub async fn release(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Vec<Queued>> {
    let ids = sqlx::query_scalar!(
        "UPDATE deliveries SET state = 'pending', reason = NULL, merged_into = NULL, finished_at = NULL, next_at = $3,
             pushed_at = $3
         WHERE account_id = $1 AND merged_into = $2 AND state = 'merged' RETURNING id",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids
        .into_iter()
        .map(|id| (DeliveryId::from_uuid(id), claimed.channel))
        .collect())
}

/// The incidents that a message tells of besides its own.
pub async fn list_incidents(
    connection: &mut PgConnection,
    claimed: &Claimed,
) -> Result<Vec<IncidentId>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT incident_id AS "id!" FROM deliveries
           WHERE account_id = $1 AND merged_into = $2 AND incident_id IS NOT NULL"#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(IncidentId::from_uuid).collect())
}
