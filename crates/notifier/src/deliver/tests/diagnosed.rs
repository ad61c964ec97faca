//! A closer look says another cause than the message that was sent.

use domain::incident::Diagnosis;

use super::*;

impl World {
    /// What a closer look says.
    async fn look_closer(&self, cause: &str) {
        let known = Diagnosis {
            cause: cause.to_owned(),
            sentence: format!("It is {cause}."),
            ..self.incident.diagnosis.clone().unwrap()
        };
        let mut connection = self.room.pool.acquire().await.unwrap();
        let (account, id) = (self.account, self.incident.id);
        store::incidents::set_diagnosis(&mut connection, account, id, &known, self.clock.now())
            .await
            .unwrap();
    }

    async fn why_not(&self) -> Option<String> {
        sqlx::query_scalar("SELECT reason FROM deliveries WHERE event = 'incident.diagnosed'")
            .fetch_one(&self.room.pool)
            .await
            .unwrap()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_cause_is_told_in_the_thread_of_the_first_mail(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    let outage = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(outage).await;
    world.look_closer("one_address").await;
    let closer = world
        .plan(Event::IncidentDiagnosed, Channel::Email, ana)
        .await;
    world.deliver(closer).await;
    let taken = relay.taken();
    let (first, later) = (&taken[0], &taken[1]);
    let subject = first.header("Subject").unwrap();
    assert_eq!(later.header("Subject").unwrap(), format!("Re: {subject}"));
    for header in ["In-Reply-To", "References"] {
        assert_eq!(later.header(header), first.header("Message-ID"));
    }
    assert_eq!(first.header("Importance").unwrap(), "high");
    assert_eq!(later.header("Importance"), None);
    assert!(later.data.contains("Looked closer"), "{}", later.data);
    assert!(later.data.contains("It is one_address."), "{}", later.data);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_first_message_that_says_it_itself_needs_no_second(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    let outage = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    let closer = world
        .plan(Event::IncidentDiagnosed, Channel::Email, ana)
        .await;
    world.look_closer("one_address").await;
    world.deliver(closer).await;
    assert_eq!(
        world.state(Event::IncidentDiagnosed).await,
        DeliveryState::Held,
        "never before the first"
    );
    world.deliver(outage).await;
    world.deliver(closer).await;
    assert_eq!(world.outbox().await.len(), 1);
    assert_eq!(
        world.why_not().await.as_deref(),
        Some("the message about the outage said so already")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_over_needs_no_other_cause(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Email, "ana").await;
    let outage = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(outage).await;
    world.look_closer("one_address").await;
    let closer = world
        .plan(Event::IncidentDiagnosed, Channel::Email, ana)
        .await;
    world.recover().await;
    world.deliver(closer).await;
    assert_eq!(world.outbox().await.len(), 1);
    assert_eq!(
        world.state(Event::IncidentDiagnosed).await,
        DeliveryState::Skipped
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_follow_up_that_fails_is_told_to_nobody_else(pool: PgPool) {
    let relay = Relay::start().await;
    let world = World::with_relays(pool, &[], &[&relay]).await;
    world.owner("owner@shop.example").await;
    let ana = world.contact(Channel::Email, "ana").await;
    world.contact(Channel::Email, "bo").await;
    let outage = world.plan(Event::IncidentOpened, Channel::Email, ana).await;
    world.deliver(outage).await;
    world.look_closer("one_address").await;
    let closer = world
        .plan(Event::IncidentDiagnosed, Channel::Email, ana)
        .await;
    relay.fail_next(smtp::Fault::Message("554 5.7.1 Looks like spam"));
    world.deliver(closer).await;
    world.write_letters().await;
    assert_eq!(
        world.state(Event::IncidentDiagnosed).await,
        DeliveryState::Failed
    );
    assert_eq!(world.stand_ins().await.len(), 0);
    assert_eq!(relay.taken().len(), 1, "only the first message");
}
