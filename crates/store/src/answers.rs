//! Tables `good_answers` and `answer_changes`: what good answers of a monitor look like in a region, and when they
//! became others.

use domain::answer::{Aspect, Change, Known};
use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// A good answer that may be another than those before.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Renewed {
    pub account_id: AccountId,
    pub monitor_id: MonitorId,
    pub subject: String,
    pub known: Known,
    /// What in it is new.
    pub changes: Vec<Change>,
}

/// What is known of each of `monitors` in a region, in no order; of those that nothing is known of there is none.
pub async fn list(
    connection: &mut PgConnection,
    region: &str,
    monitors: &[(AccountId, MonitorId)],
) -> Result<Vec<(MonitorId, String, Known)>> {
    let (accounts, ids): (Vec<Uuid>, Vec<Uuid>) = monitors
        .iter()
        .map(|(account, id)| (account.uuid(), id.uuid()))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT g.monitor_id, g.subject, g.known AS "known: Json<Known>"
           FROM unnest($2::uuid[], $3::uuid[]) AS wanted (account_id, monitor_id)
           JOIN good_answers g ON g.account_id = wanted.account_id AND g.monitor_id = wanted.monitor_id AND g.region = $1"#,
        region,
        &accounts,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter();
    let rows = rows.map(|row| {
        (
            MonitorId::from_uuid(row.monitor_id),
            row.subject,
            row.known.0,
        )
    });
    Ok(rows.collect())
}

/// What is known of one.
pub async fn find(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    region: &str,
) -> Result<Option<(String, Known)>> {
    let row = sqlx::query!(
        r#"SELECT subject, known AS "known: Json<Known>" FROM good_answers
           WHERE account_id = $1 AND monitor_id = $2 AND region = $3"#,
        account.uuid(),
        monitor.uuid(),
        region,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.subject, row.known.0)))
}

/// Writes what is known now, and each change once. Monitors that are gone are left out.
pub async fn upsert(
    connection: &mut PgConnection,
    region: &str,
    renewed: &[Renewed],
    now: Timestamp,
) -> Result<()> {
    let (mut accounts, mut ids) = (Vec::new(), Vec::new());
    let (mut subjects, mut known) = (Vec::new(), Vec::new());
    for one in renewed {
        accounts.push(one.account_id.uuid());
        ids.push(one.monitor_id.uuid());
        subjects.push(one.subject.clone());
        known.push(value(&one.known, one.monitor_id)?);
    }
    sqlx::query!(
        "INSERT INTO good_answers (account_id, monitor_id, region, subject, known, changed_at)
         SELECT m.account_id, m.id, $1, n.subject, n.known, $6
         FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::jsonb[]) AS n (account_id, monitor_id, subject, known)
         JOIN monitors m ON m.account_id = n.account_id AND m.id = n.monitor_id
         ON CONFLICT ON CONSTRAINT good_answers_pkey DO UPDATE SET subject = EXCLUDED.subject, known = EXCLUDED.known,
             changed_at = EXCLUDED.changed_at",
        region,
        &accounts,
        &ids,
        &subjects,
        &known,
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    for one in renewed {
        for change in &one.changes {
            insert_change(connection, region, one, change).await?;
        }
    }
    Ok(())
}

async fn insert_change(
    connection: &mut PgConnection,
    region: &str,
    renewed: &Renewed,
    change: &Change,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO answer_changes (account_id, monitor_id, region, at, aspect, subject, was, became)
         SELECT m.account_id, m.id, $3, $4, $5, $6, $7, $8 FROM monitors m WHERE m.account_id = $1 AND m.id = $2
         ON CONFLICT DO NOTHING",
        renewed.account_id.uuid(),
        renewed.monitor_id.uuid(),
        region,
        change.at.to_sqlx() as _,
        change.aspect.as_str(),
        renewed.subject,
        Json(&change.before) as _,
        Json(&change.after) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn value<T: serde::Serialize>(of: &T, id: MonitorId) -> Result<serde_json::Value> {
    serde_json::to_value(of).map_err(|_| Error::impossible("good_answers", "known", id))
}

/// Changes of a monitor's good answers in any region, of this `subject`, from `from` to `to`, the last first; at
/// most 50.
pub async fn list_changes(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    subject: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Change>> {
    let rows = sqlx::query!(
        r#"SELECT at AS "at: jiff_sqlx::Timestamp", aspect, was AS "was: Json<Vec<String>>",
             became AS "became: Json<Vec<String>>"
           FROM answer_changes
           WHERE account_id = $1 AND monitor_id = $2 AND subject = $3 AND at BETWEEN $4 AND $5
           ORDER BY at DESC, region COLLATE "C", aspect COLLATE "C" LIMIT 50"#,
        account.uuid(),
        monitor.uuid(),
        subject,
        from.to_sqlx() as _,
        to.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    let changes = rows.into_iter().map(|row| {
        let aspect = Aspect::parse(&row.aspect)
            .ok_or_else(|| Error::impossible("answer_changes", "aspect", monitor))?;
        Ok(Change {
            aspect,
            before: row.was.0,
            after: row.became.0,
            at: row.at.to_jiff(),
        })
    });
    changes.collect()
}

/// Removes at most `most` changes that were seen before `before`; says how many.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM answer_changes WHERE (account_id, monitor_id, at, region, aspect) IN
           (SELECT account_id, monitor_id, at, region, aspect FROM answer_changes WHERE at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use domain::account::Plan;
    use domain::answer::{Answer, remember};
    use domain::monitor::{Monitor, MonitorSpec};
    use sqlx::PgPool;

    use super::*;
    use crate::accounts::{self, NewAccount};
    use crate::{Secrets, monitors};

    const FRA: &str = "fra";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    async fn monitor(c: &mut PgConnection) -> (AccountId, MonitorId) {
        let account_id = AccountId::generate();
        let token = account_id.to_string();
        let new = NewAccount {
            id: account_id,
            name: "Shop",
            timezone: "UTC",
            practice_token: &token,
            plan: Plan::Free,
        };
        accounts::insert(c, &new, at(0)).await.unwrap();
        let monitor = Monitor {
            id: MonitorId::generate(),
            account_id,
            spec: MonitorSpec {
                url: Some("https://shop.example/".into()),
                ..MonitorSpec::default()
            },
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: at(0),
            updated_at: at(0),
        };
        let keys = Secrets::new(["a key that is long enough"]).unwrap();
        monitors::insert(c, &keys, &monitor).await.unwrap();
        (account_id, monitor.id)
    }

    async fn keep(c: &mut PgConnection, key: (AccountId, MonitorId), server: &str, second: i64) {
        let before = find(c, key, FRA).await.unwrap().map(|(_, known)| known);
        let seen = Answer::from([(Aspect::Server, vec![server.to_owned()])]);
        let (known, changes) = remember(before.as_ref(), &seen, at(second)).unwrap();
        let renewed = Renewed {
            account_id: key.0,
            monitor_id: key.1,
            subject: "one".to_owned(),
            known,
            changes,
        };
        // A commit that was not heard of is made again.
        for _ in 0..2 {
            let renewed = std::slice::from_ref(&renewed);
            upsert(c, FRA, renewed, at(second)).await.unwrap();
        }
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn each_change_is_kept_once(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let (key, other) = (monitor(&mut c).await, monitor(&mut c).await);
        for (server, second) in [("nginx", 0), ("Apache", 60), ("lighttpd", 120)] {
            keep(&mut c, key, server, second).await;
        }
        keep(&mut c, other, "Caddy", 60).await;
        let known = list(&mut c, FRA, &[other, key]).await.unwrap();
        assert_eq!(known.len(), 2);
        assert_eq!(list(&mut c, "iad", &[key]).await.unwrap(), []);

        let all = (at(0), at(120));
        let changes = list_changes(&mut c, key, "one", all).await.unwrap();
        let servers: Vec<_> = changes.iter().map(|one| one.after.concat()).collect();
        assert_eq!(servers, ["lighttpd", "Apache"]);
        let first = list_changes(&mut c, key, "one", (at(0), at(119))).await;
        assert_eq!(first.unwrap(), changes[1..]);
        for (key, subject) in [
            (key, "another target"),
            (other, "one"),
            ((other.0, key.1), "one"),
        ] {
            assert_eq!(list_changes(&mut c, key, subject, all).await.unwrap(), []);
        }
        assert_eq!(find(&mut c, (other.0, key.1), FRA).await.unwrap(), None);

        assert_eq!(prune(&mut c, at(61), 10).await.unwrap(), 1);
        let left = list_changes(&mut c, key, "one", all).await.unwrap();
        assert_eq!(left, changes[..1]);
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_monitor_that_is_gone_keeps_nobody_up(pool: PgPool) {
        let mut c = pool.acquire().await.unwrap();
        let key = monitor(&mut c).await;
        let gone = (key.0, MonitorId::generate());
        for second in 0..2 {
            keep(&mut c, key, &format!("nginx/{second}"), second).await;
        }
        let renewed = |(account_id, monitor_id)| Renewed {
            account_id,
            monitor_id,
            subject: "one".to_owned(),
            known: Known::default(),
            changes: Vec::new(),
        };
        let both = [renewed(gone), renewed(key)];
        upsert(&mut c, FRA, &both, at(9)).await.unwrap();
        assert_eq!(find(&mut c, gone, FRA).await.unwrap(), None);
        let kept = find(&mut c, key, FRA).await.unwrap().unwrap();
        assert_eq!(kept, ("one".to_owned(), Known::default()));
    }
}
