//! Table `tool_looks`: looks that visitors ask for without an account, and rounds of what is watched for them.

use domain::check::LookResult;
use domain::monitor::MonitorSpec;
use domain::tools::{MOST_KEPT, RunId, Tool};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Error, Result, notify};

/// A look that is asked for.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct NewRun<'a> {
    pub id: RunId,
    pub tool: Tool,
    pub target: &'a str,
    pub inside: bool,
    /// A round of a watched target: nobody waits for it at a page.
    pub watch: bool,
    pub created_at: Timestamp,
    pub deadline: Timestamp,
}

/// Asks every region for every part; workers are woken when the transaction commits.
pub async fn insert(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
    regions: &[String],
    parts: &[MonitorSpec],
) -> Result<()> {
    let specs: Vec<serde_json::Value> = parts
        .iter()
        .map(serde_json::to_value)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::impossible("tool_looks", "spec", run.id))?;
    sqlx::query!(
        "INSERT INTO tool_looks (run_id, region, part, tool, target, spec, inside, created_at, deadline, watch)
         SELECT $1, region, (part - 1)::smallint, $3, $4, spec, $6, $7, $8, $9
         FROM unnest($2::text[]) AS region, unnest($5::jsonb[]) WITH ORDINALITY AS p (spec, part)",
        run.id.uuid(),
        regions,
        run.tool.as_str(),
        run.target,
        &specs,
        run.inside,
        run.created_at.to_sqlx() as _,
        run.deadline.to_sqlx() as _,
        run.watch,
    )
    .execute(&mut *connection)
    .await?;
    notify::tool_wanted(connection, run.id).await
}

/// Looks that are asked for, not answered, and still waited for by somebody at a page; at most `most` are counted.
pub async fn count_open(connection: &mut PgConnection, now: Timestamp, most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
             SELECT FROM tool_looks WHERE done_at IS NULL AND deadline > $1 AND NOT watch LIMIT $2) AS open"#,
        now.to_sqlx() as _,
        most,
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// The newest run of the same, begun at or after `since`.
pub async fn find_same(
    connection: &mut PgConnection,
    (tool, target, inside): (Tool, &str, bool),
    since: Timestamp,
) -> Result<Option<RunId>> {
    let id = sqlx::query_scalar!(
        "SELECT run_id FROM tool_looks WHERE created_at >= $4 AND tool = $1 AND target = $2 AND inside = $3
           AND NOT watch
         ORDER BY created_at DESC LIMIT 1",
        tool.as_str(),
        target,
        inside,
        since.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(RunId::from_uuid))
}

/// A look that a worker has taken.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Taken {
    pub run_id: RunId,
    pub part: i16,
    pub spec: MonitorSpec,
    pub inside: bool,
}

/// Takes open looks of a region, those of visitors or those of watched targets, oldest first; one whose taker
/// fell silent may be taken again.
pub async fn take(
    connection: &mut PgConnection,
    (region, watch): (&str, bool),
    now: Timestamp,
    most: i64,
) -> Result<Vec<Taken>> {
    let rows = sqlx::query!(
        r#"UPDATE tool_looks t SET taken_at = $2 FROM (
             SELECT run_id, part FROM tool_looks
             WHERE region = $1 AND done_at IS NULL AND deadline > $2 AND watch = $4
               AND (taken_at IS NULL OR taken_at < $2 - interval '12 seconds')
             ORDER BY created_at, part LIMIT $3 FOR UPDATE SKIP LOCKED
           ) AS open
           WHERE t.run_id = open.run_id AND t.region = $1 AND t.part = open.part
           RETURNING t.run_id, t.part, t.spec AS "spec: Json<MonitorSpec>", t.inside"#,
        region,
        now.to_sqlx() as _,
        most,
        watch,
    )
    .fetch_all(connection)
    .await?;
    let taken = rows.into_iter().map(|row| Taken {
        run_id: RunId::from_uuid(row.run_id),
        part: row.part,
        spec: row.spec.0,
        inside: row.inside,
    });
    Ok(taken.collect())
}

/// Writes the answer and wakes whoever waits.
pub async fn mark_done(
    connection: &mut PgConnection,
    (id, region, part): (RunId, &str, i16),
    result: &serde_json::Value,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_looks SET done_at = $4, result = $5
         WHERE run_id = $1 AND region = $2 AND part = $3 AND done_at IS NULL",
        id.uuid(),
        region,
        part,
        now.to_sqlx() as _,
        result,
    )
    .execute(&mut *connection)
    .await?;
    notify::tool_done(connection, id).await
}

/// A run with its looks, by region and part.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Run {
    pub id: RunId,
    pub tool: Tool,
    pub target: String,
    pub created_at: Timestamp,
    pub deadline: Timestamp,
    pub looks: Vec<Look>,
}

/// One look of a run.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Look {
    pub region: String,
    /// What people read for it.
    pub region_name: String,
    pub part: i16,
    /// `None`: not answered.
    pub result: Option<LookResult>,
}

impl Run {
    /// Every look is answered.
    pub fn is_done(&self) -> bool {
        self.looks.iter().all(|look| look.result.is_some())
    }
}

/// Whether every look of a run is answered; `None` when there is no such run.
pub async fn is_done(connection: &mut PgConnection, id: RunId) -> Result<Option<bool>> {
    let done = sqlx::query_scalar!(
        "SELECT bool_and(done_at IS NOT NULL) FROM tool_looks WHERE run_id = $1",
        id.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(done)
}

/// A run that began at or after `since`.
pub async fn find(
    connection: &mut PgConnection,
    id: RunId,
    since: Timestamp,
) -> Result<Option<Run>> {
    let rows = sqlx::query!(
        r#"SELECT t.region, coalesce(r.name, t.region) AS "region_name!", t.part, t.tool, t.target,
             t.created_at AS "created_at: jiff_sqlx::Timestamp", t.deadline AS "deadline: jiff_sqlx::Timestamp",
             t.result AS "result: Json<LookResult>"
           FROM tool_looks t LEFT JOIN regions r ON r.id = t.region
           WHERE t.run_id = $1 AND t.created_at >= $2 ORDER BY t.region COLLATE "C", t.part"#,
        id.uuid(),
        since.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let tool =
        Tool::parse(&first.tool).ok_or_else(|| Error::impossible("tool_looks", "tool", id))?;
    let (target, created_at, deadline) = (
        first.target.clone(),
        first.created_at.to_jiff(),
        first.deadline.to_jiff(),
    );
    let looks = rows.into_iter().map(|row| Look {
        region: row.region,
        region_name: row.region_name,
        part: row.part,
        result: row.result.map(|result| result.0),
    });
    Ok(Some(Run {
        id,
        tool,
        target,
        created_at,
        deadline,
        looks: looks.collect(),
    }))
}

/// Removes a round of a watched target that has had its use; not one that a mail leads to.
pub async fn delete_round(connection: &mut PgConnection, id: RunId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM tool_looks WHERE run_id = $1 AND watch AND NOT EXISTS (SELECT FROM tool_watches w WHERE w.run_id = $1)",
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes looks made before `before`, and of more than [`MOST_KEPT`] the oldest, at most `most`;
/// returns how many went.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM tool_looks t USING (
             SELECT run_id, region, part FROM tool_looks
             WHERE created_at < greatest($1, (SELECT created_at FROM tool_looks ORDER BY created_at DESC OFFSET $2 LIMIT 1))
             ORDER BY created_at LIMIT $3
         ) old WHERE t.run_id = old.run_id AND t.region = old.region AND t.part = old.part",
        before.to_sqlx() as _,
        MOST_KEPT,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;
    use sqlx::PgPool;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn spec() -> MonitorSpec {
        MonitorSpec {
            host: Some("shop.example".into()),
            ..MonitorSpec::default()
        }
    }

    async fn ask(c: &mut PgConnection, target: &str, begin: Timestamp) -> RunId {
        let run = NewRun {
            id: RunId::generate(),
            tool: Tool::Ping,
            target,
            inside: false,
            watch: false,
            created_at: begin,
            deadline: begin + SignedDuration::from_secs(13),
        };
        let regions = ["fra".to_owned(), "iad".to_owned()];
        insert(c, &run, &regions, &[spec(), spec()]).await.unwrap();
        run.id
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn each_region_answers_each_part_once(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let id = ask(&mut c, "shop.example", at(0)).await;
        assert_eq!(count_open(&mut c, at(1), 10).await.unwrap(), 4);
        let taken = take(&mut c, ("fra", false), at(1), 10).await.unwrap();
        assert_eq!(taken.iter().map(|one| one.part).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((taken[0].run_id, &taken[0].spec), (id, &spec()));
        assert_eq!(take(&mut c, ("fra", false), at(2), 10).await.unwrap(), []);
        // Its taker fell silent while somebody still waits: it is taken again, and never after that.
        assert_eq!(take(&mut c, ("fra", false), at(14), 10).await.unwrap(), []);
        let other = take(&mut c, ("iad", false), at(2), 1).await.unwrap();
        assert_eq!(other.len(), 1);
        assert_eq!(is_done(&mut c, id).await.unwrap(), Some(false));
        assert_eq!(is_done(&mut c, RunId::generate()).await.unwrap(), None);
        let run = find(&mut c, id, at(0)).await.unwrap().unwrap();
        assert_eq!(
            (run.tool, run.looks.len(), run.is_done()),
            (Tool::Ping, 4, false)
        );
        assert_eq!(find(&mut c, id, at(1)).await.unwrap(), None, "too old");
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn the_same_question_is_asked_once(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let id = ask(&mut c, "shop.example", at(0)).await;
        let same = |target, inside| (Tool::Ping, target, inside);
        let find = find_same(&mut c, same("shop.example", false), at(0)).await;
        assert_eq!(find.unwrap(), Some(id));
        for (what, since) in [
            (same("shop.example", true), at(0)),
            (same("other.example", false), at(0)),
            (same("shop.example", false), at(1)),
        ] {
            assert_eq!(find_same(&mut c, what, since).await.unwrap(), None);
        }
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn results_go_after_their_time(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let old = ask(&mut c, "a.example", at(0)).await;
        let new = ask(&mut c, "b.example", at(100)).await;
        mark_done(&mut c, (old, "fra", 0), &json!({}), at(1))
            .await
            .unwrap();
        assert_eq!(prune(&mut c, at(50), 100).await.unwrap(), 4);
        assert_eq!(is_done(&mut c, old).await.unwrap(), None);
        assert_eq!(is_done(&mut c, new).await.unwrap(), Some(false));
    }
}
