-- Distributes Watchbell over a Citus cluster (13 on PostgreSQL 15) by account. UNTESTED as a whole: see README.md.
-- After `watchbell migrate`, before the first start, with psql on the coordinator and every role stopped:
--
--     psql -v ON_ERROR_STOP=1 --single-transaction -d watchbell -f citus.sql
--
-- A test compares this file with the migrated schema: every table stands here once, every key of a
-- distributed table holds account_id, and every foreign key goes where Citus lets it go.

CREATE EXTENSION IF NOT EXISTS citus;
-- Row-level security reads watchbell.account, which web transactions SET LOCAL: nodes must hear of it.
ALTER DATABASE watchbell SET citus.propagate_set_commands = 'local';
-- Nodes connect as the role that a transaction has taken on.
ALTER ROLE watchbell_tenant LOGIN;
ALTER ROLE watchbell_system LOGIN;

-- Foreign keys between a table that is distributed and one that is not. What they guarded is guarded by the
-- transactions that end accounts (`store::account_end`), which delete these rows by name.
ALTER TABLE token_lookups DROP CONSTRAINT token_lookups_account_fkey;
ALTER TABLE account_messages DROP CONSTRAINT account_messages_account_fkey;

-- A lookup from a random token to its account: unique over all nodes only by chance, which is enough.
ALTER TABLE accounts DROP CONSTRAINT accounts_practice_token_key;
CREATE INDEX accounts_practice_token_idx ON accounts (practice_token);

-- Small, read everywhere, and what memberships refer to.
SELECT create_reference_table('users');

-- An account and all that is its own, on one node together.
SELECT create_distributed_table('accounts', 'id');
SELECT create_distributed_table('memberships', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('subscriptions', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('api_keys', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('idempotency_keys', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('audit_events', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('wallets', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('wallet_entries', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('contacts', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('policies', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('schedules', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('schedule_overrides', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('maintenance_windows', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('maintenance_occurrences', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('deploy_markers', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('autopsies', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('diagnosis_feedback', 'account_id', colocate_with => 'accounts');

-- What is looked at, and what is known of it.
SELECT create_distributed_table('monitors', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('monitor_states', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('region_votes', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('certificates', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('origins', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('origin_seeds', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('good_answers', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('answer_changes', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('keyword_proposals', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('heartbeats', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('heartbeat_pings', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('look_requests', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('suppressions', 'account_id', colocate_with => 'accounts');

-- Looks and their history. A partition of a distributed table is distributed with it.
SELECT create_distributed_table('checks', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('checks_late', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('requested_checks', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('last_checks', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('check_days', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('status_intervals', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('evidence_bodies', 'account_id', colocate_with => 'accounts');

-- Outages, and who is told.
SELECT create_distributed_table('incident_groups', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('incidents', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('incident_events', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('escalations', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('deliveries', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('delivery_attempts', 'account_id', colocate_with => 'accounts');
SELECT create_distributed_table('calls', 'account_id', colocate_with => 'accounts');

-- Of an account, and yet on the coordinator: they lead from a token, an address or an id to the account.
-- local: sessions
-- local: token_lookups
-- local: account_messages
-- local: erasures
-- Of an account, and yet on the coordinator: Citus refuses tables that are partitioned twice (by class of
-- retention, then by month). The packed history does not spread until they are partitioned once.
-- local: check_hours
-- local: evidence
-- Of nobody.
-- local: _sqlx_migrations
-- local: blind_intervals
-- local: blocked_addresses
-- local: canaries
-- local: challenges
-- local: days
-- local: hours
-- local: inbound_texts
-- local: ingest_addresses
-- local: ingest_beats
-- local: ingest_gaps
-- local: outbox_messages
-- local: region_addresses
-- local: regions
-- local: shard_leases
-- local: throttles
-- local: tool_looks
-- local: tool_watch_targets
-- local: tool_watches
-- local: unconfirmed_mails
-- local: workers
