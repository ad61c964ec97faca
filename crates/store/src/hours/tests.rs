use std::collections::BTreeMap;

use domain::account::Plan;
use domain::check::{Check, Failure, FailureClass, Observation, Phase, Verdict, VerdictKind};
use domain::ids::{AccountId, CheckId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec};
use domain::report::Window;
use rstest::rstest;
use sqlx::PgPool;

use super::*;
use crate::accounts::NewAccount;
use crate::checks::{self, Owned};
use crate::reports::{ChecksFilter, in_database, list_checks, response_times};
use crate::{Secrets, accounts, monitors};

const START: &str = "2026-11-22T10:00:00Z";

pub(super) struct World {
    pub(super) pool: PgPool,
    pub(super) account: AccountId,
    pub(super) start: Timestamp,
}

impl World {
    pub(super) async fn new(pool: PgPool, plan: Plan) -> Self {
        let world = Self {
            pool,
            account: AccountId::generate(),
            start: START.parse().unwrap(),
        };
        let mut c = world.pool.acquire().await.unwrap();
        let token = world.account.to_string();
        let new = NewAccount {
            id: world.account,
            name: "Shop",
            timezone: "UTC",
            practice_token: &token,
            plan,
        };
        accounts::insert(&mut c, &new, world.start).await.unwrap();
        for hour in 0..3 {
            ensure_partitions(&mut c, world.start + SignedDuration::from_hours(hour))
                .await
                .unwrap();
        }
        world
    }

    pub(super) async fn monitor(&self, interval_seconds: u32) -> MonitorId {
        let monitor = Monitor {
            id: MonitorId::generate(),
            account_id: self.account,
            spec: MonitorSpec {
                url: Some("https://shop.example/".to_owned()),
                interval_seconds: Some(interval_seconds),
                ..MonitorSpec::default()
            },
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: self.start,
            updated_at: self.start,
        };
        let secrets = Secrets::new(["a key that is long enough"]).unwrap();
        monitors::insert(&mut self.pool.acquire().await.unwrap(), &secrets, &monitor)
            .await
            .unwrap();
        monitor.id
    }

    pub(super) fn look(
        &self,
        monitor_id: MonitorId,
        us: i64,
        kind: VerdictKind,
        total_us: u64,
    ) -> Owned {
        let slot = self.start + SignedDuration::from_micros(us);
        let mut seen = Observation::begin(slot + SignedDuration::from_millis(3));
        seen.total_us = total_us;
        seen.phases
            .add(Phase::FirstByte, u32::try_from(total_us).unwrap() / 2);
        let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
        let verdict = Verdict {
            kind,
            failure: (!kind.is_good()).then_some(failure),
            attribution: None,
            reason: None,
        };
        let check = Check::on_timetable(monitor_id, "local", slot, &seen, &verdict);
        Owned {
            account_id: self.account,
            monitor_id,
            check,
        }
    }

    pub(super) async fn store(&self, looks: &[Owned]) -> u64 {
        let now = looks
            .iter()
            .filter_map(|look| look.check.slot)
            .max()
            .unwrap();
        checks::insert_batch(&mut self.pool.acquire().await.unwrap(), looks, now)
            .await
            .unwrap()
    }

    /// Slot, verdict and whole milliseconds of all looks, by a walk through all pages.
    pub(super) async fn all(
        &self,
        monitor: MonitorId,
        page: u32,
    ) -> BTreeMap<(Timestamp, CheckId), (VerdictKind, u64)> {
        let mut c = self.pool.acquire().await.unwrap();
        let window = Window {
            from: self.start,
            to: self.start + SignedDuration::from_hours(24),
        };
        let (mut found, mut cursor) = (BTreeMap::new(), None);
        loop {
            let filter = ChecksFilter::default();
            let listed = list_checks(
                &mut c,
                (self.account, monitor),
                window,
                &filter,
                (cursor.as_ref(), page),
            )
            .await
            .unwrap();
            for check in listed.checks {
                let total = (check.total_us as f64 / 1000.0).round() as u64;
                let twice = found.insert((check.slot.unwrap(), check.id), (check.verdict, total));
                assert_eq!(twice, None, "a look is on one page only");
            }
            match listed.next {
                Some(next) => cursor = Some(next.to_string().parse().unwrap()),
                None => return found,
            }
        }
    }

    pub(super) async fn pack_first_hour(&self) -> Option<u64> {
        let mut transaction = crate::begin(&self.pool).await.unwrap();
        let packed = pack(
            &mut transaction,
            self.start,
            self.start + SignedDuration::from_hours(2),
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        packed
    }
}

pub(super) fn kind(n: i64) -> VerdictKind {
    VerdictKind::ALL[usize::try_from(n % 7).unwrap().min(4)]
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn packing_keeps_every_look(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let (minute, ten, hour, gone) = (
        world.monitor(60).await,
        world.monitor(10).await,
        world.monitor(7200).await,
        MonitorId::generate(),
    );
    let mut looks = Vec::new();
    for n in 0..60 {
        looks.push(world.look(
            minute,
            n * 60_000_000 + 41_234_567,
            kind(n),
            1_500 + 1_000 * n.unsigned_abs(),
        ));
        looks.push(world.look(gone, n * 60_000_000 + 7, VerdictKind::Up, 20_000));
    }
    // Once looked at every 30 s, then every 10: both timetables are kept.
    for n in 0..60 {
        looks.push(world.look(ten, n * 30_000_000 + 3_000_001, VerdictKind::Up, 9_000));
    }
    for n in 180..355 {
        looks.push(world.look(ten, n * 10_000_000 + 5, VerdictKind::Up, 11_000));
    }
    looks.push(world.look(hour, 1_800_000_000, VerdictKind::Degraded, 3_000_000));
    assert_eq!(
        world.store(&looks).await,
        u64::try_from(looks.len()).unwrap()
    );
    assert_eq!(world.store(&looks).await, 0, "a slot is recorded once");

    let monitors = [minute, ten, hour, gone];
    let mut before = Vec::new();
    for monitor in monitors {
        before.push(world.all(monitor, 7).await);
    }
    assert_eq!(before.iter().map(BTreeMap::len).sum::<usize>(), looks.len());
    assert_eq!(
        world.pack_first_hour().await,
        Some(u64::try_from(looks.len()).unwrap())
    );
    assert_eq!(
        world.pack_first_hour().await,
        None,
        "an hour is packed once"
    );
    for page in [3, 50, 200] {
        for (monitor, before) in monitors.iter().zip(&before) {
            assert_eq!(&world.all(*monitor, page).await, before);
        }
    }
    let mut c = world.pool.acquire().await.unwrap();
    detach(&mut c, world.start).await.unwrap();
    detach(&mut c, world.start).await.unwrap();
    drop_table(&mut c, world.start).await.unwrap();
    drop_table(&mut c, world.start).await.unwrap();
    assert!(list_to_drop(&mut c).await.unwrap().is_empty());
    ensure_partitions(&mut c, world.start).await.unwrap();
    assert_eq!(
        world.all(minute, 50).await,
        before[0],
        "nothing brings the dropped hour back"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn late_looks_find_their_place_once(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let (known, new) = (world.monitor(60).await, world.monitor(60).await);
    let looks: Vec<Owned> = (0..40)
        .map(|n| world.look(known, n * 60_000_000, VerdictKind::Up, 10_000))
        .collect();
    world.store(&looks).await;
    let late = [
        world.look(known, 5 * 60_000_000, VerdictKind::Down, 99_000),
        world.look(known, 50 * 60_000_000, VerdictKind::Down, 30_000),
        world.look(new, 12 * 60_000_000 + 9, VerdictKind::Up, 40_000),
    ];
    let mut c = world.pool.acquire().await.unwrap();
    let now = world.start + SignedDuration::from_mins(100);
    checks::insert_batch(&mut c, &late, now).await.unwrap();
    let seen = (world.all(known, 200).await, world.all(new, 200).await);
    assert_eq!(
        (seen.0.len(), seen.1.len()),
        (41, 1),
        "late looks are read before they are merged"
    );
    assert_eq!(world.pack_first_hour().await, Some(42));
    assert_eq!(
        (world.all(known, 200).await, world.all(new, 200).await),
        seen
    );
    // After the hour was packed.
    checks::insert_batch(
        &mut c,
        &[world.look(known, 51 * 60_000_000, VerdictKind::Up, 10_000)],
        now,
    )
    .await
    .unwrap();
    checks::insert_batch(
        &mut c,
        &[world.look(known, 51 * 60_000_000, VerdictKind::Up, 10_000)],
        now,
    )
    .await
    .unwrap();
    assert_eq!(world.all(known, 200).await.len(), 42);
    assert_eq!(merge_late(&mut c, 10).await.unwrap(), 1);
    assert_eq!(merge_late(&mut c, 10).await.unwrap(), 0);
    assert_eq!(world.all(known, 200).await.len(), 42);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_series_is_the_same_packed_and_hot(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let monitor = world.monitor(60).await;
    let looks: Vec<Owned> = (0..60)
        .map(|n| {
            world.look(
                monitor,
                n * 60_000_000,
                VerdictKind::Up,
                1_000 * (1 + n.unsigned_abs() % 10),
            )
        })
        .collect();
    world.store(&looks).await;
    let window = Window {
        from: world.start,
        to: world.start + SignedDuration::from_hours(3),
    };
    let mut c = world.pool.acquire().await.unwrap();
    let hot = response_times(&mut c, world.account, monitor, window, 3600)
        .await
        .unwrap();
    assert_eq!(
        (hot.len(), hot[0].count, hot[0].max_ms, hot[0].p50_ms),
        (1, 60, 10.0, 5.5)
    );
    assert_eq!(hot[0].phases_p50_ms[4], Some(2.75));
    world.pack_first_hour().await;
    let packed = response_times(&mut c, world.account, monitor, window, 3600)
        .await
        .unwrap();
    assert_eq!(packed.len(), 1);
    let numbers =
        |point: &domain::report::Point| (point.count, point.p50_ms, point.p95_ms, point.max_ms);
    assert_eq!(numbers(&packed[0]), numbers(&hot[0]));
    assert!(
        (packed[0].phases_p50_ms[4].unwrap() - 2.75).abs() < 0.5,
        "the median of four means"
    );
    let fine = response_times(&mut c, world.account, monitor, window, 300)
        .await
        .unwrap();
    assert_eq!(fine.len(), 12);
    assert!(
        fine.iter().all(|point| point.phases_p50_ms[4].is_some()),
        "a chart of five-minute steps has no holes between the quarters: {fine:?}"
    );
}

/// Packed, hot and late looks on two timetables, cut by windows anywhere.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_series_is_what_the_database_would_work_out(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let (minute, other) = (world.monitor(60).await, world.monitor(10).await);
    let mut looks = Vec::new();
    for n in 0..170_i64 {
        let total = 1_500 + n.unsigned_abs() * 7_919 % 70_000_000;
        looks.push(world.look(minute, n * 60_000_000 + 41_234_567, kind(n), total));
    }
    for n in 0..100 {
        looks.push(world.look(other, n * 30_000_000 + 3_000_001, kind(n), 9_000));
        looks.push(world.look(other, n * 10_000_000 + 5, kind(n + 1), 11_000));
    }
    looks.sort_by_key(|look| look.check.slot);
    for part in looks.chunks(25) {
        world.store(part).await;
    }
    let now = world.start + SignedDuration::from_mins(170);
    let mut c = world.pool.acquire().await.unwrap();
    let late = [
        world.look(minute, 30 * 60_000_000 + 41_234_567, VerdictKind::Up, 1),
        world.look(minute, 31 * 60_000_000 + 5, VerdictKind::Up, 99_000_000),
    ];
    checks::insert_batch(&mut c, &late, now).await.unwrap();
    for packed in [false, true] {
        if packed {
            assert!(world.pack_first_hour().await.is_some());
            let late = [world.look(minute, 59 * 60_000_000 + 9, VerdictKind::Degraded, 5_000)];
            checks::insert_batch(&mut c, &late, now).await.unwrap();
        }
        for (monitor, from, to, step) in [
            (minute, 0, 180, 300),
            (minute, 7, 133, 300),
            (minute, 59, 61, 60),
            (minute, 0, 180, 3600),
            (minute, 31, 60, 3600),
            (minute, -600, 600, 14_400),
            (other, 1, 44, 300),
            (other, -60, 180, 3600),
            (other, 200, 210, 300),
        ] {
            let at = |minutes| world.start + SignedDuration::from_mins(minutes);
            let window = Window {
                from: at(from),
                to: at(to),
            };
            let found = response_times(&mut c, world.account, monitor, window, step).await;
            let wanted = in_database(&mut c, world.account, monitor, window, step).await;
            assert_eq!(
                found.unwrap(),
                wanted.unwrap(),
                "{from} to {to} by {step}, {packed}"
            );
        }
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_line_has_the_mean_of_each_quarter_hot_and_packed(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let (shop, blog) = (world.monitor(60).await, world.monitor(60).await);
    let mut looks = Vec::new();
    for n in 0..75_i64 {
        let quarter = n.unsigned_abs() / 15;
        looks.push(world.look(shop, n * 60_000_000, VerdictKind::Up, 2_000 * (1 + quarter)));
        // The blog is not looked at in the second quarter.
        if quarter != 1 {
            looks.push(world.look(blog, n * 60_000_000 + 9, VerdictKind::Up, 4_000));
        }
    }
    looks.sort_by_key(|look| look.check.slot);
    for part in looks.chunks(30) {
        world.store(part).await;
    }
    let window = Window {
        from: world.start,
        to: world.start + SignedDuration::from_hours(3),
    };
    let mut c = world.pool.acquire().await.unwrap();
    let at = |quarter: i32| world.start + SignedDuration::from_mins(15) * quarter;
    // A look's phases are half of its total here, and a packed hour has phases alone.
    for (packed, share) in [(false, 1.0), (true, 0.5)] {
        if packed {
            world.pack_first_hour().await;
        }
        let ids = [shop, blog];
        let lines = crate::live::sparklines(&mut c, world.account, &ids, window);
        let lines = lines.await.unwrap();
        let of_shop = (0..5).map(|quarter| {
            let share = if quarter == 4 { 1.0 } else { share };
            (at(quarter), f64::from(2 * (1 + quarter)) * share)
        });
        assert_eq!(lines[&shop], of_shop.collect::<Vec<_>>(), "{packed}");
        let of_blog = [
            (at(0), 4.0 * share),
            (at(2), 4.0 * share),
            (at(3), 4.0 * share),
            (at(4), 4.0),
        ];
        assert_eq!(lines[&blog], of_blog, "{packed}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_filter_reaches_across_packed_hours(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let monitor = world.monitor(60).await;
    let looks: Vec<Owned> = (0..120)
        .map(|n| {
            let kind = if n % 50 == 10 {
                VerdictKind::Down
            } else {
                VerdictKind::Up
            };
            world.look(monitor, n * 60_000_000, kind, 10_000)
        })
        .collect();
    world.store(&looks[..60]).await;
    world.store(&looks[60..]).await;
    world.pack_first_hour().await;
    let window = Window {
        from: world.start,
        to: world.start + SignedDuration::from_hours(3),
    };
    let filter = ChecksFilter {
        verdict: Some(VerdictKind::Down),
        region: Some("local".to_owned()),
    };
    let mut c = world.pool.acquire().await.unwrap();
    let key = (world.account, monitor);
    let first = list_checks(&mut c, key, window, &filter, (None, 1))
        .await
        .unwrap();
    let second = list_checks(&mut c, key, window, &filter, (first.next.as_ref(), 1))
        .await
        .unwrap();
    let third = list_checks(&mut c, key, window, &filter, (second.next.as_ref(), 1))
        .await
        .unwrap();
    let minutes: Vec<i64> = [first, second, third]
        .iter()
        .flat_map(|page| &page.checks)
        .map(|check| check.slot.unwrap().duration_since(world.start).as_mins())
        .collect();
    assert_eq!(minutes, [110, 60, 10]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_day_is_rolled_up_when_its_hours_are_packed(pool: PgPool) {
    let world = World::new(pool, Plan::Free).await;
    let monitor = world.monitor(60).await;
    let looks: Vec<Owned> = (0..60)
        .map(|n| world.look(monitor, n * 60_000_000, kind(n), 10_000))
        .collect();
    world.store(&looks).await;
    let tomorrow = world.start + SignedDuration::from_hours(20);
    let mut c = world.pool.acquire().await.unwrap();
    world.pack_first_hour().await;
    assert_eq!(
        roll_days(&mut c, tomorrow, 10).await.unwrap(),
        0,
        "two hours are still hot"
    );
    for hour in list_to_pack(&mut c, tomorrow, 10).await.unwrap() {
        pack(&mut c, hour, tomorrow).await.unwrap();
    }
    assert_eq!(roll_days(&mut c, tomorrow, 10).await.unwrap(), 1);
    assert_eq!(roll_days(&mut c, tomorrow, 10).await.unwrap(), 0);
    let day = sqlx::query!(
        "SELECT counts, p50_ms FROM check_days WHERE monitor_id = $1",
        monitor.uuid()
    )
    .fetch_one(&mut *c)
    .await
    .unwrap();
    let by_kind = |kind| {
        i32::try_from(
            looks
                .iter()
                .filter(|look| look.check.verdict == kind)
                .count(),
        )
        .unwrap()
    };
    assert_eq!(day.counts, VerdictKind::ALL.map(by_kind));
    assert_eq!(day.p50_ms, Some(10));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn history_is_kept_as_long_as_the_plan_says(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    for plan in Plan::ALL {
        let months =
            sqlx::query_scalar!(r#"SELECT history_months($1) AS "months!""#, plan.as_str())
                .fetch_one(&mut *c)
                .await
                .unwrap();
        assert_eq!(
            u32::try_from(months).unwrap(),
            plan.limits().history_months,
            "{plan:?}"
        );
    }
    let old: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
    ensure_partitions(&mut c, old).await.unwrap();
    let april: Timestamp = "2026-04-30T00:00:00Z".parse().unwrap();
    assert_eq!(
        drop_old_months(&mut c, april).await.unwrap(),
        0,
        "January ends three months before May"
    );
    let may: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        drop_old_months(&mut c, may).await.unwrap(),
        2,
        "check_hours and evidence of three months"
    );
    assert_eq!(drop_old_months(&mut c, may).await.unwrap(), 0);
}

#[rstest]
#[case("2026-11-22T10:59:59Z", "checks_2026112210")]
#[case("2026-01-02T03:00:00Z", "checks_2026010203")]
fn partitions_are_named_by_their_hour(#[case] hour: &str, #[case] name: &str) {
    assert_eq!(partition(hour.parse().unwrap()), name);
}
