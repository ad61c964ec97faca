//! Every sentence and every turn of a call.

use rstest::rstest;

use super::call::{Act, Heard, Reply, Standing, turn};
use super::*;
use crate::check::Phase;

fn at(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().unwrap()
}

fn berlin() -> TimeZone {
    words::zone("Europe/Berlin")
}

fn script() -> Script {
    Script {
        name: "Shop checkout".into(),
        alert: "Watchbell alert.".into(),
        cause: "Cloudflare is fine.".into(),
        machine: "Hearing this does not take it over.".into(),
        asks: true,
        all: false,
        drill: false,
    }
}

#[rstest]
#[case("13:02:11", "fourteen oh two")]
#[case("08:30:00", "nine thirty")]
#[case("13:00:59", "fourteen hundred")]
#[case("23:00:00", "midnight")]
#[case("23:05:00", "zero oh five")]
#[case("20:47:00", "twenty-one forty-seven")]
fn times_are_said_in_words(#[case] utc: &str, #[case] said: &str) {
    assert_eq!(speech::clock(at(utc), &berlin()), said);
}

#[test]
fn figures_are_said_in_words() {
    assert_eq!(speech::digits("502"), "five, zero, two");
    assert_eq!(
        [0, 7, 13, 20, 43, 99].map(speech::number),
        [
            "zero",
            "seven",
            "thirteen",
            "twenty",
            "forty-three",
            "ninety-nine"
        ]
    );
    assert_eq!(speech::number(120), "one, two, zero");
    let lasted = |seconds| speech::duration(SignedDuration::from_secs(seconds));
    assert_eq!(
        [
            lasted(41),
            lasted(60),
            lasted(372),
            lasted(7_500),
            lasted(273_600)
        ],
        [
            "forty-one seconds",
            "one minute",
            "six minutes",
            "two hours",
            "three days"
        ]
    );
}

#[rstest]
#[case("Shop checkout", "Shop checkout")]
#[case("https://shop.example/checkout?x=1", "shop.example")]
#[case("Shop\r\nBcc: x", "Shop Bcc: x")]
#[case("\u{0}", "a monitor")]
fn names_are_said_and_addresses_are_not(#[case] name: &str, #[case] said: &str) {
    assert_eq!(speech::name(name), said);
}

#[test]
fn a_long_name_is_cut_at_a_word() {
    let said = speech::name(&"checkout ".repeat(30));
    assert!(said.len() <= 60 && said.ends_with("checkout"), "{said}");
    assert_eq!(speech::name(&"x".repeat(500)).len(), 60);
}

#[rstest]
#[case(
    "Your server answers 502; Cloudflare only passes it on.",
    "Your server answers with error five, zero, two. Cloudflare only passes it on."
)]
#[case("no answer within 10 s", "no answer within ten seconds")]
#[case("no heartbeat since 13:55", "no heartbeat since thirteen fifty-five")]
#[case(
    "job reports failure (exit 137)",
    "job reports failure exit one, three, seven"
)]
#[case("203.0.113.7:443 did not answer.", "its address did not answer.")]
#[case("See https://shop.example/x.", "See its address.")]
fn sentences_are_said(#[case] written: &str, #[case] said: &str) {
    assert_eq!(speech::sentence(written), said);
}

#[rstest]
#[case(
    Some(Attribution::Origin),
    "Your server answers with error five, zero, two."
)]
#[case(
    Some(Attribution::OriginProxy),
    "Your proxy answers with error five, zero, two."
)]
#[case(
    Some(Attribution::Edge),
    "Your CDN answers with error five, zero, two."
)]
#[case(None, "It answers with error five, zero, two.")]
fn who_answers_with_an_error(#[case] attribution: Option<Attribution>, #[case] said: &str) {
    let failure = Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "").with_detail("502");
    assert_eq!(cause(&failure, attribution), said);
}

#[test]
fn who_is_not_at_fault_comes_first() {
    assert_eq!(
        diagnosed(
            "Your server answers 502; Cloudflare only passes it on. Likely the program behind the web server is not running."
        ),
        "Cloudflare is fine. Your own server answers with error five, zero, two. Likely the program behind the web server is not running."
    );
    assert_eq!(
        diagnosed("The name does not exist."),
        "The name does not exist."
    );
}

#[test]
fn every_cause_can_be_said() {
    for class in FailureClass::ALL {
        let failure = Failure::new(*class, Phase::Body, "").with_detail("10 s");
        let said = cause(&failure, None);
        assert!(said.ends_with('.') && !said.contains("://"), "{said}");
    }
}

#[test]
fn passing_on_names_who_is_next() {
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).into()).collect() };
    assert_eq!(
        [
            passed_on(&[]),
            passed_on(&names(&["Kim"])),
            passed_on(&names(&["Kim", "Bo"])),
            passed_on(&names(&["Kim", "Bo", "Di"])),
        ],
        [
            "There is nobody after you. It stays open. Goodbye.",
            "Passed on to Kim. Goodbye.",
            "Passed on to Kim and Bo. Goodbye.",
            "Passed on to Kim and two others. Goodbye.",
        ]
    );
}

#[rstest]
#[case(Some("human"), None, Heard::Person)]
#[case(Some("unknown"), None, Heard::Person)]
#[case(None, None, Heard::Person)]
#[case(None, Some(""), Heard::Person)]
#[case(Some("machine_start"), None, Heard::Machine)]
#[case(Some("machine_end_beep"), None, Heard::Machine)]
#[case(Some("fax"), None, Heard::Machine)]
#[case(Some("human"), Some("1"), Heard::Key('1'))]
#[case(None, Some("#"), Heard::Key('#'))]
fn the_providers_words(
    #[case] answered_by: Option<&str>,
    #[case] digits: Option<&str>,
    #[case] heard: Heard,
) {
    assert_eq!(Heard::parse(answered_by, digits), heard);
}

fn said(heard: Heard, standing: Standing<'_>) -> Reply {
    turn(&script(), heard, standing, &berlin())
}

#[test]
fn only_key_one_takes_it() {
    let keys = "023456789*#A".chars().map(Heard::Key);
    for heard in keys.chain([Heard::Person, Heard::Machine]) {
        assert_ne!(said(heard, Standing::Open).act, Act::Take, "{heard:?}");
    }
    let reply = said(Heard::Key('1'), Standing::Open);
    assert_eq!((reply.act, reply.say), (Act::Take, vec![TAKEN.to_owned()]));
}

#[test]
fn turns() {
    let person = said(Heard::Person, Standing::Open);
    assert_eq!((person.say.len(), person.asks), (2, true));
    let cause = said(Heard::Key('2'), Standing::Open);
    assert_eq!(cause.say, ["Cloudflare is fine.", MENU]);
    assert!(cause.asks);
    let other = said(Heard::Key('7'), Standing::Open);
    assert_eq!(other.say, [OTHER_KEY, MENU]);
    let machine = said(Heard::Machine, Standing::Open);
    assert_eq!((machine.act, machine.asks), (Act::LeftMessage, false));
    assert_eq!(said(Heard::Key('3'), Standing::Open).act, Act::PassOn);
}

#[test]
fn who_comes_late_hears_who_has_it() {
    let taken = Standing::Taken {
        by: "Kim",
        at: at("13:03:40"),
    };
    let reply = said(Heard::Key('1'), taken);
    assert_eq!(reply.act, Act::Nothing);
    assert_eq!(reply.say, ["Kim has it since fourteen oh three. Goodbye."]);
    assert_eq!(said(Heard::Key('3'), taken).act, Act::Nothing);
    assert_eq!(said(Heard::Key('1'), Standing::Own).say, [TAKEN]);
    let over = Standing::Over {
        from: at("13:02:11"),
        to: at("13:08:23"),
    };
    assert_eq!(
        said(Heard::Person, over).say,
        ["Watchbell. Shop checkout is up again, after six minutes. Nothing to do. Goodbye."]
    );
}

#[test]
fn a_notice_asks_nothing() {
    let script = Script::test("Shop Ltd");
    for heard in [Heard::Person, Heard::Machine, Heard::Key('1')] {
        let reply = turn(&script, heard, Standing::Open, &berlin());
        assert_eq!((reply.act, reply.asks), (Act::Nothing, false));
        assert_eq!(reply.say, std::slice::from_ref(&script.alert));
    }
}

#[test]
fn a_code_is_said_twice() {
    assert_eq!(
        code("482913"),
        "This is Watchbell. Your code is four, eight, two, nine, one, three. Once more: four, eight, two, nine, one, three. If you did not ask for it, hang up. Goodbye."
    );
}

#[test]
fn a_storm_is_said_in_one_call() {
    use crate::alert::storm::{Shared, What};
    let since = "2026-11-22T13:02:11Z".parse().unwrap();
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let shared = Shared {
        count: 41,
        what: What::Address("203.0.113.7".into()),
        cause: "server refuses connections".into(),
    };
    let script = Script::storm(43, since, Some(&shared), &zone);
    assert_eq!(
        script.alert,
        "Watchbell alert. Forty-three monitors are down, since fourteen oh two. Forty-one share one server, which refuses connections."
    );
    assert!(script.menu().starts_with("Press 1 to take all of them."));
    let named = Shared {
        what: What::Host("shop.example".into()),
        cause: "name does not exist in DNS".into(),
        ..shared
    };
    let script = Script::storm(43, since, Some(&named), &zone);
    assert!(
        script
            .cause
            .starts_with("Forty-one share one name. Name does not exist in"),
        "{}",
        script.cause
    );
    assert_eq!(
        Script::storm_over(40, 3).alert,
        "Watchbell. Forty monitors are up again. Three are still down. Goodbye."
    );
}
