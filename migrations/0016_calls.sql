-- Why: a call goes on after it was placed. What it has to say is kept before it rings, so that every
-- process that answers a key says the same; and what became of it decides whether the next step of the
-- policy is told at once. A call is found by its delivery.
CREATE TABLE calls (
    account_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    script jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    outcome text CONSTRAINT calls_outcome_check CHECK (outcome IN
        ('taken', 'passed_on', 'heard', 'no_key', 'machine', 'no_answer', 'busy', 'failed')),
    -- Names of those who were told next, after key 3.
    passed_to jsonb,
    -- What was pressed and said, oldest first: pairs of key and text.
    turns jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT calls_pkey PRIMARY KEY (account_id, delivery_id),
    CONSTRAINT calls_delivery_fkey FOREIGN KEY (account_id, delivery_id)
        REFERENCES deliveries (account_id, id) ON DELETE CASCADE
);

ALTER TABLE calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE calls FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON calls TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON calls TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON calls TO watchbell_tenant, watchbell_system;

-- A call about the end of an outage wakes people for nothing, unless they asked for it.
ALTER TABLE contacts
    ADD COLUMN call_on_recovery boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT contacts_call_on_recovery_check CHECK (channel = 'voice' OR NOT call_on_recovery);
