//! Pages of monitors with their state.

use domain::ids::{AccountId, MonitorId};
use domain::incident::Severity;
use domain::monitor::{Kind, Monitor, MonitorSpec};
use domain::status::{Observed, Shown};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Stored;
use crate::{Error, Result, Secrets};

/// Which monitors are wanted; an absent filter takes all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<MonitorId>>,
    /// Any of these statuses.
    pub statuses: Option<Vec<Shown>>,
    /// Carries this tag.
    pub tag: Option<String>,
    /// Is of this kind.
    pub kind: Option<Kind>,
    /// Is of this severity.
    pub severity: Option<Severity>,
    /// Name, host, address or tag contains this text, in any case.
    pub text: Option<String>,
    /// Carries this key of its owner.
    pub key: Option<String>,
}

impl Filter {
    fn uuids(&self) -> Option<Vec<Uuid>> {
        let ids = self.ids.as_ref()?;
        Some(ids.iter().map(|id| id.uuid()).collect())
    }

    /// It takes all.
    const fn is_empty(&self) -> bool {
        let Self {
            ids: None,
            statuses: None,
            tag: None,
            kind: None,
            severity: None,
            text: None,
            key: None,
        } = self
        else {
            return false;
        };
        true
    }

    fn status_words(&self) -> Option<Vec<String>> {
        let all = self.statuses.as_ref()?;
        Some(all.iter().map(|shown| shown.as_str().to_owned()).collect())
    }
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, A to Z.
    #[default]
    Name,
    /// Problems first, then by name.
    Status,
    /// Newest first.
    Newest,
}

impl Sort {
    const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::Newest => "newest",
        }
    }
}

/// Where the last page ended. Monitors made meanwhile move nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Sort key of the last one.
    pub key: String,
    /// Its id.
    pub id: MonitorId,
}

/// A monitor with what is known of it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The monitor.
    pub monitor: Monitor,
    /// What all regions together have confirmed.
    pub observed: Observed,
    /// What people are shown.
    pub shown: Shown,
    /// Since when.
    pub since: Timestamp,
    /// When its maintenance ends, while it is in one.
    pub maintenance_until: Option<Timestamp>,
    /// A change is being confirmed.
    pub confirming: bool,
    /// The monitor behind whose outage it is down, and its name.
    pub behind: Option<(MonitorId, String)>,
    /// Where a page that ends here goes on.
    pub cursor: Cursor,
}

/// At most `limit` monitors after `cursor`, deleted ones left out.
pub async fn list(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    filter: &Filter,
    (sort, cursor, limit): (Sort, Option<&Cursor>, u32),
    now: Timestamp,
) -> Result<Vec<Listed>> {
    if sort != Sort::Name || !filter.is_empty() {
        return list_among(
            connection,
            secrets,
            account,
            filter,
            (sort, cursor, limit),
            now,
        )
        .await;
    }
    let ids = page_by_name(connection, account, cursor, limit).await?;
    let page = Filter {
        ids: Some(ids),
        ..Filter::default()
    };
    list_among(
        connection,
        secrets,
        account,
        &page,
        (sort, None, limit),
        now,
    )
    .await
}

/// The same by looking closely at each.
async fn list_among(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    filter: &Filter,
    (sort, cursor, limit): (Sort, Option<&Cursor>, u32),
    now: Timestamp,
) -> Result<Vec<Listed>> {
    let (ids, statuses) = (filter.uuids(), filter.status_words());
    let rows = sqlx::query_as!(
        Row,
        r#"
        WITH found AS (
            SELECT m.*, s.observed, s.confirming, parent.id AS behind_id, parent.name AS behind_name,
                CASE WHEN m.paused_at IS NOT NULL THEN 'paused' WHEN quiet.until IS NOT NULL THEN 'maintenance'
                    WHEN blind.since IS NOT NULL THEN 'unknown' ELSE s.observed END AS shown,
                CASE WHEN m.paused_at IS NOT NULL THEN NULL ELSE quiet.until END AS maintenance_until,
                CASE WHEN m.paused_at IS NOT NULL THEN m.paused_at WHEN quiet.until IS NOT NULL THEN quiet.since WHEN blind.since IS NOT NULL THEN greatest(blind.since, s.since) ELSE s.since END AS since
            FROM monitors m
            JOIN monitor_states s ON s.account_id = m.account_id AND s.monitor_id = m.id
            LEFT JOIN monitors parent ON parent.account_id = s.account_id AND parent.id = s.behind_id
                AND s.behind_until IS NULL AND s.observed = 'down' AND m.paused_at IS NULL
            -- Blind: every region that looks at it has lost its sight. A heartbeat is not looked at.
            LEFT JOIN LATERAL (
                SELECT max(b.started_at) AS since, count(*) AS dark
                FROM blind_intervals b
                WHERE b.ended_at IS NULL AND b.shard = m.shard AND (m.regions IS NULL OR b.region = ANY (m.regions))
                HAVING count(*) > 0 AND count(*) >= (
                    SELECT count(*) FROM regions r WHERE m.regions IS NULL OR r.id = ANY (m.regions))
            ) blind ON m.kind <> 'heartbeat'
            LEFT JOIN LATERAL (
                SELECT max(o.ends_at) AS until, min(o.starts_at) AS since FROM maintenance_occurrences o
                WHERE o.account_id = $1 AND o.ends_at > $12 AND o.starts_at <= $12
                  AND (o.all_monitors OR m.id = ANY (o.monitor_ids) OR o.tags && m.tags)
            ) quiet ON true
            WHERE m.account_id = $1 AND m.deleted_at IS NULL
              AND ($2::uuid[] IS NULL OR m.id = ANY ($2))
              AND ($4::text IS NULL OR $4 = ANY (m.tags))
              AND ($5::text IS NULL OR m.kind = $5)
              AND ($6::text IS NULL OR position(lower($6) IN
                  lower(concat_ws(' ', m.name, m.host, m.spec ->> 'url', array_to_string(m.tags, ' ')))) > 0)
              AND ($7::text IS NULL OR m.key = $7)
              AND ($13::text IS NULL OR m.severity = $13)
        ), keyed AS (
            SELECT found.*, CASE $8::text
                WHEN 'name' THEN lower(name)
                WHEN 'status' THEN coalesce(array_position(
                    ARRAY['down', 'partial', 'degraded', 'blocked', 'unknown', 'maintenance', 'pending', 'up', 'paused'],
                    shown), 0)::text || lower(name)
                ELSE to_char(10000000000000000 - extract(epoch FROM created_at) * 1000000, 'FM00000000000000000')
                END COLLATE "C" AS sort_key
            FROM found
            WHERE $3::text[] IS NULL OR shown = ANY ($3)
        )
        SELECT account_id, id, spec AS "spec: Json<MonitorSpec>", secrets, config_version,
            paused_at AS "paused_at: jiff_sqlx::Timestamp", deleted_at AS "deleted_at: jiff_sqlx::Timestamp",
            created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp",
            observed, confirming, shown AS "shown!", since AS "since!: jiff_sqlx::Timestamp",
            maintenance_until AS "maintenance_until: jiff_sqlx::Timestamp", sort_key AS "sort_key!",
            behind_id AS "behind_id?", behind_name AS "behind_name?"
        FROM keyed
        WHERE $9::text IS NULL OR (sort_key, id) > ($9 COLLATE "C", $10)
        ORDER BY sort_key, id
        LIMIT $11
        "#,
        account.uuid(),
        ids.as_deref(),
        statuses.as_deref(),
        filter.tag,
        filter.kind.map(Kind::as_str),
        filter.text,
        filter.key,
        sort.word(),
        cursor.map(|cursor| cursor.key.as_str()),
        cursor.map(|cursor| cursor.id.uuid()),
        i64::from(limit),
        now.to_sqlx() as _,
        filter.severity.map(Severity::as_str),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| row.into_listed(secrets))
        .collect()
}

/// The next `limit` monitors by name: found by index, so that only they are looked at closely.
async fn page_by_name(
    connection: &mut PgConnection,
    account: AccountId,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<MonitorId>> {
    let (key, id) = cursor.map_or(("", Uuid::nil()), |cursor| (&cursor.key, cursor.id.uuid()));
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM monitors
         WHERE account_id = $1 AND deleted_at IS NULL AND (lower(name) COLLATE "C", id) > ($2 COLLATE "C", $3)
         ORDER BY lower(name) COLLATE "C", id LIMIT $4"#,
        account.uuid(),
        key,
        id,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}

/// Each tag in use with the number of monitors that carry it, by name.
pub async fn list_tags(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(String, u32)>> {
    let rows = sqlx::query!(
        r#"SELECT tag AS "tag!", count(*) AS "count!" FROM monitors, unnest(tags) AS tag
         WHERE account_id = $1 AND deleted_at IS NULL GROUP BY tag ORDER BY tag COLLATE "C""#,
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tag, u32::try_from(row.count).unwrap_or(u32::MAX)))
        .collect())
}

struct Row {
    account_id: Uuid,
    id: Uuid,
    spec: Json<MonitorSpec>,
    secrets: Option<String>,
    config_version: i64,
    paused_at: Option<jiff_sqlx::Timestamp>,
    deleted_at: Option<jiff_sqlx::Timestamp>,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    observed: String,
    confirming: bool,
    shown: String,
    since: jiff_sqlx::Timestamp,
    maintenance_until: Option<jiff_sqlx::Timestamp>,
    sort_key: String,
    behind_id: Option<Uuid>,
    behind_name: Option<String>,
}

impl Row {
    fn into_listed(self, secrets: &Secrets) -> Result<Listed> {
        let id = MonitorId::from_uuid(self.id);
        let impossible = || Error::impossible("monitor_states", "observed", id);
        let stored = Stored {
            account_id: self.account_id,
            id: self.id,
            spec: self.spec,
            secrets: self.secrets,
            config_version: self.config_version,
            paused_at: self.paused_at,
            deleted_at: self.deleted_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok(Listed {
            monitor: stored.into_monitor(secrets)?,
            observed: Observed::parse(&self.observed).ok_or_else(impossible)?,
            shown: Shown::parse(&self.shown).ok_or_else(impossible)?,
            since: self.since.to_jiff(),
            maintenance_until: self.maintenance_until.map(|at| at.to_jiff()),
            confirming: self.confirming,
            behind: self
                .behind_id
                .map(MonitorId::from_uuid)
                .zip(self.behind_name),
            cursor: Cursor {
                key: self.sort_key,
                id,
            },
        })
    }
}
