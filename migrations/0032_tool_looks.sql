-- Why: anybody may ask for a look without an account. A worker of each region answers; the result has an address
-- of its own for a week. It belongs to no account, so web reads it outside any tenant's transaction.
CREATE TABLE tool_looks (
    -- 80 random bits: whoever has the address may read the result.
    run_id uuid NOT NULL,
    region text NOT NULL,
    -- Of DNS each type of record is a look.
    part smallint NOT NULL,
    tool text NOT NULL CONSTRAINT tool_looks_tool_check CHECK (tool IN ('down', 'ping', 'dns', 'certificate', 'headers')),
    target text NOT NULL CONSTRAINT tool_looks_target_check CHECK (length(target) BETWEEN 1 AND 2048),
    spec jsonb NOT NULL,
    -- Private addresses are allowed: the operator wants it so, and where it is not open to all, a member asks.
    inside boolean NOT NULL,
    created_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    taken_at timestamptz,
    done_at timestamptz,
    result jsonb,
    CONSTRAINT tool_looks_pkey PRIMARY KEY (run_id, region, part)
);
CREATE INDEX tool_looks_open_idx ON tool_looks (region, created_at) WHERE done_at IS NULL;
CREATE INDEX tool_looks_age_idx ON tool_looks (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON tool_looks TO watchbell_system;
