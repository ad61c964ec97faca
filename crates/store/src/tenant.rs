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

    /// Tables that are not distributed by account, and why.
    const NOT_DISTRIBUTED: [(&str, &str); 23] = [
        (
            "account_messages",
            "to people, some of whom have no account yet",
        ),
        ("blind_intervals", "a region's"),
        (
            "blocked_addresses",
            "a hash of an address, whoever named it",
        ),
        ("canaries", "a region's"),
        ("challenges", "a person's"),
        ("days", "which days are rolled up, for all"),
        ("hours", "which hours are packed, for all"),
        (
            "inbound_texts",
            "came from a number, before it is known whose",
        ),
        ("ingest_addresses", "our own"),
        ("ingest_beats", "our own"),
        ("ingest_gaps", "our own"),
        ("memberships", "between people and accounts"),
        (
            "outbox_messages",
            "what was not sent on a machine without providers",
        ),
        ("region_addresses", "a region's"),
        ("regions", "our own"),
        ("sessions", "a person's"),
        ("shard_leases", "a region's"),
        ("throttles", "counted before an account is known"),
        ("token_lookups", "from a token to its account"),
        (
            "unconfirmed_mails",
            "a hash of an address, whoever named it",
        ),
        ("users", "people, who may have several accounts"),
        ("workers", "our own"),
        ("_sqlx_migrations", "our own"),
    ];

    /// Every other table has its account in each unique index, and a foreign key only to a table that
    /// is distributed in the same way: so all rows of an account can live on one node.
    #[sqlx::test(migrator = "crate::MIGRATOR")]
    async fn every_table_of_a_tenant_can_be_distributed_by_account(pool: PgPool) {
        let listed: Vec<String> = NOT_DISTRIBUTED
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let without_account: Vec<String> = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND c.relname <> ALL ($1) AND c.relname <> 'accounts'
               AND NOT EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = 'account_id' AND a.attnotnull)",
        )
        .bind(&listed)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(without_account, Vec::<String>::new(), "no account_id");
        let indexes: Vec<String> = sqlx::query_scalar(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND i.indisunique
               AND c.relname <> ALL ($1)
               AND NOT EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                     AND a.attname = CASE WHEN c.relname = 'accounts' THEN 'id' ELSE 'account_id' END)",
        )
        .bind(&listed)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(indexes, Vec::<String>::new(), "unique without the account");
        let keyless: Vec<String> = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique)",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(
            keyless,
            Vec::<String>::new(),
            "nothing tells its rows apart"
        );
        let foreign: Vec<String> = sqlx::query_scalar(
            "SELECT k.conname::text FROM pg_constraint k
             JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
             WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL ($1)
               AND (r.relname = ANY ($1) OR NOT EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attname = 'account_id'))",
        )
        .bind(&listed)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(
            foreign,
            Vec::<String>::new(),
            "foreign keys out of the account"
        );
        let gone: Vec<&String> = {
            let there: Vec<String> = sqlx::query_scalar(
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
            )
            .fetch_all(&pool)
            .await
            .unwrap();
            listed.iter().filter(|name| !there.contains(name)).collect()
        };
        assert_eq!(gone, Vec::<&String>::new(), "listed, but not there");
    }
}
