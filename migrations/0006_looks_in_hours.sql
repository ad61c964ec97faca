-- Why: looks are read from the hot hour, the packed hours and the late ones through one function, so
-- that no reader decides for itself; hours are packed and days rolled up inside the database, where
-- the names of partitions are.

-- Months of history by plan; held against the plans' table by test.
CREATE FUNCTION history_months(plan text) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE plan WHEN 'team' THEN 24 WHEN 'enterprise' THEN 24 WHEN 'solo' THEN 12 ELSE 3 END::smallint
$$;

CREATE FUNCTION microseconds(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;

CREATE FUNCTION from_microseconds(us bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(us / 1000000) + (us % 1000000) * interval '1 microsecond'
$$;

-- The first slot of an hour on a grid of interval and phase.
CREATE FUNCTION first_slot_us(hour_us bigint, interval_us bigint, phase_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT hour_us + ((phase_us - hour_us) % interval_us + interval_us) % interval_us
$$;

-- Which partition holds the looks of an hour.
CREATE FUNCTION checks_partition(hour timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'checks_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24')
$$;

-- All looks of one monitor on its timetable, hot, packed and late. A packed look has its slot as
-- begin, whole milliseconds, and neither phases nor failure.
CREATE FUNCTION looks(account uuid, monitor uuid, since timestamptz, until timestamptz)
RETURNS TABLE (region text, slot timestamptz, at timestamptz, verdict smallint, total_us integer, phases integer[],
               status smallint, address inet, port integer, failure jsonb, attribution text)
LANGUAGE sql STABLE AS $$
    SELECT c.region, c.slot, c.at, c.verdict, c.total_us, c.phases, c.status, c.address, c.port, c.failure, c.attribution
    FROM checks c
    WHERE c.account_id = account AND c.monitor_id = monitor AND c.slot >= since AND c.slot < until
      AND EXISTS (SELECT FROM hours h WHERE h.hour = date_trunc('hour', c.slot, 'UTC') AND h.state = 'hot')
    UNION ALL
    SELECT p.region, v.slot, v.slot, v.verdict::smallint, v.total_ms * 1000, '{}', NULL, NULL, NULL, NULL, NULL
    FROM check_hours p
    JOIN hours h ON h.hour = p.hour AND h.state <> 'hot'
    CROSS JOIN LATERAL (
        SELECT from_microseconds(first_slot_us(microseconds(p.hour), p.interval_us, p.phase_us) + (e.place - 1) * p.interval_us) AS slot,
               e.verdict, e.total_ms
        FROM unnest(string_to_array(p.verdicts, NULL), p.totals_ms) WITH ORDINALITY AS e (verdict, total_ms, place)
        WHERE e.verdict <> '.'
    ) v
    WHERE p.account_id = account AND p.monitor_id = monitor
      AND p.hour >= date_trunc('hour', since, 'UTC') AND p.hour < until
      AND v.slot >= since AND v.slot < until
    UNION ALL
    SELECT l.region, l.slot, l.at, l.verdict, l.total_us, l.phases, l.status, l.address, l.port, l.failure, l.attribution
    FROM checks_late l
    WHERE l.account_id = account AND l.monitor_id = monitor AND l.slot >= since AND l.slot < until
      AND NOT EXISTS (
          SELECT FROM checks c
          WHERE c.account_id = l.account_id AND c.monitor_id = l.monitor_id AND c.region = l.region AND c.slot = l.slot)
$$;

-- Puts looks that came late into the packed hour they belong to. A slot that has a look keeps it.
CREATE FUNCTION merge_late(packed_hour timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    late checks_late%ROWTYPE;
    target check_hours%ROWTYPE;
    grid bigint;
    months smallint;
    place integer;
    quarter integer;
    looks_before integer;
    part integer;
    cell integer;
    merged bigint := 0;
BEGIN
    FOR late IN
        DELETE FROM checks_late WHERE slot >= packed_hour AND slot < packed_hour + interval '1 hour' RETURNING *
    LOOP
        SELECT coalesce(m.interval_seconds, 60) * 1000000::bigint, history_months(s.plan) INTO grid, months
        FROM (SELECT late.account_id AS account_id) a
        LEFT JOIN monitors m ON m.account_id = a.account_id AND m.id = late.monitor_id
        LEFT JOIN subscriptions s ON s.account_id = a.account_id;
        SELECT * INTO target FROM check_hours p
        WHERE p.account_id = late.account_id AND p.monitor_id = late.monitor_id AND p.region = late.region
          AND p.hour = packed_hour
          AND (microseconds(late.slot) - first_slot_us(microseconds(packed_hour), p.interval_us, p.phase_us)) % p.interval_us = 0
        ORDER BY p.interval_us LIMIT 1;
        IF NOT FOUND THEN
            target.retention_months := months;
            target.account_id := late.account_id;
            target.monitor_id := late.monitor_id;
            target.region := late.region;
            target.hour := packed_hour;
            target.interval_us := grid;
            target.phase_us := microseconds(late.slot) % grid;
            target.verdicts := '';
            target.totals_ms := '{}';
            target.phase_means_us := array_fill(NULL::integer, ARRAY[24]);
        END IF;
        place := ((microseconds(late.slot) - first_slot_us(microseconds(packed_hour), target.interval_us, target.phase_us))
            / target.interval_us)::integer + 1;
        IF length(target.verdicts) < place THEN
            target.totals_ms := target.totals_ms
                || array_fill(NULL::integer, ARRAY[place - length(target.verdicts)]);
            target.verdicts := rpad(target.verdicts, place, '.');
        END IF;
        CONTINUE WHEN substr(target.verdicts, place, 1) <> '.';
        quarter := (extract(minute FROM late.slot AT TIME ZONE 'UTC')::integer) / 15;
        SELECT count(*) INTO looks_before
        FROM generate_series(1, length(target.verdicts)) AS i
        WHERE substr(target.verdicts, i, 1) <> '.'
          AND (first_slot_us(microseconds(packed_hour), target.interval_us, target.phase_us) + (i - 1) * target.interval_us
               - microseconds(packed_hour)) / 900000000 = quarter;
        FOR part IN 1..6 LOOP
            cell := quarter * 6 + part;
            IF late.phases[part] IS NOT NULL THEN
                target.phase_means_us[cell] := CASE WHEN target.phase_means_us[cell] IS NULL THEN late.phases[part]
                    ELSE ((target.phase_means_us[cell]::bigint * looks_before + late.phases[part]) / (looks_before + 1))::integer END;
            END IF;
        END LOOP;
        target.verdicts := overlay(target.verdicts PLACING late.verdict::text FROM place FOR 1);
        target.totals_ms[place] := round(late.total_us / 1000.0)::integer;
        INSERT INTO check_hours SELECT target.*
        ON CONFLICT (retention_months, account_id, monitor_id, region, hour, interval_us, phase_us)
        DO UPDATE SET verdicts = excluded.verdicts, totals_ms = excluded.totals_ms, phase_means_us = excluded.phase_means_us;
        merged := merged + 1;
    END LOOP;
    RETURN merged;
END $$;

-- Packs a hot hour: every look of its partition goes into check_hours and the hour is marked, in the
-- caller's transaction. Returns the number of looks, or null when there was nothing to do.
-- The grid of a look is the monitor's present interval and the look's own offset in it: whatever the
-- interval was when it was made, it falls on exactly one grid and place.
CREATE FUNCTION pack_hour(wanted timestamptz, now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    partition text := checks_partition(wanted);
    packed bigint;
BEGIN
    PERFORM FROM hours WHERE hour = wanted AND state = 'hot' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', partition);
    EXECUTE format($pack$
        WITH looked AS (
            SELECT c.account_id, c.monitor_id, c.region, c.verdict, c.total_us, c.phases,
                   microseconds(c.slot) AS slot_us,
                   coalesce(m.interval_seconds, 60) * 1000000::bigint AS interval_us,
                   history_months(s.plan) AS months
            FROM %I c
            LEFT JOIN monitors m ON m.account_id = c.account_id AND m.id = c.monitor_id
            LEFT JOIN subscriptions s ON s.account_id = c.account_id
        ), placed AS (
            SELECT *, slot_us %% interval_us AS phase_us,
                   ((slot_us - first_slot_us($1, interval_us, slot_us %% interval_us)) / interval_us)::integer + 1 AS place,
                   ((slot_us - $1) / 900000000)::integer AS quarter
            FROM looked
        ), groups AS (
            SELECT months, account_id, monitor_id, region, interval_us, phase_us, max(place) AS places
            FROM placed GROUP BY 1, 2, 3, 4, 5, 6
        ), slots AS (
            SELECT g.months, g.account_id, g.monitor_id, g.region, g.interval_us, g.phase_us,
                   string_agg(coalesce(p.verdict::text, '.'), '' ORDER BY i) AS verdicts,
                   array_agg(round(p.total_us / 1000.0)::integer ORDER BY i) AS totals_ms
            FROM groups g
            CROSS JOIN LATERAL generate_series(1, g.places) AS i
            LEFT JOIN placed p ON p.account_id = g.account_id AND p.monitor_id = g.monitor_id AND p.region = g.region
                AND p.interval_us = g.interval_us AND p.phase_us = g.phase_us AND p.place = i
            GROUP BY 1, 2, 3, 4, 5, 6
        ), means AS (
            SELECT p.account_id, p.monitor_id, p.region, p.interval_us, p.phase_us, p.quarter, e.part,
                   avg(e.spent)::integer AS mean
            FROM placed p CROSS JOIN LATERAL unnest(p.phases) WITH ORDINALITY AS e (spent, part)
            GROUP BY 1, 2, 3, 4, 5, 6, 7
        ), mean_rows AS (
            SELECT g.account_id, g.monitor_id, g.region, g.interval_us, g.phase_us,
                   array_agg(n.mean ORDER BY q, piece) AS phase_means_us
            FROM groups g
            CROSS JOIN generate_series(0, 3) AS q
            CROSS JOIN generate_series(1, 6) AS piece
            LEFT JOIN means n ON n.account_id = g.account_id AND n.monitor_id = g.monitor_id AND n.region = g.region
                AND n.interval_us = g.interval_us AND n.phase_us = g.phase_us AND n.quarter = q AND n.part = piece
            GROUP BY 1, 2, 3, 4, 5
        )
        INSERT INTO check_hours (retention_months, account_id, monitor_id, region, hour, interval_us, phase_us,
                                 verdicts, totals_ms, phase_means_us)
        SELECT s.months, s.account_id, s.monitor_id, s.region, $2, s.interval_us, s.phase_us,
               s.verdicts, s.totals_ms, r.phase_means_us
        FROM slots s JOIN mean_rows r USING (account_id, monitor_id, region, interval_us, phase_us)
    $pack$, partition) USING microseconds(wanted), wanted;
    EXECUTE format('SELECT count(*) FROM %I', partition) INTO packed;
    UPDATE hours SET state = 'packed', packed_at = now WHERE hour = wanted;
    RETURN packed + merge_late(wanted);
END $$;

-- Counts and latency of a UTC day from its packed hours. May be repeated: a late look changes a day.
CREATE FUNCTION roll_day(wanted date) RETURNS bigint LANGUAGE sql AS $$
    WITH looked AS (
        SELECT p.account_id, p.monitor_id, p.region, e.verdict, e.total_ms
        FROM check_hours p
        CROSS JOIN LATERAL unnest(string_to_array(p.verdicts, NULL), p.totals_ms) AS e (verdict, total_ms)
        WHERE p.hour >= wanted::timestamp AT TIME ZONE 'UTC' AND p.hour < (wanted + 1)::timestamp AT TIME ZONE 'UTC'
          AND e.verdict <> '.'
    ), rolled AS (
        INSERT INTO check_days (account_id, monitor_id, region, day, counts, p50_ms, p95_ms, p99_ms, max_ms)
        SELECT account_id, monitor_id, region, wanted,
               ARRAY[count(*) FILTER (WHERE verdict = '0'), count(*) FILTER (WHERE verdict = '1'),
                     count(*) FILTER (WHERE verdict = '2'), count(*) FILTER (WHERE verdict = '3'),
                     count(*) FILTER (WHERE verdict = '4')]::integer[],
               percentile_disc(0.5) WITHIN GROUP (ORDER BY total_ms) FILTER (WHERE verdict IN ('0', '1')),
               percentile_disc(0.95) WITHIN GROUP (ORDER BY total_ms) FILTER (WHERE verdict IN ('0', '1')),
               percentile_disc(0.99) WITHIN GROUP (ORDER BY total_ms) FILTER (WHERE verdict IN ('0', '1')),
               max(total_ms) FILTER (WHERE verdict IN ('0', '1'))
        FROM looked GROUP BY account_id, monitor_id, region
        ON CONFLICT (account_id, monitor_id, region, day) DO UPDATE SET
            counts = excluded.counts, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms,
            p99_ms = excluded.p99_ms, max_ms = excluded.max_ms
        RETURNING 1
    )
    SELECT count(*) FROM rolled
$$;

-- Drops the months of check_hours and evidence that every row of has outlived its plan's history.
CREATE FUNCTION drop_old_months(now timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    old record;
    dropped integer := 0;
BEGIN
    FOR old IN
        SELECT child.relname AS name
        FROM pg_inherits i
        JOIN pg_class child ON child.oid = i.inhrelid
        JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE parent.relname ~ '^(check_hours|evidence)_(3|12|24)$' AND child.relname ~ '_[0-9]{6}$'
          AND to_date(right(child.relname, 6), 'YYYYMM')
              + interval '1 month' + (substring(parent.relname FROM '[0-9]+$') || ' months')::interval
              <= now AT TIME ZONE 'UTC'
    LOOP
        EXECUTE format('DROP TABLE %I', old.name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

-- Which days have to be rolled up (again).
CREATE TABLE days (
    day date CONSTRAINT days_pkey PRIMARY KEY,
    rolled_at timestamptz
);
GRANT SELECT ON days TO watchbell_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON days TO watchbell_system;
-- The sweep of the last looks reads by time alone.
CREATE INDEX checks_slot_idx ON checks USING brin (slot);
CREATE INDEX checks_late_slot_idx ON checks_late (slot);
CREATE INDEX erasures_open_idx ON erasures (requested_at) WHERE finished_at IS NULL;
