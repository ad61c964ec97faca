//! The body under snapshot, the signature against the values of the specification.

use domain::contact::Channel;

use super::{body, signed};
use crate::card;
use crate::fixture::events;

#[test]
fn every_event() {
    let told = events().into_iter();
    for (name, scene) in told.filter(|(_, scene)| scene.goes_to(Channel::Webhook)) {
        let claimed = scene.claimed();
        let body = scene.with_brief(|brief| {
            let text = card::event(brief).unwrap().line();
            body(&claimed, brief, &text)
        });
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&body).unwrap());
    }
}

/// The example of the specification's reference libraries.
#[test]
fn the_signature_is_that_of_standard_webhooks() {
    let headers = signed(
        &[
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            "whsec_c2VjcmV0".to_owned(),
        ],
        (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            jiff::Timestamp::from_second(1_614_265_330).unwrap(),
        ),
        br#"{"test": 2432232314}"#,
    )
    .unwrap();
    let [.., (_, both)] = headers.as_slice() else {
        panic!("{headers:?}")
    };
    let (new, old) = both.split_once(' ').unwrap();
    assert!(old.starts_with("v1,") && old != new, "{both}");
    let mut headers = headers.clone();
    headers[2].1 = new.to_owned();
    assert_eq!(
        headers,
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
            ("webhook-timestamp", "1614265330".to_owned()),
            (
                "webhook-signature",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()
            ),
        ]
    );
    let now = jiff::Timestamp::UNIX_EPOCH;
    assert!(signed(&["whsec_%%%".to_owned()], ("del_1", now), b"").is_err());
}
