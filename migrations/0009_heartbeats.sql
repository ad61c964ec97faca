-- Why: a heartbeat monitor waits for a job to call. What was heard last and when the next call is due
-- must outlive every restart, as must the times in which no call could have reached us: without them a
-- job would be blamed for our own outage.

CREATE TABLE heartbeats (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    -- Stands in the ping address; found before the account is known through token_lookups.
    token uuid NOT NULL,
    -- The monitor's own key, else its name as it stands in an address; several may share one.
    slug text NOT NULL,
    last_at timestamptz,
    last_signal text CONSTRAINT heartbeats_last_signal_check CHECK (last_signal IN ('success', 'start', 'fail')),
    last_exit_status smallint,
    last_good_at timestamptz,
    last_duration_ms bigint,
    run_started_at timestamptz,
    run_rid uuid,
    counted_from timestamptz,
    expected_at timestamptz,
    -- When a sweeper decides on a call that has not come.
    due_at timestamptz,
    -- Calls kept so far; the number of the last one.
    pings bigint NOT NULL DEFAULT 0,
    window_started_at timestamptz,
    window_pings integer NOT NULL DEFAULT 0,
    CONSTRAINT heartbeats_pkey PRIMARY KEY (account_id, monitor_id),
    CONSTRAINT heartbeats_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX heartbeats_due_idx ON heartbeats (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX heartbeats_slug_idx ON heartbeats (account_id, slug);

-- The last hundred calls of each monitor.
CREATE TABLE heartbeat_pings (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    signal text NOT NULL CONSTRAINT heartbeat_pings_signal_check CHECK (signal IN ('success', 'start', 'fail', 'log')),
    exit_status smallint,
    rid uuid,
    duration_ms bigint,
    method text NOT NULL,
    address inet,
    user_agent text NOT NULL DEFAULT '',
    -- What was sent, and what of it is kept (gzip).
    body_bytes integer NOT NULL DEFAULT 0,
    body bytea,
    CONSTRAINT heartbeat_pings_pkey PRIMARY KEY (account_id, monitor_id, number),
    CONSTRAINT heartbeat_pings_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES heartbeats (account_id, monitor_id) ON DELETE CASCADE
);

-- Times without ingest_beats: from the last one before to the first one after.
CREATE TABLE ingest_gaps (
    started_at timestamptz CONSTRAINT ingest_gaps_pkey PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
CREATE INDEX ingest_gaps_end_idx ON ingest_gaps (ended_at);

-- Public addresses at which we have reached ourselves: one that never answered proves nothing.
CREATE TABLE ingest_addresses (
    address text CONSTRAINT ingest_addresses_pkey PRIMARY KEY,
    first_answer_at timestamptz NOT NULL,
    last_answer_at timestamptz NOT NULL
);

ALTER TABLE token_lookups DROP CONSTRAINT token_lookups_kind_check;
ALTER TABLE token_lookups ADD CONSTRAINT token_lookups_kind_check
    CHECK (kind IN ('api_key', 'acknowledge', 'incident', 'monitor', 'group', 'stop', 'heartbeat')) NOT VALID;
ALTER TABLE token_lookups VALIDATE CONSTRAINT token_lookups_kind_check;

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['heartbeats', 'heartbeat_pings'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO watchbell_tenant USING (account_id = nullif(current_setting(''watchbell.account'', true), '''')::uuid)',
            tenant_table);
        EXECUTE format('CREATE POLICY system ON %I TO watchbell_system USING (true)', tenant_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO watchbell_tenant, watchbell_system', tenant_table);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_gaps, ingest_addresses TO watchbell_system;
GRANT SELECT ON ingest_beats, ingest_gaps, ingest_addresses TO watchbell_tenant;
