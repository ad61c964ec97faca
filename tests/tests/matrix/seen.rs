//! The worker is killed: in the transaction that opens an incident, ends one, finds a heartbeat late, or
//! goes on with an escalation; and the notifier, in the job that does the latter.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use domain::contact::Channel;
use domain::ids::DeliveryId;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::smtp::Relay;
use testkit::telephony::Telephony;
use testkit::{Behaviour, SwitchableSite};
use uuid::Uuid;

use super::cast::{Cast, Member, What};
use super::lot::Lot;
use super::oracle::{self, Count};
use super::wire::{Which, Wire};
use crate::support::database::StoryDatabase;
use crate::support::program::{Settings, free_port};
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(150);
const SECRET: &str = "the key of a story, long enough to be one";
/// Locks the state of the monitor that a look, or a silence, is about: the first statement of its
/// transaction but for the look at the lease.
const STATE: &str = "FROM monitor_states WHERE account_id = $1 AND monitor_id = $2 FOR UPDATE";
/// Locks the incident whose escalation goes on: the first statement of its transaction.
const INCIDENT: &str = "SELECT id FROM incidents WHERE account_id = $1 AND (id = $2 OR";
const CHANNELS: [Channel; 2] = [Channel::Email, Channel::Webhook];
/// Looks that a worker records at once.
const RECORDERS: usize = 4;
/// Escalations that a notifier goes on with at once.
const WOKEN: usize = 16;

/// Statements of a transaction, COMMIT among them.
type Lengths = HashMap<What, usize>;
/// Messages that came of an event.
type Told = BTreeMap<String, i64>;

/// A point of the matrix, with an account of its own.
#[derive(Debug, Clone)]
struct Slot {
    role: &'static str,
    what: What,
    nth: usize,
    /// After the end of the transaction.
    is_last: bool,
    member: Member,
}

impl Slot {
    fn is_look(&self) -> bool {
        matches!(self.what, What::Down | What::Up)
    }

    fn event(&self) -> String {
        format!("{}, {:?}", self.role, self.what).to_lowercase()
    }
}

struct House {
    pool: PgPool,
    wire: Wire,
    settings: Settings,
    cast: Cast,
    lot: Lot,
    mail: Relay,
    hooks: SwitchableSite,
    broken: SwitchableSite,
    fine: SwitchableSite,
}

/// What the wire knows its transaction by.
async fn which(cast: &Cast, what: What, member: Member) -> Which {
    match what {
        What::Down | What::Up | What::Missed => (STATE, member.monitor.uuid()),
        What::Step | What::Reminder => (INCIDENT, cast.incident(member).await.uuid()),
    }
}

/// How many statements each transaction has: learned from one that is made here, in a database of its own.
async fn rehearse() -> Lengths {
    let database = StoryDatabase::fresh().await;
    let wire = Wire::to(&database.url, &[STATE, INCIDENT]).await;
    let settings = Settings::local(&database.url);
    assert_eq!(settings.run(&["migrate"]).await.0, 0);
    let pool = PgPool::connect(&wire.url(&database.url)).await;
    let nowhere = "http://127.0.0.1:9";
    let mut cast = Cast::of(pool.expect("a database"), SECRET, nowhere.to_owned());
    cast.hold_shards().await;
    let mut lengths = HashMap::new();
    for what in What::ALL {
        let member = cast.member(what, &CHANNELS, nowhere).await;
        if what.follows() {
            cast.happens(What::Down, &[member]).await;
        }
        wire.forget_lengths();
        cast.happens(what, &[member]).await;
        let which = which(&cast, what, member).await;
        let length = wire.lengths().get(&which).copied();
        lengths.insert(what, length.expect("it went by the wire"));
    }
    lengths
}

impl House {
    async fn set(seed: u64) -> Self {
        let database = StoryDatabase::fresh().await;
        let wire = Wire::to(&database.url, &[STATE, INCIDENT]).await;
        let (mail, hooks) = (Relay::start().await, SwitchableSite::start().await);
        let (broken, fine) = (SwitchableSite::start().await, SwitchableSite::start().await);
        broken.set(Behaviour::Status(502));
        let plain = Settings::local(&database.url);
        assert_eq!(plain.run(&["migrate"]).await.0, 0);
        let settings = plain
            .with("DATABASE_URL", &wire.url(&database.url))
            .with("DATABASE_POOL", "40")
            .with("SMTP_URL", &mail.url());
        let cast = Cast::of(database.pool.clone(), SECRET, hooks.url(""));
        cast.hold_shards().await;
        Self {
            pool: database.pool,
            wire,
            settings,
            cast,
            lot: Lot(seed),
            mail,
            hooks,
            broken,
            fine,
        }
    }

    async fn sql(&self, statement: impl Into<String>) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.into()));
        done.execute(&self.pool).await.expect("SQL");
    }

    /// Every `stride`th statement, COMMIT and what comes after it, each with an account that has heard of
    /// what went before.
    async fn slots(&mut self, lengths: &Lengths, stride: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        for what in What::ALL {
            let roles: &[&str] = match what {
                What::Down | What::Up | What::Missed => &["worker"],
                What::Step | What::Reminder => &["worker", "notifier"],
            };
            let offset = self.lot.draw(stride);
            let length = lengths[&what];
            for nth in 1..=length + 1 {
                // Before the first statement that names the monitor there is only the look at the lease.
                let is_named = nth > 1 || !matches!(what, What::Down | What::Up);
                let is_in = nth >= length || (nth + offset).is_multiple_of(stride);
                for role in roles.iter().filter(|_| is_named && is_in) {
                    let site = match what {
                        What::Up => &self.fine,
                        _ => &self.broken,
                    };
                    let member = self.cast.member(what, &CHANNELS, &site.url("/")).await;
                    slots.push(Slot {
                        role,
                        what,
                        nth,
                        is_last: nth > length,
                        member,
                    });
                }
            }
        }
        let begun = slots.iter().filter(|slot| slot.what.follows());
        let begun: Vec<Member> = begun.map(|slot| slot.member).collect();
        self.cast.happens(What::Down, &begun).await;
        self.lot.shuffle(&mut slots);
        slots
    }

    /// The dead let go of everything at once, not only when their leases have run out.
    async fn bury(&self) {
        self.sql(
            "DELETE FROM workers;
             UPDATE shard_leases SET expires_at = now() - interval '1 second';
             UPDATE look_requests SET taken_at = NULL WHERE done_at IS NULL;
             UPDATE deliveries SET next_at = now() - interval '20 seconds', pushed_at = now() - interval '2 minutes',
               lease_until = now() - interval '1 second' WHERE state IN ('pending', 'sending', 'held')",
        )
        .await;
    }

    /// It is about to happen, and only a process is missing that does it.
    async fn cause(&mut self, slot: &Slot) {
        let Member { account, monitor } = slot.member;
        match slot.what {
            What::Down | What::Up => {
                self.sql(format!(
                    "INSERT INTO look_requests (account_id, id, monitor_id, region, reason, not_before, deadline, created_at)
                     VALUES ('{}', '{}', '{}', 'local', 'vote', now(), now() + interval '1 hour', now())",
                    account.uuid(),
                    Uuid::now_v7(),
                    monitor.uuid(),
                ))
                .await;
            }
            What::Missed => self.cast.wait_for(&[slot.member], true).await,
            What::Step | What::Reminder => {
                self.cast.end_waits(&[slot.member]).await;
                if slot.role == "notifier" {
                    self.cast.wake(slot.member).await;
                }
            }
        }
    }

    fn spawn(&self, role: &str) -> crate::support::program::Running {
        let ops = format!("127.0.0.1:{}", free_port());
        self.settings.clone().with("OPS_LISTEN", &ops).spawn(role)
    }

    /// One process, held at all of these points at once, and killed.
    #[expect(clippy::print_stdout, reason = "what the database refused meanwhile")]
    async fn wave(&mut self, slots: &[Slot]) {
        let Some(first) = slots.first() else { return };
        let mut planned = Vec::new();
        for slot in slots {
            planned.push((which(&self.cast, slot.what, slot.member).await, slot.nth));
            self.cause(slot).await;
        }
        self.wire.plan(planned.clone());
        self.sql(
            "DELETE FROM workers; UPDATE shard_leases SET expires_at = now() - interval '1 second'",
        )
        .await;
        self.cast.be_well().await;
        let process = self.spawn(first.role);
        let began = tokio::time::Instant::now();
        while tokio::time::timeout(Duration::from_secs(1), self.wire.all_held())
            .await
            .is_err()
        {
            self.cast.be_well().await;
            let missing = self.wire.missing();
            let undone = self.wire.take_undone();
            if !undone.is_empty() {
                println!("begun again: {undone:#?}");
            }
            assert!(began.elapsed() < LIMIT, "not held: {missing:?} {slots:?}");
        }
        // One may have a statement less than the one that was rehearsed: then nothing comes after its end.
        for ((_, id), said) in self.wire.passed() {
            let of = slots
                .iter()
                .zip(&planned)
                .find(|(_, ((_, one), _))| *one == id);
            assert!(
                of.is_some_and(|(slot, _)| slot.is_last),
                "shorter than it was: {of:?} {said:#?}"
            );
        }
        process.kill().await;
        self.wire.cut().await;
    }

    /// Processes that nobody holds do all there is, and are killed when they have nothing to do.
    /// Everybody in `looked` is looked at once more, as a look that was lost is followed by the next one.
    async fn go_on(&mut self, roles: &[&str], looked: &[Slot]) {
        self.bury().await;
        for slot in looked {
            self.cause(slot).await;
        }
        let of = |what| {
            let slots = looked.iter().filter(move |slot| slot.what == what);
            slots.map(|slot| slot.member.monitor.uuid()).collect()
        };
        let (down, up): (Vec<Uuid>, Vec<Uuid>) = (of(What::Down), of(What::Up));
        self.cast.be_well().await;
        let processes: Vec<_> = roles.iter().map(|role| self.spawn(role)).collect();
        let left = "SELECT (SELECT count(*) FROM look_requests WHERE done_at IS NULL)
              + (SELECT count(*) FROM heartbeats WHERE due_at <= now())
              + (SELECT count(*) FROM escalations WHERE next_at <= now())
              + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'held'))
              + cardinality($1::uuid[]) - (SELECT count(*) FROM incidents WHERE monitor_id = ANY ($1))
              + (SELECT count(*) FROM incidents WHERE monitor_id = ANY ($2) AND resolved_at IS NULL)";
        let (pool, cast) = (&self.pool, &mut self.cast);
        wait::until("all that is left is done", LIMIT, async || {
            cast.be_well().await;
            let left = sqlx::query_scalar(left).bind(&down).bind(&up);
            let left: i64 = left.fetch_one(pool).await.expect("a count");
            (left == 0).then_some(())
        })
        .await;
        for process in processes {
            process.kill().await;
        }
        self.wire.cut().await;
    }
}

/// Puts points together that one process can be held at. The notifier's come first: what it tells is
/// in flight when it dies, and of what a worker's death leaves nothing is.
fn waves(slots: Vec<Slot>) -> Vec<Vec<Slot>> {
    let (jobs, slots): (Vec<_>, Vec<_>) =
        slots.into_iter().partition(|slot| slot.role == "notifier");
    let mut waves: Vec<Vec<Slot>> = jobs.chunks(WOKEN).map(<[Slot]>::to_vec).collect();
    let (mut looks, rest): (Vec<_>, Vec<_>) = slots.into_iter().partition(Slot::is_look);
    let (mut silences, mut steps): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|slot| slot.what == What::Missed);
    while looks.len() + silences.len() + steps.len() > 0 {
        let mut wave = looks.split_off(looks.len().saturating_sub(RECORDERS));
        // A worker does these one by one.
        wave.extend(silences.pop());
        wave.extend(steps.pop());
        waves.push(wave);
    }
    waves
}

/// What each account is told in all.
fn expected(what: What) -> Told {
    let (also, times) = match what {
        What::Down | What::Missed => ("incident.opened", 2),
        What::Up => ("incident.resolved", 2),
        What::Step => ("incident.escalated", 1),
        What::Reminder => ("incident.reminded", 2),
    };
    BTreeMap::from([("incident.opened".to_owned(), 2), (also.to_owned(), times)])
}

/// Kills at every `stride`th statement of all that a worker records.
async fn kill_everywhere(seed: u64, stride: usize) {
    let mut house = House::set(seed).await;
    let lengths = rehearse().await;
    let slots = house.slots(&lengths, stride).await;
    house.go_on(&["notifier"], &[]).await;
    let members: Vec<Member> = slots.iter().map(|slot| slot.member).collect();
    let before = house.cast.told(&members).await;
    let before: HashSet<Uuid> = before.into_iter().map(|(_, id, ..)| id).collect();
    for wave in waves(slots.clone()) {
        house.wave(&wave).await;
    }
    let looked: Vec<Slot> = slots
        .iter()
        .filter(|slot| slot.is_look())
        .cloned()
        .collect();
    house.go_on(&["worker", "notifier"], &looked).await;
    let mut faults = house.account(&slots).await;
    faults.extend(house.report(seed, &slots, &before).await);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

impl House {
    /// Holds what was planned against what should have been.
    async fn account(&self, slots: &[Slot]) -> Vec<String> {
        let mut faults = Vec::new();
        for slot in slots {
            let monitor = slot.member.monitor.uuid();
            let incidents: Vec<bool> = sqlx::query_scalar(
                "SELECT resolved_at IS NOT NULL FROM incidents WHERE monitor_id = $1",
            )
            .bind(monitor)
            .fetch_all(&self.pool)
            .await
            .expect("incidents");
            if incidents != [slot.what == What::Up] {
                faults.push(format!("incidents that are over: {incidents:?}: {slot:?}"));
            }
            let mut told = Told::new();
            for (.., event) in self.cast.told(&[slot.member]).await {
                *told.entry(event).or_default() += 1;
            }
            // Whether a closer look finds another cause depends on what else the one host of all bears just then.
            let closer = told.remove("incident.diagnosed").unwrap_or_default();
            if told != expected(slot.what) || closer > 1 {
                faults.push(format!("told {told:?}: {slot:?}"));
            }
        }
        faults
    }

    #[expect(clippy::print_stdout, reason = "the table that a soak is run for")]
    async fn report(&self, seed: u64, slots: &[Slot], before: &HashSet<Uuid>) -> Vec<String> {
        let (mut points, mut events) = (HashMap::new(), HashMap::new());
        for slot in slots {
            for (_, id, ..) in self.cast.told(&[slot.member]).await {
                if !before.contains(&id) {
                    let id = DeliveryId::from_uuid(id);
                    let point = format!("{}, statement {:02}", slot.event(), slot.nth);
                    points.insert(id, point);
                    let kills = slots.iter().filter(|one| one.event() == slot.event());
                    events.insert(id, format!("{}, {} kills", slot.event(), kills.count()));
                }
            }
        }
        let phone = Telephony::start().await;
        let arrived = oracle::arrivals(&self.mail, &self.hooks, &phone);
        let (by_point, mut faults) = oracle::judge(&self.pool, &arrived, &points).await;
        let (by_event, _) = oracle::judge(&self.pool, &arrived, &events).await;
        println!("{}", oracle::table(&format!("seed {seed}"), &by_event));
        println!("{}", oracle::table(&format!("seed {seed}"), &by_point));
        let is_worker = |(point, count): &(&String, &Count)| {
            point.starts_with("worker") && count.duplicates > 0
        };
        let twice = by_point.iter().filter(is_worker);
        // Whoever told was not killed while telling.
        faults.extend(twice.map(|(point, _)| format!("{point}: came twice")));
        faults
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_is_killed_between_two_statements() {
    kill_everywhere(1, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make soak"]
async fn the_worker_is_killed_between_all_statements() {
    for seed in [1, 2, 3] {
        kill_everywhere(seed, 1).await;
    }
}
