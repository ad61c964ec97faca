//! Every message under snapshot, as the service gets it.

use domain::delivery::Event;
use domain::incident::ResolvedReason;
use rstest::rstest;

use super::message;
use crate::card;
use crate::fixture::Scene;

#[rstest]
#[case("down", Scene::down())]
#[case("down_without_diagnosis", Scene::plain_down())]
#[case("up", Scene::up())]
#[case("up_first_word", Scene { first_word: true, ..Scene::up() })]
#[case("closed_paused", Scene::closed())]
#[case("closed_by_hand", Scene::was_down(ResolvedReason::Manual))]
#[case("taken", Scene { event: Event::IncidentAcknowledged, ..Scene::taken() })]
#[case("cert_expiring", Scene::certificate(Event::TlsExpiring))]
#[case("cert_renewed", Scene::certificate(Event::TlsRenewed))]
#[case("cert_worse", Scene::certificate(Event::TlsWorse))]
#[case("domain_expiring", Scene::registration())]
#[case("slow", Scene::status(Event::MonitorDegraded))]
#[case("partly_down", Scene::status(Event::MonitorPartial))]
#[case("blocked", Scene::status(Event::MonitorBlocked))]
#[case("unknown", Scene::status(Event::MonitorUnknown))]
#[case("test", Scene::test())]
fn events(#[case] name: &str, #[case] scene: Scene) {
    let body = scene.with_brief(|brief| message(&card::event(brief).unwrap()));
    insta::assert_snapshot!(name, serde_json::to_string_pretty(&body).unwrap());
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
