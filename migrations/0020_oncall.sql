-- Why: who is on call changes by the clock. A schedule has layers of people who take turns, and overrides,
-- in which somebody stands in. Nothing is written down ahead: who is on call at a moment follows from
-- these rows alone.

CREATE TABLE schedules (
    account_id uuid NOT NULL CONSTRAINT schedules_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    -- The lowest layer first, as domain::oncall::Layer.
    layers jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT schedules_pkey PRIMARY KEY (account_id, id)
);

CREATE TABLE schedule_overrides (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    -- Who stands in: a member or a contact.
    user_id uuid,
    contact_id uuid,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT schedule_overrides_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT schedule_overrides_schedule_fkey FOREIGN KEY (account_id, schedule_id)
        REFERENCES schedules (account_id, id) ON DELETE CASCADE,
    CONSTRAINT schedule_overrides_who_check CHECK (num_nonnulls(user_id, contact_id) = 1),
    CONSTRAINT schedule_overrides_time_check CHECK (starts_at < ends_at)
);
CREATE INDEX schedule_overrides_schedule_idx ON schedule_overrides (account_id, schedule_id, ends_at);

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY['schedules', 'schedule_overrides'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO watchbell_tenant USING (account_id = nullif(current_setting(''watchbell.account'', true), '''')::uuid)',
            tenant_table);
        EXECUTE format('CREATE POLICY system ON %I TO watchbell_system USING (true)', tenant_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO watchbell_tenant, watchbell_system', tenant_table);
    END LOOP;
END $$;

-- Whose contact it is: a member who is on call is reached by all of theirs.
ALTER TABLE contacts ADD COLUMN user_id uuid;
UPDATE contacts c SET user_id = u.id
FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.account_id = c.account_id AND c.channel = 'email' AND c.address_canonical = u.email_canonical;

-- A person's calendar address of a schedule.
ALTER TABLE token_lookups DROP CONSTRAINT token_lookups_kind_check;
ALTER TABLE token_lookups ADD CONSTRAINT token_lookups_kind_check
    CHECK (kind IN ('api_key', 'acknowledge', 'acknowledge_all', 'incident', 'monitor', 'group', 'stop', 'heartbeat', 'calendar')) NOT VALID;
ALTER TABLE token_lookups VALIDATE CONSTRAINT token_lookups_kind_check;
