//! Every text message under snapshot.

use domain::alert::sms::gsm;
use domain::delivery::Event;
use domain::delivery::retry::ErrorClass;
use egress::http::Response;
use rstest::rstest;

use super::render;
use crate::fixture::Scene;
use crate::telephony::of_answer;

#[test]
fn texts() {
    let scenes = [
        Scene::down(),
        Scene::plain_down(),
        Scene::hostile(),
        Scene::escalated(),
        Scene::escalated_again(),
        Scene::reminded(),
        Scene::down().drill(),
        Scene::reminded().drill(),
        Scene::storm_down(),
        Scene::storm_up(),
        Scene::up(),
        Scene {
            first_word: true,
            ..Scene::up()
        },
        Scene::closed(),
        Scene {
            event: Event::IncidentAcknowledged,
            ..Scene::taken()
        },
        Scene::certificate(Event::TlsExpiring),
        Scene::certificate(Event::TlsRenewed),
        Scene::certificate(Event::TlsWorse),
        Scene::earlier_certificate(),
        Scene::registration(),
        Scene::status(Event::MonitorDegraded),
        Scene::status(Event::MonitorPartial),
        Scene::status(Event::MonitorBlocked),
        Scene::status(Event::MonitorUnknown),
        Scene::test(),
    ];
    let said: Vec<String> = scenes
        .iter()
        .map(|scene| {
            let text = scene.with_brief(|brief| render::event(brief).unwrap());
            assert!(gsm::length(&text) <= gsm::SEGMENT, "{text}");
            format!("{:3}  {text}", gsm::length(&text))
        })
        .collect();
    insta::assert_snapshot!("texts", said.join("\n"));
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: http::HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    }
}

#[rstest]
#[case(400, r#"{"code":21211,"message":"invalid 'To'"}"#, ErrorClass::Permanent { disable_contact: true }, false)]
#[case(400, r#"{"code":21614}"#, ErrorClass::Permanent { disable_contact: true }, false)]
#[case(400, r#"{"code":21610}"#, ErrorClass::Permanent { disable_contact: true }, false)]
#[case(400, r#"{"code":21602}"#, ErrorClass::Permanent { disable_contact: false }, false)]
#[case(400, r#"{"code":21606}"#, ErrorClass::Ours, false)]
#[case(401, r#"{"code":20003}"#, ErrorClass::Ours, false)]
#[case(500, "", ErrorClass::Transient { retry_after: None }, true)]
#[case(502, "<html>", ErrorClass::Transient { retry_after: None }, true)]
#[case(503, "", ErrorClass::Transient { retry_after: None }, false)]
#[case(429, "", ErrorClass::Transient { retry_after: None }, false)]
fn answers(
    #[case] status: u16,
    #[case] body: &str,
    #[case] class: ErrorClass,
    #[case] ambiguous: bool,
) {
    let trouble = of_answer(&answer(status, body));
    assert_eq!(
        (trouble.class.clone(), trouble.ambiguous),
        (class.clone(), ambiguous)
    );
    assert_eq!(
        trouble.contact_reason.is_some(),
        class
            == ErrorClass::Permanent {
                disable_contact: true
            }
    );
}
