//! An account with a monitor, a worker that holds its shard, and contacts.

use domain::check::{Attribution, Failure, FailureClass, Phase, Verdict, VerdictKind};
use domain::contact::{Channel, Contact, Way};
use domain::ids::{AccountId, ContactId, IncidentId, MonitorId};
use domain::incident::{Actor, ActorKind};
use domain::monitor::{Monitor, MonitorSpec};
use domain::status::Look;
use incidents::{By, Looked, Recorded, record_look};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, PgPool};
use store::Secrets;

pub struct World {
    pub pool: PgPool,
    pub secrets: Secrets,
    pub account: AccountId,
    pub monitor: Monitor,
    pub start: Timestamp,
}

impl World {
    /// One monitor, first seen up at second 0.
    pub async fn new(pool: PgPool) -> Self {
        let world = Self::unseen(pool).await;
        let recorded = world.look("local", 0, VerdictKind::Up).await;
        assert!(!recorded.stale);
        world
    }

    /// The same at another time.
    pub async fn starting(pool: PgPool, start: Timestamp) -> Self {
        let spec = MonitorSpec {
            url: Some("https://shop.example/".into()),
            ..MonitorSpec::default()
        };
        let world = Self::at_time(pool, spec, start).await;
        let recorded = world.look("local", 0, VerdictKind::Up).await;
        assert!(!recorded.stale);
        world
    }

    /// One monitor that nobody has looked at.
    pub async fn unseen(pool: PgPool) -> Self {
        let spec = MonitorSpec {
            url: Some("https://shop.example/".into()),
            ..MonitorSpec::default()
        };
        Self::of(pool, spec).await
    }

    /// A job that should call every hour, with ten minutes of grace.
    pub async fn heartbeat(pool: PgPool) -> Self {
        let spec = MonitorSpec {
            name: Some("Nightly backup".into()),
            kind: Some(domain::monitor::Kind::Heartbeat),
            period_seconds: Some(3_600),
            grace_seconds: Some(600),
            ..MonitorSpec::default()
        };
        Self::of(pool, spec).await
    }

    async fn of(pool: PgPool, spec: MonitorSpec) -> Self {
        let start: Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
        Self::at_time(pool, spec, start).await
    }

    async fn at_time(pool: PgPool, spec: MonitorSpec, start: Timestamp) -> Self {
        jobs::migrate(&pool).await.unwrap();
        let account = AccountId::generate();
        let monitor = Monitor {
            id: MonitorId::generate(),
            account_id: account,
            spec,
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: start,
            updated_at: start,
        };
        let secrets = Secrets::new(["a key that is long enough"]).unwrap();
        let world = Self {
            pool,
            secrets,
            account,
            monitor,
            start,
        };
        world
            .sql(&format!(
                "INSERT INTO accounts (id, name, created_at, practice_token)
                 VALUES ('{0}', 'Shop', now(), '{0}')",
                account.uuid()
            ))
            .await;
        world.worker("local").await;
        let mut transaction = store::tenant::begin(&world.pool, account).await.unwrap();
        store::monitors::insert(&mut transaction, &world.secrets, &world.monitor)
            .await
            .unwrap();
        incidents::monitor_created(
            &mut transaction,
            account,
            world.monitor.id,
            &world.ana(),
            start,
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        world
    }

    /// A worker of the region, healthy for as long as the tests go, holding all shards at epoch 1.
    pub async fn worker(&self, region: &str) {
        self.sql(&format!(
            "INSERT INTO workers (id, region, started_at, seen_at) VALUES ('{region}', '{region}', now(), '2030-01-01');
             INSERT INTO shard_leases (region, shard, holder, epoch, expires_at, recorded_through)
             SELECT '{region}', n, '{region}', 1, now(), now() FROM generate_series(0, 255) n"
        ))
        .await;
    }

    /// A second monitor, not looked at yet.
    pub async fn another_monitor(&self, name: &str) -> MonitorId {
        let mut monitor = self.monitor.clone();
        monitor.id = MonitorId::generate();
        monitor.spec.name = Some(name.into());
        let mut transaction = store::tenant::begin(&self.pool, self.account)
            .await
            .unwrap();
        store::monitors::insert(&mut transaction, &self.secrets, &monitor)
            .await
            .unwrap();
        incidents::monitor_created(
            &mut transaction,
            self.account,
            monitor.id,
            &self.ana(),
            self.start,
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        monitor.id
    }

    pub async fn contact(&self, name: &str, channel: Channel, verified: bool) -> ContactId {
        let address = match channel.way() {
            Way::Mail => format!("{name}@shop.example"),
            Way::Text | Way::Call => "+491701234567".to_owned(),
            Way::Hook => {
                unreachable!("a hook has secrets")
            }
        };
        let contact = Contact {
            id: ContactId::generate(),
            channel,
            name: name.into(),
            address: address.clone(),
            verified_at: verified.then_some(self.start),
            in_default: true,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: self.start,
        };
        let mut connection = self.pool.acquire().await.unwrap();
        store::contacts::insert(&mut connection, self.account, &contact, &address)
            .await
            .unwrap();
        contact.id
    }

    pub fn ana(&self) -> By {
        By {
            actor: Actor {
                kind: ActorKind::User,
                name: "Ana".into(),
            },
            contact_id: None,
            email: Some("ana@shop.example".into()),
        }
    }

    pub fn at(&self, second: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(second)
    }

    pub fn looked(&self, region: &str, second: i64, kind: VerdictKind) -> Looked {
        let failure =
            Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "HTTP 502").with_detail("502");
        let verdict = Verdict {
            kind,
            failure: (!kind.is_good()).then_some(failure),
            attribution: (!kind.is_good()).then_some(Attribution::Origin),
            reason: None,
        };
        Looked {
            account_id: self.account,
            monitor_id: self.monitor.id,
            shard: i16::from(self.monitor.id.uuid().as_bytes()[15]),
            epoch: 1,
            look: Look {
                region: region.into(),
                at: self.at(second),
                finished_at: self.at(second),
                verdict,
                config_version: 1,
            },
            diagnosis: None,
            answer: None,
            check_id: None,
            last_good_at: None,
            public_address: true,
            address: None,
            trusted: true,
        }
    }

    pub async fn look(&self, region: &str, second: i64, kind: VerdictKind) -> Recorded {
        self.record(&self.looked(region, second, kind)).await
    }

    pub async fn record(&self, looked: &Looked) -> Recorded {
        record_look(&self.pool, &self.secrets, looked, looked.look.finished_at)
            .await
            .unwrap()
    }

    /// Down at second 60, confirmed at 66.
    pub async fn outage(&self) -> IncidentId {
        for second in [60, 63] {
            assert_eq!(
                self.look("local", second, VerdictKind::Down).await.opened,
                None
            );
        }
        self.look("local", 66, VerdictKind::Down)
            .await
            .opened
            .unwrap()
    }

    /// Sweeps every second from the confirmation at second 66 to `second`.
    pub async fn sweep_through(&self, second: i64) {
        for second in 66..=second {
            incidents::escalate_due(&self.pool, self.at(second))
                .await
                .unwrap();
        }
    }

    /// Up at second 120, confirmed at 126.
    pub async fn recovery(&self) -> Recorded {
        for second in [120, 123] {
            assert_eq!(
                self.look("local", second, VerdictKind::Up).await.closed,
                None
            );
        }
        self.look("local", 126, VerdictKind::Up).await
    }

    pub async fn sql(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn count(&self, from: &str) -> i64 {
        let statement = format!("SELECT count(*) FROM {from}");
        sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The values of one text column, joined.
    pub async fn texts(&self, select: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(select.to_owned()))
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub async fn timeline(&self, incident: IncidentId) -> Vec<String> {
        let mut connection = self.pool.acquire().await.unwrap();
        let events = store::incidents::events::list(&mut connection, self.account, incident)
            .await
            .unwrap();
        events
            .into_iter()
            .map(|event| format!("{}: {}", event.kind, event.text))
            .collect()
    }

    pub async fn incident(&self, id: IncidentId) -> domain::incident::Incident {
        let mut connection = self.pool.acquire().await.unwrap();
        store::incidents::find(&mut connection, self.account, id)
            .await
            .unwrap()
            .unwrap()
    }

    /// `status from to` of each interval, seconds from the start.
    pub async fn intervals(&self) -> Vec<String> {
        self.texts(&format!(
            "SELECT status || ' ' || extract(epoch FROM started_at - '{0}')::int || ' ' ||
                coalesce(extract(epoch FROM ended_at - '{0}')::int::text, '')
             FROM status_intervals ORDER BY started_at",
            self.start
        ))
        .await
    }
}
