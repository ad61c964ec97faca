//! The statements behind lists of monitors. What a monitor is shown as is worked out in one place, of as
//! few columns as that needs; whole rows are read of a page alone.

use domain::ids::{AccountId, ContactId, MonitorId};
use domain::incident::Severity;
use domain::monitor::{Kind, MonitorSpec};
use domain::status::{Observed, Shown};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Brief, Cursor, Filter, Listed, Sort};
use crate::monitors::Stored;
use crate::{Error, Result, Secrets};

/// A statement over `shown`: each monitor of `found` with what people are shown of it. `$1` is the
/// account, `$2` the present moment. Maintenance and blindness of now are nearly always nothing: they are
/// read once for all monitors, and compared with each only where there is any.
macro_rules! of_shown {
    ($row:ident, $found:literal, $rest:literal, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            $row,
            "WITH found AS (" + $found + "), going AS MATERIALIZED (
                SELECT starts_at, ends_at, all_monitors, monitor_ids, tags FROM maintenance_occurrences
                WHERE account_id = $1 AND ends_at > $2 AND starts_at <= $2
            ), dark AS MATERIALIZED (
                SELECT region, shard, started_at FROM blind_intervals WHERE ended_at IS NULL
            ), met AS MATERIALIZED (
                SELECT f.*,
                    -- Blind: every region that looks at it has lost its sight. A heartbeat is not looked at.
                    CASE WHEN EXISTS (SELECT FROM dark) AND f.kind <> 'heartbeat' THEN (
                        SELECT max(b.started_at) FROM dark b
                        WHERE b.shard = f.shard AND (f.regions IS NULL OR b.region = ANY (f.regions))
                        HAVING count(*) > 0 AND count(*) >= (
                            SELECT count(*) FROM regions r WHERE f.regions IS NULL OR r.id = ANY (f.regions))
                    ) END AS blind_since,
                    CASE WHEN EXISTS (SELECT FROM going) THEN (
                        SELECT ARRAY[min(o.starts_at), max(o.ends_at)] FROM going o
                        WHERE o.all_monitors OR f.id = ANY (o.monitor_ids) OR o.tags && f.tags
                    ) END AS quiet
                FROM found f
            ), shown AS (
                SELECT f.*, s.observed, s.confirming,
                    CASE WHEN s.behind_until IS NULL AND s.observed = 'down' AND f.paused_at IS NULL THEN s.behind_id END AS behind_id,
                    CASE WHEN f.paused_at IS NOT NULL THEN 'paused' WHEN f.quiet[2] IS NOT NULL THEN 'maintenance'
                        WHEN f.blind_since IS NOT NULL THEN 'unknown' ELSE s.observed END AS shown,
                    CASE WHEN f.paused_at IS NULL THEN f.quiet[2] END AS maintenance_until,
                    CASE WHEN f.paused_at IS NOT NULL THEN f.paused_at WHEN f.quiet[2] IS NOT NULL THEN f.quiet[1]
                        WHEN f.blind_since IS NOT NULL THEN greatest(f.blind_since, s.since) ELSE s.since END AS since
                FROM met f
                JOIN monitor_states s ON s.account_id = $1 AND s.monitor_id = f.id
            ) " + $rest,
            $($value),+
        )
    };
}

/// A page of whole rows of the monitors `$found`, with the name of what each is behind.
macro_rules! page_of {
    ($found:literal, $($value:expr),+ $(,)?) => {
        of_shown!(
            Row,
            $found,
            r#"SELECT p.account_id, p.id, p.spec AS "spec: Json<MonitorSpec>", p.secrets, p.config_version,
                   p.paused_at AS "paused_at: jiff_sqlx::Timestamp", p.deleted_at AS "deleted_at: jiff_sqlx::Timestamp",
                   p.created_at AS "created_at: jiff_sqlx::Timestamp", p.updated_at AS "updated_at: jiff_sqlx::Timestamp",
                   p.observed, p.confirming, p.shown AS "shown!", p.since AS "since!: jiff_sqlx::Timestamp",
                   p.maintenance_until AS "maintenance_until: jiff_sqlx::Timestamp", p.sort_key AS "sort_key!",
                   p.behind_id AS "behind_id?", CASE WHEN p.behind_id IS NOT NULL THEN (
                       SELECT parent.name FROM monitors parent WHERE parent.account_id = $1 AND parent.id = p.behind_id
                   ) END AS "behind_name?"
               FROM shown p"#,
            $($value),+
        )
    };
}

/// The next monitors by name, which are found by index. One plan serves every call: nothing of it depends
/// on how many are asked for.
pub(super) async fn page(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
    (cursor, limit): (Option<&Cursor>, u32),
) -> Result<Vec<Row>> {
    let (key, id) = cursor.map_or(("", Uuid::nil()), |cursor| (&cursor.key, cursor.id.uuid()));
    let mut rows = page_of!(
        r#"SELECT * FROM (
               SELECT n.account_id, n.id, n.name, n.spec, n.secrets, n.config_version, n.paused_at, n.deleted_at,
                   n.created_at, n.updated_at, n.shard, n.kind, n.regions, n.tags, lower(n.name) COLLATE "C" AS sort_key
               FROM monitors n
               WHERE n.account_id = $1 AND n.deleted_at IS NULL AND (lower(n.name) COLLATE "C", n.id) > ($3 COLLATE "C", $4::uuid)
               ORDER BY lower(n.name) COLLATE "C", n.id LIMIT 200
           ) near LIMIT $5"#,
        account.uuid(),
        now.to_sqlx() as _,
        key,
        id,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    sort_by_name(&mut rows);
    Ok(rows)
}

/// These monitors by name, at most `limit`.
pub(super) async fn these(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
    (ids, limit): (&[MonitorId], u32),
) -> Result<Vec<Row>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let mut rows = page_of!(
        r#"SELECT m.account_id, m.id, m.name, m.spec, m.secrets, m.config_version, m.paused_at, m.deleted_at,
               m.created_at, m.updated_at, m.shard, m.kind, m.regions, m.tags, lower(m.name) COLLATE "C" AS sort_key
           FROM unnest($3::uuid[]) AS wanted (id)
           JOIN monitors m ON m.account_id = $1 AND m.id = wanted.id AND m.deleted_at IS NULL"#,
        account.uuid(),
        now.to_sqlx() as _,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    sort_by_name(&mut rows);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// As the collation "C" orders.
fn sort_by_name(rows: &mut [Row]) {
    rows.sort_by(|a, b| (&a.sort_key, a.id).cmp(&(&b.sort_key, b.id)));
}

/// Those that `filter` takes, by looking at each.
pub(super) async fn among(
    connection: &mut PgConnection,
    account: AccountId,
    filter: &Filter,
    (sort, cursor, limit): (Sort, Option<&Cursor>, u32),
    now: Timestamp,
) -> Result<Vec<Row>> {
    let (ids, statuses) = (filter.uuids(), filter.status_words());
    let rows = of_shown!(
        Row,
        r#"SELECT m.id, m.name, m.paused_at, m.created_at, m.shard, m.kind, m.regions, m.tags
           FROM monitors m
           WHERE m.account_id = $1 AND m.deleted_at IS NULL
             AND ($3::uuid[] IS NULL OR m.id = ANY ($3))
             AND ($5::text IS NULL OR $5 = ANY (m.tags))
             AND ($6::text IS NULL OR m.kind = $6)
             AND ($7::text IS NULL OR position(lower($7) IN
                 lower(concat_ws(' ', m.name, m.host, m.spec ->> 'url', array_to_string(m.tags, ' ')))) > 0)
             AND ($8::text IS NULL OR m.key = $8)
             AND ($13::text IS NULL OR m.severity = $13)"#,
        r#", keyed AS (
               SELECT shown.*, CASE $9::text
                   WHEN 'name' THEN lower(name)
                   WHEN 'status' THEN coalesce(array_position(
                       ARRAY['down', 'partial', 'degraded', 'blocked', 'unknown', 'maintenance', 'pending', 'up', 'paused'],
                       shown), 0)::text || lower(name)
                   ELSE to_char(10000000000000000 - extract(epoch FROM created_at) * 1000000, 'FM00000000000000000')
                   END COLLATE "C" AS sort_key
               FROM shown
               WHERE $4::text[] IS NULL OR shown = ANY ($4)
           ), page AS (
               SELECT * FROM keyed
               WHERE $10::text IS NULL OR (sort_key, id) > ($10 COLLATE "C", $11)
               ORDER BY sort_key, id LIMIT $12
           )
           SELECT m.account_id, m.id, m.spec AS "spec: Json<MonitorSpec>", m.secrets, m.config_version,
               m.paused_at AS "paused_at: jiff_sqlx::Timestamp", m.deleted_at AS "deleted_at: jiff_sqlx::Timestamp",
               m.created_at AS "created_at: jiff_sqlx::Timestamp", m.updated_at AS "updated_at: jiff_sqlx::Timestamp",
               p.observed, p.confirming, p.shown AS "shown!", p.since AS "since!: jiff_sqlx::Timestamp",
               p.maintenance_until AS "maintenance_until: jiff_sqlx::Timestamp", p.sort_key AS "sort_key!",
               parent.id AS "behind_id?", parent.name AS "behind_name?"
           FROM page p
           JOIN monitors m ON m.account_id = $1 AND m.id = p.id
           LEFT JOIN monitors parent ON parent.account_id = $1 AND parent.id = p.behind_id
           ORDER BY p.sort_key, p.id"#,
        account.uuid(),
        now.to_sqlx() as _,
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
        filter.severity.map(Severity::as_str),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// All of the account in few columns. They are put in order here: the database would compare text that
/// no index has in this order.
pub(super) async fn briefly(
    connection: &mut PgConnection,
    account: AccountId,
    sort: Sort,
    now: Timestamp,
) -> Result<Vec<BriefRow>> {
    let mut rows = of_shown!(
        BriefRow,
        // Most name nobody, and then no JSON is taken apart.
        "SELECT m.id, m.name, m.paused_at, m.created_at, m.shard, m.kind, m.regions, m.tags, m.severity,
             CASE WHEN position('_id' IN m.spec::text) > 0 THEN m.spec END AS named
         FROM monitors m WHERE m.account_id = $1 AND m.deleted_at IS NULL",
        r#"SELECT id, name, tags, severity, shown AS "shown!", since AS "since!: jiff_sqlx::Timestamp",
               named -> 'contact_ids' AS "contact_ids?: Json<Option<Vec<ContactId>>>", named ->> 'policy_id' AS policy_id,
               behind_id IS NOT NULL AND EXISTS (
                   SELECT FROM monitors parent WHERE parent.account_id = $1 AND parent.id = shown.behind_id) AS "is_behind!",
               CASE $3::text
                   WHEN 'newest' THEN to_char(10000000000000000 - extract(epoch FROM created_at) * 1000000, 'FM00000000000000000')
                   ELSE lower(name) END AS "sort_key!"
           FROM shown"#,
        account.uuid(),
        now.to_sqlx() as _,
        sort.word(),
    )
    .fetch_all(connection)
    .await?;
    let rank = |row: &BriefRow| match sort {
        Sort::Status => PROBLEMS_FIRST.iter().position(|word| *word == row.shown),
        Sort::Name | Sort::Newest => None,
    };
    // As the collation "C" orders.
    rows.sort_by_cached_key(|row| (rank(row), row.sort_key.clone(), row.id));
    Ok(rows)
}

/// Statuses in the order of [`Sort::Status`], as the statement in [`among`] has them too.
const PROBLEMS_FIRST: [&str; 9] = [
    "down",
    "partial",
    "degraded",
    "blocked",
    "unknown",
    "maintenance",
    "pending",
    "up",
    "paused",
];

/// A monitor in short, as it is answered.
#[derive(Debug)]
pub(super) struct BriefRow {
    id: Uuid,
    name: String,
    tags: Vec<String>,
    severity: String,
    shown: String,
    since: jiff_sqlx::Timestamp,
    is_behind: bool,
    contact_ids: Option<Json<Option<Vec<ContactId>>>>,
    policy_id: Option<String>,
    sort_key: String,
}

impl BriefRow {
    pub(super) fn into_brief(self) -> Result<Brief> {
        let id = MonitorId::from_uuid(self.id);
        Ok(Brief {
            id,
            name: self.name,
            tags: self.tags,
            severity: Severity::parse(&self.severity)
                .ok_or_else(|| Error::impossible("monitors", "severity", id))?,
            shown: Shown::parse(&self.shown)
                .ok_or_else(|| Error::impossible("monitor_states", "observed", id))?,
            since: self.since.to_jiff(),
            is_behind: self.is_behind,
            contact_ids: self.contact_ids.and_then(|named| named.0),
            policy_id: match self.policy_id {
                Some(text) => Some(
                    text.parse()
                        .map_err(|_| Error::impossible("monitors", "spec", id))?,
                ),
                None => None,
            },
        })
    }
}

/// A monitor as the statements here answer it.
#[derive(Debug)]
pub(super) struct Row {
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
    pub(super) fn into_listed(self, secrets: &Secrets) -> Result<Listed> {
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
