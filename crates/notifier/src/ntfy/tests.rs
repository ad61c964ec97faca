//! Every message under snapshot, as the service gets it, and the service's own answers.

use domain::contact::Channel;

use crate::fixture::{Answer, Read, check_answers, every_event};

#[test]
fn events() {
    for (name, request) in every_event(Channel::Ntfy, |_, _| {}) {
        insta::assert_snapshot!(name, request);
    }
}

const ANSWERS: &[Answer] = &[
    (
        200,
        "",
        r#"{"id":"x8Kq2LmN0pRs","time":1795352538,"event":"message","topic":"ops"}"#,
        Read::Yes,
        "answers 200",
    ),
    (
        400,
        "",
        r#"{"code":40009,"http":400,"error":"invalid request: topic invalid"}"#,
        Read::Stopped,
        "does not take the name",
    ),
    (
        400,
        "",
        r#"{"code":40017,"http":400,"error":"invalid request: actions invalid"}"#,
        Read::Refused,
        "actions invalid",
    ),
    (
        401,
        "",
        r#"{"code":40101,"http":401,"error":"unauthorized","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
        Read::Stopped,
        "does not take the access token",
    ),
    (
        403,
        "",
        r#"{"code":40301,"http":403,"error":"forbidden","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
        Read::Stopped,
        "asks for an access token that may",
    ),
    (
        404,
        "",
        r#"{"code":40401,"http":404,"error":"page not found"}"#,
        Read::Stopped,
        "no ntfy server",
    ),
    (
        413,
        "",
        r#"{"code":41301,"http":413,"error":"attachment too large, or bandwidth limit reached"}"#,
        Read::Refused,
        "too large",
    ),
    (
        429,
        "",
        r#"{"code":42901,"http":429,"error":"limit reached: too many requests"}"#,
        Read::Later(None),
        "too many requests",
    ),
    (
        429,
        "60",
        r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#,
        Read::Later(Some(60)),
        "daily message quota",
    ),
    (
        500,
        "",
        r#"{"code":50001,"http":500,"error":"internal server error"}"#,
        Read::Later(None),
        "internal server error",
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    check_answers(Channel::Ntfy, ANSWERS);
}

#[test]
fn how_loud_it_is_follows_what_it_is_worth() {
    use domain::delivery::Event;
    use domain::incident::Severity;
    use serde_json::json;

    use crate::fixture::Scene;

    let level = |channel, change: &serde_json::Value, scene: &Scene| {
        let post = scene.post(channel, change);
        let body: serde_json::Value = serde_json::from_slice(&post.call.body).unwrap();
        body["priority"].as_i64().unwrap()
    };
    let mut normal = Scene::down();
    if let Some(incident) = &mut normal.incident {
        incident.severity = Severity::Normal;
    }
    let scenes = [
        Scene::down(),
        Scene::reminded(),
        normal,
        Scene::up(),
        Scene::status(Event::MonitorDegraded),
    ];
    let pushover = |asked: &str| json!({ "priority": asked });
    for (channel, change, levels) in [
        (Channel::Ntfy, json!({}), [5, 5, 4, 3, 2]),
        (Channel::Gotify, json!({}), [10, 10, 8, 5, 2]),
        (Channel::Pushover, pushover("normal"), [1, 1, 0, 0, -1]),
        (Channel::Pushover, pushover("high"), [1, 1, 1, 0, -1]),
        (Channel::Pushover, pushover("emergency"), [2, 2, 2, 0, -1]),
    ] {
        let said: Vec<i64> = scenes
            .iter()
            .map(|scene| level(channel, &change, scene))
            .collect();
        assert_eq!(said, levels, "{channel:?} {change}");
    }
}

#[test]
fn the_notification_itself_takes_what_is_down() {
    use crate::fixture::Scene;
    use serde_json::json;

    for (scene, label) in [
        (Scene::down(), "I have it"),
        (Scene::reminded(), "I have it"),
        (Scene::storm_down(), "I have all of them"),
    ] {
        let post = scene.post(Channel::Ntfy, &json!({}));
        let body: serde_json::Value = serde_json::from_slice(&post.call.body).unwrap();
        assert_eq!(
            body["actions"][0],
            json!({
                "action": "http", "label": label, "method": "POST", "clear": true,
                "url": "https://watchbell.example/callbacks/acknowledge/q8Jx1ZrT5mC7vK0dWn2HsA",
            })
        );
    }
    let post = Scene::up().post(Channel::Ntfy, &json!({}));
    assert!(!String::from_utf8_lossy(&post.call.body).contains("/callbacks/"));
}
