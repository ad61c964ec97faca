-- Why: in a maintenance window nobody is told of an outage, and the time counts neither as up nor as
-- down. Occurrences are written down ahead, so that whoever records a look asks one index whether the
-- monitor is in maintenance; what was suppressed is marked at the monitor's state, so that its end is
-- found however late, whichever process died meanwhile.

CREATE TABLE maintenance_windows (
    account_id uuid NOT NULL CONSTRAINT maintenance_windows_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    -- Both null: every monitor of the account, later ones too.
    monitor_ids uuid[],
    tags text[],
    -- Once ...
    starts_at timestamptz,
    ends_at timestamptz,
    -- ... or by rule.
    rrule text,
    local_start timestamp,
    duration_seconds integer,
    timezone text,
    -- Somebody ended the occurrence that ran then.
    ended_at timestamptz,
    -- Occurrences that begin before this are written down.
    planned_through timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT maintenance_windows_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT maintenance_windows_schedule_check CHECK (
        num_nonnulls(starts_at, ends_at) = 2 AND num_nonnulls(rrule, local_start, duration_seconds, timezone) = 0
        OR num_nonnulls(starts_at, ends_at) = 0 AND num_nonnulls(rrule, local_start, duration_seconds, timezone) = 4)
);
CREATE INDEX maintenance_windows_planned_idx ON maintenance_windows (planned_through);

-- One time of a window: of the coming days, and every one that was. It outlives its window, because
-- uptime leaves the time out for good.
CREATE TABLE maintenance_occurrences (
    account_id uuid NOT NULL CONSTRAINT maintenance_occurrences_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    window_id uuid NOT NULL,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    all_monitors boolean NOT NULL,
    monitor_ids uuid[] NOT NULL DEFAULT '{}',
    -- Emptied at its end: the monitors that carried one then are put among the ids.
    tags text[] NOT NULL DEFAULT '{}',
    -- Open pages have heard of its begin, and of its end.
    begun boolean NOT NULL DEFAULT false,
    over boolean NOT NULL DEFAULT false,
    CONSTRAINT maintenance_occurrences_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT maintenance_occurrences_order_check CHECK (starts_at < ends_at)
);
CREATE INDEX maintenance_occurrences_end_idx ON maintenance_occurrences (account_id, ends_at);
CREATE INDEX maintenance_occurrences_window_idx ON maintenance_occurrences (account_id, window_id);
CREATE INDEX maintenance_occurrences_begin_idx ON maintenance_occurrences (starts_at) WHERE NOT begun;
CREATE INDEX maintenance_occurrences_over_idx ON maintenance_occurrences (ends_at) WHERE NOT over;

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['maintenance_windows', 'maintenance_occurrences'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO watchbell_tenant USING (account_id = nullif(current_setting(''watchbell.account'', true), '''')::uuid)',
            tenant_table);
        EXECUTE format('CREATE POLICY system ON %I TO watchbell_system USING (true)', tenant_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO watchbell_tenant, watchbell_system', tenant_table);
    END LOOP;
END $$;

-- The end of the maintenance in which a monitor is at an instant; null when it is in none. The caller's
-- rights apply, so that a tenant asks of its own.
CREATE FUNCTION maintenance_end(of_account uuid, of_monitor uuid, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(o.ends_at) FROM maintenance_occurrences o
    WHERE o.account_id = of_account AND o.ends_at > at AND o.starts_at <= at
      AND (o.all_monitors OR of_monitor = ANY (o.monitor_ids)
           OR (o.tags <> '{}' AND o.tags && (SELECT m.tags FROM monitors m WHERE m.account_id = of_account AND m.id = of_monitor)))
$$;

-- A confirmed outage that maintenance has kept from opening an incident, since when; and when a look
-- was asked for after the maintenance.
ALTER TABLE monitor_states ADD COLUMN held_since timestamptz;
ALTER TABLE monitor_states ADD COLUMN held_asked_at timestamptz;
CREATE INDEX monitor_states_held_idx ON monitor_states (held_since) WHERE held_since IS NOT NULL;

-- When a message was due that waits for the end of maintenance; not_before and next_at are that end.
ALTER TABLE deliveries ADD COLUMN planned_for timestamptz;
