//! Every message under snapshot, as the service gets it.

use rstest::rstest;

use super::message;
use crate::card;
use crate::fixture::{Scene, events};

#[test]
fn every_event() {
    for (name, scene) in events() {
        let body = scene.with_brief(|brief| message(&card::event(brief).unwrap()));
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&body).unwrap());
    }
}

#[test]
fn what_a_target_says_mentions_nobody_and_fits() {
    let mut scene = Scene::hostile();
    scene.name = format!(
        "@everyone <@1> [Shop](https://evil.example) {}",
        "x".repeat(400)
    );
    if let Some(incident) = &mut scene.incident
        && let Some(diagnosis) = &mut incident.diagnosis
    {
        diagnosis.sentence = "@everyone [free](https://evil.example) ".repeat(400);
    }
    let body = scene.with_brief(|brief| message(&card::event(brief).unwrap()));
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
    let embed = &body["embeds"][0];
    let length = |text: &serde_json::Value| text.as_str().unwrap().chars().count();
    assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4_096);
    assert!(
        !embed["description"].as_str().unwrap().contains(" [free]("),
        "{embed}"
    );
    let fields = embed["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| length(&field["value"]) <= 1_024));
    let all: usize = fields.iter().map(|field| length(&field["value"])).sum();
    assert!(all + length(&embed["title"]) + length(&embed["description"]) <= 6_000);
}

#[rstest]
#[case(
    "https://discord.com/api/webhooks/1/x",
    "https://discord.com/api/webhooks/1/x?wait=true"
)]
#[case(
    "https://discord.com/api/webhooks/1/x?thread_id=7&wait=false",
    "https://discord.com/api/webhooks/1/x?thread_id=7&wait=true"
)]
fn discord_is_asked_for_what_became_of_it(#[case] url: &str, #[case] wanted: &str) {
    assert_eq!(super::address(url).unwrap(), wanted);
}
