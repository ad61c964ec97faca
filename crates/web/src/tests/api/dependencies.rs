//! What a monitor depends on: chosen, refused, taken out, shown.

use domain::account::{Plan, Scope};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, team};

async fn monitor(client: &Client, name: &str, depends_on: Value) -> String {
    let body =
        json!({"name": name, "url": format!("https://{name}.example/"), "depends_on": depends_on});
    let made = client.post("/monitors", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn depends_on(client: &Client, id: &str) -> Value {
    let read = client.get(&format!("/monitors/{id}")).await;
    read.json()["depends_on"].clone()
}

async fn refused(client: &Client, id: &str, depends_on: Value) -> (String, String) {
    let body = json!({ "depends_on": depends_on });
    let answer = client.patch(&format!("/monitors/{id}"), body).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text
    );
    let error = answer.json()["errors"][0].clone();
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("pointer"), text("code"))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn they_are_read_as_they_were_sent_and_null_clears_them(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let router = monitor(&client, "router", Value::Null).await;
    let database = monitor(&client, "database", json!([])).await;
    let shop = monitor(&client, "shop", json!([router, database])).await;
    assert_eq!(depends_on(&client, &router).await, json!([]));
    assert_eq!(depends_on(&client, &shop).await, json!([router, database]));
    let path = format!("/monitors/{shop}");
    client.patch(&path, json!({"depends_on": [database]})).await;
    assert_eq!(depends_on(&client, &shop).await, json!([database]));
    client.patch(&path, json!({"depends_on": null})).await;
    assert_eq!(depends_on(&client, &shop).await, json!([]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn circles_strangers_and_too_many_are_refused(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let router = monitor(&client, "router", Value::Null).await;
    let switch = monitor(&client, "switch", json!([router])).await;
    let shop = monitor(&client, "shop", json!([switch])).await;
    let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        refused(&client, &router, json!([router])).await,
        at("/depends_on/0", "circle")
    );
    assert_eq!(
        refused(&client, &router, json!([switch])).await,
        at("/depends_on/0", "circle")
    );
    assert_eq!(
        refused(&client, &router, json!([shop])).await,
        at("/depends_on/0", "circle")
    );
    assert_eq!(
        refused(&client, &shop, json!([switch, switch])).await,
        at("/depends_on/1", "duplicate")
    );
    let other = app.account(Plan::Team).await;
    let stranger = app.client(other, Scope::Write).await;
    let theirs = monitor(&stranger, "theirs", Value::Null).await;
    assert_eq!(
        refused(&client, &shop, json!([router, theirs])).await,
        at("/depends_on/1", "not_found")
    );
    let many: Vec<String> = std::iter::repeat_n(router.clone(), 11).collect();
    assert_eq!(refused(&client, &shop, json!(many)).await.0, "/depends_on");
    // Twice the same way is no circle.
    client
        .patch(
            &format!("/monitors/{shop}"),
            json!({"depends_on": [switch, router]}),
        )
        .await;
    assert_eq!(depends_on(&client, &shop).await, json!([switch, router]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parent_that_is_deleted_is_taken_out(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let router = monitor(&client, "router", Value::Null).await;
    let database = monitor(&client, "database", Value::Null).await;
    let shop = monitor(&client, "shop", json!([router, database])).await;
    let late = monitor(&client, "late", json!([router])).await;
    client.delete(&format!("/monitors/{late}")).await;
    let gone = client.delete(&format!("/monitors/{router}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(depends_on(&client, &shop).await, json!([database]));
    let back = client
        .post(&format!("/monitors/{late}/restore"), json!({}))
        .await;
    assert_eq!(back.json()["depends_on"], json!([]), "{}", back.text);
}
