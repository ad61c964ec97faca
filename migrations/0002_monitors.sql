-- Why: what is looked at, who is told of it, and what is known of it. A monitor is kept as its owner
-- wrote it (json keeps the order of keys); header values and bodies are sealed apart.

CREATE TABLE contacts (
    account_id uuid NOT NULL CONSTRAINT contacts_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    channel text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    address_canonical text NOT NULL,
    verified_at timestamptz,
    in_default boolean NOT NULL DEFAULT true,
    disabled_reason text,
    disabled_at timestamptz,
    -- The code that proves the address, hashed; attempts are counted in the same statement that judges.
    code_hash bytea,
    code_attempts integer NOT NULL DEFAULT 0,
    code_sent_at timestamptz,
    code_expires_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT contacts_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT contacts_address_key UNIQUE (account_id, channel, address_canonical)
);

CREATE TABLE monitors (
    account_id uuid NOT NULL CONSTRAINT monitors_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    spec json NOT NULL,
    secrets text,
    interval_seconds integer NOT NULL,
    regions text[],
    tags text[] NOT NULL DEFAULT '{}',
    key text,
    shard smallint NOT NULL GENERATED ALWAYS AS (get_byte(uuid_send(id), 15)) STORED,
    config_version bigint NOT NULL DEFAULT 1,
    paused_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT monitors_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT monitors_key_key UNIQUE (account_id, key)
);
-- A worker fills its timetable by shard.
CREATE INDEX monitors_shard_idx ON monitors (shard) WHERE deleted_at IS NULL AND paused_at IS NULL;
CREATE INDEX monitors_deleted_idx ON monitors (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE monitor_states (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    observed text NOT NULL DEFAULT 'pending' CONSTRAINT monitor_states_observed_check
        CHECK (observed IN ('pending', 'up', 'degraded', 'partial', 'down', 'blocked', 'unknown')),
    since timestamptz NOT NULL,
    confirming boolean NOT NULL DEFAULT false,
    ever_up boolean NOT NULL DEFAULT false,
    was_public boolean NOT NULL DEFAULT false,
    quiet_until_up boolean NOT NULL DEFAULT false,
    failure jsonb,
    -- When a sweeper decides what nobody did.
    decide_at timestamptz,
    -- The quiet notices already given for the present status.
    noticed_at timestamptz,
    CONSTRAINT monitor_states_pkey PRIMARY KEY (account_id, monitor_id),
    CONSTRAINT monitor_states_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX monitor_states_decide_idx ON monitor_states (decide_at) WHERE decide_at IS NOT NULL;
CREATE INDEX monitor_states_quiet_idx ON monitor_states (since)
    WHERE observed IN ('unknown', 'blocked', 'partial', 'degraded') AND noticed_at IS NULL;

CREATE TABLE region_votes (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    vote jsonb NOT NULL,
    verdict text,
    looked_at timestamptz NOT NULL,
    config_version bigint NOT NULL,
    epoch bigint NOT NULL,
    CONSTRAINT region_votes_pkey PRIMARY KEY (account_id, monitor_id, region),
    CONSTRAINT region_votes_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);

-- What a certificate was when it was last looked at, and what its owner has been told.
CREATE TABLE certificates (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    fingerprint text NOT NULL,
    facts jsonb NOT NULL,
    problem text,
    not_after timestamptz NOT NULL,
    warned_days integer,
    seen_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT certificates_pkey PRIMARY KEY (account_id, monitor_id),
    CONSTRAINT certificates_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX certificates_not_after_idx ON certificates (not_after);
