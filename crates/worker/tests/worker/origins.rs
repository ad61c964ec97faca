//! The server behind a monitor is asked once it is shown to be its owner's.

use std::sync::{Arc, Mutex};

use domain::check::Attribution;
use domain::monitor::{HttpSpec, Monitor};
use domain::status::Observed;
use sqlx::PgPool;
use testkit::{Behaviour, Script, Server, SwitchableSite};

use crate::world::{World, until};

/// A server that says what it is told to, to everybody.
async fn saying(text: &Arc<Mutex<(&'static str, String)>>) -> Server {
    let text = text.clone();
    Server::each(move |_| {
        let (status, body) = text.lock().unwrap().clone();
        Script::page(status, "connection: close\r\n", body)
    })
    .await
}

async fn words(world: &World, select: &str) -> Option<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(select.to_owned()))
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

async fn comes_to(world: &World, select: &str, wanted: &str) {
    until(select, async || {
        (words(world, select).await.as_deref() == Some(wanted)).then_some(())
    })
    .await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_proven_origin_tells_which_side_fails(pool: PgPool) {
    let (world, edge) = (World::new(pool).await, SwitchableSite::start().await);
    let says = Arc::new(Mutex::new(("200 OK", "no token".to_owned())));
    let server = saying(&says).await;
    let origin = format!("127.0.0.1:{}", server.port());
    let mut monitor = Monitor {
        spec: world.spec(&edge.url("/"), 5),
        ..world.draft()
    };
    monitor.spec.http = Some(HttpSpec {
        origin: Some(origin.clone()),
        ..HttpSpec::default()
    });
    let id = world.insert(&monitor).await;
    let worker = world.start("one");
    world.wait_for(id, Observed::Up).await;
    let asked =
        "SELECT state || ' ' || (asked_at IS NOT NULL) || ' ' || (looked_at IS NULL) FROM origins";
    comes_to(&world, asked, "unproven true true").await;

    // The token is there, and somebody presses the button.
    let mut c = world.pool.acquire().await.unwrap();
    let token = store::origins::token(&mut c, world.account, &origin).await;
    says.lock().unwrap().1 = token.unwrap();
    let key = (world.account, id);
    let now = crate::world::now();
    store::origins::want_proof(&mut c, key, now).await.unwrap();
    drop(c);
    comes_to(&world, asked, "proven true false").await;
    let well = "SELECT (well_at IS NOT NULL AND failure IS NULL)::text FROM origins";
    comes_to(&world, well, "true").await;

    // A cache serves, and the server behind it is dead.
    says.lock().unwrap().0 = "502 Bad Gateway";
    let mut c = world.pool.acquire().await.unwrap();
    sqlx::query("UPDATE origins SET look_at = now()")
        .execute(&mut *c)
        .await
        .unwrap();
    drop(c);
    comes_to(
        &world,
        "SELECT failing || ' ' || (failure ->> 'class') FROM origins",
        "1 http_status",
    )
    .await;
    says.lock().unwrap().0 = "200 OK";

    edge.set(Behaviour::Status(502));
    world.wait_for(id, Observed::Down).await;
    let incident = until("a closer look", async || {
        let done = "SELECT count(*)::text FROM autopsies WHERE done_at IS NOT NULL";
        match words(&world, done).await.as_deref() {
            Some("0") => None,
            _ => world.open_incident(id).await,
        }
    })
    .await;
    let said = incident.diagnosis.unwrap();
    assert_eq!(
        (said.rule.as_str(), said.attribution),
        ("origin_answers", Some(Attribution::Edge)),
        "{said:#?}"
    );
    worker.stop().await;
}
