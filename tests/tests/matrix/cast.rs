//! Who is in the matrix: accounts with a monitor and contacts on every channel, and what happens to them.
//!
//! What happens is recorded by the program's own transactions, called here instead of in a worker.

use domain::account::Plan;
use domain::check::{Attribution, Failure, FailureClass, Phase, Verdict, VerdictKind};
use domain::contact::hook::HookUrl;
use domain::contact::{Channel, Contact, HookTarget, Way};
use domain::ids::{AccountId, ContactId, DeliveryId, MonitorId};
use domain::incident::{Actor, ActorKind};
use domain::monitor::{ConfirmSpec, Kind, Monitor, MonitorSpec};
use domain::status::Look;
use domain::target::AddressPolicy;
use incidents::{By, Looked};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
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
    /// An outage that nobody has taken: the next step of the policy.
    Step,
    /// The same: those who were told, once more.
    Reminder,
}

impl What {
    /// Each.
    pub const ALL: [Self; 5] = [
        Self::Down,
        Self::Up,
        Self::Missed,
        Self::Step,
        Self::Reminder,
    ];

    /// It is about an outage that people have heard of.
    pub const fn follows(self) -> bool {
        matches!(self, Self::Up | Self::Step | Self::Reminder)
    }

    /// Nobody is called about it at once: the end of an outage waits for the next minute, and nobody is
    /// reminded by a call.
    pub const fn is_called(self) -> bool {
        !matches!(self, Self::Up | Self::Reminder)
    }

    /// Its events.
    const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Up => &["incident.resolved"],
            Self::Down | Self::Missed => &["incident.opened"],
            Self::Step => &["incident.opened", "incident.escalated"],
            Self::Reminder => &["incident.reminded"],
        }
    }
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
    pub(super) pool: PgPool,
    pub(super) secrets: Secrets,
    /// Where webhooks are.
    hooks: String,
    pub(super) serial: u32,
    /// Until when our own address was found well.
    pub(super) well_until: Option<Timestamp>,
}

pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

pub(super) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A monitor that is sure of what it sees by one look, and looked at once a day by itself; or a heartbeat.
fn spec(what: What, url: &str) -> MonitorSpec {
    if what == What::Missed {
        return MonitorSpec {
            name: Some("Nightly backup".into()),
            kind: Some(Kind::Heartbeat),
            period_seconds: Some(60),
            grace_seconds: Some(60),
            ..MonitorSpec::default()
        };
    }
    MonitorSpec {
        name: Some("Shop".into()),
        url: Some(url.into()),
        interval_seconds: Some(86_400),
        confirm: Some(ConfirmSpec {
            rechecks: Some(0),
            over_seconds: Some(0),
        }),
        ..MonitorSpec::default()
    }
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
        self.members(what, channels, url, 1).await.remove(0)
    }

    /// The same with so many monitors in one account.
    pub async fn members(
        &mut self,
        what: What,
        channels: &[Channel],
        url: &str,
        monitors: usize,
    ) -> Vec<Member> {
        self.serial += 1;
        let (account, created) = (AccountId::generate(), ago(400));
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
        let mut members = Vec::new();
        for _ in 0..monitors {
            let monitor = self.monitor(&mut transaction, account, spec(what, url), created);
            members.push(monitor.await);
        }
        transaction.commit().await.expect("a database");
        let mut contacts = Vec::new();
        for channel in channels {
            contacts.push(self.contact(account, *channel, created).await);
        }
        self.write_policy(what, account, contacts).await;
        for member in &members {
            if what == What::Missed {
                self.call(*member, ago(390)).await;
            } else {
                self.look(*member, VerdictKind::Up, ago(60)).await;
            }
        }
        if what == What::Missed {
            // It is late, and nobody looks for it yet.
            self.wait_for(&members, false).await;
        }
        members
    }

    async fn monitor(
        &self,
        connection: &mut PgConnection,
        account: AccountId,
        spec: MonitorSpec,
        created: Timestamp,
    ) -> Member {
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
        store::monitors::insert(connection, &self.secrets, &monitor)
            .await
            .expect("a monitor");
        let ana = By::actor(Actor {
            kind: ActorKind::User,
            name: "Ana".into(),
        });
        incidents::monitor_created(connection, account, monitor.id, &ana, created)
            .await
            .expect("a monitor");
        Member {
            account,
            monitor: monitor.id,
        }
    }

    /// Writes a contact.
    pub(super) async fn contact(
        &self,
        account: AccountId,
        channel: Channel,
        now: Timestamp,
    ) -> ContactId {
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
        id
    }

    async fn look(&self, member: Member, kind: VerdictKind, at: Timestamp) {
        let shard = i16::from(member.monitor.uuid().as_bytes()[15]);
        let epoch = "SELECT epoch FROM shard_leases WHERE region = 'local' AND shard = $1";
        let epoch = sqlx::query_scalar(epoch).bind(shard);
        let epoch = epoch.fetch_one(&self.pool).await.expect("a lease");
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
            shard,
            epoch,
            look: Look {
                region: "local".into(),
                at,
                finished_at: at,
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
        };
        let recorded = incidents::record_look(&self.pool, &self.secrets, &looked, at).await;
        assert!(!recorded.expect("recorded").stale);
    }

    /// It happens to all of them; the messages that are planned.
    pub async fn happens(&mut self, what: What, members: &[Member]) -> Vec<Vec<Planned>> {
        let before = self.told(members).await;
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
            What::Step | What::Reminder => {
                self.end_waits(members).await;
                let gone_on = incidents::escalate_due(&self.pool, now()).await;
                gone_on.expect("an escalation goes on");
            }
        }
        let mut all = vec![Vec::new(); members.len()];
        for (account, id, channel, event) in self.told(members).await {
            let is_new = !before.iter().any(|(_, known, ..)| *known == id);
            if is_new && what.events().contains(&event.as_str()) {
                let of = members
                    .iter()
                    .position(|one| one.account.uuid() == account)
                    .expect("theirs");
                let channel = Channel::parse(&channel).expect("a channel");
                all[of].push((channel, DeliveryId::from_uuid(id)));
            }
        }
        all
    }

    /// Every message of their accounts: account, id, channel and event.
    pub async fn told(&self, members: &[Member]) -> Vec<(Uuid, Uuid, String, String)> {
        let accounts: Vec<Uuid> = members.iter().map(|one| one.account.uuid()).collect();
        sqlx::query_as("SELECT account_id, id, channel, event FROM deliveries WHERE account_id = ANY ($1) ORDER BY id")
            .bind(accounts)
            .fetch_all(&self.pool)
            .await
            .expect("deliveries")
    }
}
