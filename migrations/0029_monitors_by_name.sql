-- Why: a page of monitors by name costs what the page costs, not what the account has.
CREATE INDEX monitors_name_idx ON monitors (account_id, (lower(name) COLLATE "C"), id) WHERE deleted_at IS NULL;
