//! Broken endpoints behind real sockets, and the words their owners read.

use std::time::Duration;

use domain::contact::Channel;
use domain::delivery::retry::ErrorClass;
use domain::target::AddressPolicy;
use egress::http::UserClient;
use testkit::way_out::{way_out, with_policy};
use testkit::{Act, Ca, Flaw, Script, Server};
use tokio::time::Instant;

use super::{Call, Post, send};
use crate::send::{Accepted, Trouble};

const TRANSIENT: ErrorClass = ErrorClass::Transient { retry_after: None };

fn post(channel: Channel, url: String) -> Post {
    Post {
        channel,
        call: Call::post(url, &serde_json::json!({})).unwrap(),
        after: None,
        text: String::new(),
    }
}

async fn sent(client: &UserClient, url: String) -> Result<Accepted, Trouble> {
    let deadline = Instant::now() + Duration::from_secs(2);
    let now = jiff::Timestamp::UNIX_EPOCH;
    send(client, &post(Channel::Webhook, url), now, deadline).await
}

#[tokio::test]
async fn a_broken_endpoint_is_tried_again_and_says_why() {
    let client = UserClient::new(&way_out(None, None)).unwrap();
    let ca = Ca::new("Nobody's");
    let slow = Server::plain(Script::request().hang()).await;
    let reset = Server::plain(Script::request().then(Act::Reset)).await;
    let cut = Server::plain(Script::request()).await;
    let untrusted = Server::tls(ca.server(Flaw::None), Script::request()).await;
    let refused = testkit::refused();
    let cases = [
        (slow.url("http", "/"), true, "does not answer"),
        (reset.url("http", "/"), true, "does not answer"),
        (cut.url("http", "/"), true, "does not answer"),
        (untrusted.url("https", "/"), false, "no connection"),
        (format!("http://{refused}/"), false, "no connection"),
        ("http://nowhere.invalid/".to_owned(), false, "not reached"),
    ];
    for (url, ambiguous, words) in cases {
        let trouble = sent(&client, url).await.unwrap_err();
        assert_eq!(
            (&trouble.class, trouble.ambiguous),
            (&TRANSIENT, ambiguous),
            "{trouble:?}"
        );
        assert!(trouble.message.contains(words), "{}", trouble.message);
        assert!(trouble.message.starts_with("The endpoint ") && trouble.message.ends_with('.'));
    }
}

#[tokio::test]
async fn what_the_policy_refuses_is_not_dialled() {
    let server = Server::plain(Script::answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let client = UserClient::new(&with_policy(AddressPolicy::Hosted, None, None)).unwrap();
    let trouble = sent(&client, server.url("http", "/")).await.unwrap_err();
    assert_eq!(
        trouble.class,
        ErrorClass::Permanent {
            disable_contact: false
        }
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_answer_of_an_endpoint_is_shown_and_stays_short() {
    let client = UserClient::new(&way_out(None, None)).unwrap();
    let body = format!("no such table {}", "x".repeat(1_000));
    let answer = format!(
        "HTTP/1.1 500 Oh\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = Server::plain(Script::answer(answer)).await;
    let trouble = sent(&client, server.url("http", "/secret-path"))
        .await
        .unwrap_err();
    assert!(
        trouble
            .message
            .starts_with("The endpoint answers 500: no such table xxx")
    );
    assert!(trouble.message.len() < 200 && !trouble.message.contains("secret-path"));
}

#[test]
fn nothing_that_is_written_down_holds_a_secret() {
    let secret = "x8Kq2LmN0pRs7TuV";
    let body = serde_json::json!({ "routing_key": secret });
    let call = Call {
        headers: vec![("authorization", format!("Bearer {secret}"))],
        ..Call::post(format!("https://shop.example/{secret}"), &body).unwrap()
    };
    let request = call.request().unwrap();
    let post = Post {
        channel: Channel::Webhook,
        after: Some(call.clone()),
        call,
        text: "Down: Shop checkout".into(),
    };
    let message = crate::way::Message::Hook(post.clone());
    for text in [format!("{post:?}"), format!("{message:#?}")] {
        assert!(
            !text.contains(secret) && text.contains("Shop checkout"),
            "{text}"
        );
    }
    let text = format!("{request:?}");
    assert!(!text.contains(secret), "{text}");
}

#[test]
fn every_message_of_an_outage_offers_to_take_it() {
    use domain::contact::{Channel, Way};
    use serde_json::json;

    use crate::fixture::Scene;

    let programs = [Channel::Webhook, Channel::PagerDuty, Channel::Opsgenie];
    for channel in Channel::by(Way::Hook).filter(|one| !programs.contains(one)) {
        for scene in [
            Scene::down(),
            Scene::plain_down(),
            Scene::escalated(),
            Scene::escalated_again(),
            Scene::reminded(),
            Scene::down().drill(),
            Scene::storm_down(),
        ] {
            let post = scene.post(channel, &json!({}));
            let body = String::from_utf8_lossy(&post.call.body).into_owned();
            assert!(
                body.contains("I have ") && body.contains("/q8Jx1ZrT5mC7vK0dWn2HsA"),
                "{channel:?}: {body}"
            );
        }
    }
}
