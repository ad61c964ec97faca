//! The database goes away and comes back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::status::Observed;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};
use testkit::{Behaviour, SwitchableSite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::{World, until};

/// A way to the database that can be cut.
struct Line {
    address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(watch::Sender::new(true));
        let task = tokio::spawn(Self::run(listener, database, open.clone()));
        Self {
            address,
            open,
            task,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a line to the test's own database"
    )]
    async fn run(listener: TcpListener, database: SocketAddr, open: Arc<watch::Sender<bool>>) {
        loop {
            let Ok((mut near, _)) = listener.accept().await else {
                return;
            };
            let mut open = open.subscribe();
            if !*open.borrow_and_update() {
                continue;
            }
            tokio::spawn(async move {
                let Ok(mut far) = TcpStream::connect(database).await else {
                    return;
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = open.changed() => {}
                }
            });
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_that_begins_while_the_database_is_gone_is_not_lost(pool: PgPool) {
    let (world, site, healthy_site) = (
        World::new(pool).await,
        SwitchableSite::start().await,
        SwitchableSite::start().await,
    );
    let options = (*world.pool.connect_options()).clone();
    let database: SocketAddr = format!("127.0.0.1:{}", options.get_port()).parse().unwrap();
    let line = Line::to(database).await;
    let cuttable = PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(2))
        .connect_with(
            options
                .host("127.0.0.1")
                .port(line.address.port())
                .disable_statement_logging(),
        )
        .await
        .unwrap();
    let worker = world.start_on("one", cuttable);
    let failing = world.monitor(&site.url("/"), 1).await;
    let healthy = world.monitor(&healthy_site.url("/"), 1).await;
    world.wait_for(failing, Observed::Up).await;
    world.wait_for(healthy, Observed::Up).await;
    until("a worker without a problem", async || {
        worker.worker.health().problem().is_none().then_some(())
    })
    .await;

    line.open.send_replace(false);
    site.set(Behaviour::Status(500));
    let before = (site.requests(), healthy_site.requests());
    until("looks without a database", async || {
        (site.requests() >= before.0 + 3 && healthy_site.requests() >= before.1 + 3).then_some(())
    })
    .await;
    assert!(world.open_incident(failing).await.is_none());
    let health = worker.worker.health();
    let problem = until("a problem for readiness", async || health.problem()).await;
    assert!(
        problem.starts_with("the worker has not renewed its leases for "),
        "{problem}"
    );

    line.open.send_replace(true);
    world.wait_for(failing, Observed::Down).await;
    assert!(world.open_incident(failing).await.is_some());
    assert!(
        world.open_incident(healthy).await.is_none(),
        "no false alarm"
    );
    let mut c = world.pool.acquire().await.unwrap();
    let window = domain::report::Window::last_hours(
        crate::world::now() + jiff::SignedDuration::from_secs(60),
        1,
    );
    let filter = store::reports::ChecksFilter::default();
    until("the looks that waited", async || {
        let key = (world.account, healthy);
        let page = store::reports::list_checks(&mut c, key, window, &filter, (None, 200))
            .await
            .unwrap();
        let slots: Vec<_> = page.checks.iter().filter_map(|check| check.slot).collect();
        let whole = slots
            .windows(2)
            .all(|pair| pair[0].duration_since(pair[1]).as_secs() <= 1);
        (slots.len() > 5 && whole).then_some(())
    })
    .await;
    until("readiness again", async || {
        health.problem().is_none().then_some(())
    })
    .await;
    worker.stop().await;
}
