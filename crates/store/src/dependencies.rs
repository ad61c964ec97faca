//! What depends on what (`monitors.depends_on`), and what was held behind it (`suppressions`).

use domain::alert::dependency::{Ancestor, MOST_LEVELS};
use domain::ids::{AccountId, EventId, IncidentId, MonitorId};
use domain::incident::{Actor, Suppressed};
use domain::monitor::Kind;
use domain::status::Observed;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// One change of dependencies at a time in an account, until the transaction ends: two that each make half
/// of a circle would not see each other.
pub async fn lock(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('watchbell depends_on ' || $1::uuid::text, 0)) IS NULL AS "done""#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Every monitor that these depend on, by themselves or by way of others, themselves included, with how
/// many levels up it is; farther ones than are followed are left out.
pub async fn list_above(
    connection: &mut PgConnection,
    account: AccountId,
    from: &[MonitorId],
) -> Result<Vec<(MonitorId, i32)>> {
    let from: Vec<Uuid> = from.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"WITH RECURSIVE up (id, level) AS (
               SELECT unnest($2::uuid[]), 0
               UNION
               SELECT parent, up.level + 1 FROM up
               JOIN monitors m ON m.account_id = $1 AND m.id = up.id
               CROSS JOIN LATERAL unnest(m.depends_on) AS parent
               WHERE up.level <= $3
           )
           SELECT id AS "id!", max(level) AS "level!" FROM up GROUP BY id ORDER BY 2, 1"#,
        account.uuid(),
        &from,
        MOST_LEVELS
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (MonitorId::from_uuid(row.id), row.level))
        .collect())
}

/// What is known of each monitor that this one depends on, nearest first, as to whether it was down since
/// `since`. Nothing is locked: two that are recorded at once never wait for each other here.
pub async fn list_ancestors(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Ancestor>> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE up (id, level) AS (
               SELECT unnest(depends_on), 1 FROM monitors WHERE account_id = $1 AND id = $2
               UNION
               SELECT parent, up.level + 1 FROM up
               JOIN monitors m ON m.account_id = $1 AND m.id = up.id
               CROSS JOIN LATERAL unnest(m.depends_on) AS parent
               WHERE up.level < $3
           ), above AS (SELECT id, min(level) AS level FROM up WHERE id <> $2 GROUP BY id)
           SELECT m.id, m.kind, m.paused_at IS NULL AND m.deleted_at IS NULL AS "is_watched!", s.observed,
               s.quiet_until_up, s.confirming, s.behind_id IS NOT NULL AS "is_behind!",
               greatest(
                   (SELECT max(l.at) FROM looks($1, m.id, $4, $5) l WHERE l.verdict IN (0, 1)),
                   (SELECT max(v.looked_at) FROM region_votes v WHERE v.account_id = $1 AND v.monitor_id = m.id
                       AND v.verdict <> 'down' AND v.vote ->> 'candidate' IS NULL),
                   (SELECT max(r.taken_at) FROM look_requests r WHERE r.account_id = $1 AND r.monitor_id = m.id
                       AND r.created_at > $4 - interval '1 minute' AND r.done_at IS NOT NULL
                       AND r.result #>> '{check,verdict}' <> 'down')
               ) AS "seen_well_at: jiff_sqlx::Timestamp"
           FROM above
           JOIN monitors m ON m.account_id = $1 AND m.id = above.id
           JOIN monitor_states s ON s.account_id = $1 AND s.monitor_id = above.id
           ORDER BY above.level, m.id"#,
        account.uuid(),
        monitor.uuid(),
        MOST_LEVELS,
        since.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = MonitorId::from_uuid(row.id);
            let impossible = |table, column| Error::impossible(table, column, id);
            let kind = Kind::parse(&row.kind).ok_or_else(|| impossible("monitors", "kind"))?;
            Ok(Ancestor {
                id,
                is_watched: row.is_watched,
                looks: kind.looks(),
                observed: Observed::parse(&row.observed)
                    .ok_or_else(|| impossible("monitor_states", "observed"))?,
                is_quiet: row.quiet_until_up,
                confirming: row.confirming,
                is_behind: row.is_behind,
                seen_well_at: row.seen_well_at.map(|at| at.to_jiff()),
            })
        })
        .collect()
}

/// Whether the monitor depends on anything.
pub async fn has_parents(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<bool> {
    let has = sqlx::query_scalar!(
        r#"SELECT depends_on <> '{}' AS "has!" FROM monitors WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(has.unwrap_or_default())
}

/// Whether a look at the monitor from the region is on its way that begins at `since` or later.
pub async fn is_look_on_its_way(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    region: &str,
    (since, now): (Timestamp, Timestamp),
) -> Result<bool> {
    let is = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM look_requests WHERE account_id = $1 AND monitor_id = $2 AND region = $3
                 AND created_at > $5::timestamptz - interval '2 minutes' AND done_at IS NULL AND deadline > $5
                 AND (taken_at IS NULL OR taken_at >= $4)) AS "is!""#,
        account.uuid(),
        monitor.uuid(),
        region,
        since.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(is)
}

/// Writes down behind which monitor the outage of this one is from now on; `None`: behind none.
pub async fn set_behind(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    behind: Option<MonitorId>,
    (since, now): (Timestamp, Timestamp),
) -> Result<bool> {
    sqlx::query!(
        "UPDATE suppressions SET ended_at = $4
         WHERE account_id = $1 AND monitor_id = $2 AND ended_at IS NULL AND behind_id IS DISTINCT FROM $3::uuid",
        account.uuid(),
        monitor.uuid(),
        behind.map(MonitorId::uuid),
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    let Some(behind) = behind else {
        return Ok(false);
    };
    let done = sqlx::query!(
        "INSERT INTO suppressions (account_id, id, monitor_id, behind_id, since, held_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account_id, monitor_id) WHERE ended_at IS NULL DO NOTHING",
        account.uuid(),
        Uuid::now_v7(),
        monitor.uuid(),
        behind.uuid(),
        since.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was held behind the monitor of an incident while that was open, by name, at most `most`, and how
/// many there were in all.
pub async fn list_suppressed(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    most: i64,
) -> Result<(Vec<Suppressed>, u32)> {
    let rows = sqlx::query!(
        r#"SELECT s.monitor_id, m.name, min(s.since) AS "since!: jiff_sqlx::Timestamp",
               bool_or(s.ended_at IS NULL) AS "still!", count(*) OVER () AS "all!"
           FROM suppressions s
           JOIN monitors m ON m.account_id = s.account_id AND m.id = s.monitor_id
           JOIN incidents i ON i.account_id = s.account_id AND i.monitor_id = s.behind_id
           WHERE s.account_id = $1 AND i.id = $2 AND NOT i.test
             AND s.held_at < coalesce(i.resolved_confirmed_at, 'infinity')
             AND coalesce(s.ended_at, 'infinity') > i.first_failure_at
           GROUP BY s.monitor_id, m.name ORDER BY lower(m.name), s.monitor_id LIMIT $3"#,
        account.uuid(),
        incident.uuid(),
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let list = rows.into_iter().map(|row| Suppressed {
        monitor_id: MonitorId::from_uuid(row.monitor_id),
        name: row.name,
        since: row.since.to_jiff(),
        still: row.still,
    });
    Ok((list.collect(), u32::try_from(all).unwrap_or(u32::MAX)))
}

/// The names of what depends on a monitor, by itself or by way of others, at most `most`, and how many
/// there are in all.
pub async fn list_dependents(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    most: i64,
) -> Result<(Vec<(MonitorId, String)>, u32)> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE below (id, level) AS (
               SELECT m.id, 1 FROM monitors m WHERE m.account_id = $1 AND m.depends_on @> ARRAY[$2::uuid]
               UNION
               SELECT m.id, below.level + 1 FROM below
               JOIN monitors m ON m.account_id = $1 AND m.depends_on @> ARRAY[below.id]
               WHERE below.level < $3
           )
           SELECT m.id, m.name, count(*) OVER () AS "all!" FROM monitors m
           WHERE m.account_id = $1 AND m.id IN (SELECT id FROM below) AND m.id <> $2
             AND m.deleted_at IS NULL AND m.paused_at IS NULL
           ORDER BY lower(m.name), m.id LIMIT $4"#,
        account.uuid(),
        monitor.uuid(),
        MOST_LEVELS,
        most
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let list = rows
        .into_iter()
        .map(|row| (MonitorId::from_uuid(row.id), row.name));
    Ok((list.collect(), u32::try_from(all).unwrap_or(u32::MAX)))
}

/// Writes, or writes anew, the one entry of an incident's timeline that names what is held behind it. The
/// entry bears the incident's own id, so that those who write it at once wait for each other and nobody
/// writes a second one. `text` says it of what is held by then.
pub async fn write_behind(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
    text: impl Fn(&[Suppressed], u32) -> String,
) -> Result<()> {
    let id = EventId::from_uuid(incident.uuid());
    sqlx::query!(
        "INSERT INTO incident_events (account_id, id, incident_id, at, kind, text, actor)
         VALUES ($1, $2, $3, $4, 'suppressed', '', $5)
         ON CONFLICT (account_id, id) DO UPDATE SET kind = excluded.kind",
        account.uuid(),
        id.uuid(),
        incident.uuid(),
        now.to_sqlx() as _,
        Json(Actor::system()) as _
    )
    .execute(&mut *connection)
    .await?;
    let (list, all) = list_suppressed(connection, account, incident, 5).await?;
    sqlx::query!(
        "UPDATE incident_events SET text = $3 WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        text(&list, all)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What depends on a monitor does so no more, however much it is, and its workers hear of it. The settings keep
/// their order.
pub async fn forget_parent(
    connection: &mut PgConnection,
    account: AccountId,
    parent: MonitorId,
    now: Timestamp,
) -> Result<usize> {
    let freed = sqlx::query_scalar!(
        "UPDATE monitors m SET depends_on = array_remove(m.depends_on, $2), updated_at = $4,
           config_version = m.config_version + 1,
           spec = (SELECT json_object_agg(field.key, CASE field.key WHEN 'depends_on' THEN (
                       SELECT json_agg(one.value ORDER BY one.ordinality)
                       FROM json_array_elements(field.value) WITH ORDINALITY AS one
                       WHERE one.value #>> '{}' <> $3) ELSE field.value END ORDER BY field.ordinality)
                   FROM json_each(m.spec) WITH ORDINALITY AS field
                   WHERE field.key <> 'depends_on' OR cardinality(m.depends_on) > 1)
         WHERE m.account_id = $1 AND m.deleted_at IS NULL AND m.depends_on @> ARRAY[$2::uuid]
         RETURNING m.id",
        account.uuid(),
        parent.uuid(),
        parent.to_string(),
        now.to_sqlx() as _,
    )
    .fetch_all(&mut *connection)
    .await?;
    let freed: Vec<MonitorId> = freed.into_iter().map(MonitorId::from_uuid).collect();
    crate::notify::monitors_changed(connection, account, &freed).await?;
    Ok(freed.len())
}

/// After a change of what depends on what: everything that is held behind something is decided on anew.
/// What somebody else has locked is being decided on.
pub async fn forget_behind(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        "UPDATE monitor_states SET behind_id = NULL, behind_until = NULL, held_asked_at = NULL
         WHERE account_id = $1 AND monitor_id IN (
             SELECT monitor_id FROM monitor_states WHERE account_id = $1 AND behind_id IS NOT NULL
             ORDER BY monitor_id FOR UPDATE SKIP LOCKED)",
        account.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}
