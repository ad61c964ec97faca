-- Why: an outage is often the second half of a change: another certificate, another address, another server. What
-- good answers look like is kept for each monitor and region, written only when it changes, and so is each change:
-- an incident names those that came shortly before it, and what is another with it.
CREATE TABLE good_answers (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    -- Of which target: what is known of another one counts for nothing.
    subject text NOT NULL,
    known jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT good_answers_pkey PRIMARY KEY (account_id, monitor_id, region),
    CONSTRAINT good_answers_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE TABLE answer_changes (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    region text NOT NULL,
    at timestamptz NOT NULL,
    aspect text NOT NULL CONSTRAINT answer_changes_aspect_check
        CHECK (aspect IN ('addresses', 'records', 'certificate', 'server', 'leads', 'title')),
    subject text NOT NULL,
    was jsonb NOT NULL,
    became jsonb NOT NULL,
    CONSTRAINT answer_changes_pkey PRIMARY KEY (account_id, monitor_id, at, region, aspect),
    CONSTRAINT answer_changes_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX answer_changes_age_idx ON answer_changes (at);
ALTER TABLE good_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE good_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON good_answers TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON good_answers TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON good_answers TO watchbell_tenant, watchbell_system;
ALTER TABLE answer_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE answer_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON answer_changes TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON answer_changes TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON answer_changes TO watchbell_tenant, watchbell_system;
