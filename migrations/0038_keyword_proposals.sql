-- Why: many sites answer 200 for any address, error pages included, and a monitor without a keyword takes those for
-- up. A row a monitor: the texts that its first look offered, until they were compared with the answer for an address
-- that cannot exist; then the text that is proposed. A worker that dies leaves the comparing open.
CREATE TABLE keyword_proposals (
    account_id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    -- Whose worker compares: pages differ by where they are seen from.
    region text NOT NULL,
    -- Texts of the good page, best first; null once they were compared.
    offers text[],
    -- When they are compared next; null once they were.
    ask_at timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    taken_at timestamptz,
    -- What is proposed, and how the site answers for an address that cannot exist.
    text text,
    missing text CONSTRAINT keyword_proposals_missing_check CHECK (missing IN ('answers', 'leads', 'refuses')),
    status smallint,
    proposed_at timestamptz,
    -- Its owner does not want it; it is not proposed again for the same page.
    dismissed_at timestamptz,
    CONSTRAINT keyword_proposals_pkey PRIMARY KEY (account_id, monitor_id),
    CONSTRAINT keyword_proposals_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE INDEX keyword_proposals_due_idx ON keyword_proposals (region, ask_at) WHERE ask_at IS NOT NULL;
ALTER TABLE keyword_proposals ENABLE ROW LEVEL SECURITY;
ALTER TABLE keyword_proposals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON keyword_proposals TO watchbell_tenant
    USING (account_id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON keyword_proposals TO watchbell_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON keyword_proposals TO watchbell_tenant, watchbell_system;
