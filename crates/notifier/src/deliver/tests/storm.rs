//! Storms: many things break at once and few messages tell of them.

use domain::check::{Failure, FailureClass, Phase};
use domain::ids::{GroupId, IncidentId, short_code};
use domain::incident::Actor;
use jiff::Timestamp;

use super::*;

/// One outage of a storm and the message about it.
pub(super) struct Outage {
    monitor: MonitorId,
    incident: IncidentId,
}

impl World {
    /// A monitor of `host` that is down.
    pub(super) async fn outage(&self, number: usize, address: &str, class: FailureClass) -> Outage {
        let (monitor, incident) = (MonitorId::generate(), IncidentId::generate());
        let mut connection = self.room.pool.acquire().await.unwrap();
        let row = Monitor {
            id: monitor,
            account_id: self.account,
            ..fixture::monitor(&format!("Shop {number:02}"))
        };
        store::monitors::insert(&mut connection, &self.room.secrets, &row)
            .await
            .unwrap();
        let row = Incident {
            id: incident,
            account_id: self.account,
            monitor_id: monitor,
            short: short_code(incident.uuid()),
            failure: Failure::new(class, Phase::Connect, "it fails"),
            attribution: None,
            address: Some(address.to_owned()),
            confirmed_at: self.clock.now(),
            ..fixture::incident()
        };
        store::incidents::insert(&mut connection, &row)
            .await
            .unwrap();
        Outage { monitor, incident }
    }

    pub(super) async fn tell(
        &self,
        event: Event,
        outage: &Outage,
        to: (ContactId, Channel),
    ) -> DeliveryId {
        let (contact_id, channel) = to;
        let planned = Planned {
            account_id: self.account,
            event,
            incident_id: Some(outage.incident),
            monitor_id: Some(outage.monitor),
            contact_id,
            channel,
            dedup_key: domain::alert::plan::dedup_key(
                event,
                &outage.incident.to_string(),
                contact_id,
            ),
            payload: serde_json::json!({}),
            not_before: self.clock.now(),
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        let written = store::deliveries::insert(&mut connection, &planned, self.clock.now());
        written.await.unwrap().unwrap()
    }

    /// `number` monitors on one host go down, and `to` is to be told of each.
    pub(super) async fn storm(
        &self,
        numbers: std::ops::Range<usize>,
        to: (ContactId, Channel),
    ) -> Vec<Outage> {
        let mut outages = Vec::new();
        for number in numbers {
            let other = number % 20 == 19;
            let (address, class) = match other {
                true => ("198.51.100.9", FailureClass::DnsNxdomain),
                false => ("203.0.113.7", FailureClass::ConnectRefused),
            };
            let outage = self.outage(number, address, class).await;
            self.tell(Event::IncidentOpened, &outage, to).await;
            outages.push(outage);
        }
        outages
    }

    /// Hands out everything that is due, as the queue would.
    pub(super) async fn deliver_due(&self) {
        let due: Vec<uuid::Uuid> = sqlx::query_scalar(
            "SELECT id FROM deliveries WHERE state IN ('pending', 'held', 'sending') AND next_at <= to_timestamp($1)
             ORDER BY next_at, created_at, id",
        )
        .bind(self.clock.now().as_microsecond() as f64 / 1e6)
        .fetch_all(&self.room.pool)
        .await
        .unwrap();
        for id in due {
            self.deliver(DeliveryId::from_uuid(id)).await;
        }
    }

    pub(super) async fn at_the_next_minute(&self) {
        let now = self.clock.now();
        let past = SignedDuration::from_micros(now.as_microsecond().rem_euclid(60_000_000));
        self.clock.advance(SignedDuration::from_mins(1) - past);
        self.deliver_due().await;
    }

    pub(super) async fn end(&self, outages: &[Outage], to: (ContactId, Channel)) {
        for outage in outages {
            let mut connection = self.room.pool.acquire().await.unwrap();
            let (recovered, now) = (ResolvedReason::Recovered, self.clock.now());
            let ended = (now - SignedDuration::from_secs(6), now);
            let (account, id) = (self.account, outage.incident);
            assert!(
                store::incidents::close(&mut connection, account, id, recovered, ended)
                    .await
                    .unwrap()
            );
            drop(connection);
            self.tell(Event::IncidentResolved, outage, to).await;
        }
    }

    pub(super) async fn subjects(&self) -> Vec<String> {
        self.outbox()
            .await
            .into_iter()
            .map(|(_, said)| said)
            .collect()
    }

    /// How many deliveries of an event are in each state.
    pub(super) async fn count(&self, event: Event) -> Vec<(String, i64)> {
        sqlx::query_as(
            "SELECT state, count(*) FROM deliveries WHERE event = $1 GROUP BY 1 ORDER BY 1",
        )
        .bind(event.as_str())
        .fetch_all(&self.room.pool)
        .await
        .unwrap()
    }
}

/// What the outbox keeps of the last message, without what is made anew each time.
async fn last_text(world: &World) -> String {
    let text = world.outbox_texts().await.remove(0).1;
    let mut said = String::new();
    for line in text.lines() {
        let links = ["/a/", "/g/", "/stop/"];
        let cut = links
            .iter()
            .find_map(|link| line.find(link).map(|at| at + link.len()));
        said.push_str(cut.map_or(line, |at| &line[..at]));
        said.push('\n');
    }
    said
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn five_go_alone_and_the_others_together(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let outages = world.storm(0..43, ana).await;
    world.deliver_due().await;
    assert_eq!(world.subjects().await.len(), 5);
    world.deliver_due().await;
    assert_eq!(world.subjects().await.len(), 5, "the others wait");
    world.at_the_next_minute().await;
    let said = world.subjects().await;
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!(said[5], "Down: 43 monitors (41 share 203.0.113.7)");
    insta::assert_snapshot!("storm_down", last_text(&world).await);
    let told = [("delivered".to_owned(), 6), ("merged".to_owned(), 37)];
    assert_eq!(world.count(Event::IncidentOpened).await, told);
    let groups: Vec<Option<uuid::Uuid>> =
        sqlx::query_scalar("SELECT DISTINCT group_id FROM incidents WHERE id = ANY($1)")
            .bind(
                outages
                    .iter()
                    .map(|one| one.incident.uuid())
                    .collect::<Vec<_>>(),
            )
            .fetch_all(&world.room.pool)
            .await
            .unwrap();
    assert_eq!(groups.len(), 1, "all are of one storm: {groups:?}");

    // More break: one message a minute, however many.
    let more = world.storm(43..55, ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    world.deliver_due().await;
    assert_eq!(
        world.subjects().await[6..],
        ["Down: 12 more monitors (55 in all)"]
    );

    // They come back: most at once, the others later.
    world.clock.advance(SignedDuration::from_mins(20));
    world.end(&outages[..40], ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    assert_eq!(
        world.subjects().await[7..],
        ["Up: 40 of 55 monitors (15 still down)"]
    );
    insta::assert_snapshot!("storm_up_some", last_text(&world).await);
    world.end(&outages[40..], ana).await;
    world.end(&more, ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let said = world.subjects().await;
    assert_eq!(said.len(), 9, "{said:?}");
    assert!(
        said[8].starts_with("Up: all 55 monitors (down up to 2"),
        "{said:?}"
    );
    let told = [("delivered".to_owned(), 2), ("merged".to_owned(), 53)];
    assert_eq!(world.count(Event::IncidentResolved).await, told);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storm_by_text_is_one_text(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let phone = (world.contact(Channel::Sms, "phone").await, Channel::Sms);
    let outages = world.storm(0..43, phone).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let texts = world.subjects().await;
    assert_eq!(texts.len(), 6);
    assert!(
        texts[5].starts_with("DOWN 43 monitors since 14:02 UTC+1. 41 share 203.0.113.7: server refuses connections. Reply ACK for all. https://watchbell.example/g/"),
        "{}",
        texts[5]
    );
    assert!(texts[5].chars().count() <= 160);
    world.end(&outages, phone).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let texts = world.subjects().await;
    assert!(
        texts[6].starts_with("UP all 43 monitors since 14:0"),
        "{}",
        texts[6]
    );
    assert_eq!(texts.len(), 7);
}

/// What a message told of goes the way of the message: tried again as it was, or told to somebody else.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_told_together_fails_together(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    world.contact(Channel::Email, "bob").await;
    world.storm(0..15, ana).await;
    world.deliver_due().await;
    relay.fail_next(smtp::Fault::Message("451 4.3.0 later"));
    world.at_the_next_minute().await;
    assert_eq!(relay.taken().len(), 5);
    let waits = [("delivered", 0), ("merged", 9), ("pending", 1), ("sent", 5)];
    let waits: Vec<(String, i64)> = waits
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| (state.to_owned(), count))
        .collect();
    assert_eq!(world.count(Event::IncidentOpened).await, waits);
    relay.fail_next(smtp::Fault::Recipient("550 5.1.1 no such mailbox"));
    world.clock.advance(SignedDuration::from_mins(2));
    world.deliver_due().await;
    let untold = world.count(Event::IncidentOpened).await;
    assert!(untold.contains(&("failed".to_owned(), 10)), "{untold:?}");
    assert!(
        untold.contains(&("pending".to_owned(), 10)),
        "bob is told instead: {untold:?}"
    );
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let to_bob: Vec<String> = relay
        .taken()
        .iter()
        .filter(|mail| mail.to.contains("bob"))
        .map(|mail| mail.header("subject").unwrap_or_default().to_owned())
        .collect();
    assert!(to_bob.len() >= 6, "{to_bob:?}");
    assert!(
        to_bob
            .iter()
            .any(|subject| subject.starts_with("Down: ") && subject.contains("monitors")),
        "{to_bob:?}"
    );
    let untold = world.count(Event::IncidentOpened).await;
    assert!(
        !untold
            .iter()
            .any(|(state, _)| state == "pending" || state == "held"),
        "{untold:?}"
    );
}

/// Its notifier dies with the message in flight: another sends the same, of the same outages.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_message_that_was_lost_is_told_again_as_it_was(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    world.storm(0..12, ana).await;
    world.deliver_due().await;
    let now = world.clock.now();
    let minute = Timestamp::from_second((now.as_second() / 60 + 1) * 60).unwrap();
    world.clock.advance(minute.duration_since(now));
    let leader: uuid::Uuid = sqlx::query_scalar(
        "SELECT id FROM deliveries WHERE state = 'held' ORDER BY created_at, id LIMIT 1",
    )
    .fetch_one(&world.room.pool)
    .await
    .unwrap();
    let leader = DeliveryId::from_uuid(leader);
    let lost = super::super::attempt::claim(&world.room, world.account, leader)
        .await
        .unwrap();
    assert!(lost.is_some(), "claimed, and then its process is gone");
    drop(lost);
    world.deliver_due().await;
    assert_eq!(world.subjects().await.len(), 5);
    world.clock.advance(SignedDuration::from_secs(61));
    world.deliver_due().await;
    let said = world.subjects().await;
    assert_eq!(said[5..], ["Down: 12 monitors (all share 203.0.113.7)"]);
    let told = [("delivered".to_owned(), 6), ("merged".to_owned(), 6)];
    assert_eq!(world.count(Event::IncidentOpened).await, told);
}

/// The message's own outage ends before the second try: the others are told all the same.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_end_in_between_leaves_nobody_untold(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let outages = world.storm(0..15, ana).await;
    world.deliver_due().await;
    relay.fail_next(smtp::Fault::Message("451 4.3.0 later"));
    world.at_the_next_minute().await;
    let leads: uuid::Uuid = sqlx::query_scalar(
        "SELECT incident_id FROM deliveries WHERE state = 'pending' AND event = 'incident.opened'",
    )
    .fetch_one(&world.room.pool)
    .await
    .unwrap();
    let over: Vec<Outage> = outages
        .into_iter()
        .filter(|one| one.incident.uuid() == leads)
        .collect();
    assert_eq!(over.len(), 1);
    world.end(&over, ana).await;
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(1));
        world.deliver_due().await;
    }
    let untold = world.count(Event::IncidentOpened).await;
    assert_eq!(untold.iter().map(|(_, count)| count).sum::<i64>(), 15);
    let told: i64 = untold
        .iter()
        .filter(|(state, _)| state == "sent" || state == "merged")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(told, 14, "{untold:?}");
    assert!(untold.contains(&("superseded".to_owned(), 1)), "{untold:?}");
    let up = world.count(Event::IncidentResolved).await;
    assert_eq!(
        up,
        [("sent".to_owned(), 1)],
        "its end is told with its beginning"
    );
}

/// A recovery waits for the message that told of its outage among others.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_hears_of_an_end_before_its_beginning(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let outages = world.storm(0..15, ana).await;
    world.deliver_due().await;
    relay.fail_next(smtp::Fault::Message("451 4.3.0 later"));
    world.at_the_next_minute().await;
    world.end(&outages[8..12], ana).await;
    world.deliver_due().await;
    assert_eq!(relay.taken().len(), 5, "nothing about an end");
    for _ in 0..4 {
        world.clock.advance(SignedDuration::from_mins(1));
        world.deliver_due().await;
    }
    let subjects: Vec<String> = relay
        .taken()
        .iter()
        .map(|mail| mail.header("subject").unwrap_or_default().to_owned())
        .collect();
    let first = |begin: &str| {
        subjects
            .iter()
            .position(|subject| subject.starts_with(begin))
    };
    let (down, up) = (first("Down: 1"), first("Up: "));
    assert!(down.is_some() && up.is_some() && down < up, "{subjects:?}");
}

/// Two contacts of an account hear of one storm under one link.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storm_is_one_for_all_contacts(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let bob = (world.contact(Channel::Email, "bob").await, Channel::Email);
    let outages = world.storm(0..9, ana).await;
    for outage in &outages {
        world.tell(Event::IncidentOpened, outage, bob).await;
    }
    world.deliver_due().await;
    world.at_the_next_minute().await;
    assert_eq!(world.subjects().await.len(), 12);
    let groups: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM incident_groups")
        .fetch_all(&world.room.pool)
        .await
        .unwrap();
    assert_eq!(groups.len(), 1);
    // One of them takes all; the other hears of it in few messages too.
    let by = incidents::By {
        contact_id: Some(ana.0),
        ..incidents::By::actor(Actor {
            kind: domain::incident::ActorKind::Contact,
            name: "ana".into(),
        })
    };
    for outage in &outages {
        let mut transaction = store::begin(&world.room.pool).await.unwrap();
        let (account, now) = (world.account, world.clock.now());
        incidents::acknowledge(&mut transaction, account, outage.incident, &by, now)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let said = world.subjects().await;
    assert_eq!(said[12..], ["Re: Down: 9 monitors (ana has them)"]);
    let group = GroupId::from_uuid(groups[0]);
    let mut connection = world.room.pool.acquire().await.unwrap();
    let stranger = store::incidents::groups::find(&mut connection, AccountId::generate(), group);
    assert!(stranger.await.unwrap().is_none());
}

/// One outage after a quiet time is told at once and by itself.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_a_storm_the_next_outage_is_told_at_once(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let outages = world.storm(0..9, ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    world.end(&outages, ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    world.clock.advance(SignedDuration::from_mins(11));
    let before = world.subjects().await.len();
    world.storm(50..51, ana).await;
    world.deliver_due().await;
    let said = world.subjects().await;
    assert_eq!(
        said[before..],
        ["Down: Shop 50 (server refuses connections)"]
    );
}

/// A telephone rings once for what breaks now and once for all the rest, and key 1 takes all of it.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storm_by_telephone_is_two_calls(pool: PgPool) {
    use domain::alert::voice::call::Heard;
    let world = World::new(pool, &[]).await;
    let phone = (world.contact(Channel::Voice, "phone").await, Channel::Voice);
    world.storm(0..9, phone).await;
    world.deliver_due().await;
    assert_eq!(world.outbox().await.len(), 1);
    world.at_the_next_minute().await;
    let calls = world.outbox().await;
    assert_eq!(calls.len(), 2, "{calls:?}");
    let leader: uuid::Uuid =
        sqlx::query_scalar("SELECT DISTINCT merged_into FROM deliveries WHERE state = 'merged'")
            .fetch_one(&world.room.pool)
            .await
            .unwrap();
    let call = (world.account, DeliveryId::from_uuid(leader));
    let mut said = Vec::new();
    for heard in [Heard::Person, Heard::Key('1')] {
        let mut transaction = store::begin(&world.room.pool).await.unwrap();
        let answer = incidents::press_key(&mut transaction, call, heard, world.clock.now());
        said.push(answer.await.unwrap().unwrap().say.join(" "));
        transaction.commit().await.unwrap();
    }
    assert!(
        said[0].contains("Nine monitors are down, since fourteen oh two. Nine share one server, which refuses connections.")
            && said[0].contains("Press 1 to take all of them."),
        "{said:?}"
    );
    assert!(said[1].contains("You have all of them"), "{said:?}");
    let free: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM incidents WHERE acknowledged_at IS NULL AND id <> $1",
    )
    .bind(world.incident.id.uuid())
    .fetch_one(&world.room.pool)
    .await
    .unwrap();
    assert_eq!(free, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn reminders_of_a_storm_are_one_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = (world.contact(Channel::Email, "ana").await, Channel::Email);
    let outages = world.storm(0..43, ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    assert_eq!(world.subjects().await.len(), 6);
    world.clock.advance(SignedDuration::from_mins(30));
    for outage in &outages {
        world.tell(Event::IncidentReminded, outage, ana).await;
    }
    world.deliver_due().await;
    world.at_the_next_minute().await;
    assert_eq!(
        world.subjects().await[6..],
        ["Re: Down: 43 monitors (nobody has them)"]
    );
    insta::assert_snapshot!("storm_again", last_text(&world).await);
    let told = [("delivered".to_owned(), 1), ("merged".to_owned(), 42)];
    assert_eq!(world.count(Event::IncidentReminded).await, told);
    // A later step tells somebody of each again, in one message too; what is over is left out.
    world.clock.advance(SignedDuration::from_mins(30));
    for outage in &outages {
        world.tell(Event::IncidentEscalated, outage, ana).await;
    }
    world.end(&outages[..3], ana).await;
    world.deliver_due().await;
    world.at_the_next_minute().await;
    let said = world.subjects().await;
    let again: Vec<&String> = said[7..]
        .iter()
        .filter(|one| one.starts_with("Re: "))
        .collect();
    assert_eq!(again, ["Re: Down: 40 monitors (nobody has them)"]);
}

/// Notices about the ends of certificates, all of which wait for the same hour.
async fn endings(world: &World, number: usize, to: (ContactId, Channel)) {
    let (contact_id, channel) = to;
    let mut connection = world.room.pool.acquire().await.unwrap();
    let begin = world.clock.now();
    let hour = begin + SignedDuration::from_hours(4);
    for i in 0..number {
        let news = domain::delivery::payload::CertificateNews {
            host: format!("shop{i:03}.example"),
            not_after: begin + SignedDuration::from_hours(14 * 24),
            ..serde_json::from_value(
                fixture::Scene::certificate(Event::TlsExpiring)
                    .claimed()
                    .payload,
            )
            .unwrap()
        };
        let planned = Planned {
            account_id: world.account,
            event: Event::TlsExpiring,
            incident_id: None,
            monitor_id: Some(world.monitor),
            contact_id,
            channel,
            dedup_key: format!("tls.expiring:{i}:{contact_id}"),
            payload: serde_json::json!(news),
            not_before: hour,
        };
        let written = store::deliveries::insert(&mut connection, &planned, begin);
        written.await.unwrap().unwrap();
    }
    drop(connection);
    world.clock.advance(hour.duration_since(world.clock.now()));
    world.deliver_due().await;
    for _ in 0..3 {
        world.at_the_next_minute().await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn three_hundred_certificates_that_end_are_one_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    endings(&world, 300, (ana, Channel::Email)).await;
    assert_eq!(
        world.subjects().await,
        ["Ending: 300 certificates (the first in 14 days)"]
    );
    let phone = world.contact(Channel::Sms, "phone").await;
    endings(&world, 2, (phone, Channel::Sms)).await;
    let told = world.subjects().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("ENDING 2 certificates"), "{told:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_certificate_alone_keeps_its_own_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    endings(&world, 1, (ana, Channel::Email)).await;
    let told = world.subjects().await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("shop000.example"), "{told:?}");
}
