//! On-call schedules, who stands in, and who is on call.

use domain::account::{Plan, Role, Scope};
use domain::ids::{AccountId, UserId};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::super::App;
use super::{Client, team};

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

async fn contact(client: &Client, address: &str) -> String {
    let new = json!({"kind": "email", "address": address, "name": address.split('@').next()});
    id(&client.post("/contacts", new).await.json())
}

/// A person who is a member of the account.
pub(super) async fn member(app: &App, account: AccountId) -> String {
    let user = UserId::generate();
    sqlx::query(
        "INSERT INTO users (id, email, email_canonical, password_hash, name, created_at, password_changed_at)
         VALUES ($1, 'kim@shop.example', 'kim@shop.example', '', 'Kim', now(), now())",
    )
    .bind(user.uuid())
    .execute(&app.state.pool)
    .await
    .unwrap();
    let mut connection = app.state.pool.acquire().await.unwrap();
    store::memberships::insert(
        &mut connection,
        account,
        user,
        Role::Editor,
        app.state.now(),
    )
    .await
    .unwrap();
    user.to_string()
}

fn weekly(participants: &[&str]) -> Value {
    json!({"name": "Night", "timezone": "Europe/Berlin", "layers": [{
        "participants": participants, "shift_unit": "week", "shift_count": 1,
        "local_start": "2026-11-16T09:00:00",
        "times": [{"days": ["MO", "SU"], "from": "18:00", "to": "09:00"}],
    }]})
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sent_is_what_is_read(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let (kim, ops) = (
        member(&app, account).await,
        contact(&client, "ops@shop.example").await,
    );
    let sent = weekly(&[&kim, &ops]);
    let made = client.post("/schedules", sent.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let read = made.json();
    let path = format!("/schedules/{}", id(&read));
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert!(id(&read).starts_with("sch_"));
    for (key, value) in sent.as_object().unwrap() {
        assert_eq!(&read[key], value, "{key}");
    }
    // It is Sunday, 14:02 in Berlin.
    assert_eq!(read["on_call"]["participant"], Value::Null);
    assert_eq!(read["on_call"]["until"], "2026-11-22T17:00:00Z");
    assert_eq!(read["on_call"]["next"]["name"], "Kim");
    let tag = client.get(&path).await.header("etag").to_owned();
    assert_eq!(client.get(&path).await.json(), read);
    assert_eq!(client.patch(&path, read.clone()).await.json(), read);
    let layers = json!([{"participants": [&ops], "shift_unit": "day", "local_start": "2026-11-16T09:00:00"}]);
    let changed = client.patch(&path, json!({"layers": layers})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let changed = changed.json();
    assert_eq!(
        (
            &changed["layers"][0]["times"],
            &changed["layers"][0]["shift_count"]
        ),
        (&Value::Null, &json!(1))
    );
    assert_eq!(
        (
            &changed["on_call"]["participant"],
            &changed["on_call"]["until"]
        ),
        (&json!(ops), &Value::Null)
    );
    let late = [("if-match", tag.as_str())];
    let late = client
        .send(Method::PATCH, &path, &late, &json!({"name": "x"}))
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let list = client.get("/schedules").await.json();
    assert_eq!(list["data"][0]["id"], read["id"]);
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn shifts_gaps_and_who_stands_in(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let (kim, ops) = (
        member(&app, account).await,
        contact(&client, "ops@shop.example").await,
    );
    let made = client
        .post("/schedules", weekly(&[&kim, &ops]))
        .await
        .json();
    let path = format!("/schedules/{}", id(&made));
    let all = format!("{path}/shifts?from=2026-11-22T13:00:00Z&to=2026-11-25T00:00:00Z");
    let shifts = client.get(&all).await.json();
    let line = |shift: &Value| -> String {
        let text = |key: &str| shift[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("name"), text("starts_at"), text("ends_at"))
    };
    let lines = |shifts: &Value| -> Vec<String> {
        shifts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect()
    };
    assert_eq!(
        lines(&shifts),
        [
            "Kim 2026-11-22T17:00:00Z 2026-11-23T08:00:00Z",
            "ops 2026-11-23T17:00:00Z 2026-11-24T08:00:00Z",
        ]
    );
    assert_eq!(shifts["gaps"].as_array().unwrap().len(), 3);
    assert_eq!(
        shifts["gaps"][1],
        json!({"starts_at": "2026-11-23T08:00:00Z", "ends_at": "2026-11-23T17:00:00Z"})
    );

    let stand_in = json!({"participant": ops, "ends_at": "2026-11-22T20:00:00Z"});
    let overrides = format!("{path}/overrides");
    let made = client.post(&overrides, stand_in).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!(made["starts_at"], "2026-11-22T13:02:11Z");
    assert!(id(&made).starts_with("ovr_"));
    let now = client.get(&format!("{path}/on-call")).await.json();
    assert_eq!(
        (
            &now["participant"],
            &now["is_override"],
            &now["until"],
            &now["next"]["name"]
        ),
        (
            &json!(ops),
            &json!(true),
            &json!("2026-11-22T20:00:00Z"),
            &json!("Kim")
        )
    );
    let shifts = client.get(&all).await.json();
    assert_eq!(
        lines(&shifts)[0],
        "ops 2026-11-22T13:02:11Z 2026-11-22T20:00:00Z"
    );
    assert_eq!(shifts["data"][0]["is_override"], true);
    assert_eq!(client.get(&overrides).await.json()["data"], json!([made]));
    let one = format!("{overrides}/{}", id(&made));
    for _ in 0..2 {
        assert_eq!(client.delete(&one).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(client.get(&overrides).await.json()["data"], json!([]));
    app.clock.advance(SignedDuration::from_hours(5));
    let now = client.get(&format!("{path}/on-call")).await.json();
    assert_eq!(now["name"], "Kim");

    for (query, pointer) in [
        ("from=soon", "?from"),
        ("from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z", "?from"),
        ("from=2025-11-01T00:00:00Z&to=2026-11-24T00:00:00Z", "?to"),
        ("days=3", "?days"),
    ] {
        let refused = client.get(&format!("{path}/shifts?{query}")).await;
        assert_eq!(refused.pointer(), pointer, "{}", refused.text);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn asked_twice_is_made_once_and_a_dry_run_makes_nothing(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let ops = contact(&client, "ops@shop.example").await;
    let dry = client
        .post("/schedules?dry_run=true", weekly(&[&ops]))
        .await;
    assert_eq!(dry.status, StatusCode::OK);
    assert_eq!(dry.json()["on_call"]["next"]["name"], "ops");
    let key = [("idempotency-key", "once")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = client
            .send(Method::POST, "/schedules", &key, &weekly(&[&ops]))
            .await;
        ids.push(id(&made.json()));
    }
    assert_eq!(ids[0], ids[1]);
    let list = client.get("/schedules").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_wrong_is_named(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let ops = contact(&client, "ops@shop.example").await;
    let (other, _) = (app.account(Plan::Team).await, account);
    let stranger = contact(&app.client(other, Scope::Write).await, "kim@shop.example").await;
    let with = |key: &str, value: Value| {
        let mut schedule = weekly(&[&ops]);
        schedule[key] = value;
        schedule
    };
    let layer = |key: &str, value: Value| {
        let mut schedule = weekly(&[&ops]);
        schedule["layers"][0][key] = value;
        schedule
    };
    let times = |value: Value| layer("times", json!([value]));
    for (body, pointer) in [
        (json!({"name": "Night"}), "/layers"),
        (with("name", json!("")), "/name"),
        (with("timezone", json!("Mars")), "/timezone"),
        (with("layers", json!([])), "/layers"),
        (with("on_call", json!(null)), "/on_call"),
        (with("forever", json!(true)), "/forever"),
        (layer("participants", json!([])), "/layers/0/participants"),
        (
            layer("participants", json!([stranger])),
            "/layers/0/participants/0",
        ),
        (
            layer("participants", json!([UserId::generate().to_string()])),
            "/layers/0/participants/0",
        ),
        (layer("shift_count", json!(0)), "/layers/0/shift_count"),
        (layer("shift_count", json!(27)), "/layers/0/shift_count"),
        (
            layer("local_start", json!("2026-11-16T09:00:30")),
            "/layers/0/local_start",
        ),
        (
            times(json!({"days": [], "from": "09:00", "to": "17:00"})),
            "/layers/0/times/0/days",
        ),
    ] {
        let refused = client.post("/schedules", body).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{pointer}: {}",
            refused.text
        );
        assert_eq!(
            (refused.code().as_str(), refused.pointer().as_str()),
            ("validation_failed", pointer),
            "{}",
            refused.text
        );
    }
    let made = client.post("/schedules", weekly(&[&ops])).await.json();
    let overrides = format!("/schedules/{}/overrides", id(&made));
    for (body, pointer) in [
        (
            json!({"participant": stranger, "ends_at": "2026-11-23T00:00:00Z"}),
            "/participant",
        ),
        (
            json!({"participant": ops, "ends_at": "2026-11-22T00:00:00Z"}),
            "/ends_at",
        ),
    ] {
        let refused = client.post(&overrides, body).await;
        assert_eq!(
            (refused.status, refused.pointer().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, pointer),
            "{}",
            refused.text
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_contact_that_goes_leaves_its_schedules(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let (ops, kim) = (
        contact(&client, "ops@shop.example").await,
        contact(&client, "kim@shop.example").await,
    );
    let made = client
        .post("/schedules", weekly(&[&ops, &kim]))
        .await
        .json();
    let path = format!("/schedules/{}", id(&made));
    let stand_in = json!({"participant": ops, "ends_at": "2026-11-22T20:00:00Z"});
    client.post(&format!("{path}/overrides"), stand_in).await;
    client.delete(&format!("/contacts/{ops}")).await;
    let left = client.get(&path).await.json();
    assert_eq!(left["layers"][0]["participants"], json!([kim]));
    assert_eq!(left["on_call"]["participant"], Value::Null);
    client.delete(&format!("/contacts/{kim}")).await;
    assert_eq!(client.get(&path).await.json()["layers"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn readers_may_not_write_nor_see_numbers_and_plans_are_full(pool: PgPool) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Free).await;
    let (reader, writer) = (
        app.client(account, Scope::Read).await,
        app.client(account, Scope::Write).await,
    );
    let phone = json!({"kind": "sms", "address": "+4915112345678"});
    let phone = id(&writer.post("/contacts", phone).await.json());
    let refused = reader.post("/schedules", weekly(&[&phone])).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for _ in 0..5 {
        let made = writer.post("/schedules", weekly(&[&phone])).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let full = writer.post("/schedules", weekly(&[&phone])).await;
    assert_eq!(
        (full.status, full.code().as_str()),
        (StatusCode::FORBIDDEN, "plan_limit")
    );
    let list = reader.get("/schedules?limit=2").await;
    assert!(!list.text.contains("15112345"), "{}", list.text);
    let page = list.json();
    let rest = format!(
        "/schedules?limit=8&cursor={}",
        page["next_cursor"].as_str().unwrap()
    );
    let rest = reader.get(&rest).await.json();
    assert_eq!(
        (
            page["data"].as_array().unwrap().len(),
            rest["data"].as_array().unwrap().len()
        ),
        (2, 3)
    );
}
