//! API keys. The secret is shown once and kept as a hash.

use domain::account::Plan;
use domain::account::api_key::{ApiKey, Scope};
use domain::ids::{AccountId, ApiKeyId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// Writes a new key. Its lookup from the secret goes to [`crate::token_lookups`].
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    key: &ApiKey,
    secret_hash: &[u8],
    created_by: Option<UserId>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_keys (account_id, id, name, prefix, secret_hash, scope, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        account.uuid(),
        key.id.uuid(),
        key.name,
        key.prefix,
        secret_hash,
        key.scope.as_str(),
        created_by.map(UserId::uuid),
        key.created_at.to_sqlx() as _,
        key.expires_at.map(|at| at.to_sqlx()) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The key, unless it is revoked.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: ApiKeyId,
) -> Result<Option<ApiKey>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, name, prefix, scope, created_at AS "created_at: jiff_sqlx::Timestamp",
             expires_at AS "expires_at: jiff_sqlx::Timestamp", last_used_at AS "last_used_at: jiff_sqlx::Timestamp"
         FROM api_keys WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_key)
    .transpose()
}

/// Whether a key of this id was ever made, revoked or not.
pub async fn was_made(
    connection: &mut PgConnection,
    account: AccountId,
    id: ApiKeyId,
) -> Result<bool> {
    let made = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM api_keys WHERE account_id = $1 AND id = $2) AS "made!""#,
        account.uuid(),
        id.uuid()
    );
    Ok(made.fetch_one(connection).await?)
}

/// A key with its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Whose it is.
    pub account_id: AccountId,
    /// The account's plan.
    pub plan: Plan,
    /// The person who made it.
    pub created_by: Option<UserId>,
    /// The key.
    pub key: ApiKey,
}

/// The live key behind the hash of a secret, before the account is known: not for a fenced transaction.
pub async fn find_by_secret(
    connection: &mut PgConnection,
    secret_hash: &[u8],
) -> Result<Option<Owned>> {
    let row = sqlx::query!(
        r#"SELECT k.account_id, s.plan, k.created_by, k.id, k.name, k.prefix, k.scope,
             k.created_at AS "created_at: jiff_sqlx::Timestamp", k.expires_at AS "expires_at: jiff_sqlx::Timestamp",
             k.last_used_at AS "last_used_at: jiff_sqlx::Timestamp"
         FROM token_lookups t
         JOIN api_keys k ON k.account_id = t.account_id AND k.id = t.row_id
         JOIN accounts a ON a.id = t.account_id
         JOIN subscriptions s ON s.account_id = t.account_id
         WHERE t.kind = 'api_key' AND t.token = $1 AND k.secret_hash = $2
           AND k.revoked_at IS NULL AND a.deleted_at IS NULL"#,
        lookup_token(secret_hash),
        secret_hash
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let account_id = AccountId::from_uuid(row.account_id);
        let plan = Plan::parse(&row.plan)
            .ok_or_else(|| Error::impossible("subscriptions", "plan", account_id))?;
        let key = Row {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            scope: row.scope,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        };
        let created_by = row.created_by.map(UserId::from_uuid);
        Ok(Owned {
            account_id,
            plan,
            created_by,
            key: key.into_key()?,
        })
    })
    .transpose()
}

/// What [`crate::token_lookups`] knows a key by.
pub fn lookup_token(secret_hash: &[u8]) -> String {
    hex::encode(secret_hash)
}

/// Every key that is not revoked, oldest first.
pub async fn list(connection: &mut PgConnection, account: AccountId) -> Result<Vec<ApiKey>> {
    list_page(connection, account, None, u32::MAX).await
}

/// At most `limit` keys made after `after`, oldest first.
pub async fn list_page(
    connection: &mut PgConnection,
    account: AccountId,
    after: Option<ApiKeyId>,
    limit: u32,
) -> Result<Vec<ApiKey>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, name, prefix, scope, created_at AS "created_at: jiff_sqlx::Timestamp",
             expires_at AS "expires_at: jiff_sqlx::Timestamp", last_used_at AS "last_used_at: jiff_sqlx::Timestamp"
         FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id LIMIT $3"#,
        account.uuid(),
        after.map(ApiKeyId::uuid),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_key)
    .collect()
}

/// How many keys count against the plan. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Notes a use, at most once a minute.
pub async fn mark_used(
    connection: &mut PgConnection,
    account: AccountId,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE api_keys SET last_used_at = $3
         WHERE account_id = $1 AND id = $2
           AND (last_used_at IS NULL OR last_used_at <= $3::timestamptz - interval '1 minute')",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a key for good; false when there is none that is live.
pub async fn mark_revoked(
    connection: &mut PgConnection,
    account: AccountId,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $3 WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    scope: String,
    created_at: jiff_sqlx::Timestamp,
    expires_at: Option<jiff_sqlx::Timestamp>,
    last_used_at: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_key(self) -> Result<ApiKey> {
        let id = ApiKeyId::from_uuid(self.id);
        Ok(ApiKey {
            id,
            name: self.name,
            prefix: self.prefix,
            scope: Scope::parse(&self.scope)
                .ok_or_else(|| Error::impossible("api_keys", "scope", id))?,
            created_at: self.created_at.to_jiff(),
            expires_at: self.expires_at.map(|at| at.to_jiff()),
            last_used_at: self.last_used_at.map(|at| at.to_jiff()),
        })
    }
}
