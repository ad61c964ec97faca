//! Ending an account at once: nothing of it looks, speaks, opens a page or holds an address any
//! more. Its history is erased later in batches. Not under the tenant's role: users and sessions are
//! not a tenant's.

use domain::ids::{AccountId, MonitorId, SessionId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// What has ended, to be told to those who listen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Monitors that were looked at.
    pub monitors: Vec<MonitorId>,
    /// Sessions of people who have no other account.
    pub sessions: Vec<SessionId>,
}

/// Marks the account as deleted; false when it was, or is not there. Concurrent calls wait here.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE accounts SET deleted_at = $2, name = '', version = version + 1 WHERE id = $1 AND deleted_at IS NULL",
        account.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all of it but its history.
pub async fn end(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Ended> {
    // Whoever records a look now ends first, or finds its monitor deleted.
    crate::states::lock_all(connection, account).await?;
    let monitors = end_monitors(connection, account, now).await?;
    end_messages(connection, account, now).await?;
    let sessions = end_people(connection, account).await?;
    sqlx::query!(
        "INSERT INTO erasures (account_id, requested_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        account.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(Ended { monitors, sessions })
}

async fn end_monitors(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<MonitorId>> {
    let monitors = sqlx::query_scalar!(
        "UPDATE monitors SET deleted_at = coalesce(deleted_at, $2), secrets = NULL, key = NULL, updated_at = $2,
             config_version = config_version + 1
         WHERE account_id = $1 RETURNING id",
        account.uuid(),
        now.to_sqlx() as _
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE incidents SET resolved_at = greatest($2, first_failure_at), resolved_reason = 'deleted',
             resolved_confirmed_at = $2, version = version + 1
         WHERE account_id = $1 AND resolved_at IS NULL",
        account.uuid(),
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE status_intervals SET ended_at = greatest($2, started_at) WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(monitors.into_iter().map(MonitorId::from_uuid).collect())
}

async fn end_messages(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<()> {
    crate::maintenance::delete_all(connection, account).await?;
    crate::oncall::delete_all(connection, account).await?;
    crate::deliveries::skip_open(connection, account, "the account was deleted", now).await?;
    sqlx::query!(
        "DELETE FROM account_messages WHERE account_id = $1",
        account.uuid()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM policies WHERE account_id = $1", account.uuid())
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "UPDATE contacts SET address = '', address_canonical = id::text, name = '', verified_at = NULL, code_hash = NULL,
             url_sealed = NULL, service_sealed = NULL, secret_sealed = NULL, old_secret_sealed = NULL, old_secret_until = NULL,
             in_default = false, disabled_reason = 'the account was deleted', disabled_at = $2, updated_at = $2,
             version = version + 1
         WHERE account_id = $1",
        account.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keys and links end; people who have no other account are forgotten with their sessions.
async fn end_people(connection: &mut PgConnection, account: AccountId) -> Result<Vec<SessionId>> {
    sqlx::query!("DELETE FROM api_keys WHERE account_id = $1", account.uuid())
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "DELETE FROM token_lookups WHERE account_id = $1",
        account.uuid()
    )
    .execute(&mut *connection)
    .await?;
    let sessions = sqlx::query_scalar!(
        "SELECT s.id FROM sessions s JOIN memberships m ON m.user_id = s.user_id AND m.account_id = $1
         WHERE NOT EXISTS (SELECT 1 FROM memberships o WHERE o.user_id = s.user_id AND o.account_id <> $1)",
        account.uuid()
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM users u USING memberships m
         WHERE m.user_id = u.id AND m.account_id = $1
           AND NOT EXISTS (SELECT 1 FROM memberships o WHERE o.user_id = u.id AND o.account_id <> $1)",
        account.uuid()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM memberships WHERE account_id = $1",
        account.uuid()
    )
    .execute(connection)
    .await?;
    Ok(sessions.into_iter().map(SessionId::from_uuid).collect())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::Secrets;
    use crate::contacts::hooks::{
        self,
        tests::{telegram, webhook},
    };

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn no_secret_of_a_contact_outlives_its_account(pool: PgPool) {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let (account, contact, _) = webhook(&pool, &secrets).await;
        let (other, _, hook) = webhook(&pool, &secrets).await;
        let mut connection = pool.acquire().await.unwrap();
        let now = contact.created_at;
        let (chat, bot) = telegram();
        hooks::insert(&mut connection, &secrets, account, &chat, (&bot, None))
            .await
            .unwrap();
        for account in [account, other] {
            let id = sqlx::query_scalar!(
                "SELECT id FROM contacts WHERE account_id = $1 ORDER BY id",
                account.uuid()
            )
            .fetch_one(&mut *connection)
            .await
            .unwrap();
            let id = domain::ids::ContactId::from_uuid(id);
            crate::contacts::set_code(&mut connection, account, id, b"a hash", (now, now))
                .await
                .unwrap();
        }
        assert!(mark_deleted(&mut connection, account, now).await.unwrap());
        end(&mut connection, account, now).await.unwrap();
        let left = sqlx::query!(
            r#"SELECT account_id, num_nonnulls(url_sealed, service_sealed, secret_sealed, code_hash) AS "secrets!",
                 name || address AS "shown!" FROM contacts ORDER BY id"#
        )
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        let of = |account: AccountId| -> Vec<(i32, &str)> {
            let rows = left.iter().filter(|row| row.account_id == account.uuid());
            rows.map(|row| (row.secrets, row.shown.as_str())).collect()
        };
        assert_eq!(of(account), [(0, ""), (0, "")]);
        assert_eq!(of(other)[0].0, 3, "another's are untouched: {hook:?}");
    }
}
