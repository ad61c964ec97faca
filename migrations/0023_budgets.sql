-- Why: what an account has spent in 24 hours is asked before each message that costs, and so is what one
-- incident has sent in an hour.
CREATE INDEX wallet_entries_at_idx ON wallet_entries (account_id, at DESC);
