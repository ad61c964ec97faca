//! Fire drills: begun and watched by page, answered by link, and marked wherever they are shown.

use domain::ids::{AccountId, IncidentId};
use http::StatusCode;
use sqlx::PgPool;

use super::App;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_drill_shows_who_answered_and_counts_as_no_incident(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let mut stranger = app.verified("eve@other.example").await;
    let fields = [("target", "https://shop.example/")];
    let made = owner.post("/monitors", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let path = made
        .header("location")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let drill = format!("{path}/drill");
    assert_eq!(stranger.get(&drill).await.status, StatusCode::NOT_FOUND);
    let theirs = stranger.post(&drill, &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert!(owner.get(&path).await.body.contains(&drill), "in its menu");
    let asks = owner.get(&drill).await;
    assert!(asks.body.contains("Nothing is down, no uptime is lost"));
    let begun = owner.post(&drill, &[]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    let page = begun
        .header("location")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let again = owner.post(&drill, &[]).await;
    assert_eq!(again.header("location"), format!("{page}?done=drills"));

    let shown = owner.get(&page).await.body;
    for part in [
        "Fire drill: shop.example",
        "Nothing is down. Everyone is told as if it were",
        "Nobody yet.",
        "Not yet: kim@shop.example",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let list = owner.get("/incidents").await.body;
    assert!(!list.contains("1 incident is open"), "{list}");

    // The link of the mail.
    let id: IncidentId = page.rsplit('/').next().unwrap().parse().unwrap();
    let mut connection = app.state.pool.acquire().await.unwrap();
    let account = sqlx::query_scalar("SELECT account_id FROM incidents WHERE test");
    let account: uuid::Uuid = account.fetch_one(&mut *connection).await.unwrap();
    let account = AccountId::from_uuid(account);
    let told = store::deliveries::list_by_incident(&mut connection, account, id).await;
    let token = incidents::links::acknowledge_token(&app.state.secrets, told.unwrap()[0].id);
    let link = format!("/a/{token}");
    let asked = stranger.get(&link).await.body;
    assert!(asked.contains("This asks who answers"), "{asked}");
    stranger.post(&link, &[]).await;
    let answered = stranger.get(&link).await.body;
    assert!(answered.contains("You answered"), "{answered}");
    let shown = owner.get(&page).await.body;
    assert!(!shown.contains("Nobody yet.") && !shown.contains("Not yet:"));
    assert!(shown.contains("answered after"));
    let ended = owner.post(&format!("{page}/resolve"), &[]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.body);
    let list = owner.get("/incidents").await.body;
    assert!(list.contains("Fire drill: shop.example"), "history: {list}");
}
