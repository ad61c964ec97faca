//! What is watched for people without an account, by workers that look at a real site.

use domain::account::EmailAddress;
use domain::monitor::{Kind, MonitorSpec};
use domain::tools::Tool;
use incidents::watches::{self, Confirmed};
use jiff::SignedDuration;
use sqlx::PgPool;
use store::tool_watches::{self, Target};
use testkit::{Behaviour, SwitchableSite};
use uuid::Uuid;

use crate::world::{World, now, until};

/// Somebody waits for `url`, and has confirmed it.
async fn watched(world: &World, url: &str, name: &str) -> Uuid {
    let address = EmailAddress::parse(&format!("{name}@elsewhere.example")).unwrap();
    let of = Target {
        tool: Tool::Down,
        target: url,
        inside: true,
    };
    let spec = MonitorSpec {
        kind: Some(Kind::Http),
        url: Some(url.to_owned()),
        timeout_ms: Some(1_000),
        ..MonitorSpec::default()
    };
    let mut transaction = store::begin(&world.pool).await.unwrap();
    watches::ask(&mut transaction, &world.secrets, of, &address, now())
        .await
        .unwrap();
    let watch = tool_watches::find_same(&mut transaction, &world.secrets, of, &address)
        .await
        .unwrap()
        .unwrap();
    let looked = (&spec, name);
    let confirmed =
        watches::confirm(&mut transaction, &world.secrets, watch.id, looked, now()).await;
    assert_eq!(confirmed.unwrap(), Confirmed::Watched);
    transaction.commit().await.unwrap();
    watch.id
}

async fn count(world: &World, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// The next round is due now.
async fn hurry(world: &World) {
    sqlx::query("UPDATE tool_watch_targets SET next_at = now() - interval '1 second'")
        .execute(&world.pool)
        .await
        .unwrap();
}

const BACK: &str = "SELECT count(*) FROM account_messages WHERE template = 'watch_back'";
const OPEN: &str = "SELECT count(*) FROM tool_watches WHERE ended_at IS NULL";
const BAD: &str = "SELECT count(*) FROM tool_watch_targets WHERE seen IS NOT NULL AND good_rounds = 0 AND round_ends_at IS NULL";
const GOOD: &str =
    "SELECT count(*) FROM tool_watch_targets WHERE good_rounds = 1 AND round_ends_at IS NULL";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_site_that_comes_back_makes_one_mail_whoever_dies(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(Behaviour::Status(502));
    let (first, second) = (world.start("one"), world.start("two"));
    watched(&world, &site.url("/"), "kim").await;
    until("the first round", async || {
        (count(&world, BAD).await == 1).then_some(())
    })
    .await;
    assert!(site.requests() >= 1);
    let (before, at) = (site.requests(), now());
    site.set(Behaviour::Fine);
    hurry(&world).await;
    until("a good round", async || {
        (count(&world, GOOD).await == 1).then_some(())
    })
    .await;
    assert_eq!(
        site.requests(),
        before + 1,
        "two workers of a region look once"
    );
    assert_eq!(
        count(&world, BACK).await,
        0,
        "one good look may be a chance"
    );
    // One is killed, as it would be between look and mail; the other goes on.
    drop(first);
    hurry(&world).await;
    until("the mail", async || {
        (count(&world, OPEN).await == 0).then_some(())
    })
    .await;
    assert!(
        now().duration_since(at) < SignedDuration::from_secs(60),
        "nothing waits for a lease"
    );
    assert_eq!(count(&world, BACK).await, 1);
    hurry(&world).await;
    until("the target to be forgotten", async || {
        (count(&world, "SELECT count(*) FROM tool_watch_targets").await == 0).then_some(())
    })
    .await;
    let looks = site.requests();
    assert_eq!((looks, count(&world, BACK).await), (before + 2, 1));
    second.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn many_that_hang_hold_up_nobody_at_a_page(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(Behaviour::Hang);
    for n in 0..120 {
        watched(&world, &site.url(&format!("/{n}")), &format!("a{n}")).await;
    }
    let worker = world.start("one");
    until("their looks", async || {
        (site.requests() >= 96).then_some(())
    })
    .await;
    let (other, at) = (SwitchableSite::start().await, now());
    let id = crate::visitors::ask(&world, &other.url("/"), true).await;
    crate::visitors::answered(&world, id).await;
    assert!(
        now().duration_since(at) < SignedDuration::from_secs(5),
        "visitors have room of their own"
    );
    worker.stop().await;
}
