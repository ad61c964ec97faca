-- Why: a webhook or chat contact is reached by a URL, and whoever knows it may post there. It is kept
-- sealed, with the secret that signs what a webhook gets; `address` holds only what may be shown, and
-- `address_canonical` a keyed hash, so that the same URL is refused twice without being readable.
ALTER TABLE contacts
    ADD COLUMN url_sealed text,
    ADD COLUMN secret_sealed text,
    ADD CONSTRAINT contacts_url_check CHECK ((channel IN ('email', 'sms')) = (url_sealed IS NULL)),
    ADD CONSTRAINT contacts_secret_check CHECK ((channel = 'webhook') = (secret_sealed IS NOT NULL));
