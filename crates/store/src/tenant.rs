//! Transactions fenced to one account by row-level security.

use domain::ids::AccountId;
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool, Postgres, Transaction};

use crate::Result;

/// Opens a transaction that sees and writes rows of `account` only. In one round trip.
pub async fn begin(pool: &PgPool, account: AccountId) -> Result<Transaction<'static, Postgres>> {
    let statement = AssertSqlSafe(format!("BEGIN; {}", fencing(account)));
    let pool = pool.clone();
    Ok(whole(async move { pool.begin_with(statement).await }).await?)
}

/// Opens a transaction of the system. In place of [`sqlx::Pool::begin`], for the sake of whoever goes
/// away meanwhile.
///
/// # Errors
/// As those of the pool.
pub async fn begin_unfenced(
    pool: &PgPool,
) -> std::result::Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    #[expect(clippy::disallowed_methods, reason = "here nobody goes away meanwhile")]
    let begins = async move { pool.begin().await };
    whole(begins).await
}

/// Whoever asks may go away at any moment: a visitor, or a deadline. A transaction that is cut short
/// while it begins stays open on its connection (sqlx takes back only what has begun), and what the
/// next who takes that from the pool writes would wait in it for a COMMIT that never comes. So it
/// begins in a task of its own, and ends with its handle.
async fn whole(
    begins: impl Future<Output = std::result::Result<Transaction<'static, Postgres>, sqlx::Error>>
    + Send
    + 'static,
) -> std::result::Result<Transaction<'static, Postgres>, sqlx::Error> {
    let begun = tokio::spawn(begins);
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// Fences the rest of the transaction on `connection` to `account`.
pub async fn fence(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    connection.execute(AssertSqlSafe(fencing(account))).await?;
    Ok(())
}

/// SET LOCAL and not `set_config()`: a distributed database hands the former on to its nodes. The id
/// is a UUID's text, so that nothing can be smuggled into the statement.
fn fencing(account: AccountId) -> String {
    let id = account.uuid();
    format!("SET LOCAL ROLE watchbell_tenant; SET LOCAL watchbell.account = '{id}'")
}

#[cfg(test)]
mod tests {
    use domain::ids::AccountId;
    use sqlx::PgPool;
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

    async fn visible(pool: &PgPool, setup: Option<AccountId>) -> i64 {
        let mut transaction = super::begin_unfenced(pool).await.unwrap();
        match setup {
            Some(account) => super::fence(&mut transaction, account).await.unwrap(),
            None => {
                sqlx::query!("SET LOCAL ROLE watchbell_tenant")
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
            }
        }
        sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM accounts"#)
            .fetch_one(&mut *transaction)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn a_transaction_sees_its_own_account_only(pool: PgPool) {
        let (mine, other) = (AccountId::generate(), AccountId::generate());
        for account in [mine, other] {
            sqlx::query!(
                "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
                account.uuid(),
                account.to_string()
            )
            .execute(&pool)
            .await
            .unwrap();
        }
        assert_eq!(visible(&pool, Some(mine)).await, 1);
        assert_eq!(visible(&pool, Some(AccountId::generate())).await, 0);
        assert_eq!(
            visible(&pool, None).await,
            0,
            "without an account nothing is seen, even by a superuser"
        );
    }

    /// The role of the connection that the pool hands out next, and whether a transaction is open on it.
    async fn left_behind(pool: &PgPool) -> (String, bool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut moments = Vec::new();
        for _ in 0..2 {
            let now = sqlx::query_scalar::<_, String>("SELECT now()::text");
            moments.push(now.fetch_one(&mut *connection).await.unwrap());
        }
        let role = sqlx::query_scalar("SELECT current_user::text");
        let role = role.fetch_one(&mut *connection).await.unwrap();
        (role, moments[0] == moments[1])
    }

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn who_goes_away_while_a_transaction_begins_leaves_none_open(
        options: PgPoolOptions,
        connect: PgConnectOptions,
    ) {
        let pool = options
            .max_connections(1)
            .connect_with(connect)
            .await
            .unwrap();
        let before = left_behind(&pool).await;
        for steps in 0..60 {
            let account = AccountId::generate();
            let leave = async {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                _ = super::begin(&pool, account) => {}
                () = leave => {}
            }
            assert_eq!(left_behind(&pool).await, before, "after {steps} steps");
            let leave = async {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                _ = super::begin_unfenced(&pool) => {}
                () = leave => {}
            }
            assert_eq!(left_behind(&pool).await, before, "after {steps} steps");
        }
    }

    /// Not a tenant's: a session is a person's, and remembers which account is in view.
    const NOT_FENCED: [&str; 1] = ["sessions"];

    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn every_table_of_a_tenant_is_fenced(pool: PgPool) {
        let open: Vec<String> = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id'
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                   AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname IN ('tenant', 'system')) = 2)
             ORDER BY 1",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(open, NOT_FENCED);
    }
}
