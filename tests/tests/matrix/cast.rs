//! Who is in the matrix: accounts with a monitor and contacts on every channel, and what happens to them.
//!
//! What happens is recorded by the program's own transactions, called here instead of in a worker.

use domain::account::Plan;
use domain::check::{Attribution, Failure, FailureClass, Phase, Verdict, VerdictKind};
use domain::contact::hook::HookUrl;
use domain::contact::{Channel, Contact, HookTarget, Way};
use domain::heartbeat::{Action, GAP};
use domain::ids::{AccountId, ContactId, DeliveryId, MonitorId};
use domain::incident::{Actor, ActorKind};
use domain::monitor::{ConfirmSpec, Kind, Monitor, MonitorSpec};
use domain::status::Look;
use domain::target::AddressPolicy;
use incidents::{By, Looked, Pinged};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, PgPool};
use store::Secrets;
use uuid::Uuid;

/// What people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// An outage.
    Down,
    /// Its end.
    Up,
    /// A heartbeat that did not come.
    Missed,
}

impl What {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Down, Self::Up, Self::Missed];
}

/// The channels of the matrix. A call is apart from the others: it shares the wallet with a text.
pub const WRITTEN: [Channel; 3] = [Channel::Email, Channel::Webhook, Channel::Sms];
/// The other.
pub const CALLED: [Channel; 1] = [Channel::Voice];

/// An account with one monitor.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Account.
    pub account: AccountId,
    /// Monitor.
    pub monitor: MonitorId,
}

/// A planned message.
pub type Planned = (Channel, DeliveryId);

/// The rows behind it.
pub struct Cast {
    pool: PgPool,
    secrets: Secrets,
    /// Where webhooks are.
    hooks: String,
    serial: u32,
    /// Until when our own address was found well.
    well_until: Option<Timestamp>,
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

impl Cast {
    /// Nobody yet, in a migrated database.
    pub fn of(pool: PgPool, secret_keys: &str, hooks: String) -> Self {
        Self {
            pool,
            secrets: Secrets::new(secret_keys.split(',').map(str::trim)).expect("keys"),
            hooks,
            serial: 0,
            well_until: None,
        }
    }

    /// Holds every shard, as a worker does.
    pub async fn hold_shards(&self) {
        self.sql(
            "INSERT INTO workers (id, region, started_at, seen_at) VALUES ('local', 'local', now(), now() + interval '1 day');
             INSERT INTO shard_leases (region, shard, holder, epoch, expires_at, recorded_through)
             SELECT 'local', n, 'local', 1, now(), now() FROM generate_series(0, 255) n",
        )
        .await;
    }

    async fn sql(&self, statement: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        done.execute(&self.pool).await.expect("SQL");
    }

    /// An account whose monitor, or heartbeat, is up, with a contact on each channel that hears of everything.
    pub async fn member(&mut self, what: What, channels: &[Channel], url: &str) -> Member {
        self.serial += 1;
        let account = AccountId::generate();
        let spec = match what {
            What::Missed => MonitorSpec {
                name: Some("Nightly backup".into()),
                kind: Some(Kind::Heartbeat),
                period_seconds: Some(60),
                grace_seconds: Some(60),
                ..MonitorSpec::default()
            },
            What::Down | What::Up => MonitorSpec {
                name: Some("Shop".into()),
                url: Some(url.into()),
                interval_seconds: Some(3_600),
                confirm: Some(ConfirmSpec {
                    rechecks: Some(0),
                    over_seconds: Some(0),
                }),
                ..MonitorSpec::default()
            },
        };
        let created = ago(400);
        let monitor = Monitor {
            id: MonitorId::generate(),
            account_id: account,
            spec,
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: created,
            updated_at: created,
        };
        let mut transaction = self.pool.begin().await.expect("a database");
        let new = store::accounts::NewAccount {
            id: account,
            name: "Shop",
            timezone: "Europe/Berlin",
            practice_token: &account.to_string(),
            plan: Plan::Free,
        };
        store::accounts::insert(&mut transaction, &new, created)
            .await
            .expect("an account");
        store::wallets::grant(&mut transaction, account, 1_000_000, "Test", created)
            .await
            .expect("a wallet");
        store::monitors::insert(&mut transaction, &self.secrets, &monitor)
            .await
            .expect("a monitor");
        let ana = By::actor(Actor {
            kind: ActorKind::User,
            name: "Ana".into(),
        });
        incidents::monitor_created(&mut transaction, account, monitor.id, &ana, created)
            .await
            .expect("a monitor");
        transaction.commit().await.expect("a database");
        for channel in channels {
            self.contact(account, *channel, created).await;
        }
        let member = Member {
            account,
            monitor: monitor.id,
        };
        match what {
            What::Missed => {
                self.call(member, ago(390)).await;
                // It is late, and nobody looks for it yet.
                self.wait_for(&[member], false).await;
            }
            What::Down | What::Up => {
                self.look(member, VerdictKind::Up, ago(60)).await;
            }
        }
        member
    }

    async fn contact(&self, account: AccountId, channel: Channel, now: Timestamp) {
        let id = ContactId::generate();
        let target = format!("{}/hooks/{id}", self.hooks);
        let target = HookUrl::parse(Channel::Webhook, &target, AddressPolicy::SelfHosted)
            .expect("an address");
        let address = match channel.way() {
            Way::Mail => format!("{}@shop.example", id.to_string().replace('_', "-")),
            Way::Text => format!("+1202{:07}", 2_000_000 + self.serial),
            Way::Call => format!("+1202{:07}", 3_000_000 + self.serial),
            Way::Hook => target.display(),
        };
        let contact = Contact {
            id,
            channel,
            name: channel.as_str().into(),
            address: address.clone(),
            verified_at: Some(now),
            in_default: true,
            call_on_recovery: channel == Channel::Voice,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: now,
        };
        let mut connection = self.pool.acquire().await.expect("a database");
        if channel.is_hook() {
            let target = HookTarget::Url(target);
            let secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
            store::contacts::hooks::insert(
                &mut connection,
                &self.secrets,
                account,
                &contact,
                (&target, secret),
            )
            .await
            .expect("a contact");
        } else {
            store::contacts::insert(&mut connection, account, &contact, &address)
                .await
                .expect("a contact");
        }
    }

    async fn call(&self, member: Member, at: Timestamp) {
        let pinged = Pinged {
            action: Action::SUCCESS,
            rid: None,
            method: "GET".into(),
            address: None,
            user_agent: "curl/8".into(),
            body_bytes: 0,
            body: None,
        };
        let mut transaction = self.pool.begin().await.expect("a database");
        let whose = (member.account, member.monitor);
        incidents::record_ping(&mut transaction, &self.secrets, whose, &pinged, at)
            .await
            .expect("a call");
        transaction.commit().await.expect("a database");
    }

    async fn look(&self, member: Member, kind: VerdictKind, at: Timestamp) {
        let failure =
            Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "HTTP 502").with_detail("502");
        let verdict = Verdict {
            kind,
            failure: (!kind.is_good()).then_some(failure),
            attribution: (!kind.is_good()).then_some(Attribution::Origin),
            reason: None,
        };
        let looked = Looked {
            account_id: member.account,
            monitor_id: member.monitor,
            shard: i16::from(member.monitor.uuid().as_bytes()[15]),
            epoch: 1,
            look: Look {
                region: "local".into(),
                at,
                finished_at: at,
                verdict,
                config_version: 1,
            },
            diagnosis: None,
            check_id: None,
            last_good_at: None,
            public_address: true,
            address: None,
            trusted: true,
        };
        let recorded = incidents::record_look(&self.pool, &self.secrets, &looked, at).await;
        assert!(!recorded.expect("recorded").stale);
    }

    /// It happens to all of them; the messages that are planned.
    pub async fn happens(&mut self, what: What, members: &[Member]) -> Vec<Vec<Planned>> {
        match what {
            What::Missed => {
                self.wait_for(members, true).await;
                self.miss().await;
            }
            What::Down | What::Up => {
                let kind = if what == What::Down {
                    VerdictKind::Down
                } else {
                    VerdictKind::Up
                };
                for member in members {
                    self.look(*member, kind, now()).await;
                }
            }
        }
        let event = match what {
            What::Up => "incident.resolved",
            What::Down | What::Missed => "incident.opened",
        };
        let mut all = Vec::new();
        for member in members {
            let rows: Vec<(String, Uuid)> = sqlx::query_as(
                "SELECT channel, id FROM deliveries WHERE account_id = $1 AND event = $2",
            )
            .bind(member.account.uuid())
            .bind(event)
            .fetch_all(&self.pool)
            .await
            .expect("deliveries");
            let planned = rows.into_iter().map(|(channel, id)| {
                let channel = Channel::parse(&channel).expect("a channel");
                (channel, DeliveryId::from_uuid(id))
            });
            all.push(planned.collect());
        }
        all
    }

    /// Whether anybody looks for these jobs.
    pub async fn wait_for(&self, members: &[Member], waits: bool) {
        let ids: Vec<Uuid> = members.iter().map(|one| one.monitor.uuid()).collect();
        let statement =
            "UPDATE heartbeats SET due_at = CASE WHEN $2 THEN now() - interval '1 minute' END
             WHERE monitor_id = ANY($1)";
        sqlx::query(statement)
            .bind(ids)
            .bind(waits)
            .execute(&self.pool)
            .await
            .expect("heartbeats");
    }

    /// Every job that is late is found to be.
    async fn miss(&mut self) {
        self.be_well().await;
        incidents::decide_heartbeats(&self.pool, &self.secrets, now())
            .await
            .expect("decided");
    }

    /// Our own address was well until now.
    pub async fn be_well(&mut self) {
        let mut connection = self.pool.acquire().await.expect("a database");
        let mut at = self.well_until.unwrap_or_else(|| ago(600));
        let end = now();
        while at < end {
            at = (at + SignedDuration::from_secs(4)).min(end);
            store::ingest::beat(&mut connection, "w", GAP, at)
                .await
                .expect("a beat");
        }
        self.well_until = Some(end);
    }
}
