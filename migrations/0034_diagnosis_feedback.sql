-- Why: whether the cause that was named was the right one is known to the people who mended it, and to nobody else.
-- Each says so once for an incident and may change it; the operator counts by rule which rules to mend.
CREATE TABLE diagnosis_feedback (
    account_id uuid NOT NULL CONSTRAINT diagnosis_feedback_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    incident_id uuid NOT NULL,
    -- A contact that belongs to a member answers as that user.
    by_kind text NOT NULL CONSTRAINT diagnosis_feedback_by_kind CHECK (by_kind IN ('user', 'contact', 'api_key')),
    by_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    is_right boolean NOT NULL,
    -- The rule and the cause that were judged: a closer look may write another one later.
    rule text NOT NULL,
    cause text NOT NULL,
    -- What it was, in their words.
    said text CONSTRAINT diagnosis_feedback_said CHECK (char_length(said) <= 500),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT diagnosis_feedback_pkey PRIMARY KEY (account_id, incident_id, by_kind, by_id)
);
ALTER TABLE diagnosis_feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE diagnosis_feedback FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON diagnosis_feedback TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON diagnosis_feedback TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON diagnosis_feedback TO watchbell_tenant, watchbell_system;
