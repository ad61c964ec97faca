//! The snooze on the page of an incident: as owner, as teammates of each role, and as a stranger.

use domain::account::Role;
use domain::alert::Recipients;
use domain::alert::escalation::Escalation;
use domain::check::{Failure, FailureClass, Phase};
use domain::ids::{AccountId, IncidentId, MonitorId, UserId};
use http::StatusCode;
use sqlx::PgPool;
use store::escalations::{self, Stored};

use super::{App, Browser};

pub(super) async fn teammate(app: &App, account: AccountId, role: Role) -> Browser {
    let address = format!("{}@shop.example", role.as_str());
    let browser = app.verified(&address).await;
    let pool = &app.state.pool;
    let user: uuid::Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
        .bind(&address)
        .fetch_one(pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM memberships WHERE user_id = $1")
        .bind(user)
        .execute(pool)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let (user, now) = (UserId::from_uuid(user), app.state.now());
    store::memberships::insert(&mut connection, account, user, role, now)
        .await
        .unwrap();
    browser
}

async fn is_snoozed(app: &App, incident: IncidentId) -> bool {
    sqlx::query_scalar("SELECT snoozed_until IS NOT NULL FROM escalations WHERE incident_id = $1")
        .bind(incident.uuid())
        .fetch_one(&app.state.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_may_answer_an_incident_may_snooze_it(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let made = owner
        .post("/monitors", &[("target", "https://shop.example/")])
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let (monitor, account): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT id, account_id FROM monitors")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
    let account = AccountId::from_uuid(account);
    let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let incident = app.down(MonitorId::from_uuid(monitor), failure).await;
    let stored = Stored {
        escalation: Escalation::begin(Recipients::Default, (0, None), app.state.now()),
        snoozed_by: None,
        next_at: None,
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    escalations::insert(&mut connection, account, incident, &stored)
        .await
        .unwrap();
    drop(connection);
    let page = format!("/incidents/{incident}");
    let snooze = format!("{page}/snooze");
    let (for_an_hour, end) = ([("for", "3600")], [("for", "end")]);

    let mut stranger = app.verified("eve@other.example").await;
    let refused = stranger.post(&snooze, &for_an_hour).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let mut viewer = teammate(&app, account, Role::Viewer).await;
    let refused = viewer.post(&snooze, &for_an_hour).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!viewer.get(&page).await.body.contains(&snooze));
    assert!(!is_snoozed(&app, incident).await);

    let mut responder = teammate(&app, account, Role::Responder).await;
    for browser in [&mut owner, &mut responder] {
        let shown = browser.get(&page).await.body;
        assert!(
            shown.contains(&snooze) && shown.contains("until 8:00 tomorrow"),
            "{shown}"
        );
        let done = browser.post(&snooze, &for_an_hour).await;
        assert_eq!(done.header("location"), format!("{page}?done=snoozed"));
        assert!(is_snoozed(&app, incident).await);
        let shown = browser.get(&page).await.body;
        assert!(shown.contains("Snoozed until"), "{shown}");
        let done = browser.post(&snooze, &end).await;
        assert_eq!(done.header("location"), format!("{page}?done=unsnoozed"));
        assert!(!is_snoozed(&app, incident).await);
    }
    let done = owner.post(&snooze, &[("for", "tomorrow")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(is_snoozed(&app, incident).await);
}
