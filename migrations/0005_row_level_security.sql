-- Why: a web transaction that forgets its account must see nothing. Owners are fenced too (FORCE).

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'memberships', 'subscriptions', 'api_keys', 'idempotency_keys', 'audit_events', 'wallets',
        'wallet_entries', 'contacts', 'monitors', 'monitor_states', 'region_votes', 'certificates', 'checks',
        'checks_late', 'requested_checks', 'check_hours', 'check_days', 'last_checks', 'status_intervals',
        'look_requests', 'evidence', 'evidence_bodies', 'incidents', 'incident_events', 'deliveries',
        'delivery_attempts', 'token_lookups', 'account_messages', 'erasures'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO watchbell_tenant USING (account_id = nullif(current_setting(''watchbell.account'', true), '''')::uuid)',
            tenant_table);
        EXECUTE format('CREATE POLICY system ON %I TO watchbell_system USING (true)', tenant_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO watchbell_tenant', tenant_table);
    END LOOP;
END $$;

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON accounts TO watchbell_tenant
    USING (id = nullif(current_setting('watchbell.account', true), '')::uuid);
CREATE POLICY system ON accounts TO watchbell_system USING (true);
GRANT SELECT, UPDATE ON accounts TO watchbell_tenant;

-- Shared facts without a tenant that every page needs.
GRANT SELECT ON regions, workers, hours, blind_intervals, canaries TO watchbell_tenant;
-- Counters are keyed hashes of what is limited; a use case counts in its own transaction.
GRANT SELECT, INSERT, UPDATE ON throttles TO watchbell_tenant;
-- The audit log is only ever added to.
REVOKE UPDATE, DELETE ON audit_events FROM watchbell_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO watchbell_system;
REVOKE UPDATE ON audit_events FROM watchbell_system;
GRANT USAGE ON SCHEMA public TO watchbell_tenant, watchbell_system;
