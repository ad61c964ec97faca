-- Why: a webhook's secret is renewed without a gap. For a day after that each message carries both
-- signatures, so that the endpoint may learn the new secret at any time.
ALTER TABLE contacts
    ADD COLUMN old_secret_sealed text,
    ADD COLUMN old_secret_until timestamptz,
    ADD CONSTRAINT contacts_old_secret_check CHECK (
        (old_secret_sealed IS NULL) = (old_secret_until IS NULL)
        AND (old_secret_sealed IS NULL OR secret_sealed IS NOT NULL));
