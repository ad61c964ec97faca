-- Why: some chat, push and paging services are reached by more than one URL: a token and a chat, a server and
-- a topic, a key and a region. Their parts are kept sealed as one JSON object, in the place of the URL.
ALTER TABLE contacts
    ADD COLUMN service_sealed text,
    ADD CONSTRAINT contacts_service_check CHECK (num_nonnulls(url_sealed, service_sealed) <= 1);
