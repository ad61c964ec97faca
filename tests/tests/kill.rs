//! `kill -9` at the worst moments: nothing is lost.
//!
//! A moment is held open from outside: by a lock in the database, or by a mail server that does not
//! answer. The program has no switches for tests.

mod autopsy;

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use testkit::telephony::Telephony;
use testkit::{Behaviour, SwitchableSite};
use tokio::net::TcpListener;

use crate::outage::wait_for_status;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::{Settings, free_port};
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    database: StoryDatabase,
    mail: MailServer,
    site: SwitchableSite,
    settings: Settings,
}

impl Scene {
    async fn set() -> Self {
        let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
        let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
        Self {
            database,
            mail,
            site: SwitchableSite::start().await,
            settings,
        }
    }

    /// An account with one monitor that is up.
    async fn watched(&self) -> (Api, String) {
        let api = api::account(&self.settings, "owner@shop.example", "free").await;
        let monitor = api
            .watch(&self.site.url("/"), json!({ "name": "Shop" }))
            .await;
        wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
        (api, monitor)
    }

    async fn break_site(&self, api: &Api, monitor: &str) {
        self.site.set(Behaviour::Status(502));
        let (status, check) = api
            .send("POST", &format!("/monitors/{monitor}/check"), None)
            .await;
        assert_eq!(
            (status, &check["verdict"]),
            (200, &json!("down")),
            "{check}"
        );
    }

    /// A session of its own that holds `lock` until it is closed.
    async fn hold(&self, lock: &'static str) -> PgConnection {
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        connection.execute("BEGIN").await.unwrap();
        connection.execute(lock).await.unwrap();
        connection
    }

    /// Waits until somebody waits for the lock that `holder` holds.
    async fn blocked(&self, what: &str) {
        wait::until(what, LIMIT, async || count(&self.database.pool, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").await)
            .await;
    }
}

/// The count that `sql` answers, if it is not zero.
async fn count(pool: &PgPool, sql: &'static str) -> Option<i64> {
    sqlx::query_scalar::<_, i64>(sql)
        .fetch_one(pool)
        .await
        .ok()
        .filter(|count| *count > 0)
}

/// Lets a lease of a dead process run out now instead of in a minute.
async fn age_leases(pool: &PgPool) {
    pool.execute("UPDATE deliveries SET lease_until = now() - interval '1 second', next_at = now() - interval '20 seconds', pushed_at = now() - interval '2 minutes' WHERE state IN ('pending', 'sending')")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_failure_seen_and_nothing_committed() {
    let scene = Scene::set().await;
    let server = scene.settings.serve().await;
    let (api, monitor) = scene.watched().await;
    let mut lock = scene.hold("LOCK TABLE incidents IN SHARE MODE").await;
    scene.break_site(&api, &monitor).await;
    scene
        .blocked("the transaction that opens the incident")
        .await;
    server.kill().await;
    lock.execute("ROLLBACK").await.unwrap();
    assert_eq!(
        count(&scene.database.pool, "SELECT count(*) FROM incidents").await,
        None
    );

    let _again = scene.settings.serve().await;
    scene.mail.wait_for("Down: Shop", LIMIT).await;
    assert_eq!(
        count(&scene.database.pool, "SELECT count(*) FROM incidents").await,
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_and_before_any_claim() {
    let scene = Scene::set().await;
    let setup = scene.settings.serve().await;
    let (api, monitor) = scene.watched().await;
    assert_eq!(setup.terminate().await, 0);
    let ops = free_port();
    let web = scene
        .settings
        .start(
            "web",
            &format!("http://127.0.0.1:{}/readyz", scene.settings.port),
        )
        .await;
    let worker_settings = scene
        .settings
        .clone()
        .with("OPS_LISTEN", &format!("127.0.0.1:{ops}"));
    let worker = worker_settings
        .start("worker", &format!("http://127.0.0.1:{ops}/readyz"))
        .await;
    scene.break_site(&api, &monitor).await;
    wait::until("the incident is committed", LIMIT, async || {
        count(&scene.database.pool, "SELECT count(*) FROM deliveries").await
    })
    .await;
    worker.kill().await;
    web.kill().await;
    assert!(scene.mail.all().is_empty());

    let _again = scene.settings.serve().await;
    scene.mail.wait_for("Down: Shop", LIMIT).await;
    assert_eq!(scene.mail.with_subject("Down: Shop").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_delivery_claimed() {
    let scene = Scene::set().await;
    // Takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let hanging = scene
        .settings
        .clone()
        .with("SMTP_URL", &format!("smtp://{address}?tls=none"));
    let server = hanging.serve().await;
    let (api, monitor) = scene.watched().await;
    scene.break_site(&api, &monitor).await;
    let (_held, _) = tokio::time::timeout(LIMIT, silent.accept())
        .await
        .expect("the notifier connects")
        .unwrap();
    assert_eq!(
        count(
            &scene.database.pool,
            "SELECT count(*) FROM deliveries WHERE state = 'sending'"
        )
        .await,
        Some(1)
    );
    server.kill().await;
    drop(silent);

    age_leases(&scene.database.pool).await;
    let _again = scene.settings.serve().await;
    scene.mail.wait_for("Down: Shop", LIMIT).await;
    wait::until("it is recorded", LIMIT, async || {
        count(
            &scene.database.pool,
            "SELECT count(*) FROM deliveries WHERE state = 'sent'",
        )
        .await
    })
    .await;
    assert_eq!(scene.mail.with_subject("Down: Shop").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_the_provider_has_answered_and_nothing_is_recorded() {
    let scene = Scene::set().await;
    let server = scene.settings.serve().await;
    let (api, monitor) = scene.watched().await;
    let mut lock = scene
        .hold("LOCK TABLE delivery_attempts IN SHARE MODE")
        .await;
    scene.break_site(&api, &monitor).await;
    let first = scene.mail.wait_for("Down: Shop", LIMIT).await;
    scene.blocked("the notifier records the answer").await;
    server.kill().await;
    lock.execute("ROLLBACK").await.unwrap();
    assert_eq!(
        count(
            &scene.database.pool,
            "SELECT count(*) FROM deliveries WHERE state = 'sent'"
        )
        .await,
        None
    );

    age_leases(&scene.database.pool).await;
    let _again = scene.settings.serve().await;
    wait::until("it is recorded", LIMIT, async || {
        count(
            &scene.database.pool,
            "SELECT count(*) FROM deliveries WHERE state = 'sent'",
        )
        .await
    })
    .await;
    let mails = scene.mail.with_subject("Down: Shop");
    assert!(mails.len() <= 2, "at most one duplicate");
    let id = |headers: &str| {
        let value: serde_json::Value = serde_json::from_str(headers).unwrap();
        value
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("message-id"))
            .map(|(_, id)| id.to_string())
    };
    assert!(
        mails
            .iter()
            .all(|mail| id(&mail.headers) == id(&first.headers)),
        "a duplicate has the same id"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_a_call_was_placed_and_nothing_is_recorded() {
    let scene = Scene::set().await;
    let phone = Telephony::start().await;
    let settings = scene.settings.clone().with_telephony(&phone);
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let voice = crate::voice::add_voice(&api, &phone).await;
    let monitor = api
        .watch(
            &scene.site.url("/"),
            json!({ "name": "Shop", "contact_ids": [voice] }),
        )
        .await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
    let mut lock = scene
        .hold("LOCK TABLE delivery_attempts IN SHARE MODE")
        .await;
    scene.break_site(&api, &monitor).await;
    // The code, and the call about the outage.
    phone.wait_for_calls(2).await;
    scene.blocked("the notifier records the answer").await;
    server.kill().await;
    lock.execute("ROLLBACK").await.unwrap();
    let sent = "SELECT count(*) FROM deliveries WHERE channel = 'voice' AND state = 'sent'";
    assert_eq!(count(&scene.database.pool, sent).await, None);

    age_leases(&scene.database.pool).await;
    let _again = settings.serve().await;
    wait::until("it is recorded", LIMIT, async || {
        count(&scene.database.pool, sent).await
    })
    .await;
    assert_eq!(phone.calls().len(), 2, "nobody is called twice");
}
