//! `deploy/ha/citus.sql` against the schema as it is migrated: a table that could not be distributed by
//! account, or that nobody thought of, does not get in.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

use crate::support::database::StoryDatabase;
use crate::support::program::Settings;

const FILE: &str = include_str!("../../deploy/ha/citus.sql");

/// Between the first pair of quotes, with what stands before.
fn quoted(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once('\'')?;
    rest.split_once('\'').map(|(name, _)| (before, name))
}

/// What the file says of each table: "distributed", "reference" or "local".
fn said() -> BTreeMap<&'static str, &'static str> {
    let mut said = BTreeMap::new();
    for line in FILE.lines() {
        let (table, what) = match (line.strip_prefix("-- local: "), quoted(line)) {
            (Some(table), _) => (table, "local"),
            (None, Some(("SELECT create_distributed_table(", table))) => {
                let column = if table == "accounts" {
                    "id"
                } else {
                    "account_id"
                };
                assert!(line.contains(&format!("'{column}'")), "{line}");
                let together = table == "accounts" || line.contains("colocate_with => 'accounts'");
                assert!(together, "{line}");
                (table, "distributed")
            }
            (None, Some(("SELECT create_reference_table(", table))) => (table, "reference"),
            _ => continue,
        };
        let before = said.insert(table, what);
        assert_eq!(before, None, "{table} stands there twice");
    }
    said
}

async fn rows(pool: &PgPool, select: &'static str) -> Vec<(String, String)> {
    sqlx::query_as(select).fetch_all(pool).await.expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_its_place_and_every_key_its_account() {
    let database = StoryDatabase::fresh().await;
    let (status, _, error) = Settings::local(&database.url).run(&["migrate"]).await;
    assert_eq!(status, 0, "{error}");
    let said = said();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
             AND NOT relispartition",
    )
    .fetch_all(&database.pool)
    .await
    .expect("tables");
    let there: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let named: BTreeSet<&str> = said.keys().copied().collect();
    assert_eq!(there, named, "deploy/ha/citus.sql names every table once");

    // Which could be distributed, and which could not.
    let tenant = "SELECT relname::text, CASE WHEN EXISTS (
            SELECT 1 FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid WHERE i.inhparent = c.oid AND p.relkind = 'p'
        ) THEN 'twice' ELSE '' END
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id'
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))";
    for (table, partitioned) in rows(&database.pool, tenant).await {
        let wanted = if partitioned == "twice" {
            "local"
        } else {
            "distributed"
        };
        assert_eq!(said[table.as_str()], wanted, "{table}");
    }
    let unique = "SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid
        WHERE i.indisunique AND relnamespace = 'public'::regnamespace AND NOT relispartition AND NOT EXISTS (
            SELECT 1 FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
              AND a.attname = CASE WHEN c.relname = 'accounts' THEN 'id' ELSE 'account_id' END)";
    for (table, index) in rows(&database.pool, unique).await {
        if FILE.contains(&format!("ALTER TABLE {table} DROP CONSTRAINT {index};")) {
            continue;
        }
        assert_ne!(
            said[table.as_str()],
            "distributed",
            "{index} lacks the account"
        );
    }
    foreign_keys(&database.pool, &said).await;
}

/// Between distributed tables, or to a reference table; what goes elsewhere is dropped by name.
async fn foreign_keys(pool: &PgPool, said: &BTreeMap<&str, &str>) {
    let keys: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT conname::text, conrelid::regclass::text, confrelid::regclass::text, EXISTS (
             SELECT 1 FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'account_id' AND a.attnum = ANY (k.conkey))
         FROM pg_constraint k WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0",
    )
    .fetch_all(pool)
    .await
    .expect("foreign keys");
    for (key, from, to, by_account) in keys {
        let dropped = FILE.contains(&format!("ALTER TABLE {from} DROP CONSTRAINT {key};"));
        let allowed = match (said[from.as_str()], said[to.as_str()]) {
            ("distributed", "distributed") => by_account,
            (_, "reference") | ("local", "local") => true,
            _ => false,
        };
        assert_eq!(allowed, !dropped, "{key} from {from} to {to}");
    }
}
