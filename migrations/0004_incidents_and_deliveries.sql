-- Why: an incident, its timeline and the messages that tell of it are written in the one transaction
-- that changes the status. The deliveries table is the truth; the job queue only wakes.

CREATE TABLE incidents (
    account_id uuid NOT NULL CONSTRAINT incidents_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    monitor_id uuid NOT NULL,
    short text NOT NULL,
    first_failure_at timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by jsonb,
    resolved_at timestamptz,
    resolved_reason text CONSTRAINT incidents_resolved_reason_check
        CHECK (resolved_reason IN ('recovered', 'manual', 'paused', 'deleted', 'edited')),
    -- When the recovery was sure; resolved_at is when it began.
    resolved_confirmed_at timestamptz,
    failure jsonb NOT NULL,
    class text NOT NULL,
    attribution text,
    diagnosis jsonb,
    vote jsonb NOT NULL,
    last_good_at timestamptz,
    test boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT incidents_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT incidents_short_key UNIQUE (account_id, short),
    CONSTRAINT incidents_monitor_fkey FOREIGN KEY (account_id, monitor_id)
        REFERENCES monitors (account_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX incidents_open_key ON incidents (account_id, monitor_id) WHERE resolved_at IS NULL AND NOT test;
CREATE INDEX incidents_monitor_idx ON incidents (account_id, monitor_id, first_failure_at DESC);
CREATE INDEX incidents_account_idx ON incidents (account_id, first_failure_at DESC);

CREATE TABLE incident_events (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    actor jsonb NOT NULL,
    CONSTRAINT incident_events_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT incident_events_incident_fkey FOREIGN KEY (account_id, incident_id)
        REFERENCES incidents (account_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_events_incident_idx ON incident_events (account_id, incident_id, at);

CREATE TABLE deliveries (
    account_id uuid NOT NULL CONSTRAINT deliveries_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    event text NOT NULL,
    incident_id uuid,
    monitor_id uuid,
    contact_id uuid NOT NULL,
    channel text NOT NULL,
    dedup_key text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CONSTRAINT deliveries_state_check
        CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'given_up', 'held', 'merged', 'superseded', 'skipped')),
    reason text,
    -- Facts of the event that are not in the incident or monitor: a certificate, a threshold, unsent text.
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    pushed_at timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    claims integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    accepted_at timestamptz,
    delivered_at timestamptz,
    finished_at timestamptz,
    provider text,
    provider_id text,
    price_micros bigint,
    CONSTRAINT deliveries_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT deliveries_dedup_key UNIQUE (account_id, dedup_key),
    CONSTRAINT deliveries_contact_fkey FOREIGN KEY (account_id, contact_id)
        REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX deliveries_incident_idx ON deliveries (account_id, incident_id);
CREATE INDEX deliveries_contact_idx ON deliveries (account_id, contact_id, created_at DESC);
CREATE INDEX deliveries_open_idx ON deliveries (next_at) WHERE state IN ('pending', 'sending', 'held');
CREATE INDEX deliveries_provider_idx ON deliveries (provider, provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE delivery_attempts (
    account_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    provider text,
    outcome text NOT NULL,
    message text NOT NULL,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (account_id, delivery_id, number),
    CONSTRAINT delivery_attempts_delivery_fkey FOREIGN KEY (account_id, delivery_id)
        REFERENCES deliveries (account_id, id) ON DELETE CASCADE
);

-- Mails and texts about the account itself (codes, resets, new sign-ins): to an address, not to a
-- contact, and before any contact is proven. Same states and leases as deliveries.
CREATE TABLE account_messages (
    id uuid CONSTRAINT account_messages_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT account_messages_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    account_id uuid CONSTRAINT account_messages_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    channel text NOT NULL,
    address text NOT NULL,
    template text NOT NULL,
    -- Sealed: holds codes and links.
    data text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CONSTRAINT account_messages_state_check
        CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'given_up', 'skipped')),
    reason text,
    created_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    -- A code that has run out is not worth sending.
    expires_at timestamptz,
    pushed_at timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    claims integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    accepted_at timestamptz,
    provider text,
    provider_id text
);
CREATE INDEX account_messages_user_idx ON account_messages (user_id);
CREATE INDEX account_messages_account_idx ON account_messages (account_id);
CREATE INDEX account_messages_open_idx ON account_messages (next_at) WHERE state IN ('pending', 'sending');
CREATE INDEX account_messages_age_idx ON account_messages (created_at);

-- What the local outbox shows: everything that a provider would have been given.
CREATE TABLE outbox_messages (
    id uuid CONSTRAINT outbox_messages_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL DEFAULT '',
    text text NOT NULL DEFAULT '',
    html text NOT NULL DEFAULT '',
    headers jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX outbox_messages_at_idx ON outbox_messages (at DESC);

-- Accounts whose history is being erased, and how far it has got.
CREATE TABLE erasures (
    account_id uuid NOT NULL,
    -- Null: the whole account, else one monitor.
    monitor_id uuid,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE UNIQUE INDEX erasures_once_key ON erasures (account_id, coalesce(monitor_id, '00000000-0000-0000-0000-000000000000'));
