//! A snooze holds what is still on its way.

use domain::alert::Recipients;
use domain::alert::escalation::Escalation;
use domain::incident::{Actor, ActorKind};
use incidents::By;
use jiff::Timestamp;
use store::escalations::{self, Stored};

use super::*;

impl World {
    /// The outage's policy has been told, and somebody may snooze it.
    async fn escalates(&self) {
        let now = self.clock.now();
        let mut escalation = Escalation::begin(Recipients::Default, (0, None), now);
        escalation.next = None;
        let stored = Stored {
            escalation,
            snoozed_by: None,
            next_at: None,
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        escalations::insert(&mut connection, self.account, self.incident.id, &stored)
            .await
            .unwrap();
    }

    async fn snooze(&self, until: Option<Timestamp>) {
        let mut connection = self.room.pool.acquire().await.unwrap();
        let of = (self.account, self.incident.id);
        incidents::snooze(&mut connection, of, until, &ana(), self.clock.now())
            .await
            .unwrap()
            .unwrap();
    }

    /// A text that the provider does not take at once.
    async fn in_trouble(&self, provider: &Telephony) -> DeliveryId {
        self.grant(500_000).await;
        let phone = self.contact(Channel::Sms, "phone").await;
        let id = self.plan(Event::IncidentOpened, Channel::Sms, phone).await;
        self.escalates().await;
        provider.fail_next(Fault::Status(503));
        self.deliver(id).await;
        assert_eq!(
            self.state(Event::IncidentOpened).await,
            DeliveryState::Pending
        );
        id
    }
}

fn ana() -> By {
    By::actor(Actor {
        kind: ActorKind::User,
        name: "Ana".into(),
    })
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_retry_waits_for_the_end_of_a_snooze(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    let id = world.in_trouble(&provider).await;
    let until = world.clock.now() + SignedDuration::from_mins(30);
    world.snooze(Some(until)).await;
    for _ in 0..5 {
        world.clock.advance(SignedDuration::from_mins(5));
        world.deliver(id).await;
    }
    assert_eq!(provider.messages().len(), 0);
    assert_eq!(
        world.state(Event::IncidentOpened).await,
        DeliveryState::Held
    );
    world.clock.advance(until.duration_since(world.clock.now()));
    world.deliver(id).await;
    assert_eq!(provider.messages().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_ends_the_snooze_lets_it_go(pool: PgPool) {
    let provider = Telephony::start().await;
    let world = World::new(pool, &[&provider]).await;
    let id = world.in_trouble(&provider).await;
    world
        .snooze(Some(world.clock.now() + SignedDuration::from_hours(8)))
        .await;
    world.clock.advance(SignedDuration::from_mins(5));
    world.deliver(id).await;
    world.snooze(None).await;
    world.deliver(id).await;
    assert_eq!(provider.messages().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_taken_or_over_while_it_is_snoozed_is_not_told_after_it(pool: PgPool) {
    let provider = Telephony::start().await;
    for is_taken in [true, false] {
        let world = World::new(pool.clone(), &[&provider]).await;
        let id = world.in_trouble(&provider).await;
        world
            .snooze(Some(world.clock.now() + SignedDuration::from_hours(8)))
            .await;
        world.clock.advance(SignedDuration::from_mins(5));
        world.deliver(id).await;
        let mut connection = world.room.pool.acquire().await.unwrap();
        let (account, now) = (world.account, world.clock.now());
        if is_taken {
            incidents::acknowledge(&mut connection, account, world.incident.id, &ana(), now)
                .await
                .unwrap();
        } else {
            incidents::resolve(
                &mut connection,
                account,
                world.incident.id,
                &ana(),
                true,
                now,
            )
            .await
            .unwrap();
        }
        world.deliver(id).await;
        let told = provider.messages();
        let downs = told.iter().filter(|one| one.body.starts_with("DOWN"));
        assert_eq!(downs.count(), 0, "{told:?}");
        let expected = match is_taken {
            true => DeliveryState::Skipped,
            false => DeliveryState::Superseded,
        };
        assert_eq!(world.state(Event::IncidentOpened).await, expected);
    }
}
