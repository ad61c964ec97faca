//! The wire of a worker is cut, for real: a network namespace whose only way out is a virtual wire.
//! Where this machine allows none, these stories say so and end.

use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use testkit::{Behaviour, SwitchableSite};

use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::network::Network;
use crate::support::program::{Running, Settings, free_port};
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    network: Network,
    database: StoryDatabase,
    mail: MailServer,
    site: SwitchableSite,
    /// Dies while nobody sees.
    dying: SwitchableSite,
    _anchors: Vec<SwitchableSite>,
    api: Api,
    _processes: Vec<Running>,
}

impl Scene {
    /// A web and a notifier here, a worker inside, and so many monitors that are up.
    async fn set(monitors: usize) -> Option<Self> {
        let network = match Network::new().await {
            Ok(network) => network,
            Err(why) => {
                eprintln!("skipped: this machine gives no network namespace ({why})");
                return None;
            }
        };
        let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
        let mut anchors = Vec::new();
        for _ in 0..5 {
            anchors.push(SwitchableSite::start_on(network.outside).await);
        }
        let urls: Vec<String> = anchors.iter().map(|anchor| anchor.url("/")).collect();
        let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
        let (status, _, error) = settings.run(&["migrate"]).await;
        assert_eq!(status, 0, "{error}");
        let ready = |at: &str| format!("http://{at}/readyz");
        let (inside, here) = (
            format!("{}:8081", network.inside),
            format!("127.0.0.1:{}", free_port()),
        );
        let worker = settings
            .clone()
            .within(&network.name)
            .with("DATABASE_URL", &database.socket_url().await)
            .with("CANARIES", &urls.join(","))
            .with("OPS_LISTEN", &inside);
        let processes = vec![
            worker.start("worker", &ready(&inside)).await,
            settings
                .start("web", &ready(&format!("127.0.0.1:{}", settings.port)))
                .await,
            settings
                .clone()
                .with("OPS_LISTEN", &here)
                .start("notifier", &ready(&here))
                .await,
        ];
        let api = api::account(&settings, "owner@shop.example", "enterprise").await;
        let scene = Self {
            site: SwitchableSite::start_on(network.outside).await,
            dying: SwitchableSite::start_on(network.outside).await,
            network,
            database,
            mail,
            _anchors: anchors,
            api,
            _processes: processes,
        };
        for n in 0..monitors {
            scene.watch(&scene.site.url(&format!("/{n}")), 10).await;
        }
        // Its slot is far away.
        scene.watch(&scene.dying.url("/"), 3_600).await;
        let up = "SELECT count(*) FROM monitor_states WHERE observed = 'up'";
        let all = i64::try_from(monitors).unwrap() + 1;
        wait::until("all are up", LIMIT, async || {
            (scene.count(up).await == all).then_some(())
        })
        .await;
        Some(scene)
    }

    async fn watch(&self, url: &str, interval: u32) {
        let settings = json!({ "interval_seconds": interval, "timeout_ms": 2_000 });
        self.api.watch(url, settings).await;
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    async fn count(&self, select: &'static str) -> i64 {
        sqlx::query_scalar(select)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    async fn blind(&self, open: i64) {
        let select = "SELECT count(*) FROM blind_intervals WHERE ended_at IS NULL";
        let what = format!("{open} open blind times");
        wait::until(&what, LIMIT, async || {
            (self.count(select).await == open).then_some(())
        })
        .await;
    }

    /// Cuts, waits, mends; nobody hears of it but of the one that died meanwhile.
    async fn cut_for(&self, lasts: Duration) {
        self.network.cut().await;
        self.blind(256).await;
        self.dying.set(Behaviour::Refuse);
        tokio::time::sleep(lasts).await;
        assert_eq!(self.count("SELECT count(*) FROM incidents").await, 0);
        assert_eq!(self.count("SELECT count(*) FROM deliveries").await, 0);
        let unknown = self.api.get("/monitors?status=unknown&limit=200").await;
        let monitors = self.count("SELECT count(*) FROM monitors").await;
        let shown = i64::try_from(unknown["data"].as_array().unwrap().len()).unwrap();
        assert_eq!(shown, monitors.min(200), "shown as unknown");

        let back = jiff::Timestamp::now();
        self.network.mend().await;
        self.blind(0).await;
        let mail = self.mail.wait_for("Down:", LIMIT).await;
        assert!(mail.text.contains("we could not look"), "{}", mail.text);
        let open = self.api.get("/incidents").await;
        assert_eq!(
            open["data"].as_array().unwrap().len(),
            1,
            "only what really died"
        );
        let at = |field: &str| -> jiff::Timestamp {
            open["data"][0][field].as_str().unwrap().parse().unwrap()
        };
        assert!(at("first_failure_at") >= back);
        let sure = at("confirmed_at").duration_since(back).as_secs();
        assert!(sure <= 30, "sure {sure} s after the return");
        self.all_looked_at_since(back).await;
        assert_eq!(self.mail.all().len(), 1, "and one mail");
        eprintln!("what died is sure {sure} s after the return");
    }

    /// Every monitor was looked at within 30 s of `back`.
    async fn all_looked_at_since(&self, back: jiff::Timestamp) {
        let late = "SELECT count(*) FROM monitors m WHERE NOT EXISTS (
                SELECT FROM checks c WHERE c.monitor_id = m.id AND c.verdict <> 4
                    AND c.at BETWEEN $1::timestamptz AND $1::timestamptz + interval '30 seconds')
            AND NOT EXISTS (
                SELECT FROM requested_checks r WHERE r.monitor_id = m.id AND r.verdict <> 4
                    AND r.at BETWEEN $1::timestamptz AND $1::timestamptz + interval '30 seconds')";
        wait::until("everything is looked at", LIMIT, async || {
            let left: i64 = sqlx::query_scalar(late)
                .bind(back.to_string())
                .fetch_one(self.pool())
                .await
                .unwrap();
            (left == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_alarms_nobody() {
    if let Some(scene) = Scene::set(50).await {
        scene.cut_for(Duration::from_secs(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 minutes: make soak"]
async fn a_wire_cut_for_sixteen_minutes_alarms_nobody() {
    if let Some(scene) = Scene::set(200).await {
        scene.cut_for(Duration::from_secs(16 * 60)).await;
    }
}
