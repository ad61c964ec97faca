//! Calls on a real database, with a provider that misbehaves.

use domain::alert::voice::call::Heard;
use domain::telephony::CallStatus;
use incidents::{CallEnd, CallTurn};
use store::calls::Outcome;

use super::*;

const PRICE: i64 = 100_000;

impl World {
    /// A number that is called about the outage, and what the next step would tell later.
    async fn called(&self) -> (DeliveryId, DeliveryId) {
        let ana = self.contact(Channel::Voice, "ana").await;
        let kim = self.contact(Channel::Email, "kim").await;
        let call = self.plan(Event::IncidentOpened, Channel::Voice, ana).await;
        let next = self
            .plan_later(Event::IncidentOpened, Channel::Email, kim)
            .await;
        (call, next)
    }

    async fn plan_later(&self, event: Event, channel: Channel, contact: ContactId) -> DeliveryId {
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
            not_before: self.clock.now() + SignedDuration::from_mins(10),
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::deliveries::insert(&mut connection, &planned, self.clock.now())
            .await
            .unwrap()
            .unwrap()
    }

    /// The provider asks what to say; the sentences, none for a stranger's call.
    async fn turn(&self, id: DeliveryId, sid: &str, heard: Heard) -> Option<Vec<String>> {
        let mut transaction = store::begin(&self.room.pool).await.unwrap();
        let turn = CallTurn {
            provider_id: sid,
            heard,
        };
        let whose = (self.account, id);
        let said = incidents::answer_call(&mut transaction, whose, &turn, self.clock.now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        said.map(|said| said.say)
    }

    /// The provider reports where the call stands; false for a stranger's call.
    async fn report(&self, id: DeliveryId, sid: &str, status: CallStatus) -> bool {
        let mut transaction = store::begin(&self.room.pool).await.unwrap();
        let word = CallEnd {
            provider_id: sid,
            status,
            base: "https://watchbell.example",
        };
        let (secrets, whose) = (&self.room.secrets, (self.account, id));
        let known = incidents::end_call(&mut transaction, secrets, whose, &word, self.clock.now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        known
    }

    async fn delivery(&self, id: DeliveryId) -> store::deliveries::Delivery {
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::deliveries::list_by_incident(&mut connection, self.account, self.incident.id)
            .await
            .unwrap()
            .into_iter()
            .find(|delivery| delivery.id == id)
            .unwrap()
    }

    async fn is_due(&self, id: DeliveryId) -> bool {
        self.delivery(id).await.not_before <= self.clock.now() + SignedDuration::from_millis(1)
    }

    async fn call_outcome(&self, id: DeliveryId) -> Option<Outcome> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::calls::find(&mut connection, self.account, id)
            .await
            .unwrap()
            .unwrap()
            .outcome
    }

    async fn taker(&self) -> Option<String> {
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::incidents::find(&mut connection, self.account, self.incident.id)
            .await
            .unwrap()
            .unwrap()
            .acknowledged_by
            .map(|actor| actor.name)
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_is_paid_placed_and_taken_with_key_one(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, next) = world.called().await;
    world.deliver(id).await;
    let call = provider.calls().remove(0);
    assert_eq!(
        (call.to.as_str(), call.from.as_str()),
        ("+4915112345678", telephony::FROM)
    );
    assert_eq!(call.machine_detection.as_deref(), Some("DetectMessageEnd"));
    assert_eq!(call.events, ["initiated", "completed"]);
    let url = call.url.unwrap();
    assert!(
        url.starts_with("https://watchbell.example/callbacks/twilio/voice?account=acc_")
            && url.contains(&format!("delivery={id}")),
        "{url}"
    );
    assert_eq!(world.balance().await, 500_000 - PRICE);

    let said = world.turn(id, &call.sid, Heard::Person).await.unwrap();
    assert_eq!(
        said[0],
        "Watchbell alert. Shop checkout is down, since fourteen oh two. Your server answers with error five, zero, two. Three of three looks failed."
    );
    for key in ['2', '7', '0', '#'] {
        world.turn(id, &call.sid, Heard::Key(key)).await.unwrap();
        assert_eq!(world.taker().await, None, "{key}");
    }
    let thanks = world.turn(id, &call.sid, Heard::Key('1')).await.unwrap();
    assert_eq!(thanks, [domain::alert::voice::TAKEN]);
    assert_eq!(world.taker().await.as_deref(), Some("ana"));
    // The same once more says the same.
    let again = world.turn(id, &call.sid, Heard::Key('1')).await.unwrap();
    assert_eq!(again, thanks);
    assert!(world.report(id, &call.sid, CallStatus::Completed).await);
    assert!(world.report(id, &call.sid, CallStatus::Completed).await);
    let delivery = world.delivery(id).await;
    assert_eq!(
        (delivery.state, delivery.price_micros),
        (DeliveryState::Delivered, Some(PRICE))
    );
    assert_eq!(world.delivery(next).await.state, DeliveryState::Skipped);
    assert_eq!(world.outcomes().await, ["accepted", "taken"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_strangers_call_is_nobodys(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, next) = world.called().await;
    world.deliver(id).await;
    assert_eq!(world.turn(id, "CAother", Heard::Key('1')).await, None);
    assert!(!world.report(id, "CAother", CallStatus::NoAnswer).await);
    assert_eq!(world.turn(next, "CAother", Heard::Key('1')).await, None);
    assert_eq!(world.taker().await, None);
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Sent
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn key_three_passes_it_on_once(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, next) = world.called().await;
    world.deliver(id).await;
    let sid = provider.calls().remove(0).sid;
    for _ in 0..2 {
        let said = world.turn(id, &sid, Heard::Key('3')).await.unwrap();
        assert_eq!(said, ["Passed on to kim. Goodbye."]);
    }
    assert!(world.is_due(next).await);
    assert_eq!(world.taker().await, None);
    world.report(id, &sid, CallStatus::Completed).await;
    assert_eq!(world.call_outcome(id).await, Some(Outcome::PassedOn));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_left_after_the_last(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let ana = world.contact(Channel::Voice, "ana").await;
    let id = world.plan(Event::IncidentOpened, Channel::Voice, ana).await;
    world.deliver(id).await;
    let sid = provider.calls().remove(0).sid;
    assert_eq!(
        world.turn(id, &sid, Heard::Key('3')).await.unwrap(),
        ["There is nobody after you. It stays open. Goodbye."]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_that_nobody_hears_goes_on_at_once(pool: PgPool) {
    let provider = Telephony::start().await;
    for (status, outcome) in [
        (CallStatus::NoAnswer, "no_answer"),
        (CallStatus::Busy, "busy"),
        (CallStatus::Failed, "failed"),
    ] {
        let world = World::new(pool.clone(), &[&provider]).await;
        world.grant(500_000).await;
        let (id, next) = world.called().await;
        world.deliver(id).await;
        assert!(!world.is_due(next).await);
        let sid = provider.calls().pop().unwrap().sid;
        assert!(world.report(id, &sid, status).await);
        assert!(world.is_due(next).await, "{outcome}");
        let delivery = world.delivery(id).await;
        assert_eq!(
            (delivery.state, delivery.price_micros),
            (DeliveryState::Failed, None)
        );
        assert!(delivery.reason.is_some());
        assert_eq!(world.balance().await, 500_000, "nothing is paid");
        assert!(world.outcomes().await.contains(&outcome.to_owned()));
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_machine_and_a_silent_person_go_on_at_once(pool: PgPool) {
    let provider = Telephony::start().await;
    for (heard, outcome) in [
        (Heard::Machine, Outcome::Machine),
        (Heard::Person, Outcome::NoKey),
    ] {
        let world = World::new(pool.clone(), &[&provider]).await;
        world.grant(500_000).await;
        let (id, next) = world.called().await;
        world.deliver(id).await;
        let sid = provider.calls().pop().unwrap().sid;
        world.turn(id, &sid, heard).await.unwrap();
        world.report(id, &sid, CallStatus::Completed).await;
        assert!(world.is_due(next).await, "{outcome:?}");
        assert_eq!(world.call_outcome(id).await, Some(outcome));
        assert_eq!(world.delivery(id).await.state, DeliveryState::Delivered);
        assert_eq!(world.balance().await, 500_000 - PRICE, "it was answered");
        assert_eq!(world.taker().await, None);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_calls_of_one_step_both_have_their_chance(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (first, next) = world.called().await;
    let bo = world.contact(Channel::Voice, "bo 2").await;
    let second = world.plan(Event::IncidentOpened, Channel::Voice, bo).await;
    world.deliver(first).await;
    world.deliver(second).await;
    let calls = provider.calls();
    world
        .report(first, &calls[0].sid, CallStatus::NoAnswer)
        .await;
    assert!(!world.is_due(next).await, "the other telephone still rings");
    world.report(second, &calls[1].sid, CallStatus::Busy).await;
    assert!(world.is_due(next).await);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_that_was_placed_is_not_placed_again(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, _) = world.called().await;
    // The provider takes it, and we never hear its answer: it is found in the provider's list.
    provider.fail_next(Fault::AcceptThenReset);
    world.deliver(id).await;
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Pending
    );
    world.clock.advance(SignedDuration::from_secs(3));
    world.deliver(id).await;
    assert_eq!(provider.calls().len(), 1);
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Sent
    );
    assert_eq!(world.balance().await, 500_000 - PRICE);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_that_the_provider_reports_on_is_not_looked_for(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, _) = world.called().await;
    provider.fail_next(Fault::AcceptThenReset);
    world.deliver(id).await;
    let sid = provider.calls().remove(0).sid;
    assert!(world.report(id, &sid, CallStatus::OnItsWay).await);
    // Not even a provider that cannot be reached any more makes a second call of it.
    for _ in 0..2 {
        provider.fail_next(Fault::Reset);
    }
    world.clock.advance(SignedDuration::from_secs(3));
    world.deliver(id).await;
    assert_eq!(provider.calls().len(), 1);
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Sent
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_second_provider_calls_where_the_first_fails(pool: PgPool) {
    let (first, second) = (Telephony::start().await, Telephony::start().await);
    let world = World::new(pool, &[&first, &second]).await;
    world.grant(500_000).await;
    let (id, _) = world.called().await;
    first.fail_next(Fault::Status(503));
    world.deliver(id).await;
    assert_eq!((first.calls().len(), second.calls().len()), (0, 1));
    let mut connection = world.room.pool.acquire().await.unwrap();
    let attempts = store::deliveries::list_attempts(&mut connection, world.account, &[id])
        .await
        .unwrap();
    assert_eq!(attempts[0].provider.as_deref(), Some("twilio2"));
    assert!(
        attempts[0]
            .message
            .contains("twilio: the provider answers 503"),
        "{}",
        attempts[0].message
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_that_cannot_be_paid_goes_on_at_once(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    let (id, next) = world.called().await;
    world.deliver(id).await;
    assert!(provider.calls().is_empty());
    assert_eq!(world.delivery(id).await.state, DeliveryState::Failed);
    assert!(world.is_due(next).await);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_called_about_what_somebody_has(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(500_000).await;
    let (id, _) = world.called().await;
    let mut connection = world.room.pool.acquire().await.unwrap();
    let by = incidents::By::actor(domain::incident::Actor::system());
    let (incident, now) = (world.incident.id, world.clock.now());
    incidents::acknowledge(&mut connection, world.account, incident, &by, now)
        .await
        .unwrap();
    drop(connection);
    world.deliver(id).await;
    assert!(provider.calls().is_empty());
    assert_eq!(world.delivery(id).await.state, DeliveryState::Skipped);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn in_the_outbox_a_call_rings_until_a_key_is_pressed(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let (id, _) = world.called().await;
    world.deliver(id).await;
    let (to, text) = world.outbox_texts().await.remove(0);
    assert_eq!(to, "+4915112345678");
    assert!(text.starts_with("Watchbell alert. Shop checkout is down"));
    assert_eq!(world.delivery(id).await.state, DeliveryState::Sent);
    let mut transaction = store::begin(&world.room.pool).await.unwrap();
    let whose = (world.account, id);
    incidents::press_key(&mut transaction, whose, Heard::Key('1'), world.clock.now())
        .await
        .unwrap()
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(world.taker().await.as_deref(), Some("ana"));
}
