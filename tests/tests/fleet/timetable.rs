//! What the database and the target recorded of a time, held against the timetable.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::PgPool;

use super::target::Target;

/// The database's and the target's clock are one here, and a worker's is anchored to it.
const CLOCKS_DIFFER: i64 = 250_000;

/// Looks of one monitor: microseconds since 1970.
#[derive(Debug, Default)]
struct Looked {
    interval: i64,
    /// Slot, and when it was looked at.
    slots: Vec<(i64, i64)>,
    beside: Vec<i64>,
}

/// A time between two moments, as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kept {
    /// Slots of the timetable that lie in it.
    pub slots: usize,
    /// Those that nobody looked at.
    pub missed: usize,
    /// Seconds from a slot to its look, at most.
    pub latest: f64,
    /// Seconds between two looks at a monitor beyond its interval, at most.
    pub widest: f64,
    /// Connections that no slot and no confirmation explains.
    pub twice: usize,
}

async fn read(pool: &PgPool) -> BTreeMap<String, Looked> {
    let mut all: BTreeMap<String, Looked> = BTreeMap::new();
    let rows: Vec<(String, i32, Option<i64>, i64)> = sqlx::query_as(
        "SELECT m.name, m.interval_seconds, (extract(epoch FROM c.slot) * 1000000)::bigint,
                (extract(epoch FROM c.at) * 1000000)::bigint
         FROM monitors m JOIN (
             SELECT monitor_id, slot, at FROM checks
             UNION ALL SELECT monitor_id, slot, at FROM checks_late
             UNION ALL SELECT monitor_id, NULL, at FROM requested_checks
         ) c ON c.monitor_id = m.id
         ORDER BY c.slot",
    )
    .fetch_all(pool)
    .await
    .expect("looks");
    for (name, interval, slot, at) in rows {
        let looked = all.entry(name).or_default();
        looked.interval = i64::from(interval) * 1_000_000;
        match slot {
            Some(slot) => looked.slots.push((slot, at)),
            None => looked.beside.push(at),
        }
    }
    all
}

impl Kept {
    /// Of the monitors `names`, from `from` to `to`.
    pub async fn between(
        (pool, target): (&PgPool, &Target),
        names: &[String],
        (from, to): (Timestamp, Timestamp),
    ) -> Self {
        let all = read(pool).await;
        let mut kept = Self {
            slots: 0,
            missed: 0,
            latest: 0.0,
            widest: 0.0,
            twice: 0,
        };
        let span = (from.as_microsecond(), to.as_microsecond());
        for name in names {
            let looked = all.get(name);
            let looked = looked.unwrap_or_else(|| panic!("{name} was never looked at"));
            kept.add((name, looked), &target.hits(name), span);
        }
        kept
    }

    fn add(&mut self, (name, looked): (&str, &Looked), hits: &[i64], (from, to): (i64, i64)) {
        let Looked {
            interval, slots, ..
        } = looked;
        let phase = slots
            .first()
            .unwrap_or_else(|| {
                panic!("{name} has no slot: {looked:?}, and was asked for at {hits:?}")
            })
            .0
            .rem_euclid(*interval);
        let mut slot = (from - phase).div_euclid(*interval) * interval + phase;
        let mut before = None;
        while slot + interval <= to {
            slot += interval;
            if slot < from || slot >= to {
                continue;
            }
            self.slots += 1;
            let rows: Vec<_> = slots.iter().filter(|(of, _)| *of == slot).collect();
            assert!(rows.len() <= 1, "a slot is recorded once");
            let Some((_, at)) = rows.first().copied() else {
                self.missed += 1;
                eprintln!(
                    "{name}: slot {slot} was missed; asked for at {hits:?}, recorded {looked:?}"
                );
                continue;
            };
            self.latest = self.latest.max(seconds(at - slot));
            if let Some(before) = before.replace(*at) {
                self.widest = self.widest.max(seconds(at - before - interval));
            }
            // What came later, after a worker died say, is of another time.
            let turn = |moment: &&i64| {
                **moment < to && (slot..slot + interval).contains(&(**moment + CLOCKS_DIFFER))
            };
            let came = hits.iter().filter(turn).count();
            let beside = looked.beside.iter().filter(turn).count();
            let twice = came.saturating_sub(1 + beside);
            if twice > 0 {
                let after: Vec<f64> = hits.iter().map(|at| seconds(at - slot)).collect();
                eprintln!(
                    "{name}: slot {slot} looked at {} s after it, asked for {after:?} s after it",
                    seconds(at - slot)
                );
            }
            self.twice += twice;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds to print and to bound")]
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1_000_000.0
}
