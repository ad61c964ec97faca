-- Why: one narrow row per look for the hot hours, packed later; the timetable's leases; requests for
-- looks from the web. History has no foreign keys: it is erased in batches, not by cascade.

CREATE TABLE regions (
    id text CONSTRAINT regions_pkey PRIMARY KEY,
    name text NOT NULL,
    addresses text[] NOT NULL DEFAULT '{}',
    seen_at timestamptz NOT NULL
);

CREATE TABLE workers (
    id text CONSTRAINT workers_pkey PRIMARY KEY,
    region text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    healthy boolean NOT NULL DEFAULT true
);
CREATE INDEX workers_region_idx ON workers (region, seen_at);

CREATE TABLE shard_leases (
    region text NOT NULL,
    shard smallint NOT NULL,
    holder text,
    epoch bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    -- Every slot up to here is looked at and stored.
    recorded_through timestamptz NOT NULL,
    CONSTRAINT shard_leases_pkey PRIMARY KEY (region, shard)
);
CREATE INDEX shard_leases_holder_idx ON shard_leases (holder);

CREATE TABLE canaries (
    region text NOT NULL,
    url text NOT NULL,
    first_answer_at timestamptz,
    last_answer_at timestamptz,
    last_failure_at timestamptz,
    CONSTRAINT canaries_pkey PRIMARY KEY (region, url)
);

CREATE TABLE ingest_beats (
    at timestamptz CONSTRAINT ingest_beats_pkey PRIMARY KEY,
    worker text NOT NULL
);

CREATE TABLE checks (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    slot timestamptz NOT NULL,
    at timestamptz NOT NULL,
    verdict smallint NOT NULL,
    total_us integer NOT NULL,
    -- Microseconds of dns, connect, tls, send, first_byte, body.
    phases integer[] NOT NULL,
    status smallint,
    address inet,
    port integer,
    failure jsonb,
    attribution text,
    CONSTRAINT checks_pkey PRIMARY KEY (account_id, monitor_id, region, slot)
) PARTITION BY RANGE (slot);

-- Looks that came for an hour that is packed or about to be, or from a clock that runs ahead.
CREATE TABLE checks_late (
    LIKE checks,
    CONSTRAINT checks_late_pkey PRIMARY KEY (account_id, monitor_id, region, slot)
);

-- Looks outside the timetable: asked for by a person, first looks, rechecks, votes.
CREATE TABLE requested_checks (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    reason text NOT NULL CONSTRAINT requested_checks_reason_check
        CHECK (reason IN ('first', 'manual', 'recheck', 'vote', 'practice')),
    at timestamptz NOT NULL,
    verdict smallint NOT NULL,
    total_us integer NOT NULL,
    phases integer[] NOT NULL,
    status smallint,
    address inet,
    port integer,
    failure jsonb,
    attribution text,
    CONSTRAINT requested_checks_pkey PRIMARY KEY (account_id, id)
);
CREATE INDEX requested_checks_monitor_idx ON requested_checks (account_id, monitor_id, at DESC);
CREATE INDEX requested_checks_age_idx ON requested_checks (at);

-- The state of each hour of looks: readers and the packer decide by it which table answers.
CREATE TABLE hours (
    hour timestamptz CONSTRAINT hours_pkey PRIMARY KEY,
    state text NOT NULL DEFAULT 'hot' CONSTRAINT hours_state_check
        CHECK (state IN ('hot', 'packed', 'detached', 'dropped')),
    packed_at timestamptz
);

-- A packed hour of one monitor in one region at one interval and phase.
CREATE TABLE check_hours (
    retention_months smallint NOT NULL,
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    hour timestamptz NOT NULL,
    interval_us bigint NOT NULL,
    phase_us bigint NOT NULL,
    -- Per slot of the hour in order: verdict (a digit, or '.' for none) and total in milliseconds.
    verdicts text NOT NULL,
    totals_ms integer[] NOT NULL,
    -- Mean of each phase per quarter-hour, microseconds: 4 x 6, null where nothing was measured.
    phase_means_us integer[] NOT NULL,
    CONSTRAINT check_hours_pkey PRIMARY KEY (retention_months, account_id, monitor_id, region, hour, interval_us, phase_us)
) PARTITION BY LIST (retention_months);

CREATE TABLE check_days (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    day date NOT NULL,
    counts integer[] NOT NULL,
    p50_ms integer,
    p95_ms integer,
    p99_ms integer,
    max_ms integer,
    CONSTRAINT check_days_pkey PRIMARY KEY (account_id, monitor_id, region, day)
);

CREATE TABLE last_checks (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    check_id uuid NOT NULL,
    at timestamptz NOT NULL,
    slot timestamptz,
    verdict smallint NOT NULL,
    total_us integer NOT NULL,
    phases integer[] NOT NULL,
    status smallint,
    address inet,
    port integer,
    failure jsonb,
    attribution text,
    CONSTRAINT last_checks_pkey PRIMARY KEY (account_id, monitor_id, region)
);

CREATE TABLE status_intervals (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    status text NOT NULL CONSTRAINT status_intervals_status_check
        CHECK (status IN ('pending', 'up', 'degraded', 'partial', 'down', 'blocked', 'unknown', 'maintenance', 'paused')),
    CONSTRAINT status_intervals_pkey PRIMARY KEY (account_id, monitor_id, started_at)
);
CREATE UNIQUE INDEX status_intervals_open_key ON status_intervals (account_id, monitor_id) WHERE ended_at IS NULL;

CREATE TABLE blind_intervals (
    region text NOT NULL,
    shard smallint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason text NOT NULL,
    CONSTRAINT blind_intervals_pkey PRIMARY KEY (region, shard, started_at)
);

-- A look that someone waits for. A worker of the region takes it, answers, and writes the result.
CREATE TABLE look_requests (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    -- Null: one look without a monitor, settings are in spec.
    monitor_id uuid,
    region text NOT NULL,
    reason text NOT NULL CONSTRAINT look_requests_reason_check
        CHECK (reason IN ('first', 'manual', 'test', 'recheck', 'vote', 'practice')),
    -- Sealed: may hold header values.
    spec text,
    not_before timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    taken_by text,
    taken_at timestamptz,
    done_at timestamptz,
    result jsonb,
    CONSTRAINT look_requests_pkey PRIMARY KEY (account_id, id)
);
CREATE INDEX look_requests_open_idx ON look_requests (region, not_before) WHERE done_at IS NULL;
CREATE INDEX look_requests_age_idx ON look_requests (created_at);

CREATE TABLE evidence (
    retention_months smallint NOT NULL,
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    incident_id uuid,
    region text NOT NULL,
    at timestamptz NOT NULL,
    class text,
    data jsonb NOT NULL,
    -- The body by hash, in evidence_bodies.
    body_hash bytea,
    CONSTRAINT evidence_pkey PRIMARY KEY (retention_months, account_id, at, id)
) PARTITION BY LIST (retention_months);
CREATE INDEX evidence_incident_idx ON evidence (account_id, incident_id);
CREATE INDEX evidence_monitor_idx ON evidence (account_id, monitor_id, at);

CREATE TABLE evidence_bodies (
    account_id uuid NOT NULL,
    hash bytea NOT NULL,
    -- gzip, at most 64 KiB inflated.
    body bytea NOT NULL,
    stored_at timestamptz NOT NULL,
    CONSTRAINT evidence_bodies_pkey PRIMARY KEY (account_id, hash)
);

CREATE TABLE check_hours_3 PARTITION OF check_hours FOR VALUES IN (3) PARTITION BY RANGE (hour);
CREATE TABLE check_hours_12 PARTITION OF check_hours FOR VALUES IN (12) PARTITION BY RANGE (hour);
CREATE TABLE check_hours_24 PARTITION OF check_hours FOR VALUES IN (24) PARTITION BY RANGE (hour);
CREATE TABLE evidence_3 PARTITION OF evidence FOR VALUES IN (3) PARTITION BY RANGE (at);
CREATE TABLE evidence_12 PARTITION OF evidence FOR VALUES IN (12) PARTITION BY RANGE (at);
CREATE TABLE evidence_24 PARTITION OF evidence FOR VALUES IN (24) PARTITION BY RANGE (at);

-- Makes the partitions that looks at `at` need, if they are not there. Two callers at once are safe.
CREATE FUNCTION ensure_partitions(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    hour_start timestamptz := date_trunc('hour', at, 'UTC');
    month_start timestamptz := date_trunc('month', at, 'UTC');
    month_end timestamptz := (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    hour_name text := 'checks_' || to_char(at AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
    month_suffix text := to_char(at AT TIME ZONE 'UTC', 'YYYYMM');
    months smallint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('watchbell.partitions'));
    IF NOT EXISTS (SELECT 1 FROM hours WHERE hour = hour_start) AND to_regclass(hour_name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF checks FOR VALUES FROM (%L) TO (%L)',
            hour_name, hour_start, hour_start + interval '1 hour');
        INSERT INTO hours (hour) VALUES (hour_start) ON CONFLICT DO NOTHING;
    END IF;
    FOREACH months IN ARRAY ARRAY[3, 12, 24]::smallint[] LOOP
        IF to_regclass(format('check_hours_%s_%s', months, month_suffix)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                format('check_hours_%s_%s', months, month_suffix), format('check_hours_%s', months), month_start, month_end);
        END IF;
        IF to_regclass(format('evidence_%s_%s', months, month_suffix)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                format('evidence_%s_%s', months, month_suffix), format('evidence_%s', months), month_start, month_end);
        END IF;
    END LOOP;
END $$;
