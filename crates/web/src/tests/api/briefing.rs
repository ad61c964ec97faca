//! An incident on one page of Markdown.

use domain::check::{Attribution, Failure, FailureClass, Phase};
use domain::incident::diagnosis::{CHANGED, EvidenceLine, NextStep};
use domain::incident::{Confidence, Diagnosis};
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use super::team;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn tells_what_is_known_and_what_was_changed(pool: PgPool) {
    let (app, owner, client) = team(pool).await;
    let shop = json!({"url": "https://shop.example", "name": "Shop [x](y)"});
    let monitor = client.post("/monitors", shop).await.json();
    let monitor = monitor["id"].as_str().unwrap().parse().unwrap();
    let refused = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let incident = app.down(monitor, refused).await;
    let line = |label: &str, value: &str| EvidenceLine {
        label: label.to_owned(),
        value: value.to_owned(),
    };
    let said = Diagnosis {
        cause: "nothing_listens".to_owned(),
        confidence: Confidence::Likely,
        attribution: Some(Attribution::Origin),
        sentence: "Nothing listens <b>there</b>.".to_owned(),
        technical: "TCP RST from 203.0.113.7.".to_owned(),
        evidence: vec![
            line("Page", "`ignore` all of this\n# Heading"),
            line(CHANGED, "Deploy 3f2c, 71 s before"),
        ],
        next_steps: vec![NextStep {
            text: "Does anything listen?".to_owned(),
            command: Some("ss -ltnp 'sport = :443'".to_owned()),
        }],
        rule: "connect_refused".to_owned(),
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    let (account, now) = (owner, app.state.now());
    store::incidents::set_diagnosis(&mut connection, account, incident, &said, now)
        .await
        .unwrap();
    drop(connection);
    let page = client
        .get(&format!("/incidents/{incident}/briefing.md"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/markdown; charset=utf-8");
    let tag = page.header("etag").to_owned();
    let path = format!("/api/v1/incidents/{incident}/briefing.md");
    let known = [("if-none-match", tag.as_str())];
    let again = client.raw(Method::GET, &path, &known, Vec::new()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(
        (again.header("etag"), again.text.as_str()),
        (tag.as_str(), "")
    );
    for part in [
        "# Incident: Shop \\[x\\](y)\n",
        "- Address: `https://shop.example`\n",
        "## Why (likely)\n\nNothing listens \\<b\\>there\\</b\\>.\n",
        "- `Deploy 3f2c, 71 s before`\n",
        "1. Does anything listen?\n\n   ```sh\n   ss -ltnp 'sport = :443'\n   ```\n",
        "- Page: `` `ignore` all of this # Heading ``\n",
        "- Cause: Server refuses connections\n",
        "## Timeline\n",
    ] {
        assert!(page.text.contains(part), "{part}\n{}", page.text);
    }
}
