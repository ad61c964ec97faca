//! What is news in an answer, and how it is told.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::check::{FailureClass, HttpFacts, Observation, Redirect};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn answer(aspect: Aspect, values: &[&str]) -> Answer {
    let values = values.iter().map(|value| (*value).to_owned());
    Answer::from([(aspect, values.collect())])
}

/// Answers a day apart, `|` between them and `;` between the values of one.
fn after(aspect: Aspect, answers: &str) -> (Known, Vec<Vec<Change>>) {
    let mut known = None;
    let mut told = Vec::new();
    for (day, values) in answers.split('|').enumerate() {
        let day = i64::try_from(day).unwrap();
        let values = values.split(';').map(str::trim);
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        let seen = answer(aspect, &values);
        let found = remember(known.as_ref(), &seen, at(day * 86_400));
        let (next, changes) = found.unwrap_or_else(|| (known.clone().unwrap(), Vec::new()));
        known = Some(next);
        told.push(changes);
    }
    (known.unwrap(), told)
}

#[rstest]
#[case::the_first_is_no_change(Aspect::Server, "nginx", 0)]
#[case::the_same(Aspect::Server, "nginx | nginx", 0)]
#[case::another(Aspect::Server, "nginx/1.24 | nginx/1.26", 1)]
#[case::back_again(Aspect::Addresses, "192.0.2.1 | 192.0.2.2 | 192.0.2.1", 2)]
#[case::one_more(Aspect::Addresses, "192.0.2.1 | 192.0.2.1; 192.0.2.2", 1)]
#[case::one_less(Aspect::Addresses, "192.0.2.1; 192.0.2.2 | 192.0.2.2", 0)]
#[case::turns(Aspect::Addresses, "a; b | b; c | c; a | a; b", 1)]
#[case::gone(Aspect::Title, "Shop |", 1)]
#[case::there(Aspect::Leads, "| https://shop.example/en", 1)]
#[case::counts(Aspect::Title, "(1) Mail | (12) Mail", 0)]
#[case::never_rests(Aspect::Title, "a | b | c | d | e | f | g", 4)]
fn news(#[case] aspect: Aspect, #[case] answers: &str, #[case] changes: usize) {
    let (_, told) = after(aspect, answers);
    assert_eq!(told.concat().len(), changes, "{told:?}");
}

#[test]
fn what_changes_names_what_was_before_it() {
    let (known, told) = after(Aspect::Server, "nginx/1.24 | nginx/1.26 | nginx/1.24");
    let last = told[2].first().unwrap();
    assert_eq!(
        (last.before.as_slice(), last.after.as_slice(), last.at),
        (
            &["nginx/1.26".to_owned()][..],
            &["nginx/1.24".to_owned()][..],
            at(2 * 86_400)
        )
    );
    let kept = serde_json::to_string(&known).unwrap();
    assert_eq!(serde_json::from_str::<Known>(&kept).unwrap(), known);
}

#[test]
fn a_week_later_what_never_rested_may_change_again() {
    let (known, _) = after(Aspect::Title, "a | b | c | d | e");
    let fresh = answer(Aspect::Title, &["Shop"]);
    assert_eq!(remember(Some(&known), &fresh, at(5 * 86_400)), None);
    assert!(remember(Some(&known), &fresh, at(8 * 86_400)).is_some());
}

#[rstest]
#[case::another_server(Aspect::Server, "Varnish", FailureClass::HttpStatus, true)]
#[case::the_same(Aspect::Server, "Apache", FailureClass::HttpStatus, false)]
#[case::no_header_says_nothing(Aspect::Server, "", FailureClass::HttpStatus, false)]
#[case::a_known_address_among_others(
    Aspect::Addresses,
    "Apache; x",
    FailureClass::HttpStatus,
    false
)]
#[case::the_title_of_an_error(Aspect::Title, "502 Bad Gateway", FailureClass::HttpStatus, false)]
#[case::the_status_of_an_error(Aspect::Status, "502", FailureClass::HttpStatus, false)]
#[case::the_status_of_a_page(Aspect::Status, "206", FailureClass::KeywordMissing, true)]
#[case::the_title_of_a_page(Aspect::Title, "Welcome to nginx!", FailureClass::KeywordMissing, true)]
fn a_failing_answer_tells_who_answers(
    #[case] aspect: Aspect,
    #[case] values: &str,
    #[case] class: FailureClass,
    #[case] tells: bool,
) {
    let (known, _) = after(aspect, "Apache");
    let values = values.split("; ").filter(|value| !value.is_empty());
    let seen = answer(aspect, &values.collect::<Vec<_>>());
    let told = difference(&known, &seen, class, at(0));
    assert_eq!(!told.is_empty(), tells, "{told:?}");
}

#[rstest]
#[case(Aspect::Addresses, &["192.0.2.1"], &["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"],
    "The name leads to 192.0.2.2, 192.0.2.3, 192.0.2.4 and 1 more, before 192.0.2.1; first seen 2 min 10 s before the first failing look")]
#[case(Aspect::Certificate, &["R11, until 3 Feb 2027, 1f2e3d4c"], &["Own CA, until 1 Dec 2027, aabbccdd"],
    "The certificate is of Own CA, until 1 Dec 2027, aabbccdd, before R11, until 3 Feb 2027, 1f2e3d4c; first seen 2 min 10 s before the first failing look")]
#[case(Aspect::Server, &["nginx"], &[], "The server calls itself nothing, before nginx; first seen 2 min 10 s before the first failing look")]
#[case(Aspect::Status, &["200"], &["202"], "The status is 202, before 200; first seen 2 min 10 s before the first failing look")]
#[case(Aspect::Leads, &[], &["https://shop.example/en"],
    "Redirects lead to https://shop.example/en, before nowhere; first seen 2 min 10 s before the first failing look")]
#[case(Aspect::Title, &["Shop"], &["Welcome to nginx!"],
    "The page's title is “Welcome to nginx!”, before “Shop”; first seen 2 min 10 s before the first failing look")]
fn in_words(
    #[case] aspect: Aspect,
    #[case] old: &[&str],
    #[case] new: &[&str],
    #[case] said: &str,
) {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let change = Change {
        aspect,
        before: owned(old),
        after: owned(new),
        at: at(0),
    };
    assert_eq!(before(&change, at(130)), said);
}

fn page(title: &str, server: &str) -> Observation {
    let mut seen = Observation::begin(at(0));
    seen.resolved = vec!["192.0.2.2".parse().unwrap(), "192.0.2.1".parse().unwrap()];
    seen.http = Some(HttpFacts {
        status: 200,
        headers: vec![("server".into(), server.into())],
        body: format!("<!doctype html><HTML><head><Title lang=en>\n {title} </title><body>")
            .into_bytes(),
        ..HttpFacts::default()
    });
    seen.redirects = vec![Redirect {
        from: "https://shop.example/".into(),
        status: 302,
        to: "https://shop.example/en?session=1234#top".into(),
    }];
    seen
}

#[test]
fn an_answer_is_read_without_secrets_and_what_hides() {
    let seen = page("Tom &amp; s3cret-key\u{202e}\u{0} Shop", "nginx\u{7}");
    let read = read(&seen, &["s3cret-key".to_owned()]);
    let texts: Vec<_> = read
        .iter()
        .map(|(aspect, values)| format!("{}: {}", aspect.as_str(), values.join(", ")))
        .collect();
    assert_eq!(
        texts,
        [
            "addresses: 192.0.2.1, 192.0.2.2",
            "status: 200",
            "server: nginx",
            "leads: https://shop.example/en",
            "title: Tom & •••• Shop",
        ]
    );
}

#[test]
fn a_mark_differs_where_an_answer_does() {
    let seen = page("Shop", "nginx");
    let mut turned = seen.clone();
    turned.resolved.reverse();
    turned.total_us = 9;
    assert_eq!(mark(&seen), mark(&turned));
    for other in [page("Shop 2", "nginx"), page("Shop", "Apache")] {
        assert_ne!(mark(&seen), mark(&other));
    }
    let mut elsewhere = seen.clone();
    elsewhere.redirects.clear();
    assert_ne!(mark(&seen), mark(&elsewhere));
    let mut accepted = seen.clone();
    accepted.http.as_mut().unwrap().status = 202;
    assert_ne!(mark(&seen), mark(&accepted));
}

#[test]
fn an_aspect_is_its_word() {
    for aspect in Aspect::ALL {
        assert_eq!(Aspect::parse(aspect.as_str()), Some(aspect));
        let stored = serde_json::to_value(aspect).unwrap();
        assert_eq!(stored, aspect.as_str());
    }
    assert_eq!(Aspect::parse("colour"), None);
}

proptest! {
    #[test]
    fn what_is_known_stays_small_and_is_known_at_once(
        answers in prop::collection::vec(prop::collection::vec("[a-z]{0,4}", 0..20), 1..60),
    ) {
        let mut known: Option<Known> = None;
        let mut told = 0;
        for (second, values) in answers.iter().enumerate() {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let seen = answer(Aspect::Addresses, &values);
            let now = at(i64::try_from(second).unwrap());
            if let Some((next, changes)) = remember(known.as_ref(), &seen, now) {
                told += changes.len();
                prop_assert_eq!(remember(Some(&next), &seen, now), None);
                known = Some(next);
            }
        }
        prop_assert!(told <= 4);
        for memory in known.unwrap_or_default().0.values() {
            prop_assert!(memory.others.len() <= 32 && memory.changed.len() <= 4);
        }
    }

    #[test]
    fn any_page_is_read(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut seen = page("", "");
        if let Some(http) = &mut seen.http {
            http.body = [b"<title".as_slice(), &body].concat();
        }
        let _mark = mark(&seen);
        for values in read(&seen, &[]).values() {
            prop_assert!(values.iter().all(|value| value.chars().count() <= 120));
        }
    }
}
