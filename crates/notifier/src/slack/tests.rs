//! Every message under snapshot, as the service gets it.

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
fn what_a_target_says_mentions_nobody_and_links_nowhere() {
    let mut scene = Scene::hostile();
    scene.name = "<!channel> <https://evil.example|Shop> & co".into();
    let body = scene.with_brief(|brief| message(&card::event(brief).unwrap()));
    let text = body.to_string();
    assert!(
        !text.contains("<!channel") && !text.contains("<https://evil"),
        "{text}"
    );
    assert!(
        !text.contains("<script") && !text.contains('\u{202e}'),
        "{text}"
    );
}
