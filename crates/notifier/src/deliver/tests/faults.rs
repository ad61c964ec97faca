//! The table of faults: what each means, when the message is tried again, who takes it instead, who is
//! told meanwhile, and what its reader sees. By the manual clock, with providers that really misbehave.

use std::time::Duration;

use tokio::task::JoinSet;

use super::hooks::page;
use super::*;
use testkit::{Behaviour, SwitchableSite};

/// What a provider does, again and again.
#[derive(Debug, Clone)]
enum Does {
    Mail(smtp::Fault),
    /// To texts and to calls.
    Phone(Fault),
    Hook(Behaviour),
    /// Its certificate is nobody's.
    Untrusted,
}

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Tried again after so many seconds, and a little longer by lot.
    Again(i64),
    /// The same, and it may have arrived.
    Ambiguous(i64),
    /// Ended at once.
    Refused,
    /// Ended at once, and the contact hears nothing more.
    Dead,
}
use Class::{Again, Ambiguous, Dead, Refused};

/// A line of the table.
#[derive(Debug, Clone)]
struct Row {
    name: &'static str,
    does: Does,
    class: Class,
    /// It takes as long as it may.
    hangs: bool,
    sees: &'static str,
}

fn row(name: &'static str, does: Does, class: Class, sees: &'static str) -> Row {
    let hangs = matches!(
        does,
        Does::Mail(smtp::Fault::HangAtBanner | smtp::Fault::HangAtData)
            | Does::Phone(Fault::Hang)
            | Does::Hook(Behaviour::Hang)
    );
    Row {
        name,
        does,
        class,
        hangs,
        sees,
    }
}

fn mail() -> Vec<Row> {
    use smtp::Fault::{Banner, DropAfterData, HangAtBanner, HangAtData, Message, Recipient, Reset};
    let row = |name, fault, class, sees| row(name, Does::Mail(fault), class, sees);
    vec![
        row(
            "greylisted",
            Recipient("450 4.2.0 Greylisted, see you later"),
            Again(2),
            "Greylisted",
        ),
        row(
            "421 at the banner",
            Banner("421 4.3.2 Too busy"),
            Again(2),
            "Too busy",
        ),
        row(
            "450",
            Recipient("450 4.2.1 Mailbox busy"),
            Again(2),
            "Mailbox busy",
        ),
        row(
            "550, no such mailbox",
            Recipient("550 5.1.1 User unknown"),
            Dead,
            "User unknown",
        ),
        row(
            "550, policy",
            Message("550 5.7.1 Message rejected"),
            Refused,
            "Message rejected",
        ),
        row(
            "554",
            Message("554 5.7.1 Looks like spam"),
            Refused,
            "Looks like spam",
        ),
        row(
            "hang at the banner",
            HangAtBanner,
            Again(2),
            "does not answer",
        ),
        row("hang at DATA", HangAtData, Again(2), "does not answer"),
        row(
            "drop after DATA",
            DropAfterData,
            Ambiguous(2),
            "did not answer",
        ),
        row("reset", Reset, Again(2), "broke the connection off"),
    ]
}

fn phone() -> Vec<Row> {
    let row = |name, fault, class, sees| row(name, Does::Phone(fault), class, sees);
    vec![
        row("400, no such number", Fault::Refuse(21_211), Dead, "21211"),
        row("400, refused", Fault::Refuse(21_602), Refused, "21602"),
        row("401", Fault::Unauthorized, Again(30), "401"),
        row("429 with Retry-After", Fault::TooMany(90), Again(90), "429"),
        row("500", Fault::Status(500), Ambiguous(2), "500"),
        row("503", Fault::Status(503), Again(2), "503"),
        row("time-out", Fault::Hang, Ambiguous(2), ""),
        row("reset", Fault::Reset, Ambiguous(2), ""),
    ]
}

fn hook() -> Vec<Row> {
    let away = page(302, &[("location", "http://127.0.0.1:9/")], "");
    let row = |name, does, class, sees| row(name, does, class, sees);
    vec![
        row(
            "slow",
            Does::Hook(Behaviour::Hang),
            Ambiguous(2),
            "does not answer",
        ),
        row(
            "redirecting",
            Does::Hook(away),
            Refused,
            "redirects are not followed",
        ),
        row("410", Does::Hook(page(410, &[], "")), Dead, "410"),
        row("TLS broken", Does::Untrusted, Again(2), "no connection"),
    ]
}

/// Somebody who can be told, and what the message to them meets.
enum Way {
    Mail(Vec<Relay>),
    Phone(Vec<Telephony>),
    Hook(SwitchableSite),
}

/// A hang is short here, and the clock says what it would have taken.
const SHORT: Patience = Patience {
    whole: Duration::from_millis(3_000),
    relay: Duration::from_millis(800),
    gateway: Duration::from_millis(800),
};

impl Way {
    /// So many providers, of which the first misbehaves for as long as it is asked.
    async fn of(does: &Does, count: usize) -> Self {
        match does {
            Does::Mail(fault) => {
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(Relay::start().await);
                }
                (0..40).for_each(|_| all[0].fail_next(fault.clone()));
                Self::Mail(all)
            }
            Does::Phone(fault) => {
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(Telephony::start().await);
                }
                (0..40).for_each(|_| all[0].fail_next(fault.clone()));
                Self::Phone(all)
            }
            Does::Hook(behaviour) => {
                let site = SwitchableSite::start().await;
                site.set(behaviour.clone());
                Self::Hook(site)
            }
            Does::Untrusted => Self::Hook(SwitchableSite::start().await),
        }
    }

    /// How often the first was asked to take something, and whether it has it.
    fn asked(&self) -> (usize, usize) {
        match self {
            Self::Mail(all) => (all[0].sessions(), 0),
            Self::Phone(all) => {
                let requests = all[0].requests();
                let lists = requests.iter().filter(|one| one.method == "GET").count();
                (requests.len() - lists, lists)
            }
            Self::Hook(site) => (site.requests(), 0),
        }
    }
}

struct Try {
    world: World,
    way: Way,
    id: DeliveryId,
    contact: ContactId,
    hangs: bool,
    /// Seconds that one of several providers may take.
    share: i64,
}

impl Try {
    async fn of(pool: PgPool, row: &Row, channel: Channel, providers: usize) -> Self {
        let way = Way::of(&row.does, providers).await;
        let patience = if row.hangs {
            SHORT
        } else {
            Patience::default()
        };
        let (relays, phones): (Vec<&Relay>, Vec<&Telephony>) = match &way {
            Way::Mail(all) => (all.iter().collect(), Vec::new()),
            Way::Phone(all) => (Vec::new(), all.iter().collect()),
            Way::Hook(_) => (Vec::new(), Vec::new()),
        };
        let world = World::with_patience(pool, &phones, &relays, patience).await;
        world.grant(1_000_000).await;
        let contact = match (&way, &row.does) {
            (Way::Hook(site), Does::Untrusted) => {
                let base = site.url("").replacen("http://", "https://", 1);
                world.hook_at(channel, &base, true).await
            }
            (Way::Hook(site), _) => world.hook(channel, site, true).await,
            _ => world.contact(channel, "ana").await,
        };
        world.contact(Channel::Email, "kim").await;
        let id = world.plan(Event::IncidentOpened, channel, contact).await;
        let share = match (&way, providers) {
            (_, 1) => 20,
            (Way::Mail(_), _) => 11,
            _ => 10,
        };
        Self {
            world,
            way,
            id,
            contact,
            hangs: row.hangs,
            share,
        }
    }

    /// One try; where it hangs, the clock goes on as long as it would.
    async fn once(&self) {
        if !self.hangs {
            return self.world.deliver(self.id).await;
        }
        let mut known = self.way.asked();
        let sending = self.world.deliver(self.id);
        tokio::pin!(sending);
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                () = &mut sending => return,
                _ = looks.tick() => {
                    let now = self.way.asked();
                    if now.0 > known.0 {
                        self.world.clock.advance(SignedDuration::from_secs(self.share));
                    }
                    if now.1 > known.1 {
                        self.world.clock.advance(SignedDuration::from_secs(5));
                    }
                    known = now;
                }
            }
        }
    }

    /// The clock goes on until the message is due; how many seconds that took.
    async fn until_due(&self) -> i64 {
        for second in 0..4_000 {
            let mut connection = self.world.room.pool.acquire().await.unwrap();
            let now = self.world.clock.now();
            let due = rows::find_due(&mut connection, self.world.account, self.id, now);
            if due.await.unwrap().is_some() {
                return second;
            }
            self.world.clock.advance(SignedDuration::from_secs(1));
        }
        panic!("it is never due");
    }

    async fn stand_in(&self) -> bool {
        let states = self.world.states().await;
        states.iter().any(|(_, name, _)| name == "kim")
    }

    async fn state(&self) -> DeliveryState {
        self.world.state_of(self.id).await.0
    }

    /// What the delivery's last try says.
    async fn said(&self) -> String {
        let mut connection = self.world.room.pool.acquire().await.unwrap();
        let ids = [self.id];
        let tries =
            store::deliveries::list_attempts(&mut connection, self.world.account, &ids).await;
        tries.unwrap().pop().unwrap().message
    }
}

/// There is one provider: class, next try, who is told meanwhile, and what is seen.
async fn alone(pool: PgPool, row: Row, channel: Channel) {
    let what = format!("{channel:?}, {}", row.name);
    let one = Try::of(pool, &row, channel, 1).await;
    let begun = one.world.clock.now();
    one.once().await;
    let said = one.said().await;
    assert!(said.contains(row.sees), "{what}: {said}");
    let disabled = one.world.found(one.contact).await.disabled_reason;
    assert_eq!(
        disabled.is_some(),
        row.class == Dead,
        "{what}: {disabled:?}"
    );
    let seconds = match row.class {
        Refused | Dead => {
            assert_eq!(one.state().await, DeliveryState::Failed, "{what}");
            assert!(
                one.stand_in().await,
                "{what}: somebody else is told at once"
            );
            return;
        }
        Again(seconds) | Ambiguous(seconds) => seconds,
    };
    assert_eq!(one.state().await, DeliveryState::Pending, "{what}");
    let outcome = one.world.outcomes().await.remove(0);
    let expected = match row.class {
        Ambiguous(_) => "ambiguous",
        _ => "retry",
    };
    assert_eq!(outcome, expected, "{what}");
    let mut waited = one.until_due().await;
    // Jitter lengthens the wait by a fifth at most.
    let may = seconds..=seconds + seconds / 5 + 1;
    assert!(
        may.contains(&waited),
        "{what}: tried again after {waited} s"
    );
    while !one.stand_in().await {
        one.once().await;
        let since = one.world.clock.now().duration_since(begun).as_secs();
        assert!(since <= 60, "{what}: nobody else is told after {since} s");
        if !one.stand_in().await {
            waited = one.until_due().await;
            assert!(waited > 0, "{what}");
        }
    }
    assert!(
        matches!(one.state().await, DeliveryState::Pending),
        "{what}: it is tried all the same"
    );
}

/// There is a second provider: it has the message within thirty seconds.
async fn with_another(pool: PgPool, row: Row, channel: Channel) {
    let what = format!("{channel:?}, {} with a second provider", row.name);
    let one = Try::of(pool, &row, channel, 2).await;
    let begun = one.world.clock.now();
    loop {
        one.once().await;
        let since = one.world.clock.now().duration_since(begun).as_secs();
        assert!(
            since <= 30,
            "{what}: not taken after {since} s: {}",
            one.said().await
        );
        if one.state().await == DeliveryState::Sent {
            break;
        }
        one.until_due().await;
    }
    let (first, second) = match &one.way {
        Way::Mail(all) => (all[0].taken().len(), all[1].taken().len()),
        Way::Phone(all) if channel == Channel::Voice => {
            (all[0].calls().len(), all[1].calls().len())
        }
        Way::Phone(all) => (all[0].messages().len(), all[1].messages().len()),
        Way::Hook(_) => unreachable!("a hook has one address"),
    };
    assert_eq!(second, 1, "{what}: {first} at the first");
}

/// Runs all of these at once: most of the time they wait.
async fn all(pool: &PgPool, rows: Vec<Row>, channels: &[Channel]) {
    let mut running = JoinSet::new();
    for row in rows {
        for channel in channels {
            running.spawn(alone(pool.clone(), row.clone(), *channel));
            let elsewhere = !channel.is_hook() && matches!(row.class, Again(_) | Ambiguous(_));
            if elsewhere {
                running.spawn(with_another(pool.clone(), row.clone(), *channel));
            }
        }
    }
    let mut faults = Vec::new();
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            let words = error.into_panic();
            let words = words.downcast_ref::<String>().cloned();
            faults.push(words.unwrap_or_default());
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn mail_servers(pool: PgPool) {
    all(&pool, mail(), &[Channel::Email]).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn telephone_providers(pool: PgPool) {
    all(&pool, phone(), &[Channel::Sms, Channel::Voice]).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn endpoints_of_webhooks(pool: PgPool) {
    all(&pool, hook(), &[Channel::Webhook]).await;
}

/// The provider takes it, and the network does not.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn accepted_and_then_undelivered(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    world.contact(Channel::Email, "kim").await;
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(id).await;
    let sid = provider.messages().remove(0).sid;
    world.is_undelivered(id, &sid, 30_003).await;
    assert_eq!(world.stand_ins().await.len(), 1);
    assert_eq!(world.why_disabled(phone).await, None);
    assert_eq!(world.state_of(id).await.0, DeliveryState::Failed);
    assert_eq!(world.balance().await, 500_000, "it is given back");
}
