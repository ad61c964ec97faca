-- Why: some monitors are worth waking people for and some can wait for the morning. A monitor is normal or
-- critical, an incident takes that from it when it opens; a contact may be told of critical ones alone, and
-- may have quiet hours in which messages wait for their end.
ALTER TABLE monitors ADD COLUMN severity text NOT NULL DEFAULT 'normal'
    CONSTRAINT monitors_severity_check CHECK (severity IN ('normal', 'critical'));
ALTER TABLE incidents ADD COLUMN severity text NOT NULL DEFAULT 'normal'
    CONSTRAINT incidents_severity_check CHECK (severity IN ('normal', 'critical'));
ALTER TABLE contacts ADD COLUMN only_critical boolean NOT NULL DEFAULT false;
-- {timezone, ranges: [{days, from, to}], except_critical}
ALTER TABLE contacts ADD COLUMN quiet_hours jsonb;
-- Whom the quiet notices of all monitors go to; null: whom each monitor tells.
ALTER TABLE accounts ADD COLUMN notice_policy_id uuid;
