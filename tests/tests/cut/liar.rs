//! Something between a worker and the internet answers for addresses that nobody has.

use std::net::Ipv4Addr;

use testkit::SwitchableSite;

use super::scene::LIMIT;
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::network::Network;
use crate::support::program::{Settings, free_port};
use crate::support::wait;

/// One of `domain::canary::KNOWN_DEAD` (RFC 5737).
const NOBODY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 86);

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_where_nobody_is_makes_a_worker_unready_and_is_told() {
    let network = match Network::new().await {
        Ok(network) => network,
        Err(why) => {
            eprintln!("skipped: this machine gives no network namespace ({why})");
            return;
        }
    };
    network.answer_for(NOBODY).await.unwrap();
    let _liar = SwitchableSite::start_at((NOBODY, 80).into()).await;
    let anchor = SwitchableSite::start_on(network.outside).await;
    let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
    let inside = format!("{}:8081", network.inside);
    let settings = Settings::local(&database.url)
        .with("SMTP_URL", &mail.url())
        .with("OPERATOR_MAIL", "operator@watch.example");
    let (status, _, error) = settings.run(&["migrate"]).await;
    assert_eq!(status, 0, "{error}");
    let here = format!("127.0.0.1:{}", free_port());
    let notifier = settings.clone().with("OPS_LISTEN", &here);
    let _notifier = notifier
        .start("notifier", &format!("http://{here}/readyz"))
        .await;
    let worker = settings
        .clone()
        .within(&network.name)
        .with("DATABASE_URL", &database.socket_url().await)
        .with("CANARIES", &anchor.url("/"))
        .with("REGION", "fra")
        .with("OPS_LISTEN", &inside);
    let _worker = worker.spawn("worker");

    let client = reqwest::Client::new();
    let ask = async |path: &str| {
        let answer = client
            .get(format!("http://{inside}/{path}"))
            .send()
            .await
            .ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    wait::until("not ready, and why", LIMIT, async || {
        let (status, text) = ask("readyz").await?;
        (status == 503 && text.contains("cannot exist and has answered")).then_some(())
    })
    .await;
    let (_, metrics) = ask("metrics").await.expect("metrics");
    assert!(metrics.contains("watchbell_known_dead_answering 1"));
    let log = std::fs::read_to_string(settings.dir.join("worker.log")).unwrap();
    assert!(log.contains("what cannot exist has answered"), "{log}");
    let told = mail.wait_for("Watchbell in fra", LIMIT).await;
    assert_eq!(told.to, ["operator@watch.example"]);
    told.assert_says("http://203.0.113.86/");
}
