-- Why: whoever looks at something that is down, without an account, may leave an address and get one mail when it
-- is back. A target is looked at once a minute for all who wait for it, by the workers that answer visitors. The
-- address is sealed, counted by a keyed hash, and erased with the end of the watch; what is left of the row (which
-- target, how it ended) is kept for a week, for the operator's count. Nothing here belongs to an account.
CREATE TABLE tool_watch_targets (
    id uuid CONSTRAINT tool_watch_targets_pkey PRIMARY KEY,
    tool text NOT NULL CONSTRAINT tool_watch_targets_tool_check CHECK (tool IN ('down', 'ping', 'certificate')),
    target text NOT NULL CONSTRAINT tool_watch_targets_target_check CHECK (length(target) BETWEEN 1 AND 2048),
    inside boolean NOT NULL,
    spec jsonb NOT NULL,
    -- What is counted together, so that many names of one owner are not many targets.
    site text NOT NULL,
    created_at timestamptz NOT NULL,
    -- The next round of looks.
    next_at timestamptz NOT NULL,
    -- The round under way, or the last one; it is a run of tool_looks.
    run_id uuid,
    -- Set while a round is under way: what has not answered by then does not count.
    round_ends_at timestamptz,
    -- Rounds in a row from which most regions got a good answer, and when the first of them began.
    good_rounds smallint NOT NULL DEFAULT 0,
    good_since timestamptz,
    -- What the last round saw that saw anything.
    seen jsonb,
    seen_at timestamptz,
    back_at timestamptz
);
CREATE UNIQUE INDEX tool_watch_targets_open_key ON tool_watch_targets (tool, md5(target), inside) WHERE back_at IS NULL;
CREATE INDEX tool_watch_targets_due_idx ON tool_watch_targets (next_at) WHERE back_at IS NULL;
CREATE INDEX tool_watch_targets_site_idx ON tool_watch_targets (site) WHERE back_at IS NULL;

CREATE TABLE tool_watches (
    id uuid CONSTRAINT tool_watches_pkey PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT tool_watches_token_key UNIQUE,
    tool text NOT NULL CONSTRAINT tool_watches_tool_check CHECK (tool IN ('down', 'ping', 'certificate')),
    target text NOT NULL CONSTRAINT tool_watches_target_check CHECK (length(target) BETWEEN 1 AND 2048),
    inside boolean NOT NULL,
    -- Sealed; both are gone once the watch has ended.
    address text,
    address_hash bytea,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    target_id uuid CONSTRAINT tool_watches_target_fkey REFERENCES tool_watch_targets (id) ON DELETE NO ACTION,
    -- The last mail that was written for it.
    message_id uuid,
    ended_at timestamptz,
    outcome text CONSTRAINT tool_watches_outcome_check CHECK (outcome IN ('back', 'already_back', 'stopped', 'ended')),
    -- The look that says so, where one does.
    run_id uuid,
    CONSTRAINT tool_watches_erased_check CHECK (num_nonnulls(address, address_hash) = CASE WHEN ended_at IS NULL THEN 2 ELSE 0 END),
    CONSTRAINT tool_watches_ended_check CHECK ((ended_at IS NULL) = (outcome IS NULL) AND (ended_at IS NULL OR target_id IS NULL)),
    CONSTRAINT tool_watches_confirmed_check CHECK (ended_at IS NOT NULL OR (confirmed_at IS NULL) = (target_id IS NULL))
);
CREATE UNIQUE INDEX tool_watches_open_key ON tool_watches (address_hash, tool, md5(target), inside) WHERE ended_at IS NULL;
CREATE INDEX tool_watches_target_idx ON tool_watches (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX tool_watches_unconfirmed_idx ON tool_watches (created_at) WHERE ended_at IS NULL AND confirmed_at IS NULL;
CREATE INDEX tool_watches_open_idx ON tool_watches (confirmed_at) WHERE ended_at IS NULL AND confirmed_at IS NOT NULL;
CREATE INDEX tool_watches_run_idx ON tool_watches (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX tool_watches_ended_idx ON tool_watches (ended_at) WHERE ended_at IS NOT NULL;

-- A round of a watched target is nobody's who waits at a page: it has room of its own, and no visitor is shown it
-- in place of a look of theirs, since the next round replaces it.
ALTER TABLE tool_looks ADD COLUMN watch boolean NOT NULL DEFAULT false;

GRANT SELECT, INSERT, UPDATE, DELETE ON tool_watch_targets, tool_watches TO watchbell_system;
