//! What changed before an outage, and with it.

use domain::ids::MonitorId;
use domain::status::Observed;
use sqlx::PgPool;
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, until};

fn page(status: u16, server: &str, title: &str) -> Behaviour {
    Behaviour::Page {
        status,
        headers: vec![("server".to_owned(), server.to_owned())],
        body: format!("<title>{title}</title>"),
    }
}

async fn wait_known(world: &World, monitor: MonitorId, server: &str) {
    until(&format!("{server} to be known"), async || {
        let mut c = world.pool.acquire().await.unwrap();
        let key = (world.account, monitor);
        let (_, known) = store::answers::find(&mut c, key, "local").await.unwrap()?;
        let servers = known.0.get(&domain::answer::Aspect::Server)?;
        (servers.values == [server]).then_some(())
    })
    .await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_names_what_changed_before_it_and_with_it(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(page(200, "nginx/1.24", "Shop"));
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 1).await;
    wait_known(&world, monitor, "nginx/1.24").await;
    site.set(page(200, "nginx/1.26", "Shop"));
    wait_known(&world, monitor, "nginx/1.26").await;
    world.wait_for(monitor, Observed::Up).await;
    site.set(page(502, "Varnish", "502 Bad Gateway"));
    world.wait_for(monitor, Observed::Down).await;
    let said = world
        .open_incident(monitor)
        .await
        .unwrap()
        .diagnosis
        .unwrap();
    let changes: Vec<&str> = said.changes().collect();
    let [before, with] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    let begins = "The server calls itself nginx/1.26, before nginx/1.24; first seen ";
    assert!(before.starts_with(begins), "{before}");
    assert!(
        before.ends_with(" before the first failing look"),
        "{before}"
    );
    assert_eq!(
        *with,
        "The server calls itself Varnish, in the last good answer nginx/1.26"
    );
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_as_it_was_is_written_once_and_known_after_a_restart(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    site.set(page(200, "nginx", "Shop"));
    let monitor = world.monitor(&site.url("/"), 1).await;
    let written = async || {
        let rows = "SELECT xmin::text FROM good_answers";
        sqlx::query_scalar::<_, String>(rows)
            .fetch_all(&world.pool)
            .await
            .unwrap()
    };
    let worker = world.start("one");
    wait_known(&world, monitor, "nginx").await;
    let first = written().await;
    worker.stop().await;
    let worker = world.start("two");
    let looks = site.requests();
    until("more looks", async || {
        (site.requests() >= looks + 4).then_some(())
    })
    .await;
    worker.stop().await;
    assert_eq!(written().await, first);
}
