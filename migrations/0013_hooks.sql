-- Why: a webhook or chat contact is reached by a URL, and whoever knows it may post there. It is kept
-- sealed, with the secret that signs what a webhook gets; `address` holds only what may be shown, and
-- `address_canonical` a keyed hash, so that the same URL is refused twice without being readable.
ALTER TABLE contacts
    ADD COLUMN url_sealed text,
    ADD COLUMN secret_sealed text,
    ADD CONSTRAINT contacts_url_check CHECK (url_sealed IS NULL OR channel NOT IN ('email', 'sms')),
    ADD CONSTRAINT contacts_secret_check CHECK (secret_sealed IS NULL OR channel = 'webhook');
