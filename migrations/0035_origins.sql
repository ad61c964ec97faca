-- Why: a page that fails through a CDN is told apart from one that fails at its origin only by asking the origin.
-- Requests with somebody's Host go to an address that a user names only where the address says that it wants
-- this: a row a monitor keeps where that stands, and what the last look at the origin met.
CREATE TABLE origins (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    -- As it is compared: `host`, `host:port`. Another origin is another row, with nothing proven.
    origin text NOT NULL,
    state text NOT NULL CONSTRAINT origins_state_check CHECK (state IN ('unproven', 'proven', 'lost')),
    -- When the proof was last seen, and how.
    proven_at timestamptz,
    proven_by text CONSTRAINT origins_proven_by_check CHECK (proven_by IN ('dns', 'file')),
    asked_at timestamptz,
    -- What the last asking met, where it found none.
    why text,
    misses integer NOT NULL DEFAULT 0,
    -- When a proof is asked for next, and when the origin is looked at next.
    prove_at timestamptz NOT NULL,
    look_at timestamptz,
    looked_at timestamptz,
    well_at timestamptz,
    failing integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    failure jsonb,
    told_at timestamptz,
    taken_at timestamptz,
    CONSTRAINT origins_pkey PRIMARY KEY (account_id, monitor_id),
    CONSTRAINT origins_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX origins_due_idx ON origins (least(prove_at, look_at));
ALTER TABLE origins ENABLE ROW LEVEL SECURITY;
ALTER TABLE origins FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON origins TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON origins TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON origins TO watchbell_tenant, watchbell_system;

-- What the tokens of an account's origins are made of, with the origin: the same token each time, and no other
-- account's. It opens nothing but this, and does not change when the keys of other secrets do.
CREATE TABLE origin_seeds (
    account_id uuid NOT NULL CONSTRAINT origin_seeds_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    seed bytea NOT NULL CONSTRAINT origin_seeds_seed_check CHECK (length(seed) = 32),
    CONSTRAINT origin_seeds_pkey PRIMARY KEY (account_id)
);
ALTER TABLE origin_seeds ENABLE ROW LEVEL SECURITY;
ALTER TABLE origin_seeds FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON origin_seeds TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON origin_seeds TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON origin_seeds TO watchbell_tenant, watchbell_system;
