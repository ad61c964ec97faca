//! What pages and the API read of all this.

use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::AccountId;
use sqlx::PgPool;
use store::incidents::{Cursor, Filter};

use crate::world::World;

/// Five outages, 900 s apart; the last one is open.
async fn history(world: &World) {
    for round in 0..5 {
        let begin = 900 * round;
        for second in [60, 63, 66] {
            world.look("local", begin + second, VerdictKind::Down).await;
        }
        if round < 4 {
            for second in [120, 123, 126] {
                world.look("local", begin + second, VerdictKind::Up).await;
            }
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn incidents_are_listed_newest_first_page_by_page(pool: PgPool) {
    let world = World::new(pool).await;
    history(&world).await;
    let mut connection = world.pool.acquire().await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter::default();
        let page = store::incidents::list(&mut connection, world.account, &filter, after, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        let incident = &last.incident;
        after = Some(Cursor {
            first_failure_at: incident.first_failure_at,
            id: incident.id,
        });
        seen.extend(page.iter().map(|listed| listed.incident.first_failure_at));
    }
    let begun = |round: i64| world.at(900 * round + 60);
    assert_eq!(seen, [begun(4), begun(3), begun(2), begun(1), begun(0)]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn incidents_are_filtered(pool: PgPool) {
    let world = World::new(pool).await;
    history(&world).await;
    let mut connection = world.pool.acquire().await.unwrap();
    let mut count = async |account: AccountId, filter: Filter| {
        let found = store::incidents::list(&mut connection, account, &filter, None, 50).await;
        found.unwrap().len()
    };
    let mine = world.account;
    assert_eq!(
        count(
            mine,
            Filter {
                open: Some(true),
                ..Filter::default()
            }
        )
        .await,
        1
    );
    assert_eq!(
        count(
            mine,
            Filter {
                open: Some(false),
                ..Filter::default()
            }
        )
        .await,
        4
    );
    assert_eq!(
        count(
            mine,
            Filter {
                acknowledged: Some(true),
                ..Filter::default()
            }
        )
        .await,
        0
    );
    assert_eq!(
        count(
            mine,
            Filter {
                tag: Some("prod".into()),
                ..Filter::default()
            }
        )
        .await,
        0
    );
    // The second outage had ended by then; the last has not ended.
    let from = Some(world.at(1_500));
    assert_eq!(
        count(
            mine,
            Filter {
                from,
                ..Filter::default()
            }
        )
        .await,
        3
    );
    let to = Some(world.at(1_200));
    assert_eq!(
        count(
            mine,
            Filter {
                to,
                ..Filter::default()
            }
        )
        .await,
        2
    );
    assert_eq!(count(AccountId::generate(), Filter::default()).await, 0);
    let mut connection = world.pool.acquire().await.unwrap();
    assert_eq!(
        store::incidents::count_open(&mut connection, mine)
            .await
            .unwrap(),
        1
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn messages_are_listed_by_incident_and_by_contact(pool: PgPool) {
    let world = World::new(pool).await;
    let ana = world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    let id = world.outage().await;
    world.recovery().await;
    let mut connection = world.pool.acquire().await.unwrap();
    let all = store::deliveries::list_by_incident(&mut connection, world.account, id)
        .await
        .unwrap();
    let events: Vec<Event> = all.iter().map(|one| one.event).collect();
    let (opened, resolved) = (Event::IncidentOpened, Event::IncidentResolved);
    assert_eq!(events, [opened, opened, resolved, resolved]);
    assert!(all.iter().all(|one| one.state == DeliveryState::Pending));
    let hers = store::deliveries::list_by_contact(&mut connection, world.account, ana, 1)
        .await
        .unwrap();
    assert_eq!(
        (hers.len(), hers[0].event, hers[0].contact_name.as_str()),
        (1, resolved, "ana")
    );
    let told = store::deliveries::list_told(&mut connection, world.account, id, opened)
        .await
        .unwrap();
    assert_eq!(told.len(), 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_audit_log_is_read_back_and_never_rewritten(pool: PgPool) {
    let world = World::new(pool).await;
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let written = store::audit::list(&mut transaction, world.account, 10)
        .await
        .unwrap();
    let said: Vec<_> = written
        .iter()
        .map(|one| (one.action.as_str(), one.actor.name.as_str()))
        .collect();
    assert_eq!(said, [("monitor.created", "Ana")]);
    let rewritten = sqlx::query("UPDATE audit_events SET action = 'nothing'");
    assert!(rewritten.execute(&mut *transaction).await.is_err());
}
