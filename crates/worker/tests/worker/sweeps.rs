//! Housekeeping.

use jiff::SignedDuration;
use sqlx::PgPool;
use worker::sweeps::{Sweep, once};

use crate::world::{World, now};

/// One row that is just too old and one that is not, in every table that only ever grows.
const ROWS: &str = "
    INSERT INTO users (id, email, email_canonical, password_hash, created_at, password_changed_at)
    VALUES ('00000000-0000-7000-8000-000000000001', 'a@shop.example', 'a@shop.example', '', now(), now());
    INSERT INTO sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at, revoked_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', word::bytea, now(), now(), ends, revoked
    FROM (VALUES ('old', now() - interval '93 days', NULL), ('revoked', now() + interval '9 days', now() - interval '93 days'),
                 ('new', now() + interval '9 days', NULL), ('ended', now() - interval '9 days', NULL))
         AS rows (word, ends, revoked);
    INSERT INTO challenges (id, purpose, user_id, address, code_hash, token_hash, created_at, expires_at)
    SELECT gen_random_uuid(), 'verify_email', '00000000-0000-7000-8000-000000000001', 'a', '', age::text::bytea, now(), now() - age
    FROM unnest(ARRAY['8 days', '1 day']::interval[]) AS age;
    INSERT INTO throttles (scope, key_hash, window_start, count)
    SELECT 'login.address', 'key', now() - age, 1 FROM unnest(ARRAY['49 hours', '1 hour']::interval[]) AS age;
    INSERT INTO idempotency_keys (account_id, api_key_id, route, key, body_hash, created_at)
    SELECT id, gen_random_uuid(), 'POST /monitors', age::text, '', now() - age
    FROM accounts, unnest(ARRAY['25 hours', '23 hours']::interval[]) AS age;
    INSERT INTO account_messages (id, channel, address, template, data, created_at, next_at)
    SELECT gen_random_uuid(), 'email', 'a@shop.example', 'verify_email', '', now() - age, now()
    FROM unnest(ARRAY['31 days', '29 days']::interval[]) AS age;
    INSERT INTO outbox_messages (id, at, channel, recipient)
    SELECT gen_random_uuid(), now() - age, 'email', 'a@shop.example' FROM unnest(ARRAY['8 days', '6 days']::interval[]) AS age;
    INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, done_at)
    SELECT gen_random_uuid()::text, 'deliver-email', '', 'Done', 1, 1, now(), now() - age
    FROM unnest(ARRAY['25 hours', '23 hours']::interval[]) AS age;";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_outlived_its_use_is_pruned_and_nothing_else(pool: PgPool) {
    let world = World::new(pool).await;
    sqlx::raw_sql(ROWS).execute(&world.pool).await.unwrap();
    let count = async |table: &'static str| {
        let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar::<_, i64>(statement)
            .fetch_one(&world.pool)
            .await
            .unwrap()
    };
    once(&world.pool, &world.secrets, Sweep::Prune, now())
        .await
        .unwrap();
    for (table, left) in [
        ("sessions", 2),
        ("challenges", 1),
        ("throttles", 1),
        ("idempotency_keys", 1),
        ("account_messages", 1),
        ("outbox_messages", 1),
        ("apalis.jobs", 1),
    ] {
        assert_eq!(count(table).await, left, "{table}");
    }
    once(
        &world.pool,
        &world.secrets,
        Sweep::Prune,
        now() + SignedDuration::from_hours(24 * 200),
    )
    .await
    .unwrap();
    assert_eq!((count("sessions").await, count("users").await), (0, 1));
}
