-- Why: people sign in, accounts own everything. A person may belong to several accounts, so the two
-- meet in memberships from the start. Tables that are looked up before the account is known (users,
-- sessions, challenges, token_lookups, throttles) are not tenant tables.

-- Rows are fenced by role: a web transaction runs as watchbell_tenant with watchbell.account set, all
-- else as a member of watchbell_system. Roles belong to the whole cluster, so two databases may be
-- migrated at once and both try to make them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['watchbell_tenant', 'watchbell_system'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        IF NOT pg_has_role(current_user, wanted, 'member') THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
    END LOOP;
END $$;

CREATE TABLE users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY,
    email text NOT NULL,
    email_canonical text NOT NULL CONSTRAINT users_email_key UNIQUE,
    email_verified_at timestamptz,
    password_hash text NOT NULL,
    name text NOT NULL DEFAULT '',
    theme text NOT NULL DEFAULT 'system' CONSTRAINT users_theme_check CHECK (theme IN ('system', 'light', 'dark')),
    keyboard_shortcuts boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    id uuid CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    token_hash bytea NOT NULL CONSTRAINT sessions_token_key UNIQUE,
    -- The account that this browser shows; without one the oldest membership counts.
    account_id uuid,
    user_agent text NOT NULL DEFAULT '',
    address inet,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_user_idx ON sessions (user_id);

-- A code and a link that prove an address or reset a password. The code is six digits and counted;
-- the link's token is 256 bits. Both are kept hashed.
CREATE TABLE challenges (
    id uuid CONSTRAINT challenges_pkey PRIMARY KEY,
    purpose text NOT NULL CONSTRAINT challenges_purpose_check
        CHECK (purpose IN ('verify_email', 'reset_password', 'change_email_old', 'change_email_new')),
    user_id uuid NOT NULL CONSTRAINT challenges_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    address text NOT NULL,
    code_hash bytea NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT challenges_token_key UNIQUE,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz
);
CREATE INDEX challenges_user_idx ON challenges (user_id, purpose, created_at);

-- Counters against guessing and flooding, by what is limited (an address, an account, a network).
CREATE TABLE throttles (
    scope text NOT NULL,
    key_hash bytea NOT NULL,
    window_start timestamptz NOT NULL,
    count integer NOT NULL,
    CONSTRAINT throttles_pkey PRIMARY KEY (scope, key_hash, window_start)
);

CREATE TABLE accounts (
    id uuid CONSTRAINT accounts_pkey PRIMARY KEY,
    name text NOT NULL,
    timezone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    steps_dismissed_at timestamptz,
    practice_token text NOT NULL CONSTRAINT accounts_practice_token_key UNIQUE,
    practice_mode text NOT NULL DEFAULT 'fine' CONSTRAINT accounts_practice_mode_check
        CHECK (practice_mode IN ('fine', '502', '503', 'slow', 'hangs', 'wrong_text')),
    practice_changed_at timestamptz,
    version bigint NOT NULL DEFAULT 1
);

CREATE TABLE memberships (
    account_id uuid NOT NULL CONSTRAINT memberships_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT memberships_user_fkey REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL CONSTRAINT memberships_role_check
        CHECK (role IN ('owner', 'admin', 'editor', 'responder', 'viewer')),
    created_at timestamptz NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (account_id, user_id)
);
CREATE INDEX memberships_user_idx ON memberships (user_id);

CREATE TABLE subscriptions (
    account_id uuid CONSTRAINT subscriptions_pkey PRIMARY KEY
        CONSTRAINT subscriptions_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    plan text NOT NULL DEFAULT 'free' CONSTRAINT subscriptions_plan_check
        CHECK (plan IN ('free', 'solo', 'team', 'enterprise')),
    period text NOT NULL DEFAULT 'month',
    provider text,
    provider_ref text,
    changed_at timestamptz NOT NULL
);

-- From a token or short code to the row it stands for, before the account is known.
CREATE TABLE token_lookups (
    kind text NOT NULL CONSTRAINT token_lookups_kind_check
        CHECK (kind IN ('api_key', 'acknowledge', 'incident', 'monitor', 'group', 'stop')),
    token text NOT NULL,
    account_id uuid NOT NULL CONSTRAINT token_lookups_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    row_id uuid NOT NULL,
    other_id uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT token_lookups_pkey PRIMARY KEY (kind, token)
);
CREATE INDEX token_lookups_account_idx ON token_lookups (account_id);

CREATE TABLE api_keys (
    account_id uuid NOT NULL CONSTRAINT api_keys_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    scope text NOT NULL CONSTRAINT api_keys_scope_check CHECK (scope IN ('read', 'write', 'heartbeat')),
    created_by uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (account_id, id)
);

CREATE TABLE idempotency_keys (
    account_id uuid NOT NULL CONSTRAINT idempotency_keys_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    api_key_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    -- Null while the first request is still at work.
    status smallint,
    headers jsonb,
    response bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, api_key_id, route, key)
);
CREATE INDEX idempotency_keys_age_idx ON idempotency_keys (created_at);

CREATE TABLE audit_events (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor jsonb NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_events_pkey PRIMARY KEY (account_id, id)
);

CREATE TABLE wallets (
    account_id uuid CONSTRAINT wallets_pkey PRIMARY KEY
        CONSTRAINT wallets_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    balance_micros bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_balance_check CHECK (balance_micros >= 0),
    currency text NOT NULL DEFAULT 'USD',
    welcome_granted_at timestamptz
);

CREATE TABLE wallet_entries (
    account_id uuid NOT NULL CONSTRAINT wallet_entries_account_fkey REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    delivery_id uuid,
    attempt integer,
    kind text NOT NULL CONSTRAINT wallet_entries_kind_check
        CHECK (kind IN ('grant', 'plan', 'reserve', 'settle', 'refund')),
    amount_micros bigint NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT wallet_entries_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT wallet_entries_once_key UNIQUE (account_id, delivery_id, attempt, kind)
);
