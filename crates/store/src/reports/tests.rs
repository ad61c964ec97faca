use domain::account::Plan;
use domain::check::{Check, Observation, Verdict, VerdictKind};
use domain::ids::{CheckId, LookRequestId};
use domain::monitor::{Monitor, MonitorSpec};
use domain::report::Window;
use domain::status::Shown;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;

use super::*;
use crate::accounts::{self, NewAccount};
use crate::checks::{self, Owned};
use crate::erasures::{self, Erasure};
use crate::look_requests::{self, Answer, LookRequest, Reason, Subject};
use crate::states::intervals;
use crate::{Secrets, hours, leases, monitors};

async fn world(pool: &PgPool) -> (AccountId, MonitorId, Timestamp) {
    let mut c = pool.acquire().await.unwrap();
    let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let account = AccountId::generate();
    let token = account.to_string();
    let new = NewAccount {
        id: account,
        name: "Shop",
        timezone: "UTC",
        practice_token: &token,
        plan: Plan::Free,
    };
    accounts::insert(&mut c, &new, now).await.unwrap();
    let monitor = Monitor {
        id: MonitorId::generate(),
        account_id: account,
        spec: MonitorSpec {
            url: Some("https://shop.example/".to_owned()),
            ..MonitorSpec::default()
        },
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    };
    monitors::insert(&mut c, &secrets(), &monitor)
        .await
        .unwrap();
    for hour in 0..3 {
        hours::ensure_partitions(&mut c, now + SignedDuration::from_hours(hour))
            .await
            .unwrap();
    }
    (account, monitor.id, now)
}

fn secrets() -> Secrets {
    Secrets::new(["a key that is long enough"]).unwrap()
}

fn seen(at: Timestamp) -> Observation {
    Observation::begin(at)
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn uptime_is_time_and_blind_time_is_left_out(pool: PgPool) {
    let (account, monitor, start) = world(&pool).await;
    let mut c = pool.acquire().await.unwrap();
    crate::regions::upsert(&mut c, "local", "Here")
        .await
        .unwrap();
    let at = |minute| start + SignedDuration::from_mins(minute);
    for (minute, status) in [(0, Shown::Up), (60, Shown::Down), (70, Shown::Up)] {
        intervals::begin(&mut c, account, monitor, status, at(minute))
            .await
            .unwrap();
    }
    let shard = domain::monitor::schedule::shard(monitor);
    leases::insert_blind(&mut c, "local", (shard, at(80), at(100)), "no_worker")
        .await
        .unwrap();
    let window = Window {
        from: start,
        to: at(120),
    };
    let found = uptime(&mut c, account, monitor, window).await.unwrap();
    assert_eq!(
        (found.up_seconds, found.down_seconds, found.unknown_seconds),
        (90 * 60, 600, 1200)
    );
    assert_eq!(found.percent().unwrap(), "90.00 %");
    let many = uptimes(&mut c, account, &[monitor, MonitorId::generate()], window)
        .await
        .unwrap();
    assert_eq!(many[&monitor], found);
    let bar = &bars(&mut c, account, &[monitor], window, 12).await.unwrap()[&monitor];
    assert_eq!((bar.len(), bar[6].down, bar[8].unknown), (12, 1.0, 1.0));
    let stranger = uptime(&mut c, AccountId::generate(), monitor, window)
        .await
        .unwrap();
    assert_eq!(stranger.uptime, None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_began_before_the_window_counts_in_it(pool: PgPool) {
    let (account, monitor, start) = world(&pool).await;
    let mut c = pool.acquire().await.unwrap();
    let at = |minute| start + SignedDuration::from_mins(minute);
    let (mut minute, mut statuses) = (0, [Shown::Up, Shown::Down].into_iter().cycle());
    for length in [10, 5, 20, 5, 30, 10, 60] {
        let status = statuses.next().unwrap();
        intervals::begin(&mut c, account, monitor, status, at(minute))
            .await
            .unwrap();
        minute += length;
    }
    // Up until 10, down until 15, up until 35, down until 40, up until 70, down until 80, up.
    for (from, to, up, down) in [
        (0, 100, 80, 20),
        (12, 37, 20, 5),
        (15, 35, 20, 0),
        (35, 40, 0, 5),
        (36, 39, 0, 3),
        (40, 70, 30, 0),
        (41, 42, 1, 0),
        (75, 200, 120, 5),
        (90, 95, 5, 0),
        (-20, 5, 5, 0),
        (-20, 0, 0, 0),
    ] {
        let window = Window {
            from: at(from),
            to: at(to),
        };
        let found = uptime(&mut c, account, monitor, window).await.unwrap();
        let seen = (found.up_seconds, found.down_seconds);
        assert_eq!(seen, (up * 60, down * 60), "{from} to {to}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_last_look_is_the_newest_wherever_it_is(pool: PgPool) {
    let (account, monitor, start) = world(&pool).await;
    let mut c = pool.acquire().await.unwrap();
    assert!(
        last_checks(&mut c, account, &[monitor])
            .await
            .unwrap()
            .is_empty()
    );
    let slot = |minute| {
        let at = start + SignedDuration::from_mins(minute);
        let check = Check::on_timetable(monitor, "local", at, &seen(at), &Verdict::up());
        Owned {
            account_id: account,
            monitor_id: monitor,
            check,
        }
    };
    checks::insert_batch(&mut c, &[slot(1), slot(2)], start)
        .await
        .unwrap();
    checks::refresh_last(&mut c, start).await.unwrap();
    assert_eq!(
        last_checks(&mut c, account, &[monitor]).await.unwrap()[&monitor],
        slot(2).check
    );
    checks::insert_batch(&mut c, &[slot(3)], start)
        .await
        .unwrap();
    assert_eq!(
        last_checks(&mut c, account, &[monitor]).await.unwrap()[&monitor],
        slot(3).check
    );
    let asked_at = start + SignedDuration::from_secs(200);
    let verdict = Verdict {
        kind: VerdictKind::Down,
        ..Verdict::up()
    };
    let asked = Check::on_request(CheckId::generate(), "local", &seen(asked_at), &verdict);
    checks::insert_requested(&mut c, account, monitor, "manual", &asked)
        .await
        .unwrap();
    assert_eq!(
        last_checks(&mut c, account, &[monitor]).await.unwrap()[&monitor],
        asked
    );
    checks::refresh_last(&mut c, start).await.unwrap();
    assert_eq!(
        last_checks(&mut c, account, &[monitor]).await.unwrap()[&monitor],
        asked
    );
    assert!(
        last_checks(&mut c, AccountId::generate(), &[monitor])
            .await
            .unwrap()
            .is_empty()
    );
    let window = Window {
        from: start,
        to: start + SignedDuration::from_hours(1),
    };
    let filter = ChecksFilter::default();
    let page = list_checks(&mut c, (account, monitor), window, &filter, (None, 10))
        .await
        .unwrap();
    let ids: Vec<_> = page.checks.iter().map(|check| check.id).collect();
    assert_eq!(
        ids,
        [
            asked.id,
            slot(3).check.id,
            slot(2).check.id,
            slot(1).check.id
        ]
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_request_is_taken_once_and_answered(pool: PgPool) {
    let (account, _, now) = world(&pool).await;
    let mut c = pool.acquire().await.unwrap();
    let spec = MonitorSpec {
        url: Some("https://shop.example/?key=1".to_owned()),
        ..MonitorSpec::default()
    };
    let request = LookRequest {
        account_id: account,
        id: LookRequestId::generate(),
        subject: Subject::Spec(Box::new(spec)),
        region: "local".to_owned(),
        reason: Reason::Test,
        not_before: now,
        deadline: now + SignedDuration::from_secs(30),
        created_at: now,
    };
    look_requests::insert(&mut c, &secrets(), &request)
        .await
        .unwrap();
    let key = (account, request.id);
    assert_eq!(
        look_requests::list_open(&mut c, "local", now, 9)
            .await
            .unwrap(),
        [(account, request.id, None)]
    );
    assert!(
        look_requests::list_open(&mut c, "fra", now, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let taken = look_requests::claim(&mut c, &secrets(), key, "a", now)
        .await
        .unwrap();
    assert_eq!(taken, Some(request.clone()));
    assert_eq!(
        look_requests::claim(&mut c, &secrets(), key, "b", now)
            .await
            .unwrap(),
        None
    );
    let later = now + SignedDuration::from_secs(16);
    assert!(
        look_requests::claim(&mut c, &secrets(), key, "b", later)
            .await
            .unwrap()
            .is_some(),
        "a fell silent"
    );
    assert_eq!(
        look_requests::find_answer(&mut c, account, request.id)
            .await
            .unwrap(),
        Some(Answer::Open)
    );
    let check = Check::on_request(CheckId::generate(), "local", &seen(now), &Verdict::up());
    let result = domain::check::LookResult::new(check, seen(now), None);
    look_requests::mark_done(&mut c, key, Some(&result), later)
        .await
        .unwrap();
    let answer = look_requests::find_answer(&mut c, account, request.id)
        .await
        .unwrap();
    assert_eq!(answer, Some(Answer::Done(Box::new(result))));
    assert_eq!(
        look_requests::find_answer(&mut c, AccountId::generate(), request.id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(look_requests::prune(&mut c, later, 10).await.unwrap(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_deleted_monitor_goes_after_its_days_and_takes_its_history_along(pool: PgPool) {
    let (account, monitor, start) = world(&pool).await;
    let mut c = pool.acquire().await.unwrap();
    let look = Check::on_timetable(monitor, "local", start, &seen(start), &Verdict::up());
    checks::insert_batch(
        &mut c,
        &[Owned {
            account_id: account,
            monitor_id: monitor,
            check: look,
        }],
        start,
    )
    .await
    .unwrap();
    monitors::mark_deleted(&mut c, account, monitor, start)
        .await
        .unwrap();
    let week = start + SignedDuration::from_hours(24 * 7);
    assert_eq!(
        erasures::request_due(&mut c, start, week).await.unwrap(),
        0,
        "still restorable"
    );
    assert_eq!(erasures::request_due(&mut c, week, week).await.unwrap(), 1);
    let erasure = Erasure {
        account_id: account,
        monitor_id: Some(monitor),
    };
    assert_eq!(erasures::list_open(&mut c, 9).await.unwrap(), [erasure]);
    assert!(erasures::still_wanted(&mut c, erasure).await.unwrap());
    assert_eq!(erasures::erase_some(&mut c, erasure, 100).await.unwrap(), 1);
    assert_eq!(erasures::erase_some(&mut c, erasure, 100).await.unwrap(), 0);
    erasures::finish(&mut c, erasure, week).await.unwrap();
    assert!(erasures::list_open(&mut c, 9).await.unwrap().is_empty());
    let left = monitors::find_with_deleted(&mut c, &secrets(), account, monitor)
        .await
        .unwrap();
    assert_eq!(left, None);
    assert!(
        last_checks(&mut c, account, &[monitor])
            .await
            .unwrap()
            .is_empty()
    );
}
