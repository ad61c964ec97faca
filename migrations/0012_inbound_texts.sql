-- Why: people answer alerts by text. A provider repeats a call that it got no answer to, so each text is
-- kept with what was answered; and "ACK 2" means the second of the list that was sent last.
CREATE TABLE inbound_texts (
    provider_sid text CONSTRAINT inbound_texts_pkey PRIMARY KEY,
    number text NOT NULL,
    received_at timestamptz NOT NULL,
    command text NOT NULL,
    reply text NOT NULL DEFAULT '',
    -- Pairs of account and incident, in the order in which the reply counts them.
    listed jsonb
);
CREATE INDEX inbound_texts_number_idx ON inbound_texts (number, received_at DESC);
CREATE INDEX inbound_texts_age_idx ON inbound_texts (received_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON inbound_texts TO watchbell_system;

-- Whose alerts a number gets, over all accounts.
CREATE INDEX contacts_number_idx ON contacts (address) WHERE channel = 'sms';
