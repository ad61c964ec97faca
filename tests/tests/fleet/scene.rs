//! Workers of one region, a customer's pages, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::SwitchableSite;
use tokio::task::JoinSet;

use super::target::Target;
use super::timetable::Kept;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::program::{Running, Settings, free_port};
use crate::support::wait;

pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// What the design promises when a process dies.
pub(super) const PROMISE: f64 = 15.0;

/// A worker, and the name under which it holds leases.
pub(super) struct Fellow {
    pub name: String,
    pub process: Running,
    pub ready: String,
}

/// Another process.
pub(super) struct Role {
    pub process: Running,
    pub ready: String,
}

pub(super) struct Scene {
    pub pool: PgPool,
    pub settings: Settings,
    pub target: Target,
    /// The webhook of the customer: it is told everything, each thing by itself.
    pub hook: SwitchableSite,
    pub api: Api,
    pub names: Vec<String>,
    /// The API's id of each.
    ids: BTreeMap<String, String>,
    pub roles: Vec<Role>,
}

impl Scene {
    /// Web and notifier on this machine; no worker yet and no monitor.
    pub async fn set() -> Self {
        let database = StoryDatabase::fresh().await;
        let settings = Settings::local(&database.url);
        let mut scene = Self::empty(database.pool, settings, Ipv4Addr::LOCALHOST).await;
        scene.staff().await;
        scene
    }

    /// Nobody works yet; the customer's pages are at `ip`.
    pub async fn empty(pool: PgPool, settings: Settings, ip: Ipv4Addr) -> Self {
        let (status, _, error) = settings.run(&["migrate"]).await;
        assert_eq!(status, 0, "{error}");
        Self {
            pool,
            target: Target::start_on(ip).await,
            hook: SwitchableSite::start_on(ip).await,
            api: api::account(&settings, "owner@shop.example", "enterprise").await,
            settings,
            names: Vec::new(),
            ids: BTreeMap::new(),
            roles: Vec::new(),
        }
    }

    /// Web and notifier on this machine.
    pub async fn staff(&mut self) {
        let ready = format!("http://127.0.0.1:{}/readyz", self.settings.port);
        let process = self.settings.start("web", &ready).await;
        self.roles.push(Role { process, ready });
        let notifier = self.role("notifier").await;
        self.roles.push(notifier);
    }

    /// A role beside the web, ready.
    async fn role(&self, role: &str) -> Role {
        let ops = format!("127.0.0.1:{}", free_port());
        let ready = format!("http://{ops}/readyz");
        let settings = self.settings.clone().with("OPS_LISTEN", &ops);
        let process = settings.start(role, &ready).await;
        Role { process, ready }
    }

    /// One more worker.
    pub async fn worker(&self) -> Fellow {
        let known = self.workers().await;
        let Role { process, ready } = self.role("worker").await;
        let now = self.workers().await;
        let name = now.difference(&known).next().expect("it is known").clone();
        Fellow {
            name,
            process,
            ready,
        }
    }

    pub async fn workers(&self) -> BTreeSet<String> {
        let names: Vec<String> = sqlx::query_scalar("SELECT id FROM workers")
            .fetch_all(&self.pool)
            .await
            .expect("workers");
        names.into_iter().collect()
    }

    /// Makes so many monitors that tell the webhook, and waits until all are up.
    pub async fn watch(&mut self, count: usize, interval: u32) {
        let contact = json!({ "kind": "webhook", "name": "Desk", "url": self.hook.url("/desk") });
        let (status, contact) = self.api.send("POST", "/contacts", Some(contact)).await;
        assert_eq!(status, 201, "{contact}");
        self.names = (0..count).map(|n| format!("page-{n}")).collect();
        let mut made = JoinSet::new();
        for name in &self.names {
            let (api, url, name) = (self.api.clone(), self.target.url(name), name.clone());
            let settings = json!({
                "name": name, "interval_seconds": interval, "timeout_ms": 4_000, "contact_ids": [contact["id"]],
            });
            made.spawn(async move { (name, api.watch(&url, settings).await) });
            if made.len() >= 8 {
                self.ids
                    .extend(made.join_next().await.map(|one| one.expect("made")));
            }
        }
        self.ids.extend(made.join_all().await);
        let all = i64::try_from(count).expect("a few");
        self.until_count(
            "all are up",
            "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming",
            all,
        )
        .await;
    }

    /// Asks for a look at a page, beside the timetable.
    pub async fn look(&self, name: &str) {
        let path = format!("/monitors/{}/check", self.ids[name]);
        let (status, check) = self.api.send("POST", &path, None).await;
        assert_eq!(status, 200, "{check}");
    }

    pub async fn count(&self, select: &'static str) -> i64 {
        sqlx::query_scalar(select)
            .fetch_one(&self.pool)
            .await
            .expect("a count")
    }

    pub async fn until_count(&self, what: &str, select: &'static str, wanted: i64) {
        wait::until(what, LIMIT, async || {
            let count: Option<i64> = sqlx::query_scalar(select).fetch_one(&self.pool).await.ok();
            (count == Some(wanted)).then_some(())
        })
        .await;
    }

    /// Shards of each holder whose lease has not run out.
    pub async fn shares(&self) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT holder, count(*) FROM shard_leases WHERE holder IS NOT NULL AND expires_at > clock_timestamp() GROUP BY holder",
        )
        .fetch_all(&self.pool)
        .await
        .expect("leases");
        rows.into_iter().collect()
    }

    /// Waits until these workers and no others hold everything, each its fair share.
    pub async fn shared_by(&self, fellows: &[&Fellow]) {
        // Shares are rounded up, and the last has what is left.
        let others = i64::try_from(fellows.len()).expect("a few") - 1;
        let share = 256 - others * (256 + others).div_euclid(others + 1);
        wait::until("a fair share each", LIMIT, async || {
            let shares = self.shares().await;
            let all = fellows
                .iter()
                .all(|fellow| shares.get(&fellow.name).is_some_and(|held| *held >= share));
            (all && shares.len() == fellows.len() && shares.values().sum::<i64>() == 256)
                .then_some(())
        })
        .await;
    }

    /// Who looks at a page.
    pub async fn holder(&self, name: &str) -> String {
        sqlx::query_scalar(
            "SELECT l.holder FROM shard_leases l JOIN monitors m ON m.shard = l.shard WHERE m.name = $1",
        )
        .bind(name)
        .fetch_one(&self.pool)
        .await
        .expect("a holder")
    }

    /// The pages that do not break.
    pub fn sound(&self, broken: &[&str]) -> Vec<String> {
        let sound = |name: &&String| !broken.contains(&name.as_str());
        self.names.iter().filter(sound).cloned().collect()
    }

    pub async fn kept(&self, broken: &[&str], from: Timestamp, to: Timestamp) -> Kept {
        let names = self.sound(broken);
        Kept::between((&self.pool, &self.target), &names, (from, to)).await
    }

    /// Waits until the outage of each of `names` is told, or its end.
    pub async fn told(&self, kind: &str, names: &[&str], limit: Duration) {
        wait::until(&format!("{kind} of {names:?}"), limit, async || {
            let said = self.said(kind);
            names
                .iter()
                .all(|name| said.contains_key(*name))
                .then_some(())
        })
        .await;
    }

    /// Of each page, the ids of the messages of a kind that the webhook got.
    fn said(&self, kind: &str) -> BTreeMap<String, Vec<String>> {
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for post in self.hook.posts() {
            let body: Value = serde_json::from_slice(&post.body).expect("JSON");
            if body["type"] == kind {
                let name = body["data"]["monitor"]["name"].as_str().expect("a name");
                let id = post.header("webhook-id").to_owned();
                said.entry(name.to_owned()).or_default().push(id);
            }
        }
        said
    }

    /// These pages were down, once each, and nothing else happened to anybody: one incident, one line of
    /// each kind in its history, one message. How many messages came a second time, under the same id.
    pub async fn only_these_were_down(&self, broken: &[&str]) -> usize {
        let incidents: Vec<String> = sqlx::query_scalar(
            "SELECT m.name FROM incidents i JOIN monitors m ON m.id = i.monitor_id ORDER BY 1",
        )
        .fetch_all(&self.pool)
        .await
        .expect("incidents");
        let mut wanted: Vec<String> = broken.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        assert_eq!(incidents, wanted, "each outage once, and no other");
        let doubled = "SELECT count(*) FROM (SELECT 1 FROM incident_events WHERE kind IN ('first_failure', 'confirmed', 'resolved')
            GROUP BY incident_id, kind HAVING count(*) > 1) AS twice";
        assert_eq!(self.count(doubled).await, 0, "a change is written once");
        let doubled = "SELECT count(*) FROM (SELECT status, lag(status) OVER (PARTITION BY monitor_id ORDER BY started_at)
            AS before FROM status_intervals) AS lines WHERE status = before";
        assert_eq!(self.count(doubled).await, 0, "a status changes");
        let overlap =
            "SELECT count(*) FROM status_intervals a JOIN status_intervals b USING (monitor_id)
            WHERE a.started_at < b.started_at AND coalesce(a.ended_at, 'infinity') > b.started_at";
        assert_eq!(self.count(overlap).await, 0, "one status at a time");
        let stained: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT m.name FROM status_intervals s JOIN monitors m ON m.id = s.monitor_id
             WHERE s.status NOT IN ('pending', 'up') ORDER BY 1",
        )
        .fetch_all(&self.pool)
        .await
        .expect("statuses");
        assert_eq!(stained, wanted, "nobody else was anything but up");
        let mut again = 0;
        for kind in ["incident.opened", "incident.resolved"] {
            for (name, ids) in self.said(kind) {
                assert!(broken.contains(&name.as_str()), "{kind} of {name}");
                let distinct: BTreeSet<_> = ids.iter().collect();
                assert_eq!(distinct.len(), 1, "{kind} of {name} is one message");
                again += ids.len() - 1;
            }
        }
        again
    }
}
