-- Why: what changed just before an outage is the first thing that anybody asks. People's pipelines say when
-- they deploy; an incident names what came shortly before its first failing look.
CREATE TABLE deploy_markers (
    account_id uuid NOT NULL CONSTRAINT deploy_markers_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT deploy_markers_kind_check CHECK (kind IN ('deploy', 'config', 'other')),
    name text NOT NULL,
    url text,
    -- For these monitors and those with one of these tags; neither: for all.
    monitor_ids uuid[],
    tags text[],
    at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT deploy_markers_pkey PRIMARY KEY (account_id, id)
);
CREATE INDEX deploy_markers_at_idx ON deploy_markers (account_id, at);
CREATE INDEX deploy_markers_created_idx ON deploy_markers (created_at);
ALTER TABLE deploy_markers ENABLE ROW LEVEL SECURITY;
ALTER TABLE deploy_markers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deploy_markers TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON deploy_markers TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON deploy_markers TO watchbell_tenant, watchbell_system;
