//! Answers to POST requests that carried an `Idempotency-Key`, kept for a day.

use domain::ids::{AccountId, ApiKeyId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;

use crate::Result;

/// How long an answer is kept.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A request that has not been answered for this long died with its process.
pub const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What a request is told apart by.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are the columns of the key")]
pub struct Slot<'a> {
    pub account: AccountId,
    pub api_key: ApiKeyId,
    pub route: &'a str,
    pub key: &'a str,
}

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, an object of texts.
    pub headers: Value,
    /// Its body; `None` when it held a secret that is shown once.
    pub body: Option<Vec<u8>>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Ours: carry the request out and then [`finish`] or [`release`].
    Fresh,
    /// The first request with this key is still at work.
    Busy,
    /// The key was used with another body.
    Mismatch,
    /// Carried out before.
    Done(Answer),
}

/// Takes the key for this request, or says what became of the first one.
pub async fn claim(
    connection: &mut PgConnection,
    slot: Slot<'_>,
    body_hash: &[u8],
    now: Timestamp,
) -> Result<Claim> {
    let fresh = sqlx::query_scalar!(
        r#"INSERT INTO idempotency_keys AS k (account_id, api_key_id, route, key, body_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account_id, api_key_id, route, key) DO UPDATE
             SET body_hash = $5, created_at = $6, status = NULL, headers = NULL, response = NULL
             WHERE k.created_at <= $7 OR (k.status IS NULL AND k.created_at <= $8)
         RETURNING 1 AS "one!""#,
        slot.account.uuid(),
        slot.api_key.uuid(),
        slot.route,
        slot.key,
        body_hash,
        now.to_sqlx() as _,
        (now - KEPT_FOR).to_sqlx() as _,
        (now - ABANDONED_AFTER).to_sqlx() as _
    )
    .fetch_optional(&mut *connection)
    .await?;
    if fresh.is_some() {
        return Ok(Claim::Fresh);
    }
    let row = sqlx::query!(
        "SELECT body_hash, status, headers, response FROM idempotency_keys
         WHERE account_id = $1 AND api_key_id = $2 AND route = $3 AND key = $4",
        slot.account.uuid(),
        slot.api_key.uuid(),
        slot.route,
        slot.key
    )
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        Some(row) if row.body_hash != body_hash => Claim::Mismatch,
        Some(row) => match row.status {
            Some(status) => Claim::Done(Answer {
                status: u16::try_from(status).unwrap_or(500),
                headers: row.headers.unwrap_or_default(),
                body: row.response,
            }),
            None => Claim::Busy,
        },
        // The first request gave it back between the two statements.
        None => Claim::Busy,
    })
}

/// Notes, in the transaction of the request itself, that it was carried out: a replay then knows it
/// even when the process dies before the answer is kept.
pub async fn mark_carried_out(connection: &mut PgConnection, slot: Slot<'_>) -> Result<()> {
    sqlx::query!(
        "UPDATE idempotency_keys SET status = 200
         WHERE account_id = $1 AND api_key_id = $2 AND route = $3 AND key = $4",
        slot.account.uuid(),
        slot.api_key.uuid(),
        slot.route,
        slot.key
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the answer for replays.
pub async fn finish(connection: &mut PgConnection, slot: Slot<'_>, answer: &Answer) -> Result<()> {
    sqlx::query!(
        "UPDATE idempotency_keys SET status = $5, headers = $6, response = $7
         WHERE account_id = $1 AND api_key_id = $2 AND route = $3 AND key = $4",
        slot.account.uuid(),
        slot.api_key.uuid(),
        slot.route,
        slot.key,
        i16::try_from(answer.status).unwrap_or(500),
        answer.headers,
        answer.body.as_deref()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the key back: the request changed nothing and may be sent again.
pub async fn release(connection: &mut PgConnection, slot: Slot<'_>) -> Result<()> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE account_id = $1 AND api_key_id = $2 AND route = $3 AND key = $4",
        slot.account.uuid(),
        slot.api_key.uuid(),
        slot.route,
        slot.key
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets answers that are too old, at most `limit` at a time, over all accounts.
pub async fn prune(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (account_id, api_key_id, route, key) IN (
             SELECT account_id, api_key_id, route, key FROM idempotency_keys WHERE created_at <= $1
             ORDER BY created_at LIMIT $2)",
        (now - KEPT_FOR).to_sqlx() as _,
        limit
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_key_is_taken_once_and_answers_from_then_on(pool: PgPool) {
        let account = AccountId::generate();
        sqlx::query!(
            "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), 'x')",
            account.uuid()
        )
        .execute(&pool)
        .await
        .unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let slot = Slot {
            account,
            api_key: ApiKeyId::generate(),
            route: "POST /monitors",
            key: "k",
        };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(
            claim(&mut connection, slot, b"a", now).await.unwrap(),
            Claim::Fresh
        );
        assert_eq!(
            claim(&mut connection, slot, b"a", at(1)).await.unwrap(),
            Claim::Busy
        );
        assert_eq!(
            claim(&mut connection, slot, b"b", at(1)).await.unwrap(),
            Claim::Mismatch
        );
        release(&mut connection, slot).await.unwrap();
        assert_eq!(
            claim(&mut connection, slot, b"b", at(2)).await.unwrap(),
            Claim::Fresh
        );
        assert_eq!(
            claim(&mut connection, slot, b"b", at(123)).await.unwrap(),
            Claim::Fresh,
            "its process died"
        );
        let answer = Answer {
            status: 201,
            headers: serde_json::json!({"location": "x"}),
            body: Some(b"{}".to_vec()),
        };
        finish(&mut connection, slot, &answer).await.unwrap();
        assert_eq!(
            claim(&mut connection, slot, b"b", at(200)).await.unwrap(),
            Claim::Done(answer)
        );
        assert_eq!(prune(&mut connection, at(200), 10).await.unwrap(), 0);
        let day = 24 * 60 * 60;
        assert_eq!(
            claim(&mut connection, slot, b"c", at(day + 123))
                .await
                .unwrap(),
            Claim::Fresh,
            "a day later"
        );
        assert_eq!(prune(&mut connection, at(3 * day), 10).await.unwrap(), 1);
    }
}
