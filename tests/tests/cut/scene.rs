//! Monitors of a customer, anchors, and a worker behind one wire.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::SwitchableSite;
use testkit::dns::{Answer, FakeDns};

use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::network::Network;
use crate::support::program::{Running, Settings, free_port};
use crate::support::wait;

pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// What happens to the wire.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// Nothing goes through.
    Cut,
    /// Nobody answers to names.
    Names,
    /// Of each hundred packets so many are lost, each way.
    Loss(u8),
}

/// Who plays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast {
    /// Monitors of a site that stays up.
    pub monitors: usize,
    /// Canaries of every worker.
    pub anchors: usize,
    /// The sites and anchors are called by name.
    pub named: bool,
    /// Regions whose workers have a wire of their own, beside the one behind ours.
    pub others: &'static [&'static str],
}

/// The region behind the wire.
pub(super) const OURS: &str = "fra";

pub(super) struct Scene {
    network: Network,
    others: Vec<Network>,
    pub database: StoryDatabase,
    pub mail: MailServer,
    /// Stays up.
    pub site: SwitchableSite,
    /// Dies while nobody sees.
    pub dying: SwitchableSite,
    pub api: Api,
    cast: Cast,
    dns: FakeDns,
    _anchors: Vec<SwitchableSite>,
    _processes: Vec<Running>,
}

/// The names of anchors and sites, in a zone that nobody else has (RFC 6761).
fn names(anchors: usize) -> Vec<String> {
    let anchors = (0..anchors).map(|n| format!("anchor-{n}.example"));
    anchors
        .chain(["shop.example", "dying.example"].map(str::to_owned))
        .collect()
}

impl Scene {
    /// A web and a notifier here, a worker inside, and monitors that are up. `None` where this machine
    /// gives no network namespace: said, and no failure.
    pub async fn set(cast: Cast) -> Option<Self> {
        let network = match Network::new().await {
            Ok(network) => network,
            Err(why) => {
                eprintln!("skipped: this machine gives no network namespace ({why})");
                return None;
            }
        };
        let mut others = Vec::new();
        for _ in cast.others {
            others.push(Network::new().await.expect("one more of a kind"));
        }
        let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
        let dns = FakeDns::start_on(network.outside).await;
        let mut anchors = Vec::new();
        for _ in 0..cast.anchors {
            anchors.push(SwitchableSite::start_on(network.outside).await);
        }
        let url = |site: &SwitchableSite, name: &str| match cast.named {
            true => format!("http://{name}:{}/", site.address().port()),
            false => site.url("/"),
        };
        let urls = anchors.iter().zip(names(cast.anchors));
        let urls: Vec<String> = urls.map(|(anchor, name)| url(anchor, &name)).collect();
        let settings = Settings::local(&database.url)
            .with("SMTP_URL", &mail.url())
            .with("DNS_SERVERS", &dns.address().to_string())
            .with("CANARIES", &urls.join(","));
        let (status, _, error) = settings.run(&["migrate"]).await;
        assert_eq!(status, 0, "{error}");
        let mut scene = Self {
            api: api::account(&settings, "owner@shop.example", "enterprise").await,
            site: SwitchableSite::start_on(network.outside).await,
            dying: SwitchableSite::start_on(network.outside).await,
            network,
            others,
            database,
            mail,
            cast,
            dns,
            _anchors: anchors,
            _processes: Vec::new(),
        };
        scene.resolver_answers(true);
        scene.start(&settings).await;
        for n in 0..cast.monitors {
            let address = format!("{}{n}", url(&scene.site, "shop.example"));
            scene.watch(&address, 10).await;
        }
        // Its slot is far away.
        scene
            .watch(&url(&scene.dying, "dying.example"), 3_600)
            .await;
        let up = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
        let all = i64::try_from(cast.monitors).unwrap() + 1;
        wait::until("all are up", LIMIT, async || {
            (scene.count(up).await == all).then_some(())
        })
        .await;
        Some(scene)
    }

    async fn start(&mut self, settings: &Settings) {
        let ready = |at: &str| format!("http://{at}/readyz");
        let ours = std::iter::once((OURS, &self.network));
        let others = self.cast.others.iter().copied().zip(&self.others);
        let mut processes = Vec::new();
        for (region, network) in ours.chain(others) {
            let inside = format!("{}:8081", network.inside);
            let worker = settings
                .clone()
                .within(&network.name)
                .with("REGION", region)
                .with("DATABASE_URL", &self.database.socket_url().await)
                .with("OPS_LISTEN", &inside);
            processes.push(worker.start("worker", &ready(&inside)).await);
        }
        let web = format!("127.0.0.1:{}", settings.port);
        processes.push(settings.start("web", &ready(&web)).await);
        let here = format!("127.0.0.1:{}", free_port());
        let notifier = settings.clone().with("OPS_LISTEN", &here);
        processes.push(notifier.start("notifier", &ready(&here)).await);
        self._processes = processes;
    }

    async fn watch(&self, url: &str, interval: u32) {
        // No region is named: all of them look.
        let settings = json!({ "interval_seconds": interval, "timeout_ms": 2_000 });
        self.api.watch(url, settings).await;
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    pub async fn count(&self, select: &'static str) -> i64 {
        sqlx::query_scalar(select)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// Waits until so many blind times are open.
    pub async fn blind(&self, open: i64) {
        let select = "SELECT count(*) FROM blind_intervals WHERE ended_at IS NULL";
        let what = format!("{open} open blind times");
        wait::until(&what, LIMIT, async || {
            (self.count(select).await == open).then_some(())
        })
        .await;
    }

    fn resolver_answers(&self, it_does: bool) {
        for name in names(self.cast.anchors) {
            let answer = match it_does {
                true => Answer::Addresses(vec![self.network.outside.into()]),
                false => Answer::Silence,
            };
            self.dns.set(&name, answer);
        }
    }

    /// The wire is in trouble from now on. An error where this machine cannot make it.
    pub async fn harm(&self, trouble: Trouble) -> Result<(), String> {
        match trouble {
            Trouble::Cut => self.network.cut().await,
            Trouble::Names => self.resolver_answers(false),
            Trouble::Loss(percent) => return self.network.lose(percent).await,
        }
        Ok(())
    }

    pub async fn mend(&self, trouble: Trouble) {
        match trouble {
            Trouble::Cut => self.network.mend().await,
            Trouble::Names => self.resolver_answers(true),
            Trouble::Loss(_) => self.network.lose_nothing().await,
        }
    }

    /// Nobody has heard anything, and nothing is written against anybody.
    pub async fn nobody_is_alarmed(&self) {
        let of = "SELECT m.host FROM incidents i JOIN monitors m ON m.id = i.monitor_id";
        let of: Vec<Option<String>> = sqlx::query_scalar(of).fetch_all(self.pool()).await.unwrap();
        assert_eq!(of, [] as [Option<String>; 0], "whose incidents");
        assert_eq!(self.count("SELECT count(*) FROM deliveries").await, 0);
        let blamed = "SELECT count(*) FROM status_intervals WHERE status IN ('down', 'partial')";
        assert_eq!(self.count(blamed).await, 0);
        assert_eq!(self.mail.all().len(), 0);
    }

    /// How many monitors are shown with a status, of two hundred at most.
    pub async fn shown(&self, status: &str) -> usize {
        let path = format!("/monitors?status={status}&limit=200");
        self.api.get(&path).await["data"].as_array().unwrap().len()
    }

    /// Seconds until every monitor was looked at, and the look believed, since `back`.
    pub async fn all_looked_at_since(&self, back: jiff::Timestamp) -> f64 {
        let slowest = "SELECT max(extract(epoch FROM first_at - $1::timestamptz))::float8, bool_and(first_at IS NOT NULL)
            FROM monitors m, LATERAL (SELECT least(
                (SELECT min(at) FROM checks c WHERE c.monitor_id = m.id AND c.verdict <> 4 AND c.at >= $1::timestamptz),
                (SELECT min(at) FROM requested_checks r WHERE r.monitor_id = m.id AND r.verdict <> 4 AND r.at >= $1::timestamptz)
            ) AS first_at) AS looked";
        let slowest = wait::until("everything is looked at", LIMIT, async || {
            let (slowest, all): (Option<f64>, bool) = sqlx::query_as(slowest)
                .bind(back.to_string())
                .fetch_one(self.pool())
                .await
                .unwrap();
            slowest.filter(|_| all)
        })
        .await;
        assert!(slowest <= 30.0, "looked at after {slowest} s");
        slowest
    }

    /// What really died is the one thing that is told; seconds until it was sure, since `back`.
    pub async fn only_what_died_is_told(&self, back: jiff::Timestamp) -> i64 {
        let mail = self.mail.wait_for("Down:", LIMIT).await;
        mail.assert_says("we could not look");
        let open = self.api.get("/incidents").await;
        let open: &Vec<Value> = open["data"].as_array().unwrap();
        assert_eq!(open.len(), 1, "only what really died");
        let at =
            |field: &str| -> jiff::Timestamp { open[0][field].as_str().unwrap().parse().unwrap() };
        assert!(at("first_failure_at") >= back);
        let sure = at("confirmed_at").duration_since(back).as_secs();
        assert!(sure <= 30, "sure {sure} s after the return");
        sure
    }

    /// Seconds of the longest blind time.
    pub async fn blind_seconds(&self) -> i64 {
        self.count(
            "SELECT coalesce(max(extract(epoch FROM coalesce(ended_at, now()) - started_at)), 0)::bigint FROM blind_intervals",
        )
        .await
    }
}
