use domain::account::EmailAddress;
use domain::monitor::MonitorSpec;
use domain::tools::watch::{Outcome, Progress, Seen};
use domain::tools::{RunId, Tool};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::*;
use crate::tool_looks::{self, NewRun};

const SHOP: Target<'_> = Target {
    tool: Tool::Down,
    target: "https://shop.example/",
    inside: false,
};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

fn secrets() -> Secrets {
    Secrets::new(["a key of sufficient length"]).unwrap()
}

fn kim() -> EmailAddress {
    EmailAddress::parse("kim@elsewhere.example").unwrap()
}

async fn asked(c: &mut PgConnection, of: Target<'_>, minute: i64) -> Uuid {
    insert(c, &secrets(), of, &kim(), at(minute)).await.unwrap()
}

async fn joined(c: &mut PgConnection, of: Target<'_>, minute: i64) -> Uuid {
    targets::join(c, of, (&MonitorSpec::default(), "example.shop"), at(minute))
        .await
        .unwrap()
}

async fn confirmed(c: &mut PgConnection, of: Target<'_>, minute: i64) -> (Uuid, Uuid) {
    let (id, target) = (asked(c, of, minute).await, joined(c, of, minute).await);
    mark_confirmed(c, id, target, at(minute)).await.unwrap();
    (id, target)
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_address_is_sealed_and_goes_with_the_end(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let (secrets, id) = (secrets(), asked(&mut c, SHOP, 0).await);
    let text: String = sqlx::query_scalar("SELECT row_to_json(w)::text FROM tool_watches w")
        .fetch_one(&mut *c)
        .await
        .unwrap();
    assert!(
        !text.contains("kim") && !text.contains("elsewhere"),
        "{text}"
    );
    let found = find(&mut c, &token(&secrets, id), at(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.address(&secrets).unwrap(), Some(kim()));
    // However it is spelled, it is the same address; another target is another watch.
    let loud = EmailAddress::parse("KIM@Elsewhere.example").unwrap();
    let same = find_same(&mut c, &secrets, SHOP, &loud)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((same.id, same.of()), (id, SHOP));
    for other in [
        Target {
            inside: true,
            ..SHOP
        },
        Target {
            tool: Tool::Ping,
            ..SHOP
        },
        Target {
            target: "https://shop.example/x",
            ..SHOP
        },
    ] {
        assert_eq!(
            find_same(&mut c, &secrets, other, &kim()).await.unwrap(),
            None
        );
    }
    assert!(
        insert(&mut c, &secrets, SHOP, &loud, at(1)).await.is_err(),
        "one at a time"
    );
    assert!(
        end(&mut c, id, (Outcome::Ended, None), at(2))
            .await
            .unwrap()
    );
    assert!(
        !end(&mut c, id, (Outcome::Back, None), at(3)).await.unwrap(),
        "once"
    );
    let over = find(&mut c, &token(&secrets, id), at(4))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(over.ended, Some((at(2), Outcome::Ended)));
    assert_eq!(over.address(&secrets).unwrap(), None);
    let kept: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tool_watches WHERE num_nonnulls(address, address_hash) > 0",
    )
    .fetch_one(&mut *c)
    .await
    .unwrap();
    assert_eq!(kept, 0);
    assert_eq!(find(&mut c, "t0k3n", at(4)).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_not_confirmed_within_an_hour_is_gone(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let secrets = secrets();
    let id = asked(&mut c, SHOP, 0).await;
    let ping = Target {
        tool: Tool::Ping,
        target: "shop.example",
        ..SHOP
    };
    let (watched, _) = confirmed(&mut c, ping, 0).await;
    assert_eq!(count_of(&mut c, &secrets, &kim(), at(59)).await.unwrap(), 2);
    assert_eq!(count_of(&mut c, &secrets, &kim(), at(60)).await.unwrap(), 1);
    let token_of = |id| token(&secrets, id);
    assert!(find(&mut c, &token_of(id), at(59)).await.unwrap().is_some());
    assert_eq!(find(&mut c, &token_of(id), at(60)).await.unwrap(), None);
    assert!(
        find(&mut c, &token_of(watched), at(600))
            .await
            .unwrap()
            .is_some()
    );
    // Asked for again, it has another hour.
    renew(&mut c, id, at(50)).await.unwrap();
    assert_eq!(prune(&mut c, (at(49), at(0)), 10).await.unwrap(), 0);
    assert_eq!(prune(&mut c, (at(50), at(0)), 10).await.unwrap(), 1);
    assert_eq!(lock(&mut c, id).await.unwrap(), None);
    end(&mut c, watched, (Outcome::Stopped, None), at(100))
        .await
        .unwrap();
    assert_eq!(prune(&mut c, (at(600), at(100)), 10).await.unwrap(), 0);
    assert_eq!(prune(&mut c, (at(600), at(101)), 10).await.unwrap(), 1);
    assert_eq!(count_open(&mut c, 10).await.unwrap(), 0);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn one_target_is_looked_at_for_all_who_wait(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let (_, target) = confirmed(&mut c, SHOP, 0).await;
    let lee = EmailAddress::parse("lee@elsewhere.example").unwrap();
    let second = insert(&mut c, &secrets(), SHOP, &lee, at(1)).await.unwrap();
    assert_eq!(joined(&mut c, SHOP, 1).await, target);
    mark_confirmed(&mut c, second, target, at(1)).await.unwrap();
    let other = Target {
        target: "https://other.example/",
        ..SHOP
    };
    assert_eq!(
        targets::count_others(&mut c, SHOP, "example.shop", (9, 9))
            .await
            .unwrap(),
        (0, 0)
    );
    assert_eq!(
        targets::count_others(&mut c, other, "example.shop", (9, 9))
            .await
            .unwrap(),
        (1, 1)
    );
    assert_eq!(
        targets::count_others(&mut c, other, "example.other", (9, 9))
            .await
            .unwrap(),
        (1, 0)
    );
    assert_eq!(targets::list_due(&mut c, at(0), 9).await.unwrap(), [target]);
    // A round is asked for once, and judged when it is answered or its time is over.
    let run = RunId::generate();
    targets::mark_asked(&mut c, target, (run, at(2)), at(1))
        .await
        .unwrap();
    assert!(
        targets::list_due(&mut c, at(600), 9)
            .await
            .unwrap()
            .is_empty()
    );
    let new = NewRun {
        id: run,
        tool: Tool::Down,
        target: SHOP.target,
        inside: false,
        watch: true,
        created_at: at(1),
        deadline: at(2),
    };
    tool_looks::insert(&mut c, &new, &["fra".to_owned()], &[MonitorSpec::default()])
        .await
        .unwrap();
    assert!(
        targets::list_answered(&mut c, at(1), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        targets::list_answered(&mut c, at(2), 9).await.unwrap(),
        [target]
    );
    // Visitors neither wait for it nor are shown it, and have their own room.
    assert_eq!(tool_looks::count_open(&mut c, at(1), 9).await.unwrap(), 0);
    let same = (Tool::Down, SHOP.target, false);
    assert_eq!(
        tool_looks::find_same(&mut c, same, at(0)).await.unwrap(),
        None
    );
    assert!(
        tool_looks::take(&mut c, ("fra", false), at(1), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        tool_looks::take(&mut c, ("fra", true), at(1), 9)
            .await
            .unwrap()
            .len(),
        1
    );
    tool_looks::mark_done(&mut c, (run, "fra", 0), &serde_json::json!({}), at(1))
        .await
        .unwrap();
    assert_eq!(
        targets::list_answered(&mut c, at(1), 9).await.unwrap(),
        [target]
    );

    let seen = Seen {
        good: 1,
        of: 1,
        what: "HTTP 200 after 41 ms".into(),
    };
    let progress = Progress {
        good_rounds: 2,
        good_since: Some(at(1)),
    };
    targets::mark_judged(&mut c, target, progress, Some((&seen, at(1))), Some(at(2)))
        .await
        .unwrap();
    let found = targets::find(&mut c, target).await.unwrap().unwrap();
    assert_eq!(
        (found.progress, found.seen),
        (progress, Some((seen, at(1))))
    );
    assert_eq!(list_back(&mut c, 9).await.unwrap().len(), 2);
    assert_ne!(
        joined(&mut c, SHOP, 3).await,
        target,
        "who comes now waits for another end"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_round_goes_with_the_next_unless_a_mail_leads_to_it(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let (id, target) = confirmed(&mut c, SHOP, 0).await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        let new = NewRun {
            id: RunId::generate(),
            tool: Tool::Down,
            target: SHOP.target,
            inside: false,
            watch: true,
            created_at: at(1),
            deadline: at(2),
        };
        let regions = ["fra".to_owned()];
        tool_looks::insert(&mut c, &new, &regions, &[MonitorSpec::default()])
            .await
            .unwrap();
        runs.push(new.id);
    }
    end(&mut c, id, (Outcome::Back, Some(runs[1])), at(2))
        .await
        .unwrap();
    assert_eq!(targets::list_unwatched(&mut c, 9).await.unwrap(), [target]);
    for run in &runs {
        tool_looks::delete_round(&mut c, *run).await.unwrap();
    }
    let since = at(2) - SignedDuration::from_hours(1);
    assert!(
        tool_looks::find(&mut c, runs[0], since)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        tool_looks::find(&mut c, runs[1], since)
            .await
            .unwrap()
            .is_some()
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_target_is_changed_by_one_at_a_time(pool: PgPool) {
    let mut one = pool.acquire().await.unwrap();
    let (_, target) = confirmed(&mut one, SHOP, 0).await;
    let mut first = crate::begin(&pool).await.unwrap();
    assert!(
        targets::try_lock(&mut first, target)
            .await
            .unwrap()
            .is_some()
    );
    let mut second = crate::begin(&pool).await.unwrap();
    assert_eq!(targets::try_lock(&mut second, target).await.unwrap(), None);
    first.rollback().await.unwrap();
    assert!(
        targets::try_lock(&mut second, target)
            .await
            .unwrap()
            .is_some()
    );
    assert!(targets::is_watched(&mut second, target).await.unwrap());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_sealed_address_moves_to_the_newest_key(pool: PgPool) {
    let mut c = pool.acquire().await.unwrap();
    let id = asked(&mut c, SHOP, 0).await;
    let old = "a key of sufficient length";
    let both = Secrets::new(["a second key, long enough", old]).unwrap();
    let moved = crate::admin::rotate_secrets(&mut c, &both).await.unwrap();
    assert_eq!((moved.sealed, moved.failed), (1, 0));
    let new = Secrets::new(["a second key, long enough"]).unwrap();
    let found = lock(&mut c, id).await.unwrap().unwrap();
    assert_eq!(found.address(&new).unwrap(), Some(kim()));
}
