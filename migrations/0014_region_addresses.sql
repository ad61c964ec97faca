-- Why: whoever guards a server must know where our looks come from. Each worker says under which
-- addresses it is seen; the list of a region forgets one that nobody has used for thirty days.
CREATE TABLE region_addresses (
    region text NOT NULL CONSTRAINT region_addresses_region_fkey REFERENCES regions (id) ON DELETE CASCADE,
    address text NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT region_addresses_pkey PRIMARY KEY (region, address)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON region_addresses TO watchbell_system;
