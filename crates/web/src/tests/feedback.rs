//! Whether the cause was right: on the page of an incident, and by the link of a mail.

use domain::account::Role;
use domain::check::{Failure, FailureClass, Phase};
use domain::contact::{Channel, Contact};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use domain::incident::{Confidence, Diagnosis};
use http::StatusCode;
use incidents::links;
use sqlx::PgPool;

use super::snooze::teammate;
use super::{App, Browser};

const OWNER: &str = "kim@shop.example";

/// An incident of somebody's first monitor, with a cause.
async fn outage(app: &App, owner: &mut Browser) -> (AccountId, IncidentId) {
    owner
        .post("/monitors", &[("target", "https://shop.example/")])
        .await;
    let (monitor, account): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT id, account_id FROM monitors")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
    let account = AccountId::from_uuid(account);
    let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let incident = app.down(MonitorId::from_uuid(monitor), failure).await;
    let said = Diagnosis {
        cause: "nothing_listens".to_owned(),
        confidence: Confidence::Likely,
        attribution: None,
        sentence: "Nothing <b>listens</b> there.".to_owned(),
        technical: String::new(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "connect_refused".to_owned(),
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    let now = app.state.now();
    store::incidents::set_diagnosis(&mut connection, account, incident, &said, now)
        .await
        .unwrap();
    (account, incident)
}

async fn resolve(app: &App) {
    sqlx::query("UPDATE incidents SET resolved_at = first_failure_at + interval '372 s', resolved_reason = 'recovered'")
        .execute(&app.state.pool)
        .await
        .unwrap();
    app.wait(600);
}

/// Kind of who answered, answer and text.
async fn answers(app: &App) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT by_kind || ' ' || is_right || coalesce(' ' || said, '') || ' ' || rule
         FROM diagnosis_feedback ORDER BY 1",
    )
    .fetch_all(&app.state.pool)
    .await
    .unwrap()
}

/// The path of the link in a mail to `contact`, before its last word.
async fn link(app: &App, account: AccountId, incident: IncidentId, contact: ContactId) -> String {
    let delivery = DeliveryId::generate();
    let mut connection = app.state.pool.acquire().await.unwrap();
    let (secrets, now) = (&app.state.secrets, app.state.now());
    let minted = (delivery, contact, Some(incident));
    links::mint(&mut connection, secrets, account, minted, now)
        .await
        .unwrap();
    format!("/cause/{}", links::acknowledge_token(secrets, delivery))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_may_answer_an_incident_says_whether_its_cause_was_right(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified(OWNER).await;
    let (account, incident) = outage(&app, &mut owner).await;
    let page = format!("/incidents/{incident}");
    let path = format!("{page}/diagnosis-feedback");
    assert!(
        !owner.get(&page).await.body.contains(&path),
        "nobody knows before it is over"
    );
    resolve(&app).await;

    let (right, wrong) = (
        [("right", "true")],
        [
            ("right", "false"),
            ("text", " The disk <i>was</i> full.\r\nSince noon. "),
        ],
    );
    let mut stranger = app.verified("eve@other.example").await;
    assert_eq!(
        stranger.post(&path, &right).await.status,
        StatusCode::NOT_FOUND
    );
    let mut viewer = teammate(&app, account, Role::Viewer).await;
    assert_eq!(
        viewer.post(&path, &right).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(!viewer.get(&page).await.body.contains(&path));
    assert_eq!(answers(&app).await, [""; 0]);

    let mut responder = teammate(&app, account, Role::Responder).await;
    for browser in [&mut owner, &mut responder] {
        let shown = browser.get(&page).await.body;
        assert!(shown.contains("Was the cause right?"), "{shown}");
        assert!(
            shown.contains(
                "6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 37 min left"
            ),
            "{shown}"
        );
        let done = browser.post(&path, &right).await;
        assert_eq!(done.location(), format!("{page}?done=judged#cause"));
    }
    assert_eq!(
        answers(&app).await,
        ["user true connect_refused", "user true connect_refused"]
    );
    owner.post(&path, &wrong).await;
    let shown = owner.get(&page).await.body;
    assert!(shown.contains("You said: <strong>no</strong>"), "{shown}");
    assert!(
        shown.contains("The disk &#60;i&#62;was&#60;/i&#62; full."),
        "{shown}"
    );
    assert_eq!(answers(&app).await.len(), 2, "changed, and not said twice");
    let long = [("right", "false"), ("text", &"ü".repeat(501))];
    let refused = owner.post(&path, &long).await;
    assert_eq!(refused.location(), format!("{page}?done=unfit#cause"));

    let mut connection = app.state.pool.acquire().await.unwrap();
    let counted = store::feedback::count_by_rule(&mut connection)
        .await
        .unwrap();
    let counted: Vec<_> = counted
        .iter()
        .map(|one| (one.rule.as_str(), one.right, one.wrong))
        .collect();
    assert_eq!(counted, [("connect_refused", 1, 1)]);
    let erasure = store::erasures::Erasure {
        account_id: account,
        monitor_id: None,
    };
    store::erasures::erase_some(&mut connection, erasure, 100)
        .await
        .unwrap();
    assert_eq!(answers(&app).await, [""; 0]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_link_that_is_followed_says_nothing_and_its_button_speaks_for_one_person(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified(OWNER).await;
    let (account, incident) = outage(&app, &mut owner).await;
    resolve(&app).await;
    let own: uuid::Uuid = sqlx::query_scalar("SELECT id FROM contacts WHERE address = $1")
        .bind(OWNER)
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let own = link(&app, account, incident, ContactId::from_uuid(own)).await;
    let list = Contact {
        id: ContactId::generate(),
        channel: Channel::Email,
        name: "Ops".into(),
        address: "ops@shop.example".into(),
        verified_at: Some(app.state.now()),
        in_default: true,
        call_on_recovery: false,
        member_id: None,
        only_critical: false,
        quiet_hours: None,
        disabled_reason: None,
        created_at: app.state.now(),
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    store::contacts::insert(&mut connection, account, &list, &list.address)
        .await
        .unwrap();
    drop(connection);
    let ops = link(&app, account, incident, list.id).await;

    let mut reader = app.browser();
    for path in [
        format!("{own}/yes"),
        format!("{own}/no"),
        format!("{ops}/no"),
    ] {
        let shown = reader.get(&path).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        assert!(
            shown
                .body
                .contains("Nothing &#60;b&#62;listens&#60;/b&#62; there.")
        );
    }
    assert_eq!(answers(&app).await, [""; 0], "a scanner follows links");

    let done = reader.post(&format!("{own}/yes"), &[]).await;
    assert_eq!(done.location(), format!("{own}/yes"));
    let text = [("text", "The disk was full.")];
    reader.post(&format!("{ops}/no"), &text).await;
    assert_eq!(
        answers(&app).await,
        [
            "contact false The disk was full. connect_refused",
            "user true connect_refused"
        ]
    );
    let shown = reader.get(&format!("{ops}/no")).await.body;
    assert!(shown.contains("The disk was full.</textarea>"), "{shown}");
    // The owner's mail and the owner's page are one person.
    let page = format!("/incidents/{incident}");
    owner
        .post(&format!("{page}/diagnosis-feedback"), &[("right", "false")])
        .await;
    assert_eq!(answers(&app).await.len(), 2);
    let shown = reader.get(&format!("{own}/yes")).await.body;
    assert!(shown.contains("You said: no, it was not."), "{shown}");

    let bell = [("text", "a bell \u{7}")];
    let refused = reader.post(&format!("{ops}/no"), &bell).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert!(
        refused.body.contains("must not contain control characters"),
        "{}",
        refused.body
    );
    for path in ["/cause/0123456789abcdef/yes", "/cause/0123456789abcdef/no"] {
        assert_eq!(reader.get(path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(reader.post(path, &[]).await.status, StatusCode::NOT_FOUND);
    }
}
