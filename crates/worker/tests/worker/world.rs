//! An account whose monitors look at a site on loopback, and workers that do it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::account::Plan;
use domain::clock::SystemClock;
use domain::ids::{AccountId, LookRequestId, MonitorId};
use domain::incident::{Actor, Incident};
use domain::monitor::{ConfirmSpec, Monitor, MonitorSpec};
use domain::status::Observed;
use domain::target::AddressPolicy;
use egress::Trusted;
use egress::http::ProviderClient;
use incidents::By;
use jiff::{SignedDuration, Timestamp};
use probe::Prober;
use sqlx::PgPool;
use store::accounts::NewAccount;
use store::look_requests::{Answer, LookRequest, Reason, Subject};
use store::{Secrets, accounts, hours, look_requests, monitors, notify, states};
use testkit::SwitchableSite;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{CanaryConfig, OwnAddress, Worker, WorkerConfig};

pub struct World {
    pub pool: PgPool,
    pub secrets: Secrets,
    pub account: AccountId,
}

/// What a worker asks about itself.
#[derive(Default, Clone, Copy)]
pub struct Canaries<'a> {
    pub urls: &'a [String],
    pub known_dead: &'a [String],
    pub dns: Option<SocketAddr>,
}

/// A worker that runs; ends when dropped, without handing back, as a killed process does.
pub struct Running {
    pub worker: Worker,
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Stops it gently and waits for its end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the database's clock is the machine's here"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

impl World {
    pub async fn new(pool: PgPool) -> Self {
        jobs::migrate(&pool).await.unwrap();
        let world = Self {
            pool,
            secrets: Secrets::new(["a key that is long enough"]).unwrap(),
            account: AccountId::generate(),
        };
        let mut c = world.pool.acquire().await.unwrap();
        let token = world.account.to_string();
        let new = NewAccount {
            id: world.account,
            name: "Shop",
            timezone: "UTC",
            practice_token: &token,
            plan: Plan::Free,
        };
        accounts::insert(&mut c, &new, now()).await.unwrap();
        for hour in 0..2 {
            hours::ensure_partitions(&mut c, now() + SignedDuration::from_hours(hour))
                .await
                .unwrap();
        }
        world
    }

    /// A monitor on a short timetable, confirmed by one recheck.
    pub async fn monitor(&self, url: &str, interval_seconds: u32) -> MonitorId {
        let monitor = Monitor {
            spec: self.spec(url, interval_seconds),
            ..self.draft()
        };
        self.insert(&monitor).await
    }

    pub fn spec(&self, url: &str, interval_seconds: u32) -> MonitorSpec {
        MonitorSpec {
            url: Some(url.to_owned()),
            interval_seconds: Some(interval_seconds),
            timeout_ms: Some(1000),
            confirm: Some(ConfirmSpec {
                rechecks: Some(1),
                over_seconds: Some(0),
            }),
            ..MonitorSpec::default()
        }
    }

    pub fn draft(&self) -> Monitor {
        Monitor {
            id: MonitorId::generate(),
            account_id: self.account,
            spec: MonitorSpec::default(),
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: now() - SignedDuration::from_hours(1),
            updated_at: now(),
        }
    }

    pub async fn insert(&self, monitor: &Monitor) -> MonitorId {
        let mut transaction = store::begin(&self.pool).await.unwrap();
        monitors::insert(&mut transaction, &self.secrets, monitor)
            .await
            .unwrap();
        incidents::monitor_created(&mut transaction, self.account, monitor.id, &by(), now())
            .await
            .unwrap();
        notify::monitor_changed(&mut transaction, self.account, monitor.id)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        monitor.id
    }

    pub fn start(&self, name: &str) -> Running {
        self.start_on(name, self.pool.clone())
    }

    pub fn start_on(&self, name: &str, pool: PgPool) -> Running {
        self.start_trusting(name, pool, None)
    }

    /// A worker of a region that asks these canaries before it believes a look.
    pub fn start_checking(&self, name: &str, region: &str, canaries: Canaries<'_>) -> Running {
        let prober = || Prober::new(testkit::way_out::way_out(canaries.dns, None)).unwrap();
        let mut config = WorkerConfig::new(region, region, name);
        config.operator = Some("operator@watch.example".to_owned());
        config.canaries = Some(CanaryConfig {
            prober: prober(),
            urls: canaries.urls.to_vec(),
            known_dead: canaries.known_dead.to_vec(),
        });
        self.run(config, self.pool.clone(), prober())
    }

    /// A worker that looks at public addresses alone for strangers.
    pub fn start_for_strangers(&self, name: &str) -> Running {
        let narrow = testkit::way_out::with_policy(AddressPolicy::Hosted, None, None);
        let mut config = WorkerConfig::new("local", "Here", name);
        config.visitors = Some(Prober::new(narrow).unwrap());
        let prober = Prober::new(testkit::way_out::way_out(None, None)).unwrap();
        self.run(config, self.pool.clone(), prober)
    }

    /// A worker that calls this site to know whether the calls of jobs arrive.
    pub fn start_calling(&self, name: &str, site: &SwitchableSite) -> Running {
        let way_out = testkit::way_out::way_out(None, None);
        let trusted = Trusted::from_operator_configuration(site.url("/").parse().unwrap());
        let mut config = WorkerConfig::new("local", "Here", name);
        config.own_address = Some(OwnAddress {
            client: ProviderClient::new(&way_out, &trusted).unwrap(),
            address: site.url("/"),
        });
        let prober = Prober::new(way_out).unwrap();
        self.run(config, self.pool.clone(), prober)
    }

    /// A worker that trusts the certificates of `ca` too.
    pub fn start_trusting(&self, name: &str, pool: PgPool, ca: Option<&testkit::Ca>) -> Running {
        let prober = Prober::new(testkit::way_out::way_out(None, ca)).unwrap();
        self.run(WorkerConfig::new("local", "Here", name), pool, prober)
    }

    /// A worker with these resolvers.
    pub fn start_asking(&self, name: &str, resolvers: &[SocketAddr]) -> Running {
        let prober = Prober::new(testkit::way_out::asking(resolvers)).unwrap();
        let config = WorkerConfig::new("local", "Here", name);
        self.run(config, self.pool.clone(), prober)
    }

    fn run(&self, config: WorkerConfig, pool: PgPool, prober: Prober) -> Running {
        let worker = Worker::new(
            config,
            pool,
            prober,
            self.secrets.clone(),
            Arc::new(SystemClock),
        );
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (worker, stop) = (worker.clone(), stop.clone());
            async move { worker.run(stop).await }
        });
        Running { worker, stop, task }
    }

    pub async fn ask(&self, subject: Subject, reason: Reason) -> LookRequestId {
        let request = LookRequest {
            account_id: self.account,
            id: LookRequestId::generate(),
            subject,
            region: "local".to_owned(),
            reason,
            not_before: now() - SignedDuration::from_secs(1),
            deadline: now() + SignedDuration::from_secs(30),
            created_at: now(),
        };
        let mut transaction = store::begin(&self.pool).await.unwrap();
        look_requests::insert(&mut transaction, &self.secrets, &request)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        request.id
    }

    pub async fn answer(&self, id: LookRequestId) -> Answer {
        until("an answer", async || {
            let mut c = self.pool.acquire().await.unwrap();
            let answer = look_requests::find_answer(&mut c, self.account, id)
                .await
                .unwrap()
                .unwrap();
            (answer != Answer::Open).then_some(answer)
        })
        .await
    }

    pub async fn wait_for(&self, monitor: MonitorId, observed: Observed) {
        until(&format!("{observed:?}"), async || {
            let mut c = self.pool.acquire().await.ok()?;
            let found = states::find(&mut c, self.account, monitor).await.ok()??;
            (found.state.observed == observed).then_some(())
        })
        .await;
    }

    pub async fn open_incident(&self, monitor: MonitorId) -> Option<Incident> {
        let mut c = self.pool.acquire().await.unwrap();
        store::incidents::find_open(&mut c, self.account, monitor)
            .await
            .unwrap()
    }
}

pub fn by() -> By {
    By {
        actor: Actor::system(),
        contact_id: None,
        email: None,
    }
}

/// Polls until there is an answer; a marker, not a pause.
pub async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(answer) = ready().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), poll).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited for {what}"),
    }
}
