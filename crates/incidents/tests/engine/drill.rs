//! Fire drills: everyone is told as if it were an outage, and nothing is.

use domain::contact::Channel;
use domain::ids::IncidentId;
use domain::incident::{Actor, ActorKind};
use incidents::{By, Drilled, Resolution};
use jiff::Timestamp;
use sqlx::PgPool;

use crate::world::World;

impl World {
    async fn drill(&self, second: i64) -> Drilled {
        let mut transaction = store::begin(&self.pool).await.unwrap();
        let (of, by) = ((self.account, self.monitor.id), self.ana());
        let drilled =
            incidents::begin_drill(&mut transaction, &self.secrets, of, &by, self.at(second));
        let drilled = drilled.await.unwrap();
        transaction.commit().await.unwrap();
        drilled
    }

    pub async fn begun(&self, second: i64) -> IncidentId {
        match self.drill(second).await {
            Drilled::Begun(drill) => drill,
            other => panic!("{other:?}"),
        }
    }

    async fn answer(&self, drill: IncidentId, name: &str, second: i64) {
        let by = By::actor(Actor {
            kind: ActorKind::Contact,
            name: name.into(),
        });
        let mut transaction = store::begin(&self.pool).await.unwrap();
        let at = self.at(second);
        incidents::acknowledge(&mut transaction, self.account, drill, &by, at)
            .await
            .unwrap()
            .unwrap();
        transaction.commit().await.unwrap();
    }

    async fn sweep(&self, seconds: std::ops::Range<i64>) {
        for second in seconds.step_by(5) {
            incidents::escalate_due(&self.pool, self.at(second))
                .await
                .unwrap();
            incidents::end_drills(&self.pool, self.at(second))
                .await
                .unwrap();
        }
    }

    async fn told(&self) -> Vec<String> {
        self.texts(
            "SELECT d.event || ' ' || c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id
             ORDER BY d.not_before, d.event, c.name",
        )
        .await
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_drill_goes_through_the_policy_whoever_answers_and_ends_by_itself(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("kim", Channel::Sms, true).await;
    world.contact("phone", Channel::Voice, true).await;
    let states = "SELECT to_jsonb(s)::text FROM monitor_states s";
    let before = world.texts(states).await;
    let drill = world.begun(0).await;
    assert_eq!(
        world.drill(1).await,
        Drilled::GoesOn(drill),
        "one at a time"
    );
    world.answer(drill, "ana", 42).await;
    world.answer(drill, "ana", 50).await;
    world.sweep(50..600).await;
    assert_eq!(
        world.told().await,
        [
            "incident.opened ana",
            "incident.opened kim",
            "incident.opened phone"
        ],
        "also who comes after the answer"
    );
    world.answer(drill, "phone", 600).await;
    assert!(world.incident(drill).await.is_open());
    world.sweep(600..1_200).await;

    let over = world.incident(drill).await;
    assert!(over.test && !over.is_open() && over.acknowledged_at.is_none());
    let mut c = world.pool.acquire().await.unwrap();
    let entries = store::incidents::list_events(&mut c, world.account, drill)
        .await
        .unwrap();
    let answers: Vec<(String, i64)> = incidents::drill_answers(&over, &entries)
        .into_iter()
        .map(|one| (one.name, one.after.as_secs()))
        .collect();
    assert_eq!(answers, [("ana".to_owned(), 42), ("phone".to_owned(), 600)]);
    let timeline = world.timeline(drill).await;
    let last = "resolved: The fire drill is over. 2 people answered.";
    assert_eq!(timeline.last().map(String::as_str), Some(last));
    // Its end costs nothing.
    let ends = "SELECT c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id
                WHERE d.event = 'incident.resolved'";
    assert_eq!(world.texts(ends).await, ["ana"]);
    assert_eq!(world.texts(states).await, before, "no state has changed");
    world.answer(drill, "kim", 1_300).await;
    assert_eq!(world.timeline(drill).await, timeline, "too late");
    assert!(matches!(world.drill(1_400).await, Drilled::Begun(_)));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_during_a_drill_is_told_as_ever(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let drill = world.begun(0).await;
    let incident = world.outage().await;
    assert_ne!(incident, drill);
    assert_eq!(world.told().await.len(), 2, "the drill and the outage");
    world.recovery().await;
    assert!(world.incident(drill).await.is_open());
    assert!(!world.incident(incident).await.is_open());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_drill_is_ended_by_hand_and_leaves_its_monitor_alone(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let drill = world.begun(0).await;
    let mut c = world.pool.acquire().await.unwrap();
    let (by, at): (By, Timestamp) = (world.ana(), world.at(9));
    let ended = incidents::resolve(&mut c, world.account, drill, &by, false, at);
    assert!(matches!(ended.await.unwrap(), Resolution::Resolved(_)));
    assert_eq!(
        world.count("monitor_states WHERE quiet_until_up").await,
        0,
        "the next outage is told"
    );
    let timeline = world.timeline(drill).await;
    let last = "resolved: The fire drill is over. Nobody answered.";
    assert_eq!(timeline.last().map(String::as_str), Some(last));
}
