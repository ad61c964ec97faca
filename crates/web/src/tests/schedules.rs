//! Pages of on-call schedules, and the calendar.

use http::StatusCode;
use jiff::SignedDuration;
use sqlx::PgPool;

use super::{App, Browser};

const OWNER: &str = "owner@shop.example";

/// The id of the only person.
async fn person(pool: &PgPool) -> String {
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM users")
        .fetch_one(pool)
        .await
        .unwrap();
    domain::ids::UserId::from_uuid(id).to_string()
}

/// A schedule of one person's weekdays, and its path.
async fn made(app: &App, browser: &mut Browser) -> (String, String) {
    let owner = person(&app.state.pool).await;
    let mut form = vec![
        ("name", "Office"),
        ("timezone", "Europe/Berlin"),
        ("person-0", owner.as_str()),
        ("person-0", ""),
        ("count-0", "1"),
        ("unit-0", "week"),
        ("start-0", "2026-11-16T09:00"),
        ("from-0-0", "09:00"),
        ("to-0-0", "17:00"),
    ];
    form.extend(["MO", "TU", "WE", "TH", "FR"].map(|day| ("day-0-0", day)));
    let saved = browser.post("/schedules", &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let (path, _) = saved.location().split_once('?').unwrap();
    (path.to_owned(), owner.clone())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_schedule_is_made_shown_changed_and_deleted(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let empty = browser.get("/schedules").await.body;
    assert!(empty.contains("There is no schedule yet"), "{empty}");
    let form = browser.get("/schedules/new").await.body;
    assert!(
        form.contains(OWNER) && form.contains("2026-11-16T09:00"),
        "{form}"
    );
    let refused = browser
        .post(
            "/schedules",
            &[("name", "x"), ("timezone", "UTC"), ("count-0", "1")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("somebody must be in it"),
        "{}",
        refused.body
    );

    let (path, owner) = made(&app, &mut browser).await;
    let shown = browser.get(&path).await.body;
    // It is Sunday.
    for text in [
        "Nobody is on call until Mon 23 Nov 2026, 09:00 UTC+1",
        "now, until Mon 23 Nov 2026, 09:00 UTC+1",
        "Mon 23 Nov 2026, 17:00 UTC+1 to Tue 24 Nov 2026, 09:00 UTC+1",
        "only Mon to Fri 09:00 to 17:00",
        "alone, from Mon 16 Nov 2026, 09:00",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let list = browser.get("/schedules").await.body;
    assert!(
        list.contains("Nobody") && list.contains("Mon 23 Nov 2026, 09:00 UTC+1"),
        "{list}"
    );

    let edit = format!("{path}/edit");
    let form = browser.get(&edit).await.body;
    assert!(form.contains("value=\"MO\" checked"), "{form}");
    let always = [
        ("name", "Always"),
        ("timezone", "Europe/Berlin"),
        ("person-0", owner.as_str()),
        ("count-0", "1"),
        ("unit-0", "day"),
        ("start-0", "2026-11-16T09:00"),
    ];
    let mut more = always.to_vec();
    more.push(("do", "layer"));
    let more = browser.post(&edit, &more).await;
    assert!(more.body.contains("Rotation 2"), "{}", more.body);
    let saved = browser.post(&edit, &always).await;
    assert_eq!(saved.location(), format!("{path}?done=saved"));
    let shown = browser.get(&path).await.body;
    assert!(
        shown.contains("is on call.") && !shown.contains("Nobody is on call"),
        "{shown}"
    );

    assert!(
        browser
            .get(&format!("{path}/delete"))
            .await
            .body
            .contains("Delete Always?")
    );
    browser.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn somebody_takes_a_shift_and_gives_it_back(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let (path, owner) = made(&app, &mut browser).await;
    let take = format!("{path}/overrides");
    let wrong = [
        ("who", owner.as_str()),
        ("from", "2026-11-22T15:00"),
        ("to", "soon"),
    ];
    let wrong = browser.post(&take, &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("To: this must be a day and a time"),
        "{}",
        wrong.body
    );
    let past = [
        ("who", owner.as_str()),
        ("from", "2026-11-20T15:00"),
        ("to", "2026-11-21T15:00"),
    ];
    let past = browser.post(&take, &past).await;
    assert!(
        past.body.contains("To: this must be in the future."),
        "{}",
        past.body
    );

    let taken = [
        ("who", owner.as_str()),
        ("from", "2026-11-22T14:00"),
        ("to", "2026-11-22T20:00"),
    ];
    let taken = browser.post(&take, &taken).await;
    assert_eq!(taken.location(), format!("{path}?done=stands_in"));
    let shown = browser.get(&path).await.body;
    for text in [
        "standing in, until Sun 22 Nov 2026, 20:00 UTC+1",
        "Sun 22 Nov 2026, 14:00 to 20:00 UTC+1",
        "(stands in)",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let back = shown
        .split(&format!("{take}/"))
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    let back = browser.post(&format!("{take}/{back}"), &[]).await;
    assert_eq!(back.location(), format!("{path}?done=taken_back"));
    assert!(!browser.get(&path).await.body.contains("standing in"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_calendar_is_read_renewed_and_ends_with_the_membership(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let (path, owner) = made(&app, &mut browser).await;
    let make = format!("{path}/calendar");
    let address = |page: &str| -> String {
        let (_, rest) = page.split_once("/oncall/").unwrap();
        format!("/oncall/{}", rest.split('"').next().unwrap())
    };
    let first = address(&browser.post(&make, &[]).await.body);
    let again = browser.get(&path).await.body;
    assert!(
        again.contains("You have an address since") && !again.contains("/oncall/"),
        "{again}"
    );
    let mut nobody = app.browser();
    let feed = nobody.get(&first).await;
    assert_eq!(feed.status, StatusCode::OK);
    assert_eq!(feed.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(feed.header("cache-control"), "private, max-age=300");
    assert!(
        feed.body.starts_with("BEGIN:VCALENDAR\r\n"),
        "{}",
        feed.body
    );
    for line in [
        "DTSTART:20261123T080000Z",
        "DTEND:20261123T160000Z",
        "DTSTART:20261116T080000Z",
    ] {
        assert!(feed.body.contains(line), "{line}: {}", feed.body);
    }
    assert!(!feed.body.contains("DTSTART:20261115"));
    let tag = feed.header("etag").to_owned();
    let mut twin = nobody.twin();
    twin.headers.push(("if-none-match", tag));
    let same = twin.get(&first).await;
    assert_eq!(
        (same.status, same.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    // What is on both days is the same event.
    app.clock.advance(SignedDuration::from_hours(24));
    let later = nobody.get(&first).await.body;
    let ids = |feed: &str| -> Vec<String> {
        feed.lines()
            .filter(|line| line.starts_with("UID:"))
            .map(str::to_owned)
            .collect()
    };
    let (before, after) = (ids(&feed.body), ids(&later));
    assert!(
        before.len() > 60
            && before.iter().filter(|id| after.contains(id)).count() + 2 >= before.len()
    );
    let mine = nobody.get(&format!("{first}?only=mine")).await.body;
    assert_eq!(ids(&mine), after);
    // A turn of the person's own contact is theirs too; that of somebody else's is not.
    let user: domain::ids::UserId = owner.parse().unwrap();
    let contact: uuid::Uuid = sqlx::query_scalar("SELECT id FROM contacts WHERE user_id = $1")
        .bind(user.uuid())
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let contact = domain::ids::ContactId::from_uuid(contact).to_string();
    sqlx::query("UPDATE schedules SET layers = replace(layers::text, $1, $2)::jsonb")
        .bind(&owner)
        .bind(&contact)
        .execute(&app.state.pool)
        .await
        .unwrap();
    let mine = nobody.get(&format!("{first}?only=mine")).await.body;
    assert_eq!(ids(&mine).len(), after.len());
    sqlx::query("UPDATE contacts SET user_id = NULL")
        .execute(&app.state.pool)
        .await
        .unwrap();
    let mine = nobody.get(&format!("{first}?only=mine")).await.body;
    assert_eq!(ids(&mine), Vec::<String>::new());

    let second = address(&browser.post(&make, &[]).await.body);
    assert_ne!(first, second);
    assert_eq!(nobody.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(nobody.get(&second).await.status, StatusCode::OK);
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT token FROM token_lookups WHERE kind = 'calendar'")
            .fetch_all(&app.state.pool)
            .await
            .unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!second.contains(&kept[0]), "hashed at rest");
    let user: domain::ids::UserId = owner.parse().unwrap();
    sqlx::query("DELETE FROM memberships WHERE user_id = $1")
        .bind(user.uuid())
        .execute(&app.state.pool)
        .await
        .unwrap();
    assert_eq!(nobody.get(&second).await.status, StatusCode::NOT_FOUND);
}
