//! Every script as the provider gets it, and what its list says.

use askama::Template as _;
use domain::alert::voice::call::{Heard, Reply, Standing, turn};
use domain::alert::voice::{self, Script};
use domain::contact::Channel;
use domain::delivery::retry::ErrorClass;
use domain::delivery::{AccountMessage, Event};
use domain::words;
use egress::http::Response;
use rstest::rstest;

use super::classify::Placed;
use super::{Call, Speech, Twiml, code, event};
use crate::fixture::{Scene, at};
use crate::telephony::of_answer;

const KEYS: &str = "https://watchbell.example/callbacks/twilio/voice?account=acc_1&delivery=del_1";

fn xml(say: &[String], asks: bool) -> String {
    Twiml::new(say, asks.then_some(KEYS)).render().unwrap()
}

fn script(scene: &Scene) -> Script {
    scene.with_brief(|brief| event(brief).unwrap())
}

fn said(scene: &Scene, heard: Heard, standing: Standing<'_>) -> String {
    let zone = words::zone("Europe/Berlin");
    let Reply { say, asks, .. } = turn(&script(scene), heard, standing, &zone);
    xml(&say, asks)
}

#[rstest]
#[case::down("down", Heard::Person)]
#[case::cause("cause", Heard::Key('2'))]
#[case::taken("taken", Heard::Key('1'))]
#[case::other_key("other_key", Heard::Key('9'))]
#[case::machine("machine", Heard::Machine)]
fn an_outage(#[case] name: &str, #[case] heard: Heard) {
    insta::assert_snapshot!(name, said(&Scene::down(), heard, Standing::Open));
}

#[test]
fn an_outage_without_a_known_cause() {
    let scene = Scene::plain_down();
    insta::assert_snapshot!("plain_down", said(&scene, Heard::Person, Standing::Open));
    insta::assert_snapshot!("plain_cause", said(&scene, Heard::Key('2'), Standing::Open));
}

#[test]
fn a_later_step_and_a_drill() {
    for (name, scene) in [
        ("escalated", Scene::escalated()),
        ("escalated_again", Scene::escalated_again()),
        ("drill", Scene::down().drill()),
        ("storm_down", Scene::storm_down()),
        ("storm_up", Scene::storm_up()),
    ] {
        insta::assert_snapshot!(name, said(&scene, Heard::Person, Standing::Open));
    }
    let reminded = Scene::reminded().with_brief(|brief| event(brief).is_err());
    assert!(reminded, "nobody is called to be reminded");
}

#[test]
fn a_name_cannot_speak_for_us() {
    let scene = Scene::hostile();
    let down = said(&scene, Heard::Person, Standing::Open);
    let cause = said(&scene, Heard::Key('2'), Standing::Open);
    for text in [&down, &cause] {
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains("<img"));
    }
    insta::assert_snapshot!("hostile", format!("{down}\n{cause}"));
}

#[test]
fn late_and_over() {
    let taken = Standing::Taken {
        by: "Kim & Bo",
        at: at("13:03:40"),
    };
    let scene = Scene::down();
    insta::assert_snapshot!("already_taken", said(&scene, Heard::Person, taken));
    insta::assert_snapshot!("taken_meanwhile", said(&scene, Heard::Key('1'), taken));
    let over = Standing::Over {
        from: at("13:02:11"),
        to: at("13:08:23"),
    };
    insta::assert_snapshot!("over", said(&scene, Heard::Person, over));
}

#[test]
fn passing_on() {
    let next = [voice::passed_on(&["Kim".to_owned()])];
    insta::assert_snapshot!("passed_on", xml(&next, false));
    insta::assert_snapshot!("nobody_left", xml(&[voice::passed_on(&[])], false));
}

#[test]
fn notices() {
    let up = said(&Scene::up(), Heard::Person, Standing::Open);
    insta::assert_snapshot!("up", up);
    let test = said(&Scene::test(), Heard::Person, Standing::Open);
    insta::assert_snapshot!("test", test);
    let message = AccountMessage::ContactCode {
        code: "482913".into(),
        account: "Shop Ltd".into(),
    };
    let spoken = xml(&[code(&message).unwrap()], false);
    assert!(spoken.len() < 4_000, "the provider takes no more");
    insta::assert_snapshot!("code", spoken);
}

#[test]
fn no_script_says_an_address() {
    for scene in [
        Scene::down(),
        Scene::plain_down(),
        Scene::up(),
        Scene::test(),
    ] {
        let script = script(&scene);
        for text in [script.alert, script.cause, script.machine] {
            assert!(
                !text.contains("://") && !text.contains("watchbell.example"),
                "{text}"
            );
        }
    }
}

#[test]
fn nobody_is_called_about_a_certificate() {
    let scene = Scene::certificate(Event::TlsExpiring);
    assert!(scene.with_brief(|brief| event(brief).is_err()));
}

#[rstest]
#[case(400, r#"{"code":21211}"#, ErrorClass::Permanent { disable_contact: true }, false)]
#[case(400, r#"{"code":13224}"#, ErrorClass::Permanent { disable_contact: true }, false)]
#[case(400, r#"{"code":21215}"#, ErrorClass::Permanent { disable_contact: false }, false)]
#[case(400, r#"{"code":21205}"#, ErrorClass::Permanent { disable_contact: false }, false)]
#[case(401, r#"{"code":20003}"#, ErrorClass::Ours, false)]
#[case(429, "", ErrorClass::Transient { retry_after: None }, false)]
#[case(500, "", ErrorClass::Transient { retry_after: None }, true)]
#[case(503, "", ErrorClass::Transient { retry_after: None }, false)]
fn answers(
    #[case] status: u16,
    #[case] body: &str,
    #[case] class: ErrorClass,
    #[case] ambiguous: bool,
) {
    let trouble = of_answer(&Response {
        status,
        headers: http::HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    });
    assert_eq!((trouble.class, trouble.ambiguous), (class, ambiguous));
}

#[rstest]
#[case::rings("CA1", "+4915112345678", "ringing", "outbound-api", "13:02:18", true)]
#[case::was_heard("CA1", "+4915112345678", "completed", "outbound-api", "13:02:18", true)]
#[case::nobody_heard_it(
    "CA1",
    "+4915112345678",
    "no-answer",
    "outbound-api",
    "13:02:18",
    false
)]
#[case::not_connected("CA1", "+4915112345678", "failed", "outbound-api", "13:02:18", false)]
#[case::of_another_message("CA9", "+4915112345678", "ringing", "outbound-api", "13:02:18", false)]
#[case::to_another("CA1", "+4915112345999", "ringing", "outbound-api", "13:02:18", false)]
#[case::from_them("CA1", "+4915112345678", "ringing", "inbound", "13:02:18", false)]
#[case::before("CA1", "+4915112345678", "ringing", "outbound-api", "13:00:18", false)]
fn which_call_is_ours(
    #[case] sid: &str,
    #[case] to: &str,
    #[case] status: &str,
    #[case] direction: &str,
    #[case] created: &str,
    #[case] is_ours: bool,
) {
    let created = at(created).to_zoned(jiff::tz::TimeZone::UTC);
    let placed: Placed = serde_json::from_value(serde_json::json!({
        "sid": sid, "to": to, "status": status, "direction": direction,
        "date_created": jiff::fmt::rfc2822::to_string(&created).unwrap(),
    }))
    .unwrap();
    let call = Call {
        to: crate::fixture::contact(domain::ids::ContactId::generate(), Channel::Voice, "x")
            .address,
        text: String::new(),
        speech: Speech::Fixed(String::new()),
        callback: String::new(),
        of: None,
        placed: None,
        maybe_placed_since: None,
        not_these: vec!["CA9".into()],
    };
    assert_eq!(placed.is(&call, at("13:02:17")), is_ours);
}

#[test]
fn a_call_says_how_many_stand_behind_it() {
    let scene = Scene::down_with_others_behind();
    let said = scene.with_brief(|brief| event(brief).unwrap()).alert;
    assert!(
        said.starts_with(
            "Watchbell alert. Router Berlin is down, and six behind it, since fourteen oh two."
        ),
        "{said}"
    );
}
