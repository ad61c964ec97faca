-- Why: whom an outage is told to, in which order and after which waits, is a policy that several
-- monitors share. The default policy has the account's own id and is there before its row: a row is
-- written when somebody edits it, and steps that are null stand for its built-in rule.
CREATE TABLE policies (
    account_id uuid NOT NULL CONSTRAINT policies_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    steps jsonb,
    repeat integer NOT NULL DEFAULT 0 CONSTRAINT policies_repeat_check CHECK (repeat BETWEEN 0 AND 10),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT policies_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT policies_steps_check CHECK (steps IS NOT NULL OR id = account_id)
);

ALTER TABLE policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE policies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON policies TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON policies TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON policies TO watchbell_tenant, watchbell_system;
