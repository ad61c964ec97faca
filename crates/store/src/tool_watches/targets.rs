//! Table `tool_watch_targets`: what is looked at for those who wait, once for all of them.

use domain::monitor::MonitorSpec;
use domain::tools::watch::{Progress, ROUND, Seen};
use domain::tools::{RunId, Tool};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Target;
use crate::{Error, Result};

/// A target that is watched.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Watched {
    pub id: Uuid,
    pub tool: Tool,
    pub target: String,
    pub inside: bool,
    pub spec: MonitorSpec,
    pub next_at: Timestamp,
    pub run_id: Option<RunId>,
    pub round_ends_at: Option<Timestamp>,
    pub progress: Progress,
    pub seen: Option<(Seen, Timestamp)>,
    pub back_at: Option<Timestamp>,
}

struct Row {
    id: Uuid,
    tool: String,
    target: String,
    inside: bool,
    spec: Json<MonitorSpec>,
    next_at: jiff_sqlx::Timestamp,
    run_id: Option<Uuid>,
    round_ends_at: Option<jiff_sqlx::Timestamp>,
    good_rounds: i16,
    good_since: Option<jiff_sqlx::Timestamp>,
    seen: Option<Json<Seen>>,
    seen_at: Option<jiff_sqlx::Timestamp>,
    back_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Row> for Watched {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let impossible = |column| Error::impossible("tool_watch_targets", column, row.id);
        let moment = jiff_sqlx::Timestamp::to_jiff;
        Ok(Self {
            id: row.id,
            tool: Tool::parse(&row.tool).ok_or_else(|| impossible("tool"))?,
            target: row.target,
            inside: row.inside,
            spec: row.spec.0,
            next_at: row.next_at.to_jiff(),
            run_id: row.run_id.map(RunId::from_uuid),
            round_ends_at: row.round_ends_at.map(moment),
            progress: Progress {
                good_rounds: u16::try_from(row.good_rounds)
                    .map_err(|_| impossible("good_rounds"))?,
                good_since: row.good_since.map(moment),
            },
            seen: row.seen.map(|seen| seen.0).zip(row.seen_at.map(moment)),
            back_at: row.back_at.map(moment),
        })
    }
}

/// The target that is looked at for all who wait for it; a new one is due at once. Its id.
pub async fn join(
    connection: &mut PgConnection,
    of: Target<'_>,
    (spec, site): (&MonitorSpec, &str),
    now: Timestamp,
) -> Result<Uuid> {
    let id = sqlx::query_scalar!(
        "INSERT INTO tool_watch_targets (id, tool, target, inside, spec, site, created_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (tool, md5(target), inside) WHERE back_at IS NULL DO UPDATE SET target = excluded.target
         RETURNING id",
        Uuid::now_v7(),
        of.tool.as_str(),
        of.target,
        of.inside,
        Json(spec) as _,
        site,
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// Targets that are looked at, in all and of a site, this one left out; each at most `most`.
pub async fn count_others(
    connection: &mut PgConnection,
    of: Target<'_>,
    site: &str,
    (most, most_of_site): (i64, i64),
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM (SELECT FROM tool_watch_targets WHERE back_at IS NULL
                     AND NOT (tool = $1 AND target = $2 AND inside = $3) LIMIT $5) AS a) AS "all!",
                  (SELECT count(*) FROM (SELECT FROM tool_watch_targets WHERE back_at IS NULL AND site = $4
                     AND NOT (tool = $1 AND target = $2 AND inside = $3) LIMIT $6) AS s) AS "of_site!""#,
        of.tool.as_str(),
        of.target,
        of.inside,
        site,
        most,
        most_of_site,
    )
    .fetch_one(connection)
    .await?;
    Ok((row.all, row.of_site))
}

/// A target as it stands.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Watched>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, spec AS "spec: Json<MonitorSpec>", next_at AS "next_at: jiff_sqlx::Timestamp",
             run_id, round_ends_at AS "round_ends_at: jiff_sqlx::Timestamp", good_rounds,
             good_since AS "good_since: jiff_sqlx::Timestamp", seen AS "seen: Json<Seen>",
             seen_at AS "seen_at: jiff_sqlx::Timestamp", back_at AS "back_at: jiff_sqlx::Timestamp"
           FROM tool_watch_targets WHERE id = $1"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watched::try_from).transpose()
}

/// A target for whoever changes it; `None` when it is gone or another changes it just now.
pub async fn try_lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Watched>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, spec AS "spec: Json<MonitorSpec>", next_at AS "next_at: jiff_sqlx::Timestamp",
             run_id, round_ends_at AS "round_ends_at: jiff_sqlx::Timestamp", good_rounds,
             good_since AS "good_since: jiff_sqlx::Timestamp", seen AS "seen: Json<Seen>",
             seen_at AS "seen_at: jiff_sqlx::Timestamp", back_at AS "back_at: jiff_sqlx::Timestamp"
           FROM tool_watch_targets WHERE id = $1 FOR UPDATE SKIP LOCKED"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watched::try_from).transpose()
}

/// Targets to be looked at again, longest due first.
pub async fn list_due(
    connection: &mut PgConnection,
    now: Timestamp,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM tool_watch_targets
         WHERE back_at IS NULL AND round_ends_at IS NULL AND next_at <= $1 ORDER BY next_at LIMIT $2",
        now.to_sqlx() as _,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Targets whose round is answered, or will not be answered any more.
pub async fn list_answered(
    connection: &mut PgConnection,
    now: Timestamp,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM tool_watch_targets t
         WHERE back_at IS NULL AND round_ends_at IS NOT NULL AND (round_ends_at <= $1
           OR NOT EXISTS (SELECT FROM tool_looks l WHERE l.run_id = t.run_id AND l.done_at IS NULL))
         ORDER BY round_ends_at LIMIT $2",
        now.to_sqlx() as _,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Targets that nobody waits for any more.
pub async fn list_unwatched(connection: &mut PgConnection, most: i64) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM tool_watch_targets t
         WHERE NOT EXISTS (SELECT FROM tool_watches w WHERE w.target_id = t.id) LIMIT $1",
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// A round has begun; the next comes a minute after it.
pub async fn mark_asked(
    connection: &mut PgConnection,
    id: Uuid,
    (run, ends_at): (RunId, Timestamp),
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_watch_targets SET run_id = $2, round_ends_at = $3, next_at = $4 WHERE id = $1",
        id,
        run.uuid(),
        ends_at.to_sqlx() as _,
        (now + ROUND).to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What came of a round; `back_at` is set when that makes the target back.
pub async fn mark_judged(
    connection: &mut PgConnection,
    id: Uuid,
    progress: Progress,
    seen: Option<(&Seen, Timestamp)>,
    back_at: Option<Timestamp>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_watch_targets SET round_ends_at = NULL, good_rounds = $2, good_since = $3,
             seen = coalesce($4, seen), seen_at = coalesce($5, seen_at), back_at = $6
         WHERE id = $1",
        id,
        i16::try_from(progress.good_rounds).unwrap_or(i16::MAX),
        progress.good_since.map(|at| at.to_sqlx()) as _,
        seen.map(|(seen, _)| Json(seen)) as _,
        seen.map(|(_, at)| at.to_sqlx()) as _,
        back_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether somebody waits for a target. Asked under its lock, since joining takes that.
pub async fn is_watched(connection: &mut PgConnection, id: Uuid) -> Result<bool> {
    let watched = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM tool_watches WHERE target_id = $1) AS "is!""#,
        id
    )
    .fetch_one(connection)
    .await?;
    Ok(watched)
}

/// Removes a target.
pub async fn delete(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM tool_watch_targets WHERE id = $1", id)
        .execute(connection)
        .await?;
    Ok(())
}
