//! Pages of maintenance windows.

use http::StatusCode;
use jiff::SignedDuration;
use sqlx::PgPool;

use super::{App, Browser};

const OWNER: &str = "owner@shop.example";

async fn monitor(browser: &mut Browser) -> String {
    let made = browser
        .post("/monitors", &[("target", "https://shop.example/")])
        .await;
    let (path, _) = made.location().split_once('?').expect("what was done");
    path.trim_start_matches("/monitors/").to_owned()
}

/// The id of the only window.
async fn window(pool: &PgPool) -> String {
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM maintenance_windows")
        .fetch_one(pool)
        .await
        .unwrap();
    domain::ids::MaintenanceWindowId::from_uuid(id).to_string()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_press_on_a_monitors_page_and_another_to_end_it(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let shop = monitor(&mut browser).await;
    let page = format!("/monitors/{shop}");
    assert!(
        browser
            .get(&page)
            .await
            .body
            .contains("Maintenance for 30 min")
    );
    let now = [("on", shop.as_str()), ("minutes", "30"), ("back", "1")];
    let started = browser.post("/maintenance/now", &now).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.body);
    assert_eq!(started.location(), page);
    let shown = browser.get(&page).await.body;
    assert!(
        shown.contains("In maintenance until") && shown.contains("13:32:11"),
        "{shown}"
    );
    let dashboard = browser.get("/monitors").await.body;
    assert!(dashboard.contains(">14:32</time>"), "{dashboard}");
    let list = browser.get("/maintenance").await.body;
    assert!(
        list.contains("End now") && list.contains(">shop.example<"),
        "{list}"
    );
    app.clock.advance(SignedDuration::from_secs(60));
    let id = window(&app.state.pool).await;
    let ended = browser
        .post(&format!("/maintenance/{id}/end"), &[("monitor", &shop)])
        .await;
    assert_eq!(ended.location(), page);
    assert!(
        !browser
            .get(&page)
            .await
            .body
            .contains("In maintenance until")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_weekly_window_is_previewed_saved_changed_and_deleted(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    monitor(&mut browser).await;
    assert!(
        browser
            .get("/maintenance/new")
            .await
            .body
            .contains("Every week")
    );
    let mut form = vec![
        ("name", "Deploy"),
        ("scope", "all"),
        ("when", "weekly"),
        ("day", "TU"),
        ("time", "02:00"),
        ("weekly_for", "1 h"),
        ("timezone", "Europe/Berlin"),
    ];
    let preview: Vec<_> = form.iter().copied().chain([("do", "preview")]).collect();
    let previewed = browser.post("/maintenance", &preview).await;
    assert_eq!(previewed.status, StatusCode::OK);
    for time in [
        "Tue 24 Nov 2026, 02:00 to 03:00 UTC+1",
        "Tue 22 Dec 2026, 02:00 to 03:00 UTC+1",
    ] {
        assert!(previewed.body.contains(time), "{}", previewed.body);
    }
    assert!(!browser.get("/maintenance").await.body.contains("Deploy"));
    let saved = browser.post("/maintenance", &form).await;
    assert_eq!(saved.location(), "/maintenance?done=saved");
    let list = browser.get("/maintenance").await.body;
    assert!(
        list.contains("Every Tuesday at 02:00 for 1 h, Europe/Berlin"),
        "{list}"
    );

    let path = format!("/maintenance/{}", window(&app.state.pool).await);
    let shown = browser.get(&path).await.body;
    assert!(
        shown.contains("value=\"TU\" checked") && shown.contains("UTC+1"),
        "{shown}"
    );
    form[5] = ("weekly_for", "25 h");
    form.push(("day", "WE"));
    let refused = browser.post(&path, &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .body
            .contains("must not begin again before it is over"),
        "{}",
        refused.body
    );
    form[5] = ("weekly_for", "2 h");
    let saved = browser.post(&path, &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let list = browser.get("/maintenance").await.body;
    assert!(
        list.contains("Every Tuesday, Wednesday at 02:00 for 2 h"),
        "{list}"
    );
    assert!(
        browser
            .get(&format!("{path}/delete"))
            .await
            .body
            .contains("Delete Deploy?")
    );
    browser.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
}
