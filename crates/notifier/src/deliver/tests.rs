//! Deliveries on a real database, sent to the local outbox, a provider that misbehaves, and nobody.

mod budget;
mod calls;
mod diagnosed;
mod drill;
mod faults;
mod hooks;
mod paging;
mod quiet;
mod snooze;
mod storm;

use std::sync::Arc;

use domain::account::Plan;
use domain::alert::budget::Budget;
use domain::alert::prices::Prices;
use domain::clock::{Clock, ManualClock};
use domain::contact::{Channel, Contact, Way};
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, MonitorId};
use domain::incident::{Incident, ResolvedReason};
use domain::monitor::Monitor;
use egress::Trusted;
use egress::smtp::SmtpRelay;
use jiff::SignedDuration;
use sqlx::PgPool;
use store::deliveries::{Planned, claim as rows};
use store::{Secrets, wallets};
use testkit::smtp::{self, Relay};
use testkit::telephony::{self, Fault, Telephony};

use crate::config::{NotifierConfig, Patience, TelephonyProvider};
use crate::fixture;
use crate::room::Room;

struct World {
    room: Arc<Room>,
    clock: Arc<ManualClock>,
    account: AccountId,
    monitor: MonitorId,
    incident: Incident,
}

impl World {
    async fn new(pool: PgPool, telephony: &[&Telephony]) -> Self {
        Self::with_relays(pool, telephony, &[]).await
    }

    async fn with_relays(pool: PgPool, telephony: &[&Telephony], relays: &[&Relay]) -> Self {
        Self::with_patience(pool, telephony, relays, Patience::default()).await
    }

    async fn with_patience(
        pool: PgPool,
        telephony: &[&Telephony],
        relays: &[&Relay],
        patience: Patience,
    ) -> Self {
        jobs::migrate(&pool).await.unwrap();
        let clock = fixture::clock();
        let config = NotifierConfig {
            base_url: "https://watchbell.example".parse().unwrap(),
            mail_from: "Watchbell <alerts@watchbell.example>".into(),
            smtp: relays
                .iter()
                .map(|relay| {
                    Trusted::from_operator_configuration(SmtpRelay::parse(&relay.url()).unwrap())
                })
                .collect(),
            telephony: telephony
                .iter()
                .map(|provider| TelephonyProvider {
                    account_sid: telephony::ACCOUNT_SID.into(),
                    auth_token: telephony::AUTH_TOKEN.into(),
                    from: telephony::FROM.into(),
                    base_url: Trusted::from_operator_configuration(provider.base_url()),
                })
                .collect(),
            local_outbox: true,
            prices: Prices::default(),
            patience,
            concurrency: 4,
        };
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let egress = testkit::way_out::way_out(None, None);
        let shared: Arc<dyn Clock> = clock.clone();
        let room = Arc::new(crate::room(config, pool, &egress, secrets, shared).unwrap());
        let (account, monitor) = (AccountId::generate(), MonitorId::generate());
        let world = Self {
            room,
            clock,
            account,
            monitor,
            incident: Incident {
                account_id: account,
                monitor_id: monitor,
                ..fixture::incident()
            },
        };
        world.furnish().await;
        world
    }

    async fn furnish(&self) {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let new = store::accounts::NewAccount {
            id: self.account,
            name: "Shop Ltd",
            timezone: "Europe/Berlin",
            practice_token: &self.account.to_string(),
            plan: Plan::Free,
        };
        store::accounts::insert(&mut connection, &new, self.clock.now())
            .await
            .unwrap();
        let monitor = Monitor {
            id: self.monitor,
            account_id: self.account,
            ..fixture::monitor("Shop checkout")
        };
        store::monitors::insert(&mut connection, &self.room.secrets, &monitor)
            .await
            .unwrap();
        store::incidents::insert(&mut connection, &self.incident)
            .await
            .unwrap();
    }

    async fn contact(&self, channel: Channel, name: &str) -> ContactId {
        let contact = fixture::contact(ContactId::generate(), channel, name);
        let address = match channel.way() {
            Way::Mail => format!("{name}@shop.example"),
            // The number ends with the name's digit, if it has one.
            Way::Text | Way::Call => match name.chars().last().filter(char::is_ascii_digit) {
                Some(digit) => format!("+4915112345{digit}00"),
                None => contact.address.clone(),
            },
            Way::Hook => {
                unreachable!("a hook has secrets")
            }
        };
        let contact = Contact {
            address: address.clone(),
            ..contact
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::contacts::insert(&mut connection, self.account, &contact, &address)
            .await
            .unwrap();
        contact.id
    }

    async fn plan(&self, event: Event, channel: Channel, contact: ContactId) -> DeliveryId {
        let planned = Planned {
            account_id: self.account,
            event,
            incident_id: Some(self.incident.id),
            monitor_id: Some(self.monitor),
            contact_id: contact,
            channel,
            dedup_key: domain::alert::plan::dedup_key(
                event,
                &self.incident.id.to_string(),
                contact,
            ),
            payload: serde_json::json!({}),
            not_before: self.clock.now(),
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::deliveries::insert(&mut connection, &planned, self.clock.now())
            .await
            .unwrap()
            .unwrap()
    }

    /// Someone who owns the account.
    async fn owner(&self, address: &str) {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let (user, now) = (domain::ids::UserId::generate(), self.clock.now());
        let email = domain::account::EmailAddress::parse(address).unwrap();
        store::users::insert(&mut connection, user, &email, "hash", true, now)
            .await
            .unwrap();
        store::memberships::insert(
            &mut connection,
            self.account,
            user,
            domain::account::Role::Owner,
            now,
        )
        .await
        .unwrap();
    }

    /// Sends what was written to owners.
    async fn write_letters(&self) {
        self.clock.advance(SignedDuration::from_secs(31));
        let mut connection = self.room.pool.acquire().await.unwrap();
        let waiting = store::account_messages::list_overdue(&mut connection, self.clock.now())
            .await
            .unwrap();
        drop(connection);
        for (id, _) in waiting {
            crate::account::handle(Arc::clone(&self.room), id).await;
        }
    }

    /// Recipients and whole texts.
    async fn outbox_texts(&self) -> Vec<(String, String)> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let kept = store::outbox::list(&mut connection, 50).await.unwrap();
        kept.into_iter()
            .map(|message| (message.recipient, message.text))
            .collect()
    }

    /// A message that needs no incident, one for each number.
    async fn plan_test(&self, contact: ContactId, number: usize) -> DeliveryId {
        let planned = Planned {
            account_id: self.account,
            event: Event::ContactTest,
            incident_id: None,
            monitor_id: None,
            contact_id: contact,
            channel: Channel::Email,
            dedup_key: format!("contact.test:{number}:{contact}"),
            payload: serde_json::json!({}),
            not_before: self.clock.now(),
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::deliveries::insert(&mut connection, &planned, self.clock.now())
            .await
            .unwrap()
            .unwrap()
    }

    async fn deliver(&self, id: DeliveryId) {
        super::deliver(Arc::clone(&self.room), self.account, id).await;
    }

    async fn recover(&self) {
        self.clock.advance(SignedDuration::from_secs(372));
        let mut connection = self.room.pool.acquire().await.unwrap();
        let ended = (fixture::at("13:08:23"), self.clock.now());
        assert!(
            store::incidents::close(
                &mut connection,
                self.account,
                self.incident.id,
                ResolvedReason::Recovered,
                ended
            )
            .await
            .unwrap()
        );
    }

    async fn grant(&self, micros: i64) {
        let mut connection = self.room.pool.acquire().await.unwrap();
        wallets::grant(
            &mut connection,
            self.account,
            micros,
            "Test",
            self.clock.now(),
        )
        .await
        .unwrap();
    }

    async fn balance(&self) -> i64 {
        wallets::find_balance(&mut self.room.pool.acquire().await.unwrap(), self.account)
            .await
            .unwrap()
    }

    /// State and reason of every delivery of the incident, by event and contact's name.
    async fn states(&self) -> Vec<(Event, String, DeliveryState)> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let mut all: Vec<_> =
            store::deliveries::list_by_incident(&mut connection, self.account, self.incident.id)
                .await
                .unwrap()
                .into_iter()
                .map(|delivery| (delivery.event, delivery.contact_name, delivery.state))
                .collect();
        all.sort_by_key(|(event, name, _)| (event.as_str(), name.clone()));
        all
    }

    async fn state(&self, event: Event) -> DeliveryState {
        self.states()
            .await
            .into_iter()
            .find(|(have, _, _)| *have == event)
            .unwrap()
            .2
    }

    async fn outbox(&self) -> Vec<(String, String)> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let mut kept = store::outbox::list(&mut connection, 50).await.unwrap();
        kept.reverse();
        kept.into_iter()
            .map(|message| {
                (
                    message.recipient,
                    if message.subject.is_empty() {
                        message.text
                    } else {
                        message.subject
                    },
                )
            })
            .collect()
    }

    /// The provider's last word on a text.
    async fn is_undelivered(&self, id: DeliveryId, sid: &str, code: u32) {
        let word = incidents::Callback {
            provider_id: sid,
            status: domain::telephony::MessageStatus::Failed,
            error_code: Some(code),
            base: "https://watchbell.example",
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        let (secrets, whose) = (&self.room.secrets, (self.account, id));
        let changed =
            incidents::receipt(&mut connection, secrets, whose, &word, self.clock.now()).await;
        assert!(changed.unwrap());
    }

    /// Messages that stand in for others.
    async fn stand_ins(&self) -> Vec<DeliveryId> {
        let ids: Vec<uuid::Uuid> = sqlx::query_scalar(
            "SELECT id FROM deliveries WHERE account_id = $1 AND payload ? 'fallback' ORDER BY id",
        )
        .bind(self.account.uuid())
        .fetch_all(&self.room.pool)
        .await
        .unwrap();
        ids.into_iter().map(DeliveryId::from_uuid).collect()
    }

    async fn why_disabled(&self, contact: ContactId) -> Option<String> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let found = store::contacts::find(&mut connection, self.account, contact).await;
        found.unwrap().unwrap().disabled_reason
    }

    /// The outcomes of all tries, oldest first.
    async fn outcomes(&self) -> Vec<String> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let all =
            store::deliveries::list_by_incident(&mut connection, self.account, self.incident.id)
                .await
                .unwrap();
        let mut ids: Vec<DeliveryId> = all.into_iter().map(|delivery| delivery.id).collect();
        ids.sort();
        let attempts = store::deliveries::list_attempts(&mut connection, self.account, &ids)
            .await
            .unwrap();
        attempts
            .into_iter()
            .map(|attempt| attempt.outcome)
            .collect()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_and_its_recovery_reach_the_outbox(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let (mail, phone) = (
        world.contact(Channel::Email, "ana").await,
        world.contact(Channel::Sms, "phone").await,
    );
    for (channel, contact) in [(Channel::Email, mail), (Channel::Sms, phone)] {
        let id = world.plan(Event::IncidentOpened, channel, contact).await;
        world.deliver(id).await;
        world.deliver(id).await;
    }
    world.recover().await;
    let id = world
        .plan(Event::IncidentResolved, Channel::Email, mail)
        .await;
    world.deliver(id).await;
    let said = world.outbox().await;
    assert_eq!(said.len(), 3, "a job that runs twice sends once: {said:?}");
    assert!(said.contains(&(
        "ana@shop.example".into(),
        "Down: Shop checkout (error 502 from your server)".into()
    )));
    assert!(said.contains(&(
        "ana@shop.example".into(),
        "Up: Shop checkout (was down 6 min 12 s)".into()
    )));
    assert!(said.iter().any(|(to, text)| to == "+4915112345678"
        && text.starts_with("DOWN Shop checkout since 14:02 UTC+1.")));
    assert!(
        world
            .states()
            .await
            .iter()
            .all(|(_, _, state)| *state == DeliveryState::Delivered)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_that_is_over_is_told_once(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    world.recover().await;
    let up = world
        .plan(Event::IncidentResolved, Channel::Email, mail)
        .await;
    world.deliver(up).await;
    world.deliver(down).await;
    assert_eq!(
        world.outbox().await,
        [(
            "ana@shop.example".to_owned(),
            "Was down: Shop checkout (14:02:11 to 14:08:23 UTC+1)".to_owned()
        )]
    );
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Superseded
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_superseded_outage_plans_its_recovery_itself(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    world.recover().await;
    world.deliver(down).await;
    assert_eq!(
        world.states().await.len(),
        2,
        "nobody had planned the recovery, so it is planned now"
    );
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Superseded
    );
    assert_eq!(
        world.state(Event::IncidentResolved).await,
        DeliveryState::Pending
    );
}

/// The connection ends while the claim is committed, once.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_claim_whose_commit_is_cut_off_is_made_again(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    let cut = "CREATE SEQUENCE cuts;
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('cuts') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON deliveries DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION cut()";
    sqlx::raw_sql(cut).execute(&world.room.pool).await.unwrap();
    world.deliver(down).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Delivered
    );
    let claims = "SELECT claims FROM deliveries";
    let claims: i32 = sqlx::query_scalar(claims)
        .fetch_one(&world.room.pool)
        .await
        .unwrap();
    assert_eq!(claims, 1, "the one that was cut off is none");
}

/// Whoever does not hear of the end of a claim asks.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whether_a_claim_took_place_is_known_by_its_token(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    let claim = async || {
        let mut transaction = store::begin(&world.room.pool).await.unwrap();
        let claimed = rows::claim(&mut transaction, world.account, down, world.clock.now());
        let token = claimed.await.unwrap().unwrap().lease_token;
        (transaction, token)
    };
    let is_held = async |token| {
        let mut transaction = store::begin(&world.room.pool).await.unwrap();
        let held = rows::is_held(&mut transaction, world.account, down, token);
        held.await.unwrap()
    };
    let (transaction, token) = claim().await;
    transaction.rollback().await.unwrap();
    assert!(!is_held(token).await, "it did not");
    let (transaction, other) = claim().await;
    transaction.commit().await.unwrap();
    assert!(is_held(other).await);
    assert!(!is_held(token).await, "that was another one");
}

/// Planned by a host whose clock is ahead of ours.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_another_clock_calls_due_is_sent_at_once(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    world.clock.advance(-SignedDuration::from_secs(3));
    world.deliver(down).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Pending,
        "that is no clock's error"
    );
    world.clock.advance(SignedDuration::from_secs(1));
    world.deliver(down).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Delivered
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_recovery_waits_while_its_outage_is_in_flight(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    // A notifier has it and dies.
    let mut transaction = store::begin(&world.room.pool).await.unwrap();
    let lost = rows::claim(&mut transaction, world.account, down, world.clock.now())
        .await
        .unwrap()
        .unwrap();
    transaction.commit().await.unwrap();
    world.recover().await;
    let up = world
        .plan(Event::IncidentResolved, Channel::Email, mail)
        .await;
    world.clock.advance(-SignedDuration::from_secs(372));
    world.deliver(down).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Sending,
        "the lease keeps others away"
    );
    world.clock.advance(SignedDuration::from_secs(372));
    world.deliver(up).await;
    assert_eq!(
        world.state(Event::IncidentResolved).await,
        DeliveryState::Held,
        "it may have arrived, so nobody hears up first"
    );
    // The lease has run out: the outage goes out, for the first try may or may not have arrived.
    world.deliver(down).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Delivered
    );
    world.deliver(up).await;
    assert_eq!(
        world.state(Event::IncidentResolved).await,
        DeliveryState::Delivered
    );
    let said: Vec<String> = world
        .outbox()
        .await
        .into_iter()
        .map(|(_, subject)| subject)
        .collect();
    assert_eq!(
        said,
        [
            "Down: Shop checkout (error 502 from your server)",
            "Up: Shop checkout (was down 6 min 12 s)"
        ]
    );
    // What the dead one writes after all is not counted.
    let late = rows::SendResult::Failed("late".into());
    let mut connection = world.room.pool.acquire().await.unwrap();
    assert!(
        !rows::record(&mut connection, &lost, &late, world.clock.now())
            .await
            .unwrap()
    );
    drop(connection);
    assert_eq!(world.outcomes().await, ["lost", "accepted", "accepted"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn five_lost_claims_are_enough(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let (mail, _other) = (
        world.contact(Channel::Email, "ana").await,
        world.contact(Channel::Email, "bo").await,
    );
    let down = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    for _ in 0..5 {
        let mut transaction = store::begin(&world.room.pool).await.unwrap();
        assert!(
            rows::claim(&mut transaction, world.account, down, world.clock.now())
                .await
                .unwrap()
                .is_some()
        );
        transaction.commit().await.unwrap();
        world.clock.advance(SignedDuration::from_secs(61));
    }
    world.deliver(down).await;
    let states = world.states().await;
    assert_eq!(
        states[0],
        (Event::IncidentOpened, "ana".into(), DeliveryState::GivenUp)
    );
    assert_eq!(
        states[1],
        (Event::IncidentOpened, "bo".into(), DeliveryState::Pending),
        "the fallback is told"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_greylisted_mail_goes_out_on_the_next_try(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let id = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    relay.fail_next(smtp::Fault::Recipient(
        "451 4.7.1 Greylisted, come back later",
    ));
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Pending
    );
    world.deliver(id).await;
    assert_eq!(relay.sessions(), 1, "not before its time");
    world.clock.advance(SignedDuration::from_secs(3));
    world.deliver(id).await;
    assert_eq!(
        (
            world.state(Event::IncidentOpened).await,
            world.outcomes().await
        ),
        (
            DeliveryState::Sent,
            vec!["retry".to_owned(), "accepted".to_owned()]
        )
    );
    let taken = relay.taken();
    assert_eq!(
        taken[0].header("Message-ID"),
        Some(format!("<{id}@watchbell.example>").as_str())
    );
    assert_eq!(
        (taken[0].header("Importance"), taken[0].to.as_str()),
        (Some("high"), "ana@shop.example")
    );
    // The recovery is threaded under it.
    world.recover().await;
    let up = world
        .plan(Event::IncidentResolved, Channel::Email, mail)
        .await;
    world.deliver(up).await;
    let taken = relay.taken();
    assert_eq!(
        taken[1].header("In-Reply-To"),
        taken[0].header("Message-ID")
    );
    assert_eq!(taken[1].header("Importance"), None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_relay_in_trouble_is_passed_over(pool: PgPool) {
    let (first, second) = (Relay::start().await, Relay::start().await);
    let world = World::with_relays(pool, &[], &[&first, &second]).await;
    for (number, fault) in [
        smtp::Fault::Banner("421 4.3.2 Too busy"),
        smtp::Fault::DropBeforeData,
        smtp::Fault::Recipient("450 4.2.1 Later"),
    ]
    .into_iter()
    .enumerate()
    {
        first.fail_next(fault);
        let mail = world.contact(Channel::Email, &format!("ana{number}")).await;
        let id = world
            .plan(Event::IncidentOpened, Channel::Email, mail)
            .await;
        world.deliver(id).await;
        assert_eq!(second.taken().len(), number + 1);
    }
    assert!(
        first.taken().is_empty()
            && world
                .states()
                .await
                .iter()
                .all(|(_, _, state)| *state == DeliveryState::Sent)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_lost_answer_doubles_the_mail_under_one_message_id(pool: PgPool) {
    let (first, second) = (Relay::start().await, Relay::start().await);
    let world = World::with_relays(pool, &[], &[&first, &second]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let id = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    first.fail_next(smtp::Fault::DropAfterData);
    world.deliver(id).await;
    assert_eq!(
        (world.state(Event::IncidentOpened).await, second.sessions()),
        (DeliveryState::Pending, 0),
        "it may have arrived: nobody else is asked at once"
    );
    world.clock.advance(SignedDuration::from_secs(3));
    world.deliver(id).await;
    let taken = first.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
    assert_eq!(world.outcomes().await, ["ambiguous", "accepted"]);
}

/// The relay answers for one recipient and hangs for four: each of these hangs for twenty seconds, and
/// none of them has ended when the last mail to the fifth has arrived.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn contacts_that_hang_delay_no_other(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let mut contacts = Vec::new();
    for name in ["stuck0", "stuck1", "stuck2", "stuck3", "owner"] {
        contacts.push(world.contact(Channel::Email, name).await);
        if name != "owner" {
            relay.hang_for(&format!("{name}@shop.example"), true);
        }
    }
    let mut handling = tokio::task::JoinSet::new();
    let stop = tokio_util::sync::CancellationToken::new();
    for outage in 0..6 {
        for contact in &contacts {
            let id = world.plan_test(*contact, outage).await;
            let room = Arc::clone(&world.room);
            handling.spawn(super::handle(
                room,
                Channel::Email,
                world.account,
                id,
                stop.clone(),
            ));
        }
    }
    let taken = relay.wait_for("owner@shop.example", 6).await;
    assert_eq!(taken.len(), 6);
    let mut connection = world.room.pool.acquire().await.unwrap();
    for contact in &contacts[..4] {
        let sent = store::deliveries::list_by_contact(&mut connection, world.account, *contact, 10)
            .await
            .unwrap();
        let in_flight = sent
            .iter()
            .filter(|one| one.state == DeliveryState::Sending)
            .count();
        assert!(
            (1..=2).contains(&in_flight) && sent.iter().all(|one| one.attempts == 0),
            "what waits is no try: {sent:?}"
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_mailbox_that_does_not_exist_is_given_up_and_others_are_told(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let (mail, _other) = (
        world.contact(Channel::Email, "ana").await,
        world.contact(Channel::Email, "bo").await,
    );
    let id = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    relay.fail_next(smtp::Fault::Recipient(
        "550 5.1.1 <ana@shop.example>: User unknown",
    ));
    world.deliver(id).await;
    let states = world.states().await;
    assert_eq!(
        states[0],
        (Event::IncidentOpened, "ana".into(), DeliveryState::Failed)
    );
    assert_eq!(
        states[1],
        (Event::IncidentOpened, "bo".into(), DeliveryState::Pending)
    );
    let mut connection = world.room.pool.acquire().await.unwrap();
    let contact = store::contacts::find(&mut connection, world.account, mail)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        contact.disabled_reason.as_deref(),
        Some("the mailbox does not exist")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_refused_mail_does_not_speak_against_the_mailbox(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let id = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    relay.fail_next(smtp::Fault::Message("554 5.7.1 Looks like spam"));
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Failed
    );
    let mut connection = world.room.pool.acquire().await.unwrap();
    let contact = store::contacts::find(&mut connection, world.account, mail)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(contact.disabled_reason, None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_is_paid_reported_and_settled(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(id).await;
    let sent = provider.messages();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.starts_with("DOWN Shop checkout") && sent[0].to == "+4915112345678");
    assert!(
        sent[0]
            .status_callback
            .as_deref()
            .unwrap()
            .contains(&id.to_string())
    );
    assert_eq!(
        (
            world.state(Event::IncidentOpened).await,
            world.balance().await
        ),
        (DeliveryState::Sent, 420_000)
    );

    let mut connection = world.room.pool.acquire().await.unwrap();
    let word = (
        sent[0].sid.as_str(),
        domain::telephony::MessageStatus::Delivered,
        None,
    );
    for expected in [rows::Receipt::Delivered, rows::Receipt::Ignored] {
        assert_eq!(
            rows::receipt(&mut connection, world.account, id, word, world.clock.now())
                .await
                .unwrap(),
            expected
        );
    }
    let stranger = rows::receipt(
        &mut connection,
        AccountId::generate(),
        id,
        word,
        world.clock.now(),
    )
    .await
    .unwrap();
    assert_eq!(stranger, rows::Receipt::Ignored);
    drop(connection);
    assert_eq!(
        (
            world.state(Event::IncidentOpened).await,
            world.balance().await
        ),
        (DeliveryState::Delivered, 420_000)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_that_does_not_arrive_is_given_back_and_told_by_mail(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (phone, _mail) = (
        world.contact(Channel::Sms, "phone").await,
        world.contact(Channel::Email, "ana").await,
    );
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(id).await;
    let sid = provider.messages()[0].sid.clone();
    world.is_undelivered(id, &sid, 30_005).await;
    let fallback = world.stand_ins().await;
    assert_eq!(fallback.len(), 1);
    assert!(world.why_disabled(phone).await.is_some());
    world.deliver(fallback[0]).await;
    assert_eq!(
        world.outbox().await,
        [(
            "ana@shop.example".to_owned(),
            "Down: Shop checkout (error 502 from your server)".to_owned()
        )]
    );
    assert_eq!(world.balance().await, 500_000);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_empty_wallet_is_one_mail_to_the_owner(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.owner("owner@shop.example").await;
    world.grant(79_999).await;
    world.contact(Channel::Email, "ana").await;
    let mut phones = Vec::new();
    for name in ["phone1", "phone2", "phone3"] {
        phones.push(world.contact(Channel::Sms, name).await);
    }
    let mut planned = Vec::new();
    for phone in &phones {
        planned.push(
            world
                .plan(Event::IncidentOpened, Channel::Sms, *phone)
                .await,
        );
    }
    for id in planned {
        world.deliver(id).await;
    }
    assert!(provider.requests().is_empty());
    assert_eq!(world.balance().await, 79_999);
    assert_eq!(world.outcomes().await, ["refused", "refused", "refused"]);
    world.recover().await;
    for phone in &phones {
        let id = world
            .plan(Event::IncidentResolved, Channel::Sms, *phone)
            .await;
        world.deliver(id).await;
    }
    world.write_letters().await;
    let said = world.outbox_texts().await;
    assert_eq!(said.len(), 1, "{said:?}");
    let (to, text) = &said[0];
    assert_eq!(to, "owner@shop.example");
    for name in ["phone1", "phone2", "phone3", "DOWN Shop checkout since"] {
        assert!(text.contains(name), "{text}");
    }
}

/// The wallet holds one text of two: the notice names the other alone.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_notice_names_only_those_who_were_not_texted(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.owner("owner@shop.example").await;
    world.grant(100_000).await;
    for name in ["phone1", "phone2"] {
        let phone = world.contact(Channel::Sms, name).await;
        let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
        world.deliver(id).await;
    }
    assert_eq!(provider.messages().len(), 1);
    world.write_letters().await;
    let said = world.outbox_texts().await;
    assert_eq!(said.len(), 1);
    assert!(said[0].1.contains("phone2 (") && !said[0].1.contains("phone1 ("));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn only_what_reached_nobody_is_said_to_have(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    world.owner("owner@shop.example").await;
    let contacts = [
        world.contact(Channel::Email, "ana").await,
        world.contact(Channel::Email, "bo").await,
    ];
    let refused = smtp::Fault::Message("554 5.7.1 Looks like spam");
    let send = async |event, faults: [Option<smtp::Fault>; 2]| {
        let mut planned = Vec::new();
        for contact in contacts {
            planned.push(world.plan(event, Channel::Email, contact).await);
        }
        for (id, fault) in planned.into_iter().zip(faults) {
            if let Some(fault) = fault {
                relay.fail_next(fault);
            }
            world.deliver(id).await;
        }
        world.write_letters().await;
        relay
            .taken()
            .iter()
            .filter(|one| one.to == "owner@shop.example")
            .count()
    };
    assert_eq!(
        send(Event::IncidentOpened, [Some(refused.clone()), None]).await,
        0
    );
    assert_eq!(
        send(Event::IncidentAcknowledged, [None, Some(refused.clone())]).await,
        0
    );
    assert_eq!(
        send(
            Event::ContactTest,
            [Some(refused.clone()), Some(refused.clone())]
        )
        .await,
        0
    );
    let world = World::with_relays(world.room.pool.clone(), &[], &[&relay]).await;
    world.owner("second@shop.example").await;
    let contacts = [
        world.contact(Channel::Email, "cy").await,
        world.contact(Channel::Email, "di").await,
    ];
    let mut planned = Vec::new();
    for contact in contacts {
        planned.push(
            world
                .plan(Event::IncidentOpened, Channel::Email, contact)
                .await,
        );
    }
    for id in planned {
        relay.fail_next(refused.clone());
        world.deliver(id).await;
    }
    world.write_letters().await;
    let taken = relay.taken();
    let told: Vec<_> = taken
        .iter()
        .filter(|one| one.to == "second@shop.example")
        .collect();
    assert_eq!(told.len(), 1, "the last one that fails says so");
    assert!(
        told[0]
            .header("Subject")
            .unwrap()
            .starts_with("An alert reached nobody")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_an_ambiguous_send_the_list_is_asked(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    provider.fail_next(Fault::AcceptThenReset);
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Pending
    );
    world.clock.advance(SignedDuration::from_secs(10));
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Sent
    );
    assert_eq!(provider.messages().len(), 1, "it was there already");
    assert_eq!(
        (world.outcomes().await, world.balance().await),
        (vec!["ambiguous".to_owned(), "accepted".to_owned()], 420_000)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_that_was_lost_is_not_found_in_the_one_before_it(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    let first = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(first).await;
    let again = world
        .plan(Event::IncidentReminded, Channel::Sms, phone)
        .await;
    // It never reaches the provider, and nobody knows.
    provider.fail_next(Fault::Reset);
    world.deliver(again).await;
    world.clock.advance(SignedDuration::from_secs(10));
    world.deliver(again).await;
    assert_eq!(
        world.state(Event::IncidentReminded).await,
        DeliveryState::Sent
    );
    assert_eq!(provider.messages().len(), 2, "the outage, and the reminder");
    assert_eq!(
        world.outcomes().await,
        ["accepted", "ambiguous", "accepted"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_second_provider_takes_over(pool: PgPool) {
    let (first, second) = (Telephony::start().await, Telephony::start().await);
    let world = World::new(pool, &[&first, &second]).await;
    world.grant(500_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    for (number, fault) in [Fault::Unauthorized, Fault::TooMany(30), Fault::Status(503)]
        .into_iter()
        .enumerate()
    {
        first.fail_next(fault);
        let event = [
            Event::IncidentOpened,
            Event::MonitorDegraded,
            Event::ContactTest,
        ][number];
        if event == Event::MonitorDegraded {
            continue;
        }
        let id = world.plan(event, Channel::Sms, phone).await;
        world.deliver(id).await;
        assert_eq!(world.state(event).await, DeliveryState::Sent);
    }
    assert_eq!((first.messages().len(), second.messages().len()), (0, 2));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dead_number_is_not_tried_again(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (phone, _mail) = (
        world.contact(Channel::Sms, "phone").await,
        world.contact(Channel::Email, "ana").await,
    );
    provider.fail_next(Fault::Refuse(21_614));
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(id).await;
    let mut connection = world.room.pool.acquire().await.unwrap();
    let contact = store::contacts::find(&mut connection, world.account, phone)
        .await
        .unwrap()
        .unwrap();
    drop(connection);
    assert_eq!(
        contact.disabled_reason.as_deref(),
        Some("the number cannot receive text messages")
    );
    let states = world.states().await;
    assert_eq!(
        states
            .iter()
            .map(|(_, name, state)| (name.as_str(), *state))
            .collect::<Vec<_>>(),
        [
            ("ana", DeliveryState::Pending),
            ("phone", DeliveryState::Failed)
        ]
    );
    assert_eq!(world.balance().await, 500_000);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn of_two_that_spend_the_last_dollar_one_wins(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(100_000).await;
    let phone = world.contact(Channel::Sms, "phone").await;
    let ids = [
        world.plan(Event::IncidentOpened, Channel::Sms, phone).await,
        world.plan(Event::ContactTest, Channel::Sms, phone).await,
    ];
    let tries = ids.map(|id| {
        let (pool, account, now) = (world.room.pool.clone(), world.account, world.clock.now());
        tokio::spawn(async move {
            let mut transaction = store::begin(&pool).await.unwrap();
            let expense = wallets::Expense {
                delivery_id: id,
                attempt: 1,
                incident_id: None,
                channel: Channel::Sms,
                micros: 80_000,
                text: "Text",
            };
            let budget = Budget::new(Channel::Sms, i64::MAX);
            let got = wallets::reserve(&mut transaction, account, &expense, budget, now)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            got
        })
    });
    let mut won = 0;
    for one in tries {
        won += usize::from(one.await.unwrap() == wallets::Reservation::Reserved);
    }
    assert_eq!((won, world.balance().await), (1, 20_000));
    // Given back twice is given back once.
    for id in ids {
        let mut connection = world.room.pool.acquire().await.unwrap();
        wallets::refund(&mut connection, world.account, (id, "x"), world.clock.now())
            .await
            .unwrap();
        wallets::refund(&mut connection, world.account, (id, "x"), world.clock.now())
            .await
            .unwrap();
    }
    assert_eq!(world.balance().await, 100_000);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_the_queue_lost_is_swept_up(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let mail = world.contact(Channel::Email, "ana").await;
    let id = world
        .plan(Event::IncidentOpened, Channel::Email, mail)
        .await;
    let overdue = async || {
        rows::list_overdue(
            &mut world.room.pool.acquire().await.unwrap(),
            world.clock.now(),
        )
        .await
        .unwrap()
    };
    world.clock.advance(SignedDuration::from_secs(20));
    assert!(overdue().await.is_empty(), "pushed twenty seconds ago");
    world.clock.advance(SignedDuration::from_secs(11));
    assert_eq!(overdue().await, [(world.account, id, Channel::Email)]);
    crate::sweep::sweep(&world.room).await.unwrap();
    assert!(overdue().await.is_empty(), "pushed just now");
    world.deliver(id).await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert!(overdue().await.is_empty(), "done");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_code_is_mailed_once_and_then_wiped(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let new = store::account_messages::NewAccountMessage {
        user_id: None,
        account_id: Some(world.account),
        channel: Channel::Email,
        address: "new@shop.example".into(),
        message: domain::delivery::AccountMessage::VerifyEmail {
            code: "482913".into(),
            link: "https://watchbell.example/verify/x".into(),
        },
        expires_at: Some(world.clock.now() + SignedDuration::from_secs(600)),
    };
    let mut connection = world.room.pool.acquire().await.unwrap();
    let mut insert = async || {
        store::account_messages::insert(
            &mut connection,
            &world.room.secrets,
            &new,
            world.clock.now(),
        )
        .await
        .unwrap()
    };
    let (id, stale) = (insert().await, insert().await);
    drop(connection);
    crate::account::handle(Arc::clone(&world.room), id).await;
    crate::account::handle(Arc::clone(&world.room), id).await;
    world.clock.advance(SignedDuration::from_secs(601));
    crate::account::handle(Arc::clone(&world.room), stale).await;
    assert_eq!(
        world.outbox().await,
        [(
            "new@shop.example".to_owned(),
            "482913 is your Watchbell code".to_owned()
        )]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_mail_to_an_unconfirmed_address_says_who_can_stop_it_and_then_it_stops(pool: PgPool) {
    use domain::account::EmailAddress;
    use domain::delivery::AccountMessage;
    use incidents::links::{NotMe, read_not_me};

    let world = World::new(pool, &[]).await;
    let (secrets, now) = (world.room.secrets.clone(), world.clock.now());
    let kim = EmailAddress::parse("kim@shop.example").unwrap();
    let new = |channel, address: &str, message| store::account_messages::NewAccountMessage {
        user_id: None,
        account_id: Some(world.account),
        channel,
        address: address.to_owned(),
        message,
        expires_at: None,
    };
    let code = || AccountMessage::ContactCode {
        code: "482913".into(),
        account: "Shop Ltd".into(),
    };
    let sign_up = AccountMessage::VerifyEmail {
        code: "482913".into(),
        link: "https://watchbell.example/verify/x".into(),
    };
    let send = async |new| {
        let mut connection = world.room.pool.acquire().await.unwrap();
        let id = store::account_messages::insert(&mut connection, &secrets, &new, now)
            .await
            .unwrap();
        drop(connection);
        crate::account::handle(Arc::clone(&world.room), id).await;
        let state: (String, Option<String>) =
            sqlx::query_as("SELECT state, reason FROM account_messages WHERE id = $1")
                .bind(id)
                .fetch_one(&world.room.pool)
                .await
                .unwrap();
        state
    };
    let texts = async || -> Vec<String> {
        sqlx::query_scalar("SELECT text FROM outbox_messages ORDER BY at, id")
            .fetch_all(&world.room.pool)
            .await
            .unwrap()
    };
    send(new(Channel::Email, kim.as_str(), code())).await;
    send(new(Channel::Sms, "+4915112345678", code())).await;
    let sent = texts().await;
    let token: String = sent[0]
        .split("https://watchbell.example/not-me/")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()[0]
        .to_owned();
    assert_eq!(
        read_not_me(&secrets, &token, now),
        Some(NotMe::Address(kim.clone()))
    );
    assert!(!sent[1].contains("not-me"), "a text has STOP");

    let mut connection = world.room.pool.acquire().await.unwrap();
    store::unconfirmed::block(&mut connection, &secrets, &kim, now)
        .await
        .unwrap();
    drop(connection);
    let (state, reason) = send(new(Channel::Email, "Kim@shop.example", code())).await;
    assert_eq!(
        (state.as_str(), reason.as_deref()),
        ("skipped", Some(incidents::NOT_WANTED))
    );
    assert_eq!(
        send(new(Channel::Email, kim.as_str(), sign_up)).await.0,
        "delivered",
        "by it the owner takes the block back"
    );
    assert_eq!(texts().await.len(), 3);
}
