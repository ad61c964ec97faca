//! What may be spent in a day and on one incident, whatever the wallet holds.

use domain::alert::budget::{DAY, HOUR, Over};
use store::wallets::{Expense, Reservation};

use super::*;

const PRICE: i64 = 80_000;

impl World {
    /// The message to the contact of that name.
    async fn named(&self, name: &str) -> DeliveryId {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let incident = self.incident.id;
        let all = store::deliveries::list_by_incident(&mut connection, self.account, incident)
            .await
            .unwrap();
        all.iter().find(|one| one.contact_name == name).unwrap().id
    }

    async fn reserve(
        &self,
        id: DeliveryId,
        (incident, micros): (bool, i64),
        budget: Budget,
    ) -> Reservation {
        let expense = Expense {
            delivery_id: id,
            attempt: 1,
            incident_id: incident.then_some(self.incident.id),
            channel: Channel::Sms,
            micros,
            text: "Text message",
        };
        let mut transaction = store::begin(&self.room.pool).await.unwrap();
        let got = wallets::reserve(
            &mut transaction,
            self.account,
            &expense,
            budget,
            self.clock.now(),
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        got
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn over_the_day_a_mail_carries_the_text_and_the_next_day_texts_go_again(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    world.grant(100_000_000).await;
    let (phone, _mail) = (
        world.contact(Channel::Sms, "phone").await,
        world.contact(Channel::Email, "ana").await,
    );
    let cap = Plan::Free.limits().messages_micros_per_day;
    let spent = world.reserve(
        DeliveryId::generate(),
        (false, cap - 1),
        Budget::new(Channel::Sms, cap),
    );
    assert_eq!(spent.await, Reservation::Reserved);

    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.deliver(id).await;
    assert_eq!(provider.messages().len(), 0);
    let states = world.states().await;
    let states: Vec<_> = states
        .iter()
        .map(|(_, name, state)| (name.as_str(), *state))
        .collect();
    assert_eq!(
        states,
        [
            ("ana", DeliveryState::Pending),
            ("phone", DeliveryState::Failed)
        ]
    );
    world.deliver(world.named("ana").await).await;
    let texts = world.outbox_texts().await;
    let (_, text) = texts
        .iter()
        .find(|(to, _)| to == "ana@shop.example")
        .unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "the cap of 5 USD a day for text messages and calls is reached",
        "Shop checkout is DOWN",
    ] {
        assert!(text.contains(part), "{text}");
    }

    world.clock.advance(DAY);
    let kim = world.contact(Channel::Sms, "kim2").await;
    let id = world.plan(Event::IncidentOpened, Channel::Sms, kim).await;
    world.deliver(id).await;
    assert_eq!(provider.messages().len(), 1, "the day has moved along");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_incident_sends_so_many_an_hour_and_others_are_not_held_back(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    world.grant(10_000_000).await;
    let budget = Budget {
        day_micros: i64::MAX,
        incident_hour: 2,
    };
    let mut got = Vec::new();
    for name in ["kim1", "kim2", "kim3"] {
        let phone = world.contact(Channel::Sms, name).await;
        let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
        got.push(world.reserve(id, (true, PRICE), budget).await);
    }
    let refused = Reservation::Over(Over::Incident);
    assert_eq!(got, [Reservation::Reserved, Reservation::Reserved, refused]);
    let another = DeliveryId::generate();
    let other = world.reserve(another, (false, PRICE), budget).await;
    assert_eq!(other, Reservation::Reserved);
    let phone = world.contact(Channel::Sms, "kim4").await;
    let id = world.plan(Event::IncidentOpened, Channel::Sms, phone).await;
    world.clock.advance(HOUR);
    let later = world.reserve(id, (true, PRICE), budget).await;
    assert_eq!(later, Reservation::Reserved);
}
