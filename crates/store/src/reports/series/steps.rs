//! Steps shorter than a day. A month of them has tens of thousands of looks: packed hours leave the
//! database as they are, and are taken apart here for a tenth of what it would spend on it.

use std::collections::BTreeMap;

use domain::ids::{AccountId, MonitorId};
use domain::report::{Point, Window};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Microseconds of a quarter of an hour.
const QUARTER: i64 = 15 * 60 * 1_000_000;

/// What [`super::response_times`] promises, of the same looks as the SQL function `looks` answers.
pub(super) async fn read(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    window: Window,
    step_seconds: i64,
) -> Result<Vec<Point>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.hour AS "at!: jiff_sqlx::Timestamp", p.interval_us AS "interval_us?", p.phase_us AS "phase_us?",
               p.verdicts AS "verdicts?", p.totals_ms AS "totals_ms?: Vec<Option<i16>>",
               p.phase_means_us AS "means_us?: Vec<Option<i32>>", NULL::integer AS "total_us?",
               NULL::integer[] AS "phases_us?: Vec<Option<i32>>"
           FROM check_hours p
           JOIN hours h ON h.hour = p.hour AND h.state <> 'hot' AND h.hour >= hour_of($3) AND h.hour < $4
           WHERE p.account_id = $1 AND p.monitor_id = $2 AND p.hour >= hour_of($3) AND p.hour < $4
           UNION ALL
           SELECT c.slot, NULL, NULL, NULL, NULL, NULL, c.total_us, c.phases
           FROM checks c
           WHERE c.account_id = $1 AND c.monitor_id = $2 AND c.slot >= $3 AND c.slot < $4 AND c.verdict IN (0, 1)
             AND EXISTS (SELECT FROM hours h WHERE h.hour = date_trunc('hour', c.slot, 'UTC') AND h.state = 'hot')
           UNION ALL
           SELECT l.slot, NULL, NULL, NULL, NULL, NULL, l.total_us, l.phases
           FROM checks_late l
           WHERE l.account_id = $1 AND l.monitor_id = $2 AND l.slot >= $3 AND l.slot < $4 AND l.verdict IN (0, 1)
             AND NOT EXISTS (
                 SELECT FROM checks c
                 WHERE c.account_id = l.account_id AND c.monitor_id = l.monitor_id AND c.region = l.region AND c.slot = l.slot)
             AND NOT is_packed(l.account_id, l.monitor_id, l.region, l.slot)"#,
        account.uuid(),
        monitor.uuid(),
        window.from.to_sqlx() as _,
        window.to.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    let mut steps = Steps {
        from: window.from.as_microsecond(),
        to: window.to.as_microsecond(),
        step: step_seconds.max(1).saturating_mul(1_000_000),
        found: BTreeMap::new(),
    };
    for row in rows {
        steps.add(row);
    }
    Ok(steps.points())
}

/// A packed hour, or a look.
struct Row {
    at: jiff_sqlx::Timestamp,
    interval_us: Option<i64>,
    phase_us: Option<i64>,
    verdicts: Option<String>,
    totals_ms: Option<Vec<Option<i16>>>,
    means_us: Option<Vec<Option<i32>>>,
    total_us: Option<i32>,
    phases_us: Option<Vec<Option<i32>>>,
}

#[derive(Default)]
struct Step {
    totals_us: Vec<i32>,
    phases_us: [Vec<i32>; 6],
}

/// Times are microseconds since 1970.
struct Steps {
    from: i64,
    to: i64,
    step: i64,
    found: BTreeMap<i64, Step>,
}

impl Steps {
    fn at(&mut self, at: i64) -> &mut Step {
        self.found.entry(at.div_euclid(self.step)).or_default()
    }

    fn add(&mut self, row: Row) {
        let at = row.at.to_jiff().as_microsecond();
        if let Some(total_us) = row.total_us {
            let step = self.at(at);
            step.totals_us.push(total_us);
            step.add_phases(&row.phases_us.unwrap_or_default());
            return;
        }
        let (Some(interval), Some(phase)) = (row.interval_us, row.phase_us) else {
            return;
        };
        let first = at + (phase - at).rem_euclid(interval.max(1));
        let verdicts = row.verdicts.unwrap_or_default();
        let totals = row.totals_ms.unwrap_or_default();
        let mut slot = first;
        for (verdict, total) in verdicts.bytes().zip(totals) {
            // An answer, slow or not.
            if matches!(verdict, b'0' | b'1')
                && (self.from..self.to).contains(&slot)
                && let Some(total) = total
            {
                self.at(slot).totals_us.push(unpacked(total) * 1_000);
            }
            slot += interval;
        }
        if at >= self.from {
            self.add_means(at, &row.means_us.unwrap_or_default());
        }
    }

    /// The means of a packed hour's quarters, in each step of a quarter.
    fn add_means(&mut self, hour: i64, means: &[Option<i32>]) {
        for (start, means) in (hour..).step_by(QUARTER as usize).zip(means.chunks(6)) {
            for part in 0..(QUARTER / self.step).max(1) {
                self.at(start + part * self.step).add_phases(means);
            }
        }
    }

    fn points(self) -> Vec<Point> {
        let steps = self.found.into_iter();
        let with_looks = steps.filter(|(_, step)| !step.totals_us.is_empty());
        with_looks
            .map(|(number, step)| step.into_point(number * self.step))
            .collect()
    }
}

impl Step {
    fn add_phases(&mut self, spent: &[Option<i32>]) {
        for (all, one) in self.phases_us.iter_mut().zip(spent) {
            all.extend(one);
        }
    }

    fn into_point(mut self, at: i64) -> Point {
        self.totals_us.sort_unstable();
        let totals = &self.totals_us;
        let median = |mut all: Vec<i32>| {
            all.sort_unstable();
            (!all.is_empty()).then(|| share(&all, 0.5) / 1_000.0)
        };
        Point {
            at: Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH),
            count: u32::try_from(totals.len()).unwrap_or(u32::MAX),
            p50_ms: share(totals, 0.5) / 1_000.0,
            p95_ms: share(totals, 0.95) / 1_000.0,
            max_ms: totals.last().map_or(0.0, |most| f64::from(*most) / 1_000.0),
            phases_p50_ms: self.phases_us.map(median),
        }
    }
}

/// As `percentile_cont` works it out, of values in order.
fn share(sorted: &[i32], of: f64) -> f64 {
    let place = of * sorted.len().saturating_sub(1) as f64;
    let value = |place: f64| sorted.get(place as usize).map_or(0.0, |v| f64::from(*v));
    let (below, above) = (value(place.floor()), value(place.ceil()));
    below + (above - below) * place.fract()
}

/// As the SQL function `unpack_total` does: milliseconds.
fn unpacked(total: i16) -> i32 {
    i32::from(total.cast_unsigned())
}
