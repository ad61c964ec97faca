//! Escalation policies.

use domain::account::{Plan, Scope};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, team};

async fn contact(client: &Client, address: &str) -> String {
    let body = json!({"kind": "email", "address": address});
    let made = client.post("/contacts", body).await;
    made.json()["id"].as_str().unwrap().to_owned()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sent_is_what_is_read(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let (a, b) = (
        contact(&client, "a@shop.example").await,
        contact(&client, "b@shop.example").await,
    );
    let body = json!({"name": "Night", "repeat": 2, "reminder_seconds": 1_800, "steps": [
        {"delay_seconds": 0, "contact_ids": [b, a], "schedule_ids": [], "member_ids": []},
        {"delay_seconds": 180, "contact_ids": [a], "schedule_ids": [], "member_ids": []}]});
    let made = client.post("/policies", body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let mut read = made.json();
    let path = format!("/policies/{}", id(&read));
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(client.get(&path).await.json(), read);
    assert!(read["is_default"] == false && id(&read).starts_with("pol_"));
    let whole = read.clone();
    for key in ["id", "is_default"] {
        read.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(read, body);

    let tag = client.get(&path).await.header("etag").to_owned();
    let changed = client
        .patch(
            &path,
            json!({"name": "Day", "repeat": null, "reminder_seconds": null}),
        )
        .await;
    assert_eq!(
        (
            &changed.json()["name"],
            &changed.json()["repeat"],
            &changed.json()["reminder_seconds"],
            &changed.json()["steps"]
        ),
        (&json!("Day"), &json!(0), &Value::Null, &body["steps"])
    );
    let late = client
        .send(
            http::Method::PATCH,
            &path,
            &[("if-match", &tag)],
            &json!({"name": "Late"}),
        )
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(client.patch(&path, whole).await.json()["name"], "Night");
    assert_eq!(
        client
            .patch(&path, json!({"is_default": true}))
            .await
            .pointer(),
        "/is_default"
    );

    let key = [("idempotency-key", "once")];
    let [first, second] = [
        client
            .send(http::Method::POST, "/policies", &key, &body)
            .await,
        client
            .send(http::Method::POST, "/policies", &key, &body)
            .await,
    ];
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotency-replayed"), "true");
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_default_policy_is_there_and_stays(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let a = contact(&client, "a@shop.example").await;
    let list = client.get("/policies").await.json();
    let default = &list["data"][0];
    assert_eq!(
        (&default["is_default"], &default["name"], &default["steps"]),
        (
            &json!(true),
            &json!("Default policy"),
            &json!([{"delay_seconds": 0, "contact_ids": [], "schedule_ids": [], "member_ids": []}])
        )
    );
    sqlx::query("UPDATE contacts SET verified_at = now() WHERE account_id = $1")
        .bind(account.uuid())
        .execute(&app.state.pool)
        .await
        .unwrap();
    let path = format!("/policies/{}", id(default));
    assert_eq!(
        client.get(&path).await.json()["steps"][0]["contact_ids"],
        json!([a])
    );
    assert_eq!(client.delete(&path).await.status, StatusCode::CONFLICT);
    let steps =
        json!([{"delay_seconds": 60, "contact_ids": [a], "schedule_ids": [], "member_ids": []}]);
    let changed = client
        .patch(&path, json!({"steps": steps, "name": "All"}))
        .await;
    assert_eq!(
        (&changed.json()["steps"], &changed.json()["name"]),
        (&steps, &json!("All"))
    );
    let list = client.get("/policies").await.json();
    assert_eq!(
        (&list["data"][0], list["data"].as_array().unwrap().len()),
        (&changed.json(), 1)
    );
    let restored = client
        .patch(&path, json!({"steps": null, "name": null}))
        .await
        .json();
    assert_eq!(
        (&restored["steps"], &restored["name"]),
        (
            &json!([{"delay_seconds": 0, "contact_ids": [a], "schedule_ids": [], "member_ids": []}]),
            &json!("Default policy")
        )
    );
    assert_eq!(client.delete(&path).await.status, StatusCode::CONFLICT);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_wrong_is_named(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let a = contact(&client, "a@shop.example").await;
    let stranger = app.account(Plan::Team).await;
    let stranger = app.client(stranger, Scope::Write).await;
    let foreign = contact(&stranger, "b@shop.example").await;
    let step = |value: Value| json!({"name": "N", "steps": [value]});
    for (body, pointer) in [
        (json!({"steps": [{"contact_ids": [a]}]}), "/name"),
        (json!({"name": "N"}), "/steps"),
        (
            json!({"name": "", "steps": [{"contact_ids": [a]}]}),
            "/name",
        ),
        (json!({"name": "N", "steps": []}), "/steps"),
        (
            json!({"name": "N", "steps": [{"contact_ids": [a]}], "repeat": 11}),
            "/repeat",
        ),
        (
            json!({"name": "N", "steps": [{"contact_ids": [a]}], "repeat": -1}),
            "/repeat",
        ),
        (
            json!({"name": "N", "steps": [{"contact_ids": [a]}], "reminder_seconds": 299}),
            "/reminder_seconds",
        ),
        (
            json!({"name": "N", "steps": [{"contact_ids": [a]}], "reminder_seconds": 86_401}),
            "/reminder_seconds",
        ),
        (step(json!({"delay_seconds": 0})), "/steps/0/contact_ids"),
        (step(json!({"contact_ids": []})), "/steps/0/contact_ids"),
        (
            step(json!({"contact_ids": [a, a]})),
            "/steps/0/contact_ids/1",
        ),
        (
            step(json!({"contact_ids": [foreign]})),
            "/steps/0/contact_ids/0",
        ),
        (
            step(json!({"contact_ids": ["x"]})),
            "/steps/0/contact_ids/0",
        ),
        (
            step(json!({"contact_ids": [a], "delay_seconds": 86401})),
            "/steps/0/delay_seconds",
        ),
        (
            step(json!({"contact_ids": [a], "wait": 1})),
            "/steps/0/wait",
        ),
        (step(json!([0, [a]])), "/steps/0"),
        (
            json!({"name": "N", "steps": [{"contact_ids": [a]}], "id": "pol_1"}),
            "/id",
        ),
    ] {
        let reply = client.post("/policies", body.clone()).await;
        assert_eq!(
            (reply.status, reply.pointer()),
            (StatusCode::UNPROCESSABLE_ENTITY, pointer.to_owned()),
            "{body} {}",
            reply.text
        );
    }
    assert_eq!(
        client.get("/policies").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let list = stranger.get("/policies").await.json();
    let theirs = format!("/policies/{}", id(&list["data"][0]));
    for status in [
        client.get(&theirs).await.status,
        client.patch(&theirs, json!({"name": "Mine"})).await.status,
        client.delete(&theirs).await.status,
    ] {
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn monitors_use_policies_and_lose_them(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let (a, b) = (
        contact(&client, "a@shop.example").await,
        contact(&client, "b@shop.example").await,
    );
    let steps = json!([{"contact_ids": [a]}, {"delay_seconds": 60, "contact_ids": [b, a]}]);
    let policy = client
        .post("/policies", json!({"name": "N", "steps": steps}))
        .await
        .json();
    let body = json!({"url": "https://shop.example", "policy_id": policy["id"]});
    let monitor = client.post("/monitors", body).await.json();
    assert_eq!(monitor["policy_id"], policy["id"]);
    let path = format!("/monitors/{}", id(&monitor));
    let both = client.patch(&path, json!({"contact_ids": [a]})).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = domain::ids::PolicyId::generate().to_string();
    let wrong = client.patch(&path, json!({"policy_id": unknown})).await;
    assert_eq!(wrong.pointer(), "/policy_id");
    let default = client.get("/policies").await.json()["data"][0]["id"].clone();
    let patched = client.patch(&path, json!({"policy_id": default})).await;
    assert_eq!(patched.json()["policy_id"], default, "{}", patched.text);
    client
        .patch(&path, json!({"policy_id": policy["id"]}))
        .await;

    let policy_path = format!("/policies/{}", id(&policy));
    client.delete(&format!("/contacts/{a}")).await;
    assert_eq!(
        client.get(&policy_path).await.json()["steps"],
        json!([{"delay_seconds": 60, "contact_ids": [b], "schedule_ids": [], "member_ids": []}])
    );
    assert_eq!(
        client.delete(&policy_path).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(client.get(&path).await.json()["policy_id"], Value::Null);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_and_plans_count_policies(pool: PgPool) {
    let (app, _, _) = team(pool).await;
    let account = app.account(Plan::Free).await;
    let client = app.client(account, Scope::Write).await;
    let a = contact(&client, "a@shop.example").await;
    let body = json!({"name": "N", "steps": [{"contact_ids": [a]}]});
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(id(&client.post("/policies", body.clone()).await.json()));
    }
    let full = client.post("/policies", body).await;
    assert_eq!(
        (full.status, full.code()),
        (StatusCode::FORBIDDEN, "plan_limit".to_owned())
    );
    let mut seen = Vec::new();
    let mut query = "/policies?limit=2".to_owned();
    loop {
        let page = client.get(&query).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(id));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("/policies?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen[1..], made);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_step_may_name_a_schedule_and_a_member(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let a = contact(&client, "a@shop.example").await;
    let kim = super::schedules::member(&app, account).await;
    let schedule = json!({"name": "Night", "layers": [{"participants": [kim], "shift_unit": "week",
        "local_start": "2026-11-02T09:00:00"}]});
    let schedule = id(&client.post("/schedules", schedule).await.json());
    let body = json!({"name": "Night", "steps": [
        {"schedule_ids": [schedule]},
        {"delay_seconds": 60, "member_ids": [kim], "contact_ids": [a]},
    ]});
    let made = client.post("/policies", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(
        made.json()["steps"],
        json!([
            {"delay_seconds": 0, "contact_ids": [], "schedule_ids": [schedule], "member_ids": []},
            {"delay_seconds": 60, "contact_ids": [a], "schedule_ids": [], "member_ids": [kim]},
        ])
    );
    let stranger = domain::ids::UserId::generate().to_string();
    let unknown = domain::ids::ScheduleId::generate().to_string();
    for (step, pointer) in [
        (json!({"member_ids": [stranger]}), "/steps/0/member_ids/0"),
        (
            json!({"schedule_ids": [unknown]}),
            "/steps/0/schedule_ids/0",
        ),
        (
            json!({"schedule_ids": [schedule, schedule]}),
            "/steps/0/schedule_ids/1",
        ),
    ] {
        let refused = client
            .post("/policies", json!({"name": "N", "steps": [step]}))
            .await;
        assert_eq!(refused.pointer(), pointer, "{}", refused.text);
    }
    // A schedule that goes leaves its steps; one that has nobody else is gone.
    client.delete(&format!("/schedules/{schedule}")).await;
    let path = format!("/policies/{}", id(&made.json()));
    let left = client.get(&path).await.json();
    assert_eq!(left["steps"].as_array().unwrap().len(), 1);
    assert_eq!(left["steps"][0]["member_ids"], json!([kim]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_account_is_checked(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let found = async || -> Vec<Value> {
        let read = client.get("/account-check").await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.text);
        read.json()["data"].as_array().unwrap().clone()
    };
    assert_eq!(found().await, Vec::<Value>::new());
    client
        .post("/monitors", json!({"url": "https://shop.example/"}))
        .await;
    let kim = super::schedules::member(&app, account).await;
    let schedule = json!({"name": "Night", "layers": [{"participants": [kim], "shift_unit": "week",
        "local_start": "2026-11-30T09:00:00"}]});
    let schedule = id(&client.post("/schedules", schedule).await.json());
    let policy = json!({"steps": [{"schedule_ids": [schedule]}]});
    let default = id(&client.get("/policies").await.json()["data"][0]);
    let set = client.patch(&format!("/policies/{default}"), policy).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    let all = found().await;
    let codes: Vec<&str> = all.iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(
        codes,
        ["tells_nobody", "unusable_contact", "nobody_on_call"]
    );
    assert_eq!(all[2]["severity"], "problem");
    assert!(
        all[2]["link"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/schedules/{schedule}"))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn quiet_notices_may_have_a_policy_of_their_own(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let ana = contact(&client, "a@shop.example").await;
    let body = json!({"name": "Office", "steps": [{"delay_seconds": 0, "contact_ids": [ana]}]});
    let policy = id(&client.post("/policies", body).await.json());
    let notices = |me: Value| me["account"]["notice_policy_id"].clone();
    assert_eq!(notices(client.get("/me").await.json()), Value::Null);
    let set = client
        .patch("/me", json!({"notice_policy_id": policy}))
        .await;
    assert_eq!(notices(set.json()), json!(policy), "{}", set.text);
    // Another change leaves it.
    client
        .patch("/me", json!({"timezone": "Europe/Berlin"}))
        .await;
    assert_eq!(notices(client.get("/me").await.json()), json!(policy));
    let wrong = json!({"notice_policy_id": "pol_00000000000000000000000000"});
    assert_eq!(
        client.patch("/me", wrong).await.pointer(),
        "/notice_policy_id"
    );
    client.delete(&format!("/policies/{policy}")).await;
    assert_eq!(notices(client.get("/me").await.json()), Value::Null);
}
