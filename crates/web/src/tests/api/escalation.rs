//! What comes next of an incident, and leaving it alone for a while.

use domain::account::{Plan, Scope};
use domain::alert::{Policy, Step, policy};
use domain::check::{Failure, FailureClass, Phase};
use domain::ids::{AccountId, ContactId, IncidentId};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;
use store::escalations::{self, Stored};

use super::{Client, team};
use crate::tests::App;

/// An incident whose first step was told, and whose second comes in five minutes.
async fn down(app: &App, account: AccountId, client: &Client) -> (IncidentId, ContactId) {
    let monitor = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json();
    let body = json!({"kind": "email", "address": "ana@shop.example"});
    let made = client.post("/contacts", body).await.json();
    let contact: ContactId = made["id"].as_str().unwrap().parse().unwrap();
    sqlx::query("UPDATE contacts SET verified_at = now()")
        .execute(&app.state.pool)
        .await
        .unwrap();
    let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let monitor = monitor["id"].as_str().unwrap().parse().unwrap();
    let incident = app.down(monitor, failure).await;
    let step = |delay_seconds| Step {
        delay_seconds,
        contact_ids: vec![contact],
        ..Step::default()
    };
    let night = Policy {
        steps: Some(vec![step(0), step(300)]),
        repeat: 2,
        ..Policy::default_of(account)
    };
    let mut escalation = policy::escalation(None, None, &[night], app.state.now());
    escalation.next = escalation
        .next
        .map(|next| domain::alert::escalation::Cursor { step: 1, ..next });
    let stored = Stored {
        next_at: Some(app.state.now() + SignedDuration::from_mins(5)),
        escalation,
        snoozed_by: None,
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    escalations::insert(&mut connection, account, incident, &stored)
        .await
        .unwrap();
    (incident, contact)
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_incident_says_what_comes_next_and_can_be_snoozed(pool: PgPool) {
    let (app, account, owner) = team(pool).await;
    let (incident, contact) = down(&app, account, &owner).await;
    let path = format!("/incidents/{incident}");
    let open = owner.get(&path).await.json();
    let next = &open["next_step"];
    assert_eq!(
        (&next["contact_ids"], &next["step"], &next["round"]),
        (&json!([contact.to_string()]), &json!(2), &json!(1)),
        "{open}"
    );
    assert_eq!(open["snoozed_until"], Value::Null);

    let snooze = format!("{path}/snooze");
    for (body, pointer) in [
        (json!({"seconds": 59}), "/seconds"),
        (json!({"seconds": 604_801}), "/seconds"),
        (json!({"seconds": -1}), "/seconds"),
        (json!({"seconds": "soon"}), "/seconds"),
        (json!({}), "/seconds"),
        (json!({"seconds": 3_600, "until": "x"}), "/until"),
    ] {
        let refused = owner.post(&snooze, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.pointer(), pointer, "{body}");
    }
    let snoozed = owner.post(&snooze, json!({"seconds": 3_600})).await;
    assert_eq!(snoozed.status, StatusCode::OK, "{}", snoozed.text);
    let snoozed = snoozed.json();
    let until = moment(&snoozed["snoozed_until"]);
    let hour = until.duration_since(app.state.now());
    assert!((SignedDuration::from_mins(59)..=SignedDuration::from_mins(60)).contains(&hour));
    assert_eq!(moment(&snoozed["next_step"]["at"]), until);
    let again = owner.post(&snooze, json!({"seconds": 3_600})).await.json();
    assert_eq!(
        again["timeline"], snoozed["timeline"],
        "asked twice, said once"
    );

    let awake = owner
        .post(&format!("{path}/unsnooze"), json!({}))
        .await
        .json();
    assert_eq!(awake["snoozed_until"], Value::Null);
    assert!(moment(&awake["next_step"]["at"]) < until);
    owner.post(&format!("{path}/acknowledge"), json!({})).await;
    let taken = owner.post(&snooze, json!({"seconds": 3_600})).await.json();
    assert_eq!(
        (&taken["next_step"], &taken["snoozed_until"]),
        (&Value::Null, &Value::Null)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_else_snoozes_it(pool: PgPool) {
    let (app, account, owner) = team(pool).await;
    let (incident, _) = down(&app, account, &owner).await;
    let path = format!("/incidents/{incident}/snooze");
    let body = json!({"seconds": 3_600});
    let stranger = app
        .client(app.account(Plan::Team).await, Scope::Write)
        .await;
    assert_eq!(
        stranger.post(&path, body.clone()).await.status,
        StatusCode::NOT_FOUND
    );
    let reader = app.client(account, Scope::Read).await;
    assert_eq!(reader.post(&path, body).await.status, StatusCode::FORBIDDEN);
    let open = owner.get(&format!("/incidents/{incident}")).await.json();
    assert_eq!(open["snoozed_until"], Value::Null);
}
