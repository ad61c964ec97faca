-- Why: anybody may type anybody's address, so an address that has not confirmed gets one mail a day, over all
-- accounts, and its owner can say that it was somebody else: then no account may write to it. Both are asked by
-- a keyed hash of the address, so that no list of addresses is kept.
CREATE TABLE unconfirmed_mails (
    address_hash bytea CONSTRAINT unconfirmed_mails_pkey PRIMARY KEY,
    sent_at timestamptz NOT NULL
);
CREATE INDEX unconfirmed_mails_age_idx ON unconfirmed_mails (sent_at);
CREATE TABLE blocked_addresses (
    address_hash bytea CONSTRAINT blocked_addresses_pkey PRIMARY KEY,
    blocked_at timestamptz NOT NULL
);
-- A use case asks in its own transaction; only the owner of an address blocks it.
GRANT SELECT, INSERT, UPDATE, DELETE ON unconfirmed_mails TO watchbell_tenant, watchbell_system;
GRANT SELECT ON blocked_addresses TO watchbell_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON blocked_addresses TO watchbell_system;

-- Whose alerts an address gets, over all accounts.
CREATE INDEX contacts_mail_idx ON contacts (address_canonical) WHERE channel = 'email';
