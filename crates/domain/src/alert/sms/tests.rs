use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const INCIDENT: &str = "https://watchbell.example/i/7KQ2M9XA";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> TimeZone {
    words::zone("Europe/Berlin")
}

fn shop<'t>(zone: &'t TimeZone, name: &'t str, cause: &'t str, link: &'t str) -> Down<'t> {
    Down {
        name,
        behind: 0,
        since: at("2026-11-22T13:02:11Z"),
        zone,
        cause,
        vote: "3/3 looks failed",
        link,
    }
}

#[test]
fn an_answer_to_a_drill_says_that_it_is_one() {
    assert_eq!(
        reply::drill_answered("Shop checkout", "https://w.example/i/7KQ2M9XA"),
        "Fire drill of Shop checkout: your answer is noted. Nothing is down. https://w.example/i/7KQ2M9XA"
    );
}

#[test]
fn it_says_how_many_stand_behind_it() {
    let zone = berlin();
    let router = Down {
        behind: 4,
        ..shop(
            &zone,
            "Router",
            "Does not answer",
            "https://w.example/i/7KQ2M9XA",
        )
    };
    assert_eq!(
        down(&router),
        "DOWN Router and 4 behind it since 14:02 UTC+1. Does not answer. 3/3 looks failed. Reply ACK. https://w.example/i/7KQ2M9XA"
    );
}

#[test]
fn the_table_of_the_reference() {
    let zone = berlin();
    let cases = [
        (
            down(&shop(
                &zone,
                "Shop checkout",
                "Error 502 from your server",
                INCIDENT,
            )),
            "DOWN Shop checkout since 14:02 UTC+1. Error 502 from your server. 3/3 looks failed. Reply ACK. https://watchbell.example/i/7KQ2M9XA",
            131,
        ),
        (
            certificate(
                "shop.example",
                at("2026-11-25T12:00:00Z"),
                (2, at("2026-11-22T12:00:00Z")),
                &zone,
                "https://watchbell.example/m/4TZ8C1RD",
            ),
            "CERT shop.example expires in 3 days (25 Nov 13:00 UTC+1). Covers 2 monitors, not renewed. https://watchbell.example/m/4TZ8C1RD",
            126,
        ),
        (
            up(&over(&zone, false)),
            "UP Shop checkout since 14:08 UTC+1, was down 6 min 12 s. Error 502 from your server. https://watchbell.example/i/7KQ2M9XA",
            121,
        ),
        (
            code("482913"),
            "Watchbell code 482913, valid 10 minutes. If you did not ask for it, ignore this. Msg & data rates may apply. Reply STOP to block.",
            129,
        ),
    ];
    for (said, wanted, length) in cases {
        assert_eq!(said, wanted);
        assert_eq!(gsm::length(&said), length, "{said}");
    }
}

fn over(zone: &TimeZone, first_word: bool) -> Up<'_> {
    Up {
        name: "Shop checkout",
        from: at("2026-11-22T13:02:11Z"),
        to: at("2026-11-22T13:08:23Z"),
        zone,
        cause: "Error 502 from your server",
        link: INCIDENT,
        first_word,
    }
}

#[test]
fn other_ends_of_an_outage() {
    let zone = berlin();
    assert_eq!(
        up(&over(&zone, true)),
        "WAS DOWN Shop checkout from 14:02 to 14:08 UTC+1 (6 min 12 s). Error 502 from your server. https://watchbell.example/i/7KQ2M9XA"
    );
    assert_eq!(
        closed(&over(&zone, false), "The monitor was paused"),
        "CLOSED Shop checkout at 14:08 UTC+1, was down 6 min 12 s. The monitor was paused. https://watchbell.example/i/7KQ2M9XA"
    );
    assert_eq!(
        taken(
            "Shop checkout",
            "Ana",
            at("2026-11-22T13:03:40Z"),
            &zone,
            INCIDENT
        ),
        "TAKEN Shop checkout by Ana at 14:03 UTC+1. Reminders stop. https://watchbell.example/i/7KQ2M9XA"
    );
}

#[rstest]
#[case::name_first(
    "Checkout of the large shop in the north",
    "Connection reset inside the page of forty four",
    "DOWN Checkout of since 14:02 UTC+1. Connection reset inside the page of forty four. 3/3 looks failed. Reply ACK. https://watchbell.example/i/7KQ2M9XA"
)]
#[case::then_the_vote(
    "Checkout of the large shop in the north",
    "Connection reset inside the page of forty or more characters",
    "DOWN Checkout of since 14:02 UTC+1. Connection reset inside the page of forty or more characters. Reply ACK. https://watchbell.example/i/7KQ2M9XA"
)]
#[case::then_the_cause(
    "Checkout of the large shop in the north",
    "Connection reset inside the page of forty or more characters, and the like, and so on, and on",
    "DOWN Checkout of since 14:02 UTC+1. Connection reset inside the page of forty or more characters, and the like. Reply ACK. https://watchbell.example/i/7KQ2M9XA"
)]
fn what_is_cut(#[case] name: &str, #[case] cause: &str, #[case] wanted: &str) {
    assert_eq!(down(&shop(&berlin(), name, cause, INCIDENT)), wanted);
}

#[test]
fn a_long_link_goes_without_its_scheme() {
    let text = down(&shop(
        &berlin(),
        "Shop",
        "Error 502",
        "https://alerts.watchbell.example/i/7KQ2M9XA",
    ));
    assert!(
        text.ends_with(" Reply ACK. alerts.watchbell.example/i/7KQ2M9XA"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn one_segment_with_link_and_ack(name in any::<String>(), cause in "[ -~äöü€\\[]{0,300}", vote in ".{0,60}", behind in 0..5_000_u32, host in "[a-z]{1,90}") {
        let link = format!("https://{host}/i/7KQ2M9XA");
        let zone = berlin();
        let text = down(&Down { name: &name, behind, cause: &cause, vote: &vote, ..shop(&zone, "", "", &link) });
        prop_assert!(gsm::length(&text) <= gsm::SEGMENT, "{} {text}", gsm::length(&text));
        prop_assert!(text.chars().all(|c| gsm::septets(c).is_some()));
        prop_assert!(text.contains("Reply ACK."));
        let bare = link.strip_prefix("https://").unwrap();
        prop_assert!(text.ends_with(bare), "{text}");
    }

    #[test]
    fn every_other_message_is_one_segment(name in any::<String>(), other in any::<String>()) {
        let zone = berlin();
        let now = at("2026-11-22T13:02:11Z");
        let up_parts = Up { name: &name, cause: &other, ..over(&zone, true) };
        for text in [
            up(&up_parts),
            closed(&up_parts, &other),
            taken(&name, &other, now, &zone, INCIDENT),
            certificate(&name, now, (2, now), &zone, INCIDENT),
            notice("NOTE", &name, "answers slowly since 14:02 UTC+1", &other, INCIDENT),
            test(&name, INCIDENT),
        ] {
            prop_assert!(gsm::length(&text) <= gsm::SEGMENT, "{text}");
            prop_assert!(text.ends_with(INCIDENT), "{text}");
        }
    }
}
