-- A worker asks canaries whether its own way out is well. What it found is shown to people, and a
-- shard is in at most one open blind time: otherwise the restart of a blind worker would begin a
-- second one that nobody ends.
ALTER TABLE workers ADD COLUMN self_check boolean NOT NULL DEFAULT false;

UPDATE blind_intervals b SET ended_at = b.started_at
WHERE b.ended_at IS NULL AND EXISTS (
    SELECT FROM blind_intervals o
    WHERE o.region = b.region AND o.shard = b.shard AND o.ended_at IS NULL AND o.started_at < b.started_at);
CREATE UNIQUE INDEX blind_intervals_open_idx ON blind_intervals (region, shard) WHERE ended_at IS NULL;
