-- Why: one look says that a page fails, and often not why. When an incident opens, each region that had a
-- vote puts a fixed set of questions to the target; what they answer makes the diagnosis surer, or puts it
-- right. A row is written with the incident, so that a worker that dies leaves the question open.
CREATE TABLE autopsies (
    account_id uuid NOT NULL CONSTRAINT autopsies_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    incident_id uuid NOT NULL,
    region text NOT NULL,
    monitor_id uuid NOT NULL,
    -- Requests that this region may spend.
    most smallint NOT NULL,
    wanted_at timestamptz NOT NULL,
    -- After this nobody begins it any more.
    deadline timestamptz NOT NULL,
    taken_by text,
    taken_at timestamptz,
    done_at timestamptz,
    -- Questions and answers; null until done, and where there was nothing to ask.
    findings jsonb,
    CONSTRAINT autopsies_pkey PRIMARY KEY (account_id, incident_id, region)
);
CREATE INDEX autopsies_open_idx ON autopsies (region, wanted_at) WHERE done_at IS NULL;
CREATE INDEX autopsies_age_idx ON autopsies (wanted_at);
ALTER TABLE autopsies ENABLE ROW LEVEL SECURITY;
ALTER TABLE autopsies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON autopsies TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON autopsies TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON autopsies TO watchbell_tenant, watchbell_system;

-- What one look alone said: the closer look is read against it, again for each region that finishes.
ALTER TABLE incidents ADD COLUMN first_diagnosis jsonb;
-- When the closer look was first done.
ALTER TABLE incidents ADD COLUMN diagnosed_at timestamptz;
