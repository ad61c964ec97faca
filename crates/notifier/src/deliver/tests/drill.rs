//! Messages of a fire drill beside those of real outages.

use domain::ids::IncidentId;

use super::*;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_of_a_drill_holds_no_real_call_back(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let ana = world.contact(Channel::Voice, "ana").await;
    let drill = Incident {
        id: IncidentId::generate(),
        short: "DR1LLDR1".into(),
        test: true,
        ..world.incident.clone()
    };
    let mut connection = world.room.pool.acquire().await.unwrap();
    store::incidents::insert(&mut connection, &drill)
        .await
        .unwrap();
    let planned = Planned {
        account_id: world.account,
        event: Event::IncidentOpened,
        incident_id: Some(drill.id),
        monitor_id: Some(world.monitor),
        contact_id: ana,
        channel: Channel::Voice,
        dedup_key: format!("incident.opened:{}:{ana}", drill.id),
        payload: serde_json::json!({}),
        not_before: world.clock.now(),
    };
    let now = world.clock.now();
    let drilled = store::deliveries::insert(&mut connection, &planned, now);
    let drilled = drilled.await.unwrap().unwrap();
    drop(connection);
    world.deliver(drilled).await;
    let id = world.plan(Event::IncidentOpened, Channel::Voice, ana).await;
    world.deliver(id).await;
    // Of real calls one goes alone and the next waits for the full minute.
    let calls: Vec<String> = world
        .outbox()
        .await
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let texts = world.outbox_texts().await;
    assert_eq!(calls.len(), 2, "both ring at once: {texts:?}");
    assert!(
        texts.iter().any(|(_, text)| text.contains("Fire drill")),
        "{texts:?}"
    );
}
