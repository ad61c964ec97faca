//! The notifier is killed: while it claims, while it sends, while it writes down what came of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use domain::contact::Channel;
use domain::ids::DeliveryId;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::SwitchableSite;
use testkit::smtp::Relay;
use testkit::telephony::{Fate, Pickup, Telephony};

use super::cast::{CALLED, Cast, Member, Planned, WRITTEN, What};
use super::door::{Door, Language, Stop};
use super::lot::Lot;
use super::oracle;
use super::wire::{Which, Wire};
use crate::support::database::StoryDatabase;
use crate::support::program::{Running, Settings, free_port};
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(150);
const SECRET: &str = "the key of a story, long enough to be one";
/// Begins the transaction of a claim.
const CLAIM: &str = "SELECT contact_id FROM deliveries WHERE account_id = $1 AND id = $2";
/// Begins the transaction that writes down what came of a send.
const RECORD: &str = "SET state = CASE WHEN state = 'sending' THEN";
/// Messages that are held at once: each holds a connection to the database.
const AT_ONCE: usize = 72;

/// Statements of a transaction, by its first one, what is told, and how.
type Lengths = HashMap<(&'static str, What, Channel), usize>;
/// What is killed where, and to whom it happens.
type Slot = (What, Point, Vec<Member>);

/// A point of the matrix.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// Before that statement of a transaction.
    Statement(&'static str, usize),
    /// Of the conversation with a provider.
    Talk(Stop),
}

struct Matrix {
    pool: PgPool,
    wire: Wire,
    settings: Settings,
    _web: Running,
    cast: Cast,
    lot: Lot,
    mail: Relay,
    hooks: SwitchableSite,
    phone: Telephony,
    /// Of the mail server, the webhooks and the telephone provider.
    doors: [Door; 3],
    points: HashMap<DeliveryId, String>,
}

fn address(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once("://").expect("a URL");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest[..end].parse().expect("an address")
}

impl Matrix {
    async fn set(seed: u64) -> Self {
        let database = StoryDatabase::fresh().await;
        let wire = Wire::to(&database.url, &[CLAIM, RECORD]).await;
        let (mail, hooks, phone) = (
            Relay::start().await,
            SwitchableSite::start().await,
            Telephony::start().await,
        );
        phone.set_fate(Fate::Delivered);
        phone.set_pickup(Pickup::Machine);
        let doors = [
            Door::before(address(&mail.url()), Language::Smtp).await,
            Door::before(address(&hooks.url("/")), Language::Http).await,
            Door::before(address(phone.base_url().as_str()), Language::Http).await,
        ];
        let ops = free_port();
        let plain = Settings::local(&database.url);
        assert_eq!(plain.run(&["migrate"]).await.0, 0);
        let ready = format!("http://127.0.0.1:{}/readyz", plain.port);
        let settings = plain
            .clone()
            .with("DATABASE_URL", &wire.url(&database.url))
            .with("DATABASE_POOL", "90")
            .with("OPS_LISTEN", &format!("127.0.0.1:{ops}"))
            .with(
                "SMTP_URL",
                &format!("smtp://{}?tls=none", doors[0].address()),
            )
            .with_telephony(&phone)
            .with("TWILIO_BASE_URL", &format!("http://{}", doors[2].address()));
        let web = plain.with_telephony(&phone).start("web", &ready).await;
        let target = format!("http://{}", doors[1].address());
        let cast = Cast::of(database.pool.clone(), SECRET, target);
        cast.hold_shards().await;
        Self {
            pool: database.pool,
            wire,
            settings,
            _web: web,
            cast,
            lot: Lot(seed),
            mail,
            hooks,
            phone,
            doors,
            points: HashMap::new(),
        }
    }

    /// Two accounts: one for what is written, and one for calls, with those of the channels that it is
    /// about.
    async fn pair(&mut self, what: What, has: impl Fn(Channel) -> bool) -> Vec<Member> {
        let mut members = Vec::new();
        for channels in [&WRITTEN[..], &CALLED[..]] {
            let channels: Vec<Channel> = channels
                .iter()
                .copied()
                .filter(|channel| has(*channel))
                .filter(|channel| what.is_called() || *channel != Channel::Voice)
                .collect();
            if !channels.is_empty() {
                let url = "https://shop.example/";
                members.push(self.cast.member(what, &channels, url).await);
            }
        }
        members
    }

    async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .expect("a count")
    }

    async fn sql(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.pool).await.expect("SQL");
    }

    /// Waits until nothing is left to be sent.
    async fn drained(&self) {
        let open = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'held')";
        wait::until("everything is told", LIMIT, async || {
            (self.count(open).await == 0).then_some(())
        })
        .await;
    }

    /// A process that is not held anywhere does all there is, and is killed when it has nothing to do.
    async fn do_all(&self) {
        let notifier = self.settings.spawn("notifier");
        self.drained().await;
        notifier.kill().await;
        self.wire.cut().await;
    }

    /// The same before anybody died: it has recorded what it sent, too. The provider may say that a text
    /// arrived before that.
    async fn do_all_and_record(&self) {
        let notifier = self.settings.spawn("notifier");
        self.drained().await;
        let sent = "SELECT count(*) FROM deliveries WHERE lease_token IS NOT NULL";
        wait::until("everything is recorded", LIMIT, async || {
            (self.count(sent).await == 0).then_some(())
        })
        .await;
        notifier.kill().await;
        self.wire.cut().await;
    }

    /// What was in flight is left alone for now: the next process has points of its own.
    async fn park(&self) {
        self.sql(
            "UPDATE deliveries SET next_at = now() + interval '1 hour' WHERE state IN ('pending', 'sending', 'held')",
        )
        .await;
    }

    /// The leases of the dead run out, and the sweeper finds what they left.
    async fn unpark(&self) {
        self.sql(
            "UPDATE deliveries SET next_at = now() - interval '20 seconds', pushed_at = now() - interval '2 minutes',
               lease_until = now() - interval '1 second' WHERE state IN ('pending', 'sending', 'held')",
        )
        .await;
    }

    /// How many statements the transactions have, by what is told and how: learned from a run in which
    /// nobody dies.
    async fn rehearse(&mut self) -> Lengths {
        let mut planned: Vec<(What, Planned)> = Vec::new();
        let mut all = Vec::new();
        for what in What::ALL {
            all.push((what, self.pair(what, |_| true).await));
        }
        for (_, members) in all.iter().filter(|(what, _)| what.follows()) {
            self.cast.happens(What::Down, members).await;
        }
        self.do_all_and_record().await;
        for (what, members) in &all {
            let told = self.cast.happens(*what, members).await;
            planned.extend(told.into_iter().flatten().map(|one| (*what, one)));
        }
        self.do_all_and_record().await;
        let lengths = self.wire.lengths();
        let mut longest = HashMap::new();
        for (what, (channel, id)) in planned {
            for mark in [CLAIM, RECORD] {
                let length = lengths.get(&(mark, id.uuid())).copied();
                let length = length.unwrap_or_else(|| panic!("no {mark} of {what:?} {channel:?}"));
                longest.insert((mark, what, channel), length);
            }
        }
        longest
    }

    /// Every point of the matrix with accounts of its own, in an order of this seed. `whole`: each
    /// statement for all that is told; else for one of them, by turns.
    async fn slots(&mut self, lengths: &Lengths, whole: bool) -> Vec<Slot> {
        let mut slots = Vec::new();
        let offset = self.lot.draw(What::ALL.len());
        for (turn, what) in What::ALL.into_iter().enumerate() {
            for mark in [CLAIM, RECORD] {
                let length = |channel| {
                    let length = lengths.get(&(mark, what, channel)).copied();
                    length.unwrap_or(0)
                };
                let channels = WRITTEN.into_iter().chain(CALLED);
                let most = channels.map(length).max().unwrap_or(0);
                let is_in = |nth: &usize| whole || (nth + offset) % What::ALL.len() == turn;
                for nth in (1..=most + 1).filter(is_in) {
                    let members = self.pair(what, |channel| nth <= length(channel) + 1).await;
                    slots.push((what, Point::Statement(mark, nth), members));
                }
            }
            for stop in [Stop::Connected, Stop::Lost, Stop::Unanswered] {
                let members = self.pair(what, |_| true).await;
                slots.push((what, Point::Talk(stop), members));
            }
        }
        self.lot.shuffle(&mut slots);
        slots
    }

    /// One process, held at all of these points at once, and killed.
    async fn wave(&mut self, points: &[Slot]) {
        let mut held: HashMap<Which, usize> = HashMap::new();
        let (mut stop, mut talking) = (Stop::Nowhere, [0; 3]);
        for (what, point, members) in points {
            let told = self.cast.happens(*what, members).await;
            for (channel, id) in told.into_iter().flatten() {
                let name = match point {
                    Point::Statement(mark, nth) => {
                        held.insert((mark, id.uuid()), *nth);
                        let which = if *mark == CLAIM { "claim" } else { "record" };
                        format!("{which}, statement {nth:02}")
                    }
                    Point::Talk(at) => {
                        stop = *at;
                        talking[door_of(channel)] += 1;
                        format!("{at:?}").to_lowercase()
                    }
                };
                self.points.insert(id, name);
            }
        }
        // Others are on their way meanwhile, and are met wherever they are.
        for _ in 0..self.lot.draw(4) {
            let members = self.pair(What::Down, |_| true).await;
            if stop == Stop::Nowhere {
                self.cast.happens(What::Down, &members).await;
            }
        }
        self.wire.plan(held);
        for door in &self.doors {
            door.set(stop);
        }
        let notifier = self.settings.spawn("notifier");
        let all = async {
            self.wire.all_held().await;
            for (door, count) in self.doors.iter().zip(talking) {
                door.all_stopped(count).await;
            }
        };
        if tokio::time::timeout(LIMIT, all).await.is_err() {
            let stopped = self.doors.each_ref().map(Door::stopped);
            panic!(
                "not held: {:?}; {stopped:?} of {talking:?}",
                self.wire.missing()
            );
        }
        notifier.kill().await;
        self.wire.cut().await;
        for door in &self.doors {
            door.set(Stop::Nowhere);
        }
        self.park().await;
    }
}

fn door_of(channel: Channel) -> usize {
    match channel {
        Channel::Email => 0,
        Channel::Sms | Channel::Voice => 2,
        _ => 1,
    }
}

/// Puts points together that one process can be held at.
fn waves(slots: Vec<Slot>) -> Vec<Vec<Slot>> {
    let (statements, talks): (Vec<_>, Vec<_>) = slots
        .into_iter()
        .partition(|(_, point, _)| matches!(point, Point::Statement(..)));
    let mut waves: Vec<Vec<Slot>> = Vec::new();
    let mut statements = statements.into_iter().peekable();
    while statements.peek().is_some() {
        waves.push(statements.by_ref().take(AT_ONCE / 4).collect());
    }
    for stop in [Stop::Connected, Stop::Lost, Stop::Unanswered] {
        let is_here = |slot: &&Slot| matches!(slot.1, Point::Talk(at) if at == stop);
        waves.push(talks.iter().filter(is_here).cloned().collect());
    }
    waves
}

async fn kill_everywhere(seed: u64, whole: bool) {
    let mut matrix = Matrix::set(seed).await;
    let lengths = matrix.rehearse().await;
    let slots = matrix.slots(&lengths, whole).await;
    let begun = slots.iter().filter(|(what, ..)| what.follows());
    let begun: Vec<Member> = begun.flat_map(|(.., members)| members.clone()).collect();
    matrix.cast.happens(What::Down, &begun).await;
    matrix.do_all().await;
    for wave in waves(slots) {
        matrix.wave(&wave).await;
    }
    matrix.unpark().await;
    matrix.do_all().await;
    report(&matrix, seed).await;
}

#[expect(clippy::print_stdout, reason = "the table that a soak is run for")]
async fn report(matrix: &Matrix, seed: u64) {
    // The provider's reports come by themselves.
    let unreported =
        "SELECT count(*) FROM deliveries WHERE channel IN ('sms', 'voice') AND state = 'sent'";
    wait::until("every text and call is reported on", LIMIT, async || {
        (matrix.count(unreported).await == 0).then_some(())
    })
    .await;
    let arrived = oracle::arrivals(&matrix.mail, &matrix.hooks, &matrix.phone);
    let (counts, mut faults) = oracle::judge(&matrix.pool, &arrived, &matrix.points).await;
    faults.extend(oracle::audit(&matrix.pool).await);
    println!(
        "{}",
        oracle::table(&format!("notifier killed, seed {seed}"), &counts)
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notifier_is_killed_at_every_point() {
    kill_everywhere(1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make soak"]
async fn the_notifier_is_killed_at_every_point_again() {
    for seed in [1, 2, 3] {
        kill_everywhere(seed, true).await;
    }
}
