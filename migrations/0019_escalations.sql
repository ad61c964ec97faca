-- Why: a step of a policy is planned when it is due, so that who is told is who can be reached then. Each
-- incident keeps the policy as it was when it opened, and what of it comes next. Incidents that were open
-- before have their later messages planned already and no row here; those messages stay as they are.
CREATE TABLE escalations (
    account_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    -- Targets, not contacts: those are found when a step is due.
    recipients jsonb NOT NULL,
    repeat integer NOT NULL,
    reminder_seconds integer,
    -- The next step and its round, counted from 0; null when none is left.
    step integer,
    round integer,
    -- From when the next step's wait counts.
    since timestamptz NOT NULL,
    reminder_at timestamptz,
    reminders integer NOT NULL DEFAULT 0,
    snoozed_until timestamptz,
    snoozed_by jsonb,
    -- When it is to be looked at again; null when nothing comes any more.
    next_at timestamptz,
    CONSTRAINT escalations_pkey PRIMARY KEY (account_id, incident_id),
    CONSTRAINT escalations_incident_fkey FOREIGN KEY (account_id, incident_id)
        REFERENCES incidents (account_id, id) ON DELETE CASCADE,
    CONSTRAINT escalations_next_check CHECK (num_nonnulls(step, round) IN (0, 2)),
    CONSTRAINT escalations_snooze_check CHECK (num_nonnulls(snoozed_until, snoozed_by) IN (0, 2))
);
CREATE INDEX escalations_due_idx ON escalations (next_at) WHERE next_at IS NOT NULL;
ALTER TABLE escalations ENABLE ROW LEVEL SECURITY;
ALTER TABLE escalations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON escalations TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON escalations TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON escalations TO watchbell_tenant, watchbell_system;

ALTER TABLE policies
    ADD COLUMN reminder_seconds integer,
    ADD CONSTRAINT policies_reminder_check CHECK (reminder_seconds BETWEEN 300 AND 86400) NOT VALID;
ALTER TABLE policies VALIDATE CONSTRAINT policies_reminder_check;
