//! Transactions fenced to one account by row-level security.

use domain::ids::AccountId;
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool, Postgres, Transaction};

use crate::Result;

/// Opens a transaction that sees and writes rows of `account` only.
pub async fn begin(pool: &PgPool, account: AccountId) -> Result<Transaction<'static, Postgres>> {
    let mut transaction = pool.begin().await?;
    fence(&mut transaction, account).await?;
    Ok(transaction)
}

/// Fences the rest of the transaction on `connection` to `account`.
///
/// SET LOCAL and not `set_config()`: a distributed database hands the former on to its nodes. The id
/// is a UUID's text, so that nothing can be smuggled into the statement.
pub async fn fence(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    let id = account.uuid();
    let statement =
        format!("SET LOCAL ROLE watchbell_tenant; SET LOCAL watchbell.account = '{id}'");
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::ids::AccountId;
    use sqlx::PgPool;

    async fn visible(pool: &PgPool, setup: Option<AccountId>) -> i64 {
        let mut transaction = pool.begin().await.unwrap();
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
