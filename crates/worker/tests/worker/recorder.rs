//! What was seen is stored whatever else the worker does.

use domain::status::Observed;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use testkit::SwitchableSite;
use tokio::sync::oneshot;

use crate::world::{World, until};

/// Keeps looks from being stored until it is told to let them, and then waits for one.
#[tokio::main(flavor = "current_thread")]
async fn let_through(
    options: PgConnectOptions,
    held: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
) {
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE checks IN SHARE MODE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    held.send(()).unwrap();
    go.await.unwrap();
    transaction.commit().await.unwrap();
    until("a stored look", async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM checks");
        (count.fetch_one(&pool).await.unwrap() > 0).then_some(())
    })
    .await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn looks_are_stored_while_nothing_else_of_the_worker_runs(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let ((held, holds), (go, goes)) = (oneshot::channel(), oneshot::channel());
    let options = (*world.pool.connect_options()).clone();
    let other = std::thread::spawn(move || let_through(options, held, goes));
    holds.await.unwrap();
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 10).await;
    world.wait_for(monitor, Observed::Up).await;
    go.send(()).unwrap();
    // The runtime of this test is the worker's: nothing runs on it until the other thread has ended.
    other.join().unwrap();
    worker.stop().await;
}
