//! The looks of a monitor, newest first.

use std::fmt;
use std::str::FromStr;

use domain::check::{Check, VerdictKind};
use domain::ids::{AccountId, MonitorId};
use domain::report::Window;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::checks::CheckRow;

/// Which looks are wanted; an absent filter takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChecksFilter {
    /// From this region.
    pub region: Option<String>,
    /// With this verdict.
    pub verdict: Option<VerdictKind>,
}

/// Where a page ended. It names a place in the order, not a row, and so survives packing: a look on
/// the timetable is ordered by its slot, one that was asked for by its begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksCursor {
    at: Timestamp,
    region: String,
    id: Uuid,
}

impl ChecksCursor {
    fn after(check: &Check) -> Self {
        Self {
            at: check.slot.unwrap_or(check.at),
            region: check.region.clone(),
            id: if check.slot.is_some() {
                Uuid::nil()
            } else {
                check.id.uuid()
            },
        }
    }
}

impl fmt::Display for ChecksCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            self.at.as_microsecond(),
            self.id.simple(),
            self.region
        )
    }
}

impl FromStr for ChecksCursor {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let at = parts.next().and_then(|us| us.parse().ok()).ok_or(())?;
        let id = parts
            .next()
            .and_then(|id| Uuid::try_parse(id).ok())
            .ok_or(())?;
        let region = parts.next().ok_or(())?.to_owned();
        Ok(Self {
            at: Timestamp::from_microsecond(at).map_err(|_| ())?,
            region,
            id,
        })
    }
}

/// One page of looks.
#[derive(Debug, Clone, PartialEq)]
pub struct ChecksPage {
    /// The looks, newest first.
    pub checks: Vec<Check>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<ChecksCursor>,
}

/// At most `limit` looks of a monitor within `window`, newest first, after `cursor`.
pub async fn list_checks(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    window: Window,
    filter: &ChecksFilter,
    (cursor, limit): (Option<&ChecksCursor>, u32),
) -> Result<ChecksPage> {
    // Packed hours are unpacked only as far as a page can reach: each of them that fits the filter
    // has a look in it, so that `limit` + 1 of them are always enough.
    let rows = sqlx::query_as!(
        CheckRow,
        r#"WITH reach AS (
               SELECT coalesce(min(hour), $3) AS since FROM (
                   SELECT p.hour FROM check_hours p
                   WHERE p.account_id = $1 AND p.monitor_id = $2 AND p.hour <= $4::timestamptz - interval '1 hour'
                     AND p.hour >= $3::timestamptz
                     AND ($7::timestamptz IS NULL OR p.hour < date_trunc('hour', $7, 'UTC'))
                     AND ($5::text IS NULL OR p.region = $5)
                     AND ($6::smallint IS NULL OR position($6::smallint::text IN p.verdicts) > 0)
                   ORDER BY p.hour DESC LIMIT $10::bigint + 1
               ) hours
               HAVING count(*) > $10::bigint
           ), looked AS (
               SELECT l.*, NULL::uuid AS id, l.slot AS place,
                      '00000000-0000-0000-0000-000000000000'::uuid AS tie
               FROM looks($1, $2, coalesce((SELECT greatest(since, $3) FROM reach), $3), $4) l
               UNION ALL
               SELECT r.region, NULL, r.at, r.verdict, r.total_us, r.phases, r.status, r.address, r.port, r.failure,
                      r.attribution, r.id, r.at, r.id
               FROM requested_checks r
               WHERE r.account_id = $1 AND r.monitor_id = $2 AND r.at >= $3 AND r.at < $4
           )
           SELECT $2::uuid AS "monitor_id!", region AS "region!", id, slot AS "slot: jiff_sqlx::Timestamp",
                  at AS "at!: jiff_sqlx::Timestamp", verdict AS "verdict!", total_us AS "total_us!",
                  phases AS "phases!: Vec<Option<i32>>", status, address, port, failure, attribution
           FROM looked
           WHERE ($5::text IS NULL OR region = $5) AND ($6::smallint IS NULL OR verdict = $6)
             AND ($7::timestamptz IS NULL OR (place, region COLLATE "C", tie) < ($7, $8 COLLATE "C", $9::uuid))
           ORDER BY place DESC, region COLLATE "C" DESC, tie DESC LIMIT $10::bigint + 1"#,
        account.uuid(),
        monitor.uuid(),
        window.from.to_sqlx() as _,
        window.to.to_sqlx() as _,
        filter.region,
        filter.verdict.map(VerdictKind::code),
        cursor.map(|cursor| cursor.at.to_sqlx()) as _,
        cursor.map(|cursor| cursor.region.as_str()),
        cursor.map(|cursor| cursor.id),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    let mut checks = rows
        .into_iter()
        .map(CheckRow::into_check)
        .collect::<Result<Vec<_>>>()?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = checks.len() > wanted;
    checks.truncate(wanted);
    let next = checks.last().filter(|_| more).map(ChecksCursor::after);
    Ok(ChecksPage { checks, next })
}
