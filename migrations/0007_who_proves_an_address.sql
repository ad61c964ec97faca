-- Why: a sign-up that answers differently for a known address tells strangers who has an account. So
-- anybody may name any address, also one that is taken: they get an account that looks like every
-- other new one. The address belongs to whoever proves it, and only one can.
ALTER TABLE users DROP CONSTRAINT users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (email_canonical) WHERE email_verified_at IS NOT NULL;
CREATE INDEX users_email_named_idx ON users (email_canonical, created_at);
