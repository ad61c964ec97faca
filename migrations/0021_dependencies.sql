-- Why: what stands behind something that is down is down with it. Nobody is told of it apart: it is named
-- in the message about what it stands behind, and told of when that works again and it still does not.

-- The monitors that this one depends on, as in its spec; worked out from it for whoever asks by rows.
ALTER TABLE monitors ADD COLUMN depends_on uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX monitors_depends_idx ON monitors USING gin (depends_on) WHERE depends_on <> '{}';

-- Behind which monitor an outage is held (held_since); with behind_until it is not known yet whether it
-- stands behind it, and after that moment it is told of all the same.
ALTER TABLE monitor_states ADD COLUMN behind_id uuid;
ALTER TABLE monitor_states ADD COLUMN behind_until timestamptz;

-- When which monitor was down behind which other one.
CREATE TABLE suppressions (
    account_id uuid NOT NULL CONSTRAINT suppressions_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    behind_id uuid NOT NULL,
    -- Since when it is down.
    since timestamptz NOT NULL,
    held_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT suppressions_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT suppressions_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX suppressions_open_key ON suppressions (account_id, monitor_id) WHERE ended_at IS NULL;
CREATE INDEX suppressions_monitor_idx ON suppressions (account_id, monitor_id);
CREATE INDEX suppressions_behind_idx ON suppressions (account_id, behind_id, held_at);
ALTER TABLE suppressions ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppressions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON suppressions TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON suppressions TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON suppressions TO watchbell_tenant, watchbell_system;
