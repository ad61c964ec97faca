-- Why: when much breaks at once, a contact is told of it in few messages. A message that tells of several
-- events is one of their deliveries, and the others point to it (`merged_into`). Incidents of one storm of
-- an account share a group, which has a link; what they have in common is read from their addresses.
CREATE TABLE incident_groups (
    account_id uuid NOT NULL CONSTRAINT incident_groups_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    short text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT incident_groups_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT incident_groups_short_key UNIQUE (account_id, short)
);
CREATE INDEX incident_groups_age_idx ON incident_groups (account_id, created_at DESC);
ALTER TABLE incident_groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE incident_groups FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON incident_groups TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON incident_groups TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON incident_groups TO watchbell_tenant, watchbell_system;

ALTER TABLE incidents
    ADD COLUMN group_id uuid,
    -- What the deciding look connected to, without the port.
    ADD COLUMN address text,
    ADD CONSTRAINT incidents_group_fkey FOREIGN KEY (account_id, group_id)
        REFERENCES incident_groups (account_id, id);
CREATE INDEX incidents_group_idx ON incidents (account_id, group_id) WHERE group_id IS NOT NULL;

ALTER TABLE deliveries ADD COLUMN merged_into uuid;
CREATE INDEX deliveries_merged_idx ON deliveries (account_id, merged_into) WHERE merged_into IS NOT NULL;
-- What a contact was sent lately decides whether its next message goes out by itself.
CREATE INDEX deliveries_accepted_idx ON deliveries (account_id, contact_id, accepted_at) WHERE accepted_at IS NOT NULL;

-- A message about several incidents has one link that takes them all.
ALTER TABLE token_lookups DROP CONSTRAINT token_lookups_kind_check;
ALTER TABLE token_lookups ADD CONSTRAINT token_lookups_kind_check
    CHECK (kind IN ('api_key', 'acknowledge', 'acknowledge_all', 'incident', 'monitor', 'group', 'stop', 'heartbeat')) NOT VALID;
ALTER TABLE token_lookups VALIDATE CONSTRAINT token_lookups_kind_check;
