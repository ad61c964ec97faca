//! Looks that visitors ask for without an account.

use std::time::Duration;

use domain::check::{FailureClass, VerdictKind};
use domain::monitor::MonitorSpec;
use domain::tools::{RunId, Tool};
use jiff::SignedDuration;
use sqlx::PgPool;
use store::tool_looks::{self, NewRun, Run};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, now};

pub async fn ask(world: &World, url: &str, inside: bool) -> RunId {
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let run = NewRun {
        id: RunId::generate(),
        tool: Tool::Down,
        target: url,
        inside,
        watch: false,
        created_at: now(),
        deadline: now() + SignedDuration::from_secs(13),
    };
    let spec = MonitorSpec {
        url: Some(url.to_owned()),
        ..MonitorSpec::default()
    };
    let regions = ["local".to_owned(), "elsewhere".to_owned()];
    tool_looks::insert(&mut transaction, &run, &regions, &[spec])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    run.id
}

pub async fn answered(world: &World, id: RunId) -> Run {
    loop {
        let mut c = world.pool.acquire().await.unwrap();
        let since = now() - SignedDuration::from_mins(1);
        let run = tool_looks::find(&mut c, id, since).await.unwrap().unwrap();
        if run.looks.iter().any(|look| look.result.is_some()) {
            return run;
        }
        drop(c);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_worker_answers_for_its_region_alone(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(Behaviour::Status(502));
    let worker = world.start("one");
    let run = answered(&world, ask(&world, &site.url("/"), true).await).await;
    let [elsewhere, here] = run.looks.as_slice() else {
        panic!("{run:?}")
    };
    assert_eq!(elsewhere.result, None);
    let result = here.result.as_ref().unwrap();
    assert_eq!(
        (result.check.verdict, result.check.http_status),
        (VerdictKind::Down, Some(502))
    );
    assert!(result.diagnosis.is_some());
    assert_eq!(result.excerpt, None, "the page itself is nobody's");
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_strangers_name_goes_the_narrow_way(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start_for_strangers("one");
    let run = answered(&world, ask(&world, &site.url("/"), false).await).await;
    let result = run
        .looks
        .iter()
        .find_map(|look| look.result.as_ref())
        .unwrap();
    let class = result.check.failure.as_ref().map(|failure| failure.class);
    assert_eq!(class, Some(FailureClass::TargetRefused));
    assert_eq!(site.requests(), 0, "nothing was sent");
    let run = answered(&world, ask(&world, &site.url("/"), true).await).await;
    let result = run
        .looks
        .iter()
        .find_map(|look| look.result.as_ref())
        .unwrap();
    assert_eq!(result.check.verdict, VerdictKind::Up);
    worker.stop().await;
}
