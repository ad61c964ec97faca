-- Why: ten bytes a look at rest. Totals of packed looks take two bytes instead of four, the key begins
-- with what is asked for (so that every reader finds a monitor's hours by index, in any class of
-- retention), packing makes one pass instead of four joins, and a chart of whole days reads check_days.
-- Rewrites check_hours: minutes for a year of history.

-- A total in two bytes: whole milliseconds up to 65,535, those over 32,767 less 65,536.
CREATE FUNCTION pack_total(us integer) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT (((least(us / 1000 + us % 1000 / 500, 65535) + 32768) & 65535) - 32768)::smallint
$$;

-- Its milliseconds.
CREATE FUNCTION unpack_total(total smallint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT total::integer & 65535
$$;

-- The hour that an instant is in; unlike date_trunc known while a statement is planned, so that
-- partitions are left out then.
CREATE FUNCTION hour_of(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('hour', at, 'UTC')
$$;

CREATE FUNCTION narrowed(totals integer[]) RETURNS smallint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(pack_total(least(e.total, 65535) * 1000) ORDER BY e.place), '{}')
    FROM unnest(totals) WITH ORDINALITY AS e (total, place)
$$;
ALTER TABLE check_hours
    DROP CONSTRAINT check_hours_pkey,
    ALTER COLUMN totals_ms TYPE smallint[] USING narrowed(totals_ms);
DROP FUNCTION narrowed;
ALTER TABLE check_hours ADD CONSTRAINT check_hours_pkey
    PRIMARY KEY (account_id, monitor_id, hour, region, interval_us, phase_us, retention_months);

-- The newest look of a monitor, and those of a stretch of time, from one end of the index. Nobody asks
-- by time alone any more: last looks of the timetable are kept when their hour is packed.
ALTER TABLE checks
    DROP CONSTRAINT checks_pkey,
    ADD CONSTRAINT checks_pkey PRIMARY KEY (account_id, monitor_id, slot, region);
DROP INDEX checks_slot_idx;

-- How many looks an hour had when it was packed: a table with more has some that came too late.
ALTER TABLE hours ADD COLUMN looks bigint;

-- The median of each phase over the day's quarter-hours. Days are rolled up again to have it; until
-- then they are read from their hours. A row with an empty region is of several regions together.
ALTER TABLE check_days ADD COLUMN phases_p50_us integer[];
UPDATE days SET rolled_at = NULL;

-- Whether a look of the timetable is in its packed hour.
CREATE FUNCTION is_packed(wanted_account uuid, wanted_monitor uuid, wanted_region text, wanted_slot timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM check_hours p
        WHERE p.account_id = wanted_account AND p.monitor_id = wanted_monitor AND p.region = wanted_region
          AND p.hour = hour_of(wanted_slot)
          AND (microseconds(wanted_slot) - p.phase_us) % p.interval_us = 0
          AND substr(p.verdicts, ((microseconds(wanted_slot) - microseconds(p.hour)) / p.interval_us)::integer + 1, 1)
              NOT IN ('', '.'))
$$;

-- All looks of one monitor on its timetable, hot, packed and late. A packed look has its slot as
-- begin, whole milliseconds, and neither phases nor failure.
CREATE OR REPLACE FUNCTION looks(account uuid, monitor uuid, since timestamptz, until timestamptz)
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
        SELECT first_slot_us(microseconds(p.hour), p.interval_us, p.phase_us) - microseconds(p.hour) AS first_us OFFSET 0
    ) f
    CROSS JOIN LATERAL (
        SELECT p.hour + (f.first_us + (e.place - 1) * p.interval_us)::float8 * interval '1 microsecond' AS slot,
               e.verdict, unpack_total(e.total) AS total_ms
        FROM unnest(string_to_array(p.verdicts, NULL), p.totals_ms) WITH ORDINALITY AS e (verdict, total, place)
        WHERE e.verdict <> '.'
    ) v
    WHERE p.account_id = account AND p.monitor_id = monitor
      AND p.hour >= hour_of(since) AND p.hour < until
      AND v.slot >= since AND v.slot < until
    UNION ALL
    SELECT l.region, l.slot, l.at, l.verdict, l.total_us, l.phases, l.status, l.address, l.port, l.failure, l.attribution
    FROM checks_late l
    WHERE l.account_id = account AND l.monitor_id = monitor AND l.slot >= since AND l.slot < until
      AND NOT EXISTS (
          SELECT FROM checks c
          WHERE c.account_id = l.account_id AND c.monitor_id = l.monitor_id AND c.region = l.region AND c.slot = l.slot)
      AND NOT is_packed(l.account_id, l.monitor_id, l.region, l.slot)
$$;

-- Whether history of a monitor is not to be kept any more: it is erased, or about to be.
CREATE FUNCTION is_erased(account uuid, monitor uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM erasures e WHERE e.account_id = account AND (e.monitor_id IS NULL OR e.monitor_id = monitor))
$$;

-- Puts looks that came late into the packed hour they belong to. A slot that has a look keeps it. Of
-- two callers the second waits, since both would change the same rows.
CREATE OR REPLACE FUNCTION merge_late(packed_hour timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
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
    PERFORM FROM hours WHERE hour = packed_hour FOR UPDATE;
    FOR late IN
        DELETE FROM checks_late WHERE slot >= packed_hour AND slot < packed_hour + interval '1 hour' RETURNING *
    LOOP
        CONTINUE WHEN is_erased(late.account_id, late.monitor_id);
        SELECT coalesce(m.interval_seconds, 60) * 1000000::bigint, history_months(s.plan) INTO grid, months
        FROM (SELECT late.account_id AS account_id) a
        LEFT JOIN monitors m ON m.account_id = a.account_id AND m.id = late.monitor_id
        LEFT JOIN subscriptions s ON s.account_id = a.account_id;
        SELECT * INTO target FROM check_hours p
        WHERE p.account_id = late.account_id AND p.monitor_id = late.monitor_id AND p.region = late.region
          AND p.hour = packed_hour
          AND (microseconds(late.slot) - p.phase_us) % p.interval_us = 0
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
        place := ((microseconds(late.slot) - microseconds(packed_hour)) / target.interval_us)::integer + 1;
        IF length(target.verdicts) < place THEN
            target.totals_ms := target.totals_ms
                || array_fill(NULL::smallint, ARRAY[place - length(target.verdicts)]);
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
        target.totals_ms[place] := pack_total(late.total_us);
        INSERT INTO check_hours SELECT target.*
        ON CONFLICT (account_id, monitor_id, hour, region, interval_us, phase_us, retention_months)
        DO UPDATE SET verdicts = excluded.verdicts, totals_ms = excluded.totals_ms, phase_means_us = excluded.phase_means_us;
        merged := merged + 1;
    END LOOP;
    RETURN merged;
END $$;

-- Packs a hot hour: every look of its partition goes into check_hours and the hour is marked, in the
-- caller's transaction. Returns the number of looks, or null when there was nothing to do.
-- The grid of a look is the monitor's present interval and the look's own offset in it: whatever the
-- interval was when it was made, it falls on exactly one grid and place. One pass in the order of the
-- table's key; only a group with missing places is spread out.
CREATE OR REPLACE FUNCTION pack_hour(wanted timestamptz, now timestamptz) RETURNS bigint LANGUAGE plpgsql
SET jit = off AS $$
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
        WITH placed AS (
            SELECT *, ($1 + offset_us) %% interval_us AS phase_us, (offset_us / interval_us)::integer + 1 AS place,
                   offset_us / 900000000 AS q
            FROM (
                SELECT c.account_id, c.monitor_id, c.region, c.verdict, c.total_us, c.phases,
                       round(date_part('epoch', c.slot - $2) * 1000000)::bigint AS offset_us,
                       coalesce(m.interval_seconds, 60) * 1000000::bigint AS interval_us
                FROM %I c LEFT JOIN monitors m ON m.account_id = c.account_id AND m.id = c.monitor_id
            ) looked
            ORDER BY account_id, monitor_id, region, interval_us, phase_us, place
        ), grouped AS (
            SELECT account_id, monitor_id, region, interval_us, phase_us, count(*) AS looks, max(place) AS places,
                   string_agg(verdict::text, '') AS verdicts, array_agg(pack_total(total_us)) AS totals_ms,
                   array_agg(place) AS taken,
                   ARRAY[
                       avg(phases[1]) FILTER (WHERE q = 0), avg(phases[2]) FILTER (WHERE q = 0),
                       avg(phases[3]) FILTER (WHERE q = 0), avg(phases[4]) FILTER (WHERE q = 0),
                       avg(phases[5]) FILTER (WHERE q = 0), avg(phases[6]) FILTER (WHERE q = 0),
                       avg(phases[1]) FILTER (WHERE q = 1), avg(phases[2]) FILTER (WHERE q = 1),
                       avg(phases[3]) FILTER (WHERE q = 1), avg(phases[4]) FILTER (WHERE q = 1),
                       avg(phases[5]) FILTER (WHERE q = 1), avg(phases[6]) FILTER (WHERE q = 1),
                       avg(phases[1]) FILTER (WHERE q = 2), avg(phases[2]) FILTER (WHERE q = 2),
                       avg(phases[3]) FILTER (WHERE q = 2), avg(phases[4]) FILTER (WHERE q = 2),
                       avg(phases[5]) FILTER (WHERE q = 2), avg(phases[6]) FILTER (WHERE q = 2),
                       avg(phases[1]) FILTER (WHERE q = 3), avg(phases[2]) FILTER (WHERE q = 3),
                       avg(phases[3]) FILTER (WHERE q = 3), avg(phases[4]) FILTER (WHERE q = 3),
                       avg(phases[5]) FILTER (WHERE q = 3), avg(phases[6]) FILTER (WHERE q = 3)
                   ]::integer[] AS phase_means_us
            FROM placed GROUP BY account_id, monitor_id, region, interval_us, phase_us
        ), stored AS (
            INSERT INTO check_hours (retention_months, account_id, monitor_id, region, hour, interval_us, phase_us,
                                     verdicts, totals_ms, phase_means_us)
            SELECT history_months(s.plan), g.account_id, g.monitor_id, g.region, $2, g.interval_us, g.phase_us,
                   coalesce(spread.verdicts, g.verdicts), coalesce(spread.totals_ms, g.totals_ms), g.phase_means_us
            FROM grouped g
            LEFT JOIN subscriptions s ON s.account_id = g.account_id
            CROSS JOIN LATERAL (
                SELECT string_agg(coalesce(e.verdict, '.'), '' ORDER BY i) AS verdicts,
                       array_agg(e.total ORDER BY i) AS totals_ms
                FROM generate_series(1, g.places) AS i
                LEFT JOIN unnest(g.taken, string_to_array(g.verdicts, NULL), g.totals_ms) AS e (place, verdict, total)
                    ON e.place = i
                WHERE g.looks < g.places
            ) spread
            WHERE NOT EXISTS (
                SELECT FROM erasures e
                WHERE e.account_id = g.account_id AND (e.monitor_id IS NULL OR e.monitor_id = g.monitor_id))
        )
        SELECT coalesce(sum(looks), 0)::bigint FROM grouped
    $pack$, partition) INTO packed USING microseconds(wanted), wanted;
    EXECUTE format($last$
        INSERT INTO last_checks (account_id, monitor_id, region, check_id, at, slot, verdict, total_us, phases, status,
                                 address, port, failure, attribution)
        SELECT c.account_id, c.monitor_id, c.region, '00000000-0000-0000-0000-000000000000', c.at, c.slot, c.verdict,
               c.total_us, c.phases, c.status, c.address, c.port, c.failure, c.attribution
        FROM (SELECT account_id, monitor_id, region, max(slot) AS slot FROM %1$I GROUP BY account_id, monitor_id, region) n
        JOIN %1$I c USING (account_id, monitor_id, region, slot)
        WHERE NOT EXISTS (
            SELECT FROM erasures e
            WHERE e.account_id = c.account_id AND (e.monitor_id IS NULL OR e.monitor_id = c.monitor_id))
        ON CONFLICT (account_id, monitor_id, region) DO UPDATE SET
            check_id = excluded.check_id, at = excluded.at, slot = excluded.slot, verdict = excluded.verdict,
            total_us = excluded.total_us, phases = excluded.phases, status = excluded.status, address = excluded.address,
            port = excluded.port, failure = excluded.failure, attribution = excluded.attribution
        WHERE last_checks.at < excluded.at
    $last$, partition);
    UPDATE hours SET state = 'packed', packed_at = now, looks = packed WHERE hour = wanted;
    RETURN packed + merge_late(wanted);
END $$;

-- Drops the table of a detached hour. What was written into it after it was packed (by a worker that
-- stood still between reading its clock and writing) goes where late looks go.
CREATE FUNCTION drop_hour(wanted timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := checks_partition(wanted);
    expected bigint;
    present bigint;
BEGIN
    SELECT looks INTO expected FROM hours WHERE hour = wanted AND state = 'detached' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF to_regclass(partition) IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', partition);
        EXECUTE format('SELECT count(*) FROM %I', partition) INTO present;
        IF expected IS NULL OR present > expected THEN
            EXECUTE format(
                'INSERT INTO checks_late SELECT c.* FROM %I c
                 WHERE NOT is_packed(c.account_id, c.monitor_id, c.region, c.slot)
                   AND NOT is_erased(c.account_id, c.monitor_id)
                 ON CONFLICT DO NOTHING', partition);
        END IF;
        EXECUTE format('DROP TABLE %I', partition);
    END IF;
    UPDATE hours SET state = 'dropped' WHERE hour = wanted;
END $$;

-- Counts and latency of a UTC day from its packed hours. May be repeated: a late look changes a day.
-- Monitor by monitor, so that nothing is sorted but the looks of one.
CREATE OR REPLACE FUNCTION roll_day(wanted date) RETURNS bigint LANGUAGE sql SET jit = off AS $$
    WITH span AS (
        SELECT wanted::timestamp AT TIME ZONE 'UTC' AS since, (wanted + 1)::timestamp AT TIME ZONE 'UTC' AS until
    ), regional AS MATERIALIZED (
        SELECT DISTINCT p.account_id, p.monitor_id, p.region
        FROM check_hours p, span WHERE p.hour >= span.since AND p.hour < span.until
    ), wanted_rows AS (
        SELECT account_id, monitor_id, region FROM regional
        UNION ALL
        SELECT account_id, monitor_id, NULL FROM regional GROUP BY account_id, monitor_id HAVING count(*) > 1
    ), rolled AS (
        INSERT INTO check_days (account_id, monitor_id, region, day, counts, p50_ms, p95_ms, p99_ms, max_ms, phases_p50_us)
        SELECT w.account_id, w.monitor_id, coalesce(w.region, ''), wanted, t.counts,
               t.shares[1]::integer, t.shares[2]::integer, t.shares[3]::integer, t.most, m.medians
        FROM wanted_rows w
        CROSS JOIN span
        CROSS JOIN LATERAL (
            SELECT ARRAY[count(*) FILTER (WHERE e.verdict = '0'), count(*) FILTER (WHERE e.verdict = '1'),
                         count(*) FILTER (WHERE e.verdict = '2'), count(*) FILTER (WHERE e.verdict = '3'),
                         count(*) FILTER (WHERE e.verdict = '4')]::integer[] AS counts,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY unpack_total(e.total))
                       FILTER (WHERE e.verdict IN ('0', '1')) AS shares,
                   max(unpack_total(e.total)) FILTER (WHERE e.verdict IN ('0', '1')) AS most
            FROM check_hours p
            CROSS JOIN LATERAL unnest(string_to_array(p.verdicts, NULL), p.totals_ms) AS e (verdict, total)
            WHERE p.account_id = w.account_id AND p.monitor_id = w.monitor_id AND (w.region IS NULL OR p.region = w.region)
              AND p.hour >= span.since AND p.hour < span.until
        ) t
        CROSS JOIN LATERAL (
            SELECT ARRAY[percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 1]),
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 2]),
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 3]),
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 4]),
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 5]),
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY p.phase_means_us[q * 6 + 6])]::integer[] AS medians
            FROM check_hours p CROSS JOIN generate_series(0, 3) AS q
            WHERE p.account_id = w.account_id AND p.monitor_id = w.monitor_id AND (w.region IS NULL OR p.region = w.region)
              AND p.hour >= span.since AND p.hour < span.until
        ) m
        ON CONFLICT (account_id, monitor_id, region, day) DO UPDATE SET
            counts = excluded.counts, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms,
            p99_ms = excluded.p99_ms, max_ms = excluded.max_ms, phases_p50_us = excluded.phases_p50_us
        RETURNING 1
    )
    SELECT count(*) FROM rolled
$$;
