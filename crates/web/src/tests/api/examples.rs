//! The examples of the documents, run as a reader would run them.

use domain::monitor::Kind;
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use super::team;

/// What stands in every example of a page, as a reader copies it.
fn examples(page: &str) -> Vec<String> {
    let parts = page.split("data-monitor>").skip(1);
    let text = parts.filter_map(|part| part.split("</pre>").next());
    text.map(|text| {
        text.replace("&quot;", "\"")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&amp;", "&")
    })
    .collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_example_of_a_kind_is_a_whole_monitor(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let page = app.browser().get("/docs/monitors/kinds").await.body;
    let examples = examples(&page);
    let mut kinds = Vec::new();
    for example in &examples {
        let monitor: Value = serde_json::from_str(example).expect(example);
        let reply = client.post("/monitors?dry_run=true", monitor).await;
        assert_eq!(reply.status, StatusCode::OK, "{example}: {}", reply.text);
        kinds.push(reply.json()["kind"].as_str().unwrap().to_owned());
    }
    for kind in Kind::ALL {
        assert!(kinds.iter().any(|found| found == kind.as_str()), "{kind:?}");
        assert!(
            page.contains(&format!("id=\"{}\"", kind.as_str())),
            "{kind:?}"
        );
    }
}
